// Teams of users, their members, and who is asked to join.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { project as at, take } from "./client";
import { keys } from "./keys";
import type { components } from "./project";

type Schemas = components["schemas"];
export type Team = Schemas["Team"];
/** A user's place in a team. */
export type Member = Schemas["TeamMember"];
/** An address that is asked to join. */
export type Invitation = Schemas["TeamInvitation"];

/** What members can be; an app has names of its own beside these. */
export const ROLES = ["owner", "admin", "member"];

export const teamsQuery = (project: string) =>
	infiniteQueryOptions({
		queryKey: [...keys.of(project).teams, "list"],
		queryFn: ({ pageParam, signal }) =>
			take(
				at(project).GET("/v1/teams", {
					params: { query: { limit: 100, cursor: pageParam } },
					signal,
				}),
			),
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const teamQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).team(id),
		queryFn: () => take(at(project).GET("/v1/teams/{id}", { params: { path: { id } } })),
	});

export const membersQuery = (project: string, id: string) =>
	infiniteQueryOptions({
		queryKey: [...keys.of(project).team(id), "members"],
		queryFn: ({ pageParam }) =>
			take(
				at(project).GET("/v1/teams/{id}/members", {
					params: { path: { id }, query: { limit: 100, cursor: pageParam } },
				}),
			),
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const invitationsQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: [...keys.of(project).team(id), "invitations"],
		queryFn: async () =>
			(await take(at(project).GET("/v1/teams/{id}/invitations", { params: { path: { id } } })))
				.items,
	});

export const createTeam = (project: string, body: Schemas["TeamIn"]) =>
	take(at(project).POST("/v1/teams", { body }));

export const renameTeam = (project: string, id: string, name: string) =>
	take(at(project).PATCH("/v1/teams/{id}", { params: { path: { id } }, body: { name } }));

export const deleteTeam = (project: string, id: string) =>
	take(at(project).DELETE("/v1/teams/{id}", { params: { path: { id } } }));

/** Makes somebody a member, or gives a member another role. */
export const putMember = (project: string, id: string, user: string, role: string) =>
	take(
		at(project).PUT("/v1/teams/{id}/members/{user}", {
			params: { path: { id, user } },
			body: { role },
		}),
	);

export const removeMember = (project: string, id: string, user: string) =>
	take(at(project).DELETE("/v1/teams/{id}/members/{user}", { params: { path: { id, user } } }));

export const invite = (project: string, id: string, body: Schemas["TeamInviteIn"]) =>
	take(at(project).POST("/v1/teams/{id}/invitations", { params: { path: { id } }, body }));

export const revokeInvitation = (project: string, id: string, invitation: string) =>
	take(
		at(project).DELETE("/v1/teams/{id}/invitations/{invitation}", {
			params: { path: { id, invitation } },
		}),
	);
