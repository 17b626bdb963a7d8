// What a message about a record may say, for the operator to change.

import { expanded, type RecordData } from "../api/records";
import type { Collection } from "../api/schema";
import { labelFields } from "../forms/labels";

/** `orders` is told as `order`. */
export function singular(name: string): string {
	const word = name.replaceAll("_", " ");
	if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
	if (/(s|x|z|ch|sh)es$/.test(word)) return word.slice(0, -2);
	return word.endsWith("s") && !word.endsWith("ss") ? word.slice(0, -1) : word;
}

/** Title and body made of the record's state, and the record itself. */
export function suggestion(
	record: RecordData,
	collection: Collection,
	collections: readonly Collection[],
): { title: string; body: string } {
	const noun = singular(collection.name);
	const state = collection.fields.find((field) => field.type === "select" && record[field.name]);
	const title = state ? `Your ${noun} is ${record[state.name]}` : `About your ${noun}`;
	const lines = collection.fields.flatMap((field) => {
		const value = record[field.name];
		if (field === state || value === null || value === undefined || value === "") return [];
		if (field.type === "relation") {
			if (field.collection === "users") return [];
			const target = collections.find(({ name }) => name === field.collection);
			const [name] = labelFields(target);
			const labels = expanded(record, field.name).flatMap((other) => (name && other[name]) || []);
			return labels.length > 0 ? [`${field.name}: ${labels.join(", ")}`] : [];
		}
		if (field.type === "file" || field.type === "bool") return [];
		return [`${field.name}: ${value}`];
	});
	return { title, body: lines.slice(0, 3).join("\n") };
}
