import { describe, expect, it } from "vitest";
import { both, condition, literal, operatorsOf, placeOf } from "./filter";

const text = { name: "title", type: "text" } as const;

describe("a condition", () => {
	it("quotes what is typed, so that it stays one value", () => {
		expect(literal('a"b\\c\n')).toBe('"a\\"b\\\\c\\n"');
		expect(condition(text, "==", '" || true || "')).toBe('title == "\\" || true || \\""');
	});

	it("fits the field's type", () => {
		expect(condition(text, "contains", "land")).toBe('title.matches_like("land")');
		expect(condition({ name: "stock", type: "number" }, ">=", "3")).toBe("stock >= 3");
		expect(condition({ name: "stock", type: "number" }, ">=", "x")).toBeUndefined();
		expect(condition({ name: "open", type: "bool" }, "true", null)).toBe("open == true");
		expect(condition({ name: "due", type: "datetime" }, "<", "2026-01-01T00:00:00Z")).toBe(
			'due < timestamp("2026-01-01T00:00:00Z")',
		);
		expect(condition(text, "null", null)).toBe("title == null");
		expect(condition(text, "==", "")).toBeUndefined();
		expect(operatorsOf({ name: "s", type: "select" }).map(({ id }) => id)).toEqual([
			"==",
			"!=",
			"null",
			"set",
		]);
	});

	it("joins others without changing what they mean", () => {
		expect(both(undefined, "a == 1")).toBe("a == 1");
		expect(both("a == 1", "b == 2")).toBe("a == 1 && b == 2");
		expect(both("a == 1 || c", "b == 2")).toBe("(a == 1 || c) && b == 2");
	});
});

describe("a place", () => {
	it("is taken out of the sentence and counted in the editor's units", () => {
		expect(placeOf("a text cannot be compared (characters 2 to 4); hint", "😀 ab")).toEqual({
			message: "a text cannot be compared; hint",
			from: 3,
			to: 5,
		});
		expect(placeOf("something else", "x")).toEqual({ message: "something else" });
	});
});
