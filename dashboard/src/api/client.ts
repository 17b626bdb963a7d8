// The way to the server: same origin, the operator's cookie, every failure a ProblemError.

import createClient, { type Client } from "openapi-fetch";
import type { paths as InstancePaths } from "./instance";
import { problemOf } from "./problem";
import type { paths as ProjectPaths } from "./project";

/** A page of a list, as every list of the server has it. */
export interface Page<T> {
	items: T[];
	next_cursor: string | null;
	total?: number;
}

/** The instance: projects, operators, keys, logs. */
export const instance: Client<InstancePaths> = createClient<InstancePaths>({
	// `fetch` is looked up at each call so that tests can replace it.
	fetch: (request) => fetch(request),
});

const projects = new Map<string, Client<ProjectPaths>>();

/** The root of a project's API on this host. */
export const root = (id: string) => `/p/${encodeURIComponent(id)}`;

/** The static routes of one project. */
export function project(id: string): Client<ProjectPaths> {
	let client = projects.get(id);
	if (!client) {
		client = createClient<ProjectPaths>({ baseUrl: root(id), fetch: (request) => fetch(request) });
		projects.set(id, client);
	}
	return client;
}

/** The data of an answer, or its problem thrown. */
export async function take<T>(
	call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
	const { data, error, response } = await call;
	if (!response.ok) throw await problemOf(response, error);
	return data as T;
}

type Query = Record<string, string | number | undefined>;

/** A request whose shape no document fixes: records differ by collection. */
export async function call<T>(
	method: string,
	path: string,
	options: { query?: Query; body?: unknown; headers?: HeadersInit; signal?: AbortSignal } = {},
): Promise<{ data: T; response: Response }> {
	const headers = new Headers(options.headers);
	if (options.body !== undefined) headers.set("content-type", "application/json");
	const response = await fetch(path + queryText(options.query), {
		method,
		headers,
		body: options.body === undefined ? undefined : JSON.stringify(options.body),
		signal: options.signal,
	});
	if (!response.ok) throw await problemOf(response);
	const data = response.status === 204 ? undefined : await response.json();
	return { data: data as T, response };
}

/** `?a=1&b=2` of what is there, or nothing. */
export function queryText(query: Query = {}): string {
	const pairs = new URLSearchParams();
	for (const [name, value] of Object.entries(query)) {
		if (value !== undefined && value !== "") pairs.set(name, String(value));
	}
	const text = pairs.toString();
	return text && `?${text}`;
}
