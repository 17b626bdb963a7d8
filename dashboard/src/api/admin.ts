// The operator's session, projects, keys, settings and logs.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { instance, type Page, project, take } from "./client";
import type { components as Instance } from "./instance";
import { keys } from "./keys";
import { ProblemError } from "./problem";
import type { components as InProject } from "./project";

type Schemas = Instance["schemas"];
export type Operator = Schemas["Operator"];
export type Project = Schemas["Project"];
export type ProjectKey = Schemas["ProjectKey"];
export type NewProjectKey = Schemas["NewProjectKey"];
export type LoggedRequest = Schemas["LoggedRequest"];
export type AuditEntry = Schemas["AuditEntry"];
export type ProjectSettings = InProject["schemas"]["ProjectSettings"];
/** A webhook; its secret is made by the server and shown once. */
export type Hook = InProject["schemas"]["ProjectHook"];
/** A provider by whose accounts users sign in. */
export type SocialProvider = InProject["schemas"]["ProjectSocialProvider"];

/** Makes a new secret for a webhook, which is shown this once. */
export const makeHookSecret = async (id: string, hook: keyof ProjectSettings["hooks"]) =>
	(await take(project(id).POST("/v1/settings/hooks/{hook}/secret", { params: { path: { hook } } })))
		.secret;

/** Who is signed in; null when nobody is. */
export const sessionQuery = queryOptions({
	queryKey: keys.session,
	queryFn: async ({ signal }): Promise<Operator | null> => {
		try {
			return (await take(instance.GET("/admin/v1/session", { signal }))).operator;
		} catch (error) {
			if (error instanceof ProblemError && error.status === 401) return null;
			throw error;
		}
	},
	staleTime: 60_000,
	// A session that has ended makes reads of records anonymous rather than refused, so it is watched.
	refetchInterval: 60_000,
});

export const signIn = (email: string, password: string) =>
	take(instance.POST("/admin/v1/session", { body: { email, password } }));

export const signOut = () => take(instance.DELETE("/admin/v1/session"));

export const setUp = (body: Schemas["SetUp"]) => take(instance.POST("/admin/v1/setup", { body }));

/** All pages of a list that is never long. */
async function all<T>(read: (cursor?: string) => Promise<Page<T>>): Promise<T[]> {
	const items: T[] = [];
	let cursor: string | undefined;
	do {
		const page = await read(cursor);
		items.push(...page.items);
		cursor = page.next_cursor ?? undefined;
	} while (cursor);
	return items;
}

const page = <T>(data: { items: T[]; next_cursor?: string | null; total?: number | null }) =>
	({ ...data, next_cursor: data.next_cursor ?? null, total: data.total ?? undefined }) as Page<T>;

export const projectsQuery = queryOptions({
	queryKey: keys.projects,
	queryFn: () =>
		all<Project>(async (cursor) =>
			page(
				await take(
					instance.GET("/admin/v1/projects", { params: { query: { limit: 1000, cursor } } }),
				),
			),
		),
});

export const createProject = (body: Schemas["ProjectCreate"]) =>
	take(instance.POST("/admin/v1/projects", { body }));

export const renameProject = (id: string, name: string) =>
	take(instance.PATCH("/admin/v1/projects/{id}", { params: { path: { id } }, body: { name } }));

export const suspendProject = (id: string) =>
	take(instance.POST("/admin/v1/projects/{id}/suspend", { params: { path: { id } } }));

export const resumeProject = (id: string) =>
	take(instance.POST("/admin/v1/projects/{id}/resume", { params: { path: { id } } }));

export const keysQuery = (id: string) =>
	queryOptions({
		queryKey: keys.of(id).keys,
		queryFn: () =>
			all<ProjectKey>(async (cursor) =>
				page(
					await take(
						instance.GET("/admin/v1/projects/{id}/keys", {
							params: { path: { id }, query: { limit: 1000, cursor } },
						}),
					),
				),
			),
	});

export const createKey = (id: string, body: Schemas["ProjectKeyCreate"]) =>
	take(instance.POST("/admin/v1/projects/{id}/keys", { params: { path: { id } }, body }));

export const deleteKey = (id: string, key_id: string) =>
	take(
		instance.DELETE("/admin/v1/projects/{id}/keys/{key_id}", { params: { path: { id, key_id } } }),
	);

/** The settings with the version that a change names. */
export const settingsQuery = (id: string) =>
	queryOptions({
		queryKey: keys.of(id).settings,
		queryFn: async () => {
			const answer = project(id).GET("/v1/settings");
			const settings = await take(answer);
			return { settings, etag: (await answer).response.headers.get("etag") ?? "" };
		},
	});

export const updateSettings = (
	id: string,
	etag: string,
	body: InProject["schemas"]["ProjectSettingsPatch"],
) => take(project(id).PATCH("/v1/settings", { params: { header: { "If-Match": etag } }, body }));

export const requestsQuery = (filter: { project?: string; status?: string }) =>
	infiniteQueryOptions({
		queryKey: keys.requests(filter),
		queryFn: async ({ pageParam, signal }) =>
			page<LoggedRequest>(
				await take(
					instance.GET("/admin/v1/requests", {
						params: { query: { ...filter, limit: 100, cursor: pageParam } },
						signal,
					}),
				),
			),
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

/** The audit log of a project, or of the instance. */
export const auditQuery = (id?: string) =>
	infiniteQueryOptions({
		queryKey: id === undefined ? keys.instanceAudit : keys.of(id).audit,
		queryFn: async ({ pageParam, signal }) => {
			const query = { limit: 100, cursor: pageParam };
			return page<AuditEntry>(
				id === undefined
					? await take(instance.GET("/admin/v1/audit", { params: { query }, signal }))
					: await take(project(id).GET("/v1/audit", { params: { query }, signal })),
			);
		},
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const operatorsQuery = queryOptions({
	queryKey: keys.operators,
	queryFn: () =>
		all<Operator>(async (cursor) =>
			page(
				await take(
					instance.GET("/admin/v1/operators", { params: { query: { limit: 1000, cursor } } }),
				),
			),
		),
});

export const createOperator = (body: Schemas["OperatorCreate"]) =>
	take(instance.POST("/admin/v1/operators", { body }));

export const deleteOperator = (id: string) =>
	take(instance.DELETE("/admin/v1/operators/{id}", { params: { path: { id } } }));
