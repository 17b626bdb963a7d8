// What a record is called where only one line of it is shown.

import { allFields, type Collection, type Field } from "../api/schema";

const NAMES = ["name", "title", "label", "subject", "email", "username", "slug", "code", "phone"];

/** The fields that name a record of the collection, the best first. */
export function labelFields(collection: Collection | undefined): string[] {
	if (!collection) return [];
	const texts = allFields(collection).filter((field) => field.type === "text" && !field.hidden);
	const known = NAMES.filter((name) => texts.some((field) => field.name === name));
	if (collection.kind === "users") return known.filter((name) => name !== "slug");
	if (known.length > 0) return known.slice(0, 2);
	return texts.slice(0, 1).map((field: Field) => field.name);
}

/** `01a20365…` */
export const shortId = (id: string) => `${id.slice(0, 8)}…${id.slice(-4)}`;

/** The name of a record, or its id in short where it has none. */
export function labelOf(
	record: Record<string, unknown>,
	collection: Collection | undefined,
): string {
	for (const name of labelFields(collection)) {
		const value = record[name];
		if (typeof value === "string" && value !== "") return value;
	}
	return shortId(String(record.id));
}
