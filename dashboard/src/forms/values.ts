// Between a record and the inputs of its form: what is shown at first, and what is sent.

import type { Field } from "../api/schema";

/** What the inputs hold, by field. Null is "no value", `undefined` is "left to the server". */
export type Values = Record<string, unknown>;

/** Fields that the form has inputs for. */
export const isWritable = (field: Field) => !field.system && field.type !== "id";

/** Whether an existing record's value of the field may be changed at all. */
export const isFixed = (field: Field, isNew: boolean) => !isNew && field.write_once === true;

/** What a form starts with. */
export function initialValues(fields: readonly Field[], record?: Values): Values {
	return Object.fromEntries(
		fields.filter(isWritable).map((field) => {
			if (record) return [field.name, record[field.name] ?? null];
			return [field.name, firstValue(field)];
		}),
	);
}

function firstValue(field: Field): unknown {
	if (isExpression(field.default)) return null;
	if (field.default !== undefined) return field.default;
	return field.type === "bool" && field.required ? false : null;
}

/** Whether a default is computed by the server from the new record. */
export function isExpression(value: unknown): value is { expression: string } {
	return typeof value === "object" && value !== null && "expression" in value;
}

const same = (a: unknown, b: unknown) =>
	a === b || (isBlank(a) && isBlank(b)) || (isObject(a) && JSON.stringify(a) === JSON.stringify(b));
const isObject = (value: unknown) => typeof value === "object" && value !== null;
const isBlank = (value: unknown) => value === null || value === undefined;

/** The body of a create: what was given. What was left empty is the server's to fill. */
export function creation(fields: readonly Field[], values: Values): Values {
	return Object.fromEntries(
		fields
			.filter(isWritable)
			.map((field) => [field.name, values[field.name]] as const)
			.filter(([, value]) => !isBlank(value)),
	);
}

/** The body of a change: what differs from the record. */
export function changes(fields: readonly Field[], record: Values, values: Values): Values {
	return Object.fromEntries(
		fields
			.filter((field) => isWritable(field) && !same(record[field.name], values[field.name]))
			.map((field) => [field.name, values[field.name] ?? null]),
	);
}

/** One field that two people changed: what it was, what the other made of it, what the form holds. */
export interface Difference {
	field: string;
	before: unknown;
	theirs: unknown;
	mine: unknown;
}

/** What somebody else changed since the form was opened, and where that meets a change of the form. */
export function differences(
	fields: readonly Field[],
	before: Values,
	theirs: Values,
	mine: Values,
): Difference[] {
	return fields
		.filter((field) => isWritable(field) && !same(before[field.name], theirs[field.name]))
		.map(({ name }) => ({
			field: name,
			before: before[name],
			theirs: theirs[name],
			mine: mine[name],
		}));
}

/** The form's own changes on top of the record as it is now. */
export function rebased(
	fields: readonly Field[],
	before: Values,
	theirs: Values,
	mine: Values,
): Values {
	return { ...initialValues(fields, theirs), ...changes(fields, before, mine) };
}

/** A value in few words. */
export function brief(value: unknown): string {
	if (isBlank(value)) return "nothing";
	if (typeof value === "string") return value;
	return JSON.stringify(value);
}
