// What of a file is sent, and in how many requests.

import { describe, expect, it } from "vitest";
import { entriesOf, portions } from "./transfer";

describe("entriesOf", () => {
	it("knows the lines of what is not empty, and keeps what is no JSON", () => {
		expect(entriesOf('\n{"email":"a@b.c"}\r\n\n{oops\n')).toEqual([
			{ place: 2, text: '{"email":"a@b.c"}' },
			{ place: 4, text: "{oops" },
		]);
	});

	it("reads a list, and leaves out what only an export tells", () => {
		const list = [{ email: "a@b.c", created_at: "2026-01-01T00:00:00Z", anonymous: false }, 7];
		expect(entriesOf(JSON.stringify(list, null, 2))).toEqual([
			{ place: 1, text: '{"email":"a@b.c"}' },
			{ place: 2, text: "7" },
		]);
	});

	it("throws at a list that does not end", () => {
		expect(() => entriesOf('[{"email":')).toThrow(SyntaxError);
	});
});

describe("portions", () => {
	const entry = (text: string) => ({ place: 1, text });

	it("has no more users than a request takes", () => {
		const all = portions(Array.from({ length: 2001 }, () => entry("{}")));
		expect(all.map((portion) => portion.length)).toEqual([1000, 1000, 1]);
	});

	it("has no more characters than a request takes, but for one user alone", () => {
		const all = portions(
			["x".repeat(200_000), "x".repeat(100_000), "x".repeat(300_000)].map(entry),
		);
		expect(all.map((portion) => portion.length)).toEqual([1, 1, 1]);
		expect(portions([])).toEqual([]);
	});
});
