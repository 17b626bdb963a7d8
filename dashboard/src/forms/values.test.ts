// Values go through a form and come back as they were.

import { describe, expect, it } from "vitest";
import type { Collection, Field } from "../api/schema";
import { labelFields, labelOf } from "./labels";
import { changes, creation, differences, initialValues, rebased } from "./values";

const fields: Field[] = [
	{ name: "id", type: "id", system: true },
	{ name: "title", type: "text", required: true },
	{ name: "stock", type: "number", default: 3 },
	{ name: "price", type: "number", default: { expression: "product.price" } },
	{ name: "open", type: "bool", required: true },
	{ name: "note", type: "text" },
];

describe("a new record's form", () => {
	it("starts with constants, and leaves expressions to the server", () => {
		expect(initialValues(fields)).toEqual({
			title: null,
			stock: 3,
			price: null,
			open: false,
			note: null,
		});
	});

	it("sends what was given and nothing else", () => {
		expect(creation(fields, { title: "", stock: 0, price: null, open: false, id: "x" })).toEqual({
			title: "",
			stock: 0,
			open: false,
		});
	});
});

describe("an existing record's form", () => {
	const record = { id: "1", title: "a", stock: 1, price: 2, open: true, note: null };

	it("sends the changes alone, null where a value was taken away", () => {
		expect(changes(fields, record, { ...record })).toEqual({});
		expect(changes(fields, record, { ...record, title: "b", stock: null })).toEqual({
			title: "b",
			stock: null,
		});
		expect(changes(fields, { ...record, note: undefined }, record)).toEqual({});
	});

	it("tells what another changed and keeps its own changes on top", () => {
		const theirs = { ...record, title: "theirs", stock: 9 };
		const mine = { ...record, title: "mine", note: "n" };
		expect(differences(fields, record, theirs, mine)).toEqual([
			{ field: "title", before: "a", theirs: "theirs", mine: "mine" },
			{ field: "stock", before: 1, theirs: 9, mine: 1 },
		]);
		expect(rebased(fields, record, theirs, mine)).toMatchObject({
			title: "mine",
			stock: 9,
			note: "n",
		});
	});
});

describe("a record's label", () => {
	const texts = (names: string[]) => names.map((name) => ({ name, type: "text" }));
	const collection = (kind: "table" | "users", ...names: string[]) =>
		({
			kind,
			built_in_fields: texts(kind === "users" ? ["email", "username"] : []),
			fields: texts(names),
		}) as Collection;

	it("is a name if there is one, else the first text, else the id", () => {
		expect(labelFields(collection("table", "summary", "title"))).toEqual(["title"]);
		expect(labelFields(collection("table", "summary"))).toEqual(["summary"]);
		expect(labelOf({ id: "01a20365-4208-75aa-b7ca-9c758f95e427" }, collection("table"))).toBe(
			"01a20365…e427",
		);
	});

	it("of a user is its name before its address", () => {
		const users = collection("users", "name");
		expect(labelOf({ id: "x", name: "Ada", email: "a@b.c" }, users)).toBe("Ada");
		expect(labelOf({ id: "x", name: null, email: "a@b.c" }, users)).toBe("a@b.c");
	});
});
