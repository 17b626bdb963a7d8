// What a form changes, and which secrets stay as they are.

import { describe, expect, it } from "vitest";
import { difference, typed } from "./difference";

describe("difference", () => {
	const before = { a: 1, list: ["x"], inner: { b: 2, c: 3, server: null }, same: { d: 4 } };

	it.each([
		["nothing", before, {}],
		["a value", { ...before, a: 2 }, { a: 2 }],
		["a list as a whole", { ...before, list: ["x", "y"] }, { list: ["x", "y"] }],
		[
			"only what differs within",
			{ ...before, inner: { b: 2, c: 5, server: null } },
			{ inner: { c: 5 } },
		],
		[
			"an object where there was none",
			{ ...before, inner: { ...before.inner, server: { host: "h" } } },
			{ inner: { server: { host: "h" } } },
		],
	])("tells %s", (_, after, patch) => {
		expect(difference(before, after)).toEqual(patch);
	});

	it("tells that an object is gone", () => {
		expect(difference({ inner: { server: { host: "h" } } }, { inner: { server: null } })).toEqual({
			inner: { server: null },
		});
	});
});

describe("typed", () => {
	it("leaves out secrets that are empty, however deep", () => {
		const change = {
			list: [
				{ id: "a", secret: "" },
				{ id: "b", secret: "s" },
			],
			secret: "",
		};
		expect(typed(change, ["token", "secret"])).toEqual({
			list: [{ id: "a" }, { id: "b", secret: "s" }],
		});
	});
});
