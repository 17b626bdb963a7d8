import { describe, expect, it } from "vitest";
import type { Collection } from "../api/schema";
import { singular, suggestion } from "./notify";
import { slugOf } from "./slug";

describe("a suggestion", () => {
	const orders = {
		name: "orders",
		kind: "table",
		fields: [
			{ name: "customer", type: "relation", collection: "users" },
			{ name: "status", type: "select", values: ["placed", "shipped"] },
			{ name: "note", type: "text" },
		],
	} as unknown as Collection;

	it("tells the state first, and never the user's own id", () => {
		const record = { id: "1", customer: "u", status: "shipped", note: "by post" };
		expect(suggestion(record, orders, [])).toEqual({
			title: "Your order is shipped",
			body: "note: by post",
		});
		expect(suggestion({ id: "1", customer: "u", status: null, note: null }, orders, [])).toEqual({
			title: "About your order",
			body: "",
		});
	});

	it("knows the singular of common words", () => {
		expect(["orders", "wishes", "categories", "order_lines", "address"].map(singular)).toEqual([
			"order",
			"wish",
			"category",
			"order line",
			"address",
		]);
	});
});

describe("a slug", () => {
	it("is what a project's id may be", () => {
		expect(slugOf("  Mein Café & Laden! ")).toBe("mein-cafe-laden");
		expect(slugOf("3 Shops")).toBe("shops");
		expect(slugOf("x".repeat(60))).toHaveLength(40);
	});
});
