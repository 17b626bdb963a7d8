// Users as their administrators see them: what they may, how they sign in, and where they are signed in.

import { queryOptions } from "@tanstack/react-query";
import { project as at, take } from "./client";
import { keys } from "./keys";
import type { components } from "./project";

type Schemas = components["schemas"];
export type UserAccount = Schemas["ManagedUserDetail"];
export type AccountChange = Schemas["ManagedUserPatch"];
/** One sign-in of a user. */
export type UserSession = Schemas["ManagedSession"];
/** A session in which somebody acts as a user. */
export type Impersonated = Schemas["ImpersonatedView"];

export const createUser = (project: string, body: Schemas["ManagedUserIn"]) =>
	take(at(project).POST("/v1/users", { body }));

export const inviteUser = (project: string, body: Schemas["InviteIn"]) =>
	take(at(project).POST("/v1/users/invite", { body }));

const of = (id: string) => ({ path: { id } });

export const accountQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).account(id),
		queryFn: () => take(at(project).GET("/v1/users/{id}", { params: of(id) })),
	});

export const updateAccount = (project: string, id: string, body: AccountChange) =>
	take(at(project).PATCH("/v1/users/{id}", { params: of(id), body }));

export const userSessionsQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: [...keys.of(project).account(id), "sessions"],
		queryFn: async () =>
			(await take(at(project).GET("/v1/users/{id}/sessions", { params: of(id) }))).items,
	});

export const endSessions = (project: string, id: string) =>
	take(at(project).POST("/v1/users/{id}/sessions/end", { params: of(id) }));

/** Removes the passkeys and second factors of a user who lost them, which ends all its sessions. */
export const resetFactors = (project: string, id: string) =>
	take(at(project).DELETE("/v1/users/{id}/factors", { params: of(id) }));

export const impersonate = (project: string, id: string, reason: string) =>
	take(at(project).POST("/v1/users/{id}/impersonate", { params: of(id), body: { reason } }));
