// The typed client: paths, bodies and answers come from the project's own OpenAPI document (`npm run types`).

import createClient from "openapi-fetch";
import { Problem } from "./problem";
import type { components, paths } from "./schema";
import { fetchSigned } from "./session";

type Schemas = components["schemas"];

/**
 * A record as a list or a look answers it. The document calls every member optional, because `fields=` may leave it
 * out, and tells no shape of what `expand=` brings along: this says what our own requests ask for.
 */
type Whole<T, Expanded = unknown> = Required<Omit<T, "expand">> & { expand: Expanded };

export type Genre = Whole<Schemas["Genre"]>;
export type Person = Whole<Schemas["Person"]>;
export type Film = Whole<Schemas["Product"], { genre: Genre | null; director: Person | null }>;
export type Order = Whole<Schemas["Order"]>;
export type Line = Whole<Schemas["OrderLine"]>;
export type Wish = Whole<Schemas["Wish"]>;
export type Page<T> = { items: T[]; next_cursor: string | null; total?: number };

/** `{filter, params: {q: "x"}}` becomes `filter=...&params.q=x`: values never become part of an expression. */
function query(values: Record<string, unknown>): string {
	const search = new URLSearchParams();
	for (const [name, value] of Object.entries(values)) {
		if (name === "params") {
			for (const [param, text] of Object.entries(value as object))
				search.set(`params.${param}`, String(text));
		} else if (value !== undefined && value !== null) {
			search.set(name, String(value));
		}
	}
	return search.toString();
}

export const api = createClient<paths>({ fetch: fetchSigned, querySerializer: query });

/** The answer of a call, or its problem thrown. */
export async function must<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
	const { data, error, response } = await call;
	if (response.ok) return data as T;
	throw new Problem(response.status, (error ?? {}) as ConstructorParameters<typeof Problem>[1]);
}

/** A list filter that takes any number of ids: `id in [params.i0, params.i1]`. */
export function among(
	field: string,
	ids: readonly string[],
): { filter: string; params: Record<string, string> } {
	const names = ids.map((_, index) => `params.i${index}`);
	return {
		filter: `${field} in [${names.join(", ")}]`,
		params: Object.fromEntries(ids.map((id, index) => [`i${index}`, id])),
	};
}

/** Sends the bytes of a file to a bucket; `path` may have slashes. */
export async function putFile(bucket: string, path: string, bytes: Blob): Promise<{ id: string }> {
	const response = await fetchSigned(
		new Request(`/v1/files/${bucket}/${path}`, {
			method: "PUT",
			headers: { "Content-Type": bytes.type },
			body: bytes,
		}),
	);
	if (!response.ok) throw await Problem.of(response);
	return response.json();
}

/** Fetches a file that only its user may see, as an address that an image can show; revoke it when it is gone. */
export async function fileUrl(id: string): Promise<string> {
	const response = await fetchSigned(new Request(`/v1/files/${id}`));
	if (!response.ok) throw await Problem.of(response);
	return URL.createObjectURL(await response.blob());
}
