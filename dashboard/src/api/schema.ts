// Collections and their fields. Wider than the generated types where a server may be newer than them.

import { queryOptions, useQuery } from "@tanstack/react-query";
import { call, type Page, root } from "./client";
import { keys } from "./keys";
import type { components } from "./project";

export const FIELD_TYPES = [
	"text",
	"editor",
	"email",
	"url",
	"number",
	"bool",
	"datetime",
	"date",
	"select",
	"relation",
	"file",
	"json",
	"geo",
	"uuid",
] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

/** A field of a collection, or one of those that every record has. */
export interface Field {
	name: string;
	type: FieldType | "id";
	required?: boolean;
	unique?: boolean;
	hidden?: boolean;
	read_only?: boolean;
	write_once?: boolean;
	/** Of numbers. `wide` and `decimal` are exact, and texts on the wire. */
	format?: "integer" | "float" | "wide" | "decimal";
	/** Numbers, but texts of exact numbers. */
	min?: number | string;
	max?: number | string;
	/** Of choices, relations and files: a list of them. */
	multiple?: boolean;
	description?: string;
	collection?: string;
	values?: string[];
	bucket?: string;
	default?: unknown;
	/** Kept by the server: never written. */
	system?: boolean;
}

export interface Index {
	fields: string[];
	unique?: boolean;
}

export const ACTIONS = ["list", "view", "create", "update", "delete"] as const;
export type Action = (typeof ACTIONS)[number];
export type Rules = Record<Action, string | null>;

export interface Collection
	extends Omit<
		components["schemas"]["Collection"],
		"fields" | "built_in_fields" | "indexes" | "rules"
	> {
	fields: Field[];
	/** What the server keeps itself, beside what it keeps of every record. */
	built_in_fields: Field[];
	indexes: Index[];
	rules: Rules;
}

export interface NewCollection {
	name: string;
	fields: Field[];
	indexes: Index[];
	rules: Rules;
}

export interface CollectionChange {
	rules?: Partial<Rules>;
	fields?: { add: Field[] };
	indexes?: { add: Index[] };
}

/** Whether a number is one that JavaScript's cannot hold. */
export const isExact = ({ format }: { format?: string }) =>
	format === "wide" || format === "decimal";

const system = (name: string, type: Field["type"]): Field => ({ name, type, system: true });

const STAMPS = [system("created_at", "datetime"), system("updated_at", "datetime")];

/** Every field that a record of the collection shows, in the order of the grid. */
export function allFields(collection: Collection): Field[] {
	const builtIn = collection.built_in_fields.map((field) => ({ ...field, system: true }));
	return [system("id", "id"), ...builtIn, ...collection.fields, ...STAMPS];
}

export const collectionsQuery = (project: string) =>
	queryOptions({
		queryKey: keys.of(project).collections,
		queryFn: async ({ signal }) => {
			const { data } = await call<Page<Collection>>("GET", `${root(project)}/v1/collections`, {
				signal,
			});
			return data.items;
		},
	});

export const useCollections = (project: string) => useQuery(collectionsQuery(project));

export const createCollection = async (project: string, body: NewCollection) =>
	(await call<Collection>("POST", `${root(project)}/v1/collections`, { body })).data;

export const updateCollection = async (project: string, name: string, body: CollectionChange) =>
	(await call<Collection>("PATCH", `${root(project)}/v1/collections/${name}`, { body })).data;

export const deleteCollection = async (project: string, name: string) =>
	(await call<void>("DELETE", `${root(project)}/v1/collections/${name}?confirm=delete:${name}`))
		.data;
