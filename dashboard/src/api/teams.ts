// Teams of users, their members, and who is asked to join.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { call, type Page, root } from "./client";
import { keys } from "./keys";

export interface Team {
	id: string;
	name: string;
	created_at: string;
	updated_at: string;
}

/** A user's place in a team. */
export interface Member {
	user_id: string;
	role: string;
	joined_at: string;
}

/** An address that is asked to join. */
export interface Invitation {
	id: string;
	email: string;
	role: string;
	created_at: string;
	expires_at: string;
}

/** What members can be; an app has names of its own beside these. */
export const ROLES = ["owner", "admin", "member"];

const at = (project: string, path = "") => `${root(project)}/v1/teams${path}`;

export const teamsQuery = (project: string) =>
	infiniteQueryOptions({
		queryKey: [...keys.of(project).teams, "list"],
		queryFn: async ({ pageParam, signal }) =>
			(
				await call<Page<Team>>("GET", at(project), {
					query: { limit: 100, cursor: pageParam },
					signal,
				})
			).data,
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const teamQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).team(id),
		queryFn: async () => (await call<Team>("GET", at(project, `/${id}`))).data,
	});

export const membersQuery = (project: string, id: string) =>
	infiniteQueryOptions({
		queryKey: [...keys.of(project).team(id), "members"],
		queryFn: async ({ pageParam }) =>
			(
				await call<Page<Member>>("GET", at(project, `/${id}/members`), {
					query: { limit: 100, cursor: pageParam },
				})
			).data,
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const invitationsQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: [...keys.of(project).team(id), "invitations"],
		queryFn: async () =>
			(await call<Page<Invitation>>("GET", at(project, `/${id}/invitations`))).data.items,
	});

export const createTeam = async (project: string, body: { name: string; owner: string | null }) =>
	(await call<Team>("POST", at(project), { body })).data;

export const renameTeam = async (project: string, id: string, name: string) =>
	(await call<Team>("PATCH", at(project, `/${id}`), { body: { name } })).data;

export const deleteTeam = async (project: string, id: string) => {
	await call<void>("DELETE", at(project, `/${id}`));
};

/** Makes somebody a member, or gives a member another role. */
export const putMember = async (project: string, id: string, user: string, role: string) =>
	(await call<Member>("PUT", at(project, `/${id}/members/${user}`), { body: { role } })).data;

export const removeMember = async (project: string, id: string, user: string) => {
	await call<void>("DELETE", at(project, `/${id}/members/${user}`));
};

export const invite = async (project: string, id: string, body: { email: string; role: string }) =>
	(await call<Invitation>("POST", at(project, `/${id}/invitations`), { body })).data;

export const revokeInvitation = async (project: string, id: string, invitation: string) => {
	await call<void>("DELETE", at(project, `/${id}/invitations/${invitation}`));
};
