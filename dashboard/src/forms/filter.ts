// Filters made of a field, an operator and a value, and the places that the server's compiler names.

import type { Field } from "../api/schema";

/** An operator of the builder. */
export interface Operator {
	id: string;
	label: string;
	/** Whether it takes no value. */
	unary?: boolean;
}

const EMPTY: Operator[] = [
	{ id: "null", label: "is empty", unary: true },
	{ id: "set", label: "is not empty", unary: true },
];
const EQUAL: Operator[] = [
	{ id: "==", label: "is" },
	{ id: "!=", label: "is not" },
];

/** The operators that fit a field, the most useful first. */
export function operatorsOf(field: Field): Operator[] {
	switch (field.type) {
		case "text":
		case "editor":
		case "email":
		case "url":
			return [
				{ id: "contains", label: "contains" },
				...EQUAL,
				{ id: "startsWith", label: "starts with" },
				...EMPTY,
			];
		case "number":
			return [
				{ id: "==", label: "=" },
				{ id: "!=", label: "≠" },
				{ id: ">", label: ">" },
				{ id: ">=", label: "≥" },
				{ id: "<", label: "<" },
				{ id: "<=", label: "≤" },
				...EMPTY,
			];
		case "bool":
			return [
				{ id: "true", label: "is yes", unary: true },
				{ id: "false", label: "is no", unary: true },
				...EMPTY,
			];
		case "datetime":
		case "date":
			return [{ id: ">=", label: "from" }, { id: "<", label: "before" }, ...EMPTY];
		case "json":
		case "geo":
			return EMPTY;
		default:
			return field.multiple ? [{ id: "has", label: "has" }] : [...EQUAL, ...EMPTY];
	}
}

/** A text as a CEL literal. */
export function literal(text: string): string {
	const escapes: Record<string, string> = {
		"\\": "\\\\",
		'"': '\\"',
		"\n": "\\n",
		"\r": "\\r",
		"\t": "\\t",
	};
	return `"${text.replace(/[\\"\n\r\t]/g, (char) => escapes[char] ?? char)}"`;
}

/** The expression of one condition; undefined while its value is missing or does not fit. */
export function condition(field: Field, operator: string, value: unknown): string | undefined {
	const { name } = field;
	if (operator === "null") return `${name} == null`;
	if (operator === "set") return `${name} != null`;
	if (operator === "true") return `${name} == true`;
	if (operator === "false") return `${name} == false`;
	if (value === null || value === undefined || value === "") return undefined;
	if (operator === "has") return `${literal(String(value))} in ${name}`;
	if (field.type === "number") {
		const number = Number(value);
		return Number.isFinite(number) ? `${name} ${operator} ${number}` : undefined;
	}
	if (field.type === "datetime") return `${name} ${operator} timestamp(${literal(String(value))})`;
	if (operator === "contains") return `${name}.matches_like(${literal(String(value))})`;
	if (operator === "startsWith") return `${name}.startsWith(${literal(String(value))})`;
	return `${name} ${operator} ${literal(String(value))}`;
}

/** Another condition that must hold as well. */
export function both(filter: string | undefined, more: string): string {
	const old = filter?.trim();
	if (!old) return more;
	return `${/\|\||\?/.test(old) ? `(${old})` : old} && ${more}`;
}

/** A fault of an expression: its sentence, and where it is in UTF-16 units if the server said so. */
export interface Place {
	message: string;
	from?: number;
	to?: number;
}

/** Reads "… (characters 3 to 7)". The server counts code points, the editor UTF-16 units. */
export function placeOf(message: string, text: string): Place {
	const found = /^(.*) \(characters (\d+) to (\d+)\)(.*)$/s.exec(message);
	if (!found) return { message };
	const points = [...text];
	const unit = (count: number) => points.slice(0, count).join("").length;
	const from = unit(Number(found[2]));
	const to = unit(Number(found[3]));
	return { message: `${found[1]}${found[4]}`, from, to };
}
