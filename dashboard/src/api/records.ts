// Records of any collection: lists by cursor, one by one with their version, and conditional writes.

import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { call, type Page, root } from "./client";
import { keys } from "./keys";

export type RecordData = Record<string, unknown> & {
	id: string;
	_version?: number;
	/** A record for a relation to one, a page of them for a relation to many. */
	expand?: Record<string, RecordData | { items: RecordData[] } | null>;
};

export interface ListQuery {
	filter?: string;
	sort?: string;
	limit?: number;
	cursor?: string;
	expand?: string;
}

const at = (project: string, collection: string, id?: string) =>
	`${root(project)}/v1/records/${collection}${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;

export const recordsQuery = (project: string, collection: string, query: ListQuery) =>
	queryOptions({
		queryKey: keys.of(project).list(collection, query),
		queryFn: async ({ signal }) => {
			const { data } = await call<Page<RecordData>>("GET", at(project, collection), {
				query: { ...query, count: "exact" },
				signal,
			});
			return data;
		},
		placeholderData: keepPreviousData,
	});

export const recordQuery = (project: string, collection: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).record(collection, id),
		queryFn: async ({ signal }) =>
			(await call<RecordData>("GET", at(project, collection, id), { signal })).data,
	});

/** Records whose label holds what was typed, for choosing one. */
export async function searchRecords(
	project: string,
	collection: string,
	labels: readonly string[],
	text: string,
	signal?: AbortSignal,
): Promise<RecordData[]> {
	const query: Record<string, string | number> = { limit: 20 };
	if (text !== "" && labels.length > 0) {
		query.filter = labels.map((name) => `${name}.matches_like(params.text)`).join(" || ");
		query["params.text"] = text;
	}
	if (labels[0] !== undefined) query.sort = labels[0];
	const { data } = await call<Page<RecordData>>("GET", at(project, collection), { query, signal });
	return data.items;
}

export const createRecord = async (project: string, collection: string, body: object) =>
	(await call<RecordData>("POST", at(project, collection), { body })).data;

/** Changes what is in `body`, if nobody has changed the record since `version`. */
export const updateRecord = async (
	project: string,
	collection: string,
	id: string,
	body: object,
	version: number,
) =>
	(
		await call<RecordData>("PATCH", at(project, collection, id), {
			body,
			headers: { "if-match": `"${version}"` },
		})
	).data;

/** Of a user goes all that is kept of it, in every service. */
export const deleteRecord = async (project: string, collection: string, id: string) => {
	const user = `${root(project)}/v1/users/${id}`;
	await call<void>("DELETE", collection === "users" ? user : at(project, collection, id));
};

/** How many records match. */
export async function countRecords(project: string, collection: string, filter?: string) {
	const { data } = await call<Page<RecordData>>("GET", at(project, collection), {
		query: { filter, count: "exact", limit: 1, fields: "id" },
	});
	return data.total ?? 0;
}

/** The records that a relation of a record was expanded to. */
export function expanded(record: RecordData, field: string): RecordData[] {
	const found = record.expand?.[field];
	if (!found) return [];
	return "items" in found && Array.isArray(found.items) ? found.items : [found as RecordData];
}
