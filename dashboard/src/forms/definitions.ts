// Between a collection's form and its definition on the wire.

import {
	ACTIONS,
	type Action,
	type Field,
	type FieldType,
	type Index,
	isExact,
	type NewCollection,
	type Rules,
} from "../api/schema";

/** A field as its inputs hold it. */
export interface FieldDraft {
	key: string;
	name: string;
	type: FieldType;
	required: boolean;
	unique: boolean;
	hidden: boolean;
	read_only: boolean;
	write_once: boolean;
	format: "integer" | "float" | "wide" | "decimal";
	min: number | "";
	max: number | "";
	/** Of choices, relations and files: a list of them. */
	multiple: boolean;
	collection: string;
	bucket: string;
	values: string[];
	default: string;
	/** Whether the default is an expression rather than a constant. */
	computed: boolean;
}

export interface IndexDraft {
	key: string;
	fields: string[];
	unique: boolean;
}

let count = 0;
const key = () => `k${count++}`;

export const newField = (): FieldDraft => ({
	key: key(),
	name: "",
	type: "text",
	required: false,
	unique: false,
	hidden: false,
	read_only: false,
	write_once: false,
	format: "float",
	min: "",
	max: "",
	multiple: false,
	collection: "",
	bucket: "",
	values: [],
	default: "",
	computed: false,
});

export const newIndex = (): IndexDraft => ({ key: key(), fields: [], unique: false });

export const NO_RULES: Rules = { list: null, view: null, create: null, update: null, delete: null };

/** A constant as its field's type has it; a text that does not fit is sent as it is, for the server to name. */
function constant(draft: FieldDraft): unknown {
	const text = draft.default;
	if (draft.type === "number" && !isExact(draft))
		return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
	if (draft.type === "bool") return text === "true" ? true : text === "false" ? false : text;
	if (draft.type === "json" || draft.type === "geo" || draft.multiple) {
		try {
			return JSON.parse(text);
		} catch {
			return text;
		}
	}
	return text;
}

/** The types of which a record may have a list. */
export const MULTIPLE: readonly FieldType[] = ["select", "relation", "file"];

/** The field as it is sent: options of other types are left out, and so is what is off. */
export function definition(draft: FieldDraft): Field {
	const field: Field = { name: draft.name.trim(), type: draft.type };
	for (const flag of ["required", "unique", "hidden", "read_only", "write_once"] as const) {
		if (draft[flag]) field[flag] = true;
	}
	if (draft.type === "number") field.format = draft.format;
	if (draft.type === "text" || draft.type === "number") {
		const bound = (value: number) =>
			draft.type === "number" && isExact(draft) ? String(value) : value;
		if (draft.min !== "") field.min = bound(draft.min);
		if (draft.max !== "") field.max = bound(draft.max);
	}
	if (draft.type === "relation") field.collection = draft.collection;
	if (draft.type === "file") field.bucket = draft.bucket;
	if (draft.type === "select") field.values = draft.values;
	if (MULTIPLE.includes(draft.type) && draft.multiple) field.multiple = true;
	if (draft.default !== "") {
		field.default = draft.computed ? { expression: draft.default } : constant(draft);
	}
	return field;
}

export const indexOf = ({ fields, unique }: IndexDraft): Index => ({ fields, unique });

/** The body of `POST /v1/collections`. */
export const collectionOf = (
	name: string,
	fields: readonly FieldDraft[],
	indexes: readonly IndexDraft[],
	rules: Rules,
): NewCollection => ({
	name: name.trim(),
	fields: fields.map(definition),
	indexes: indexes.map(indexOf),
	rules,
});

/** Whom a rule lets in: operators and keys alone, everyone, or whom an expression says. */
export type Mode = "none" | "all" | "rule";

export const modeOf = (rule: string | null): Mode =>
	rule === null ? "none" : rule.trim() === "true" ? "all" : "rule";

/** The rules of which the new ones are `true` and the old ones were not: who saves this opens it to the world. */
export function opened(before: Partial<Rules> | undefined, after: Rules): Action[] {
	return ACTIONS.filter(
		(action) => modeOf(after[action]) === "all" && modeOf(before?.[action] ?? null) !== "all",
	);
}
