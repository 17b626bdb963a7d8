// What a collection's form sends, and what it takes back.

import { describe, expect, it } from "vitest";
import { collectionOf, definition, NO_RULES, newField, newIndex, opened } from "./definitions";

describe("a field's definition", () => {
	it("holds what belongs to its type", () => {
		const draft = { ...newField(), name: " price ", min: 0, max: "" as const, collection: "x" };
		expect(definition(draft)).toEqual({ name: "price", type: "text", min: 0 });
		expect(definition({ ...draft, type: "number", required: true, default: "1.5" })).toEqual({
			name: "price",
			type: "number",
			format: "float",
			min: 0,
			required: true,
			default: 1.5,
		});
		expect(definition({ ...newField(), name: "s", type: "select", values: ["a", "b"] })).toEqual({
			name: "s",
			type: "select",
			values: ["a", "b"],
		});
	});

	it("sends exact numbers as texts and lists as lists", () => {
		const cost = {
			...newField(),
			name: "cost",
			type: "number" as const,
			format: "decimal" as const,
		};
		expect(definition({ ...cost, min: 0.5, default: "1.50" })).toMatchObject({
			format: "decimal",
			min: "0.5",
			default: "1.50",
		});
		const labels = { ...newField(), name: "l", type: "select" as const, values: ["a"] };
		expect(definition({ ...labels, multiple: true, default: '["a"]' })).toMatchObject({
			multiple: true,
			default: ["a"],
		});
	});

	it("tells expressions from constants", () => {
		const draft = { ...newField(), name: "p", type: "number" as const, default: "product.price" };
		expect(definition({ ...draft, computed: true }).default).toEqual({
			expression: "product.price",
		});
		expect(definition(draft).default).toBe("product.price");
		expect(definition({ ...newField(), type: "bool", default: "false" }).default).toBe(false);
	});

	it("is part of the collection's", () => {
		const index = { ...newIndex(), fields: ["a"], unique: true };
		expect(collectionOf("c ", [], [index], NO_RULES)).toEqual({
			name: "c",
			fields: [],
			indexes: [{ fields: ["a"], unique: true }],
			rules: NO_RULES,
		});
	});
});

describe("rules that open a collection", () => {
	it("are those that become true", () => {
		const rules = { ...NO_RULES, list: "true", view: " true ", create: "auth.id != null" };
		expect(opened(undefined, rules)).toEqual(["list", "view"]);
		expect(opened({ list: "true" }, rules)).toEqual(["view"]);
		expect(opened(rules, rules)).toEqual([]);
	});
});
