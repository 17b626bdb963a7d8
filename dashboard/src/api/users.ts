// Users as their administrators see them: what they may, how they sign in, and where they are signed in.

import { queryOptions } from "@tanstack/react-query";
import { call, type Page, root } from "./client";
import { keys } from "./keys";

export interface UserAccount {
	id: string;
	email: string | null;
	username: string | null;
	phone: string | null;
	verified: boolean;
	phone_verified: boolean;
	disabled: boolean;
	anonymous: boolean;
	roles: string[];
	claims: Record<string, unknown>;
	has_password: boolean;
	teams: { team_id: string; role: string; joined_at: string }[];
}

interface NewAccount {
	email: string;
	roles: string[];
	profile: object;
}

export interface AccountChange extends Record<string, unknown> {
	verified?: boolean;
	disabled?: boolean;
	roles?: string[];
	claims?: unknown;
	password?: string;
}

/** One sign-in of a user. */
export interface UserSession {
	id: string;
	created_at: string;
	used_at: string;
	expires_at: string;
	device?: string | null;
	user_agent?: string | null;
	network: string;
	/** How it was proved who the user is, with spaces between. */
	methods: string;
	level: number;
	/** Who acts as the user, where it is not the user. */
	impersonator: string | null;
}

/** A session in which somebody acts as a user. */
export interface Impersonated {
	access_token: string;
	expires_in: number;
}

const at = (project: string, path = "") => `${root(project)}/v1/users${path}`;

export const createUser = async (project: string, body: NewAccount & { password: string }) =>
	(await call<UserAccount>("POST", at(project), { body })).data;

export const inviteUser = async (project: string, body: NewAccount) =>
	(await call<UserAccount>("POST", at(project, "/invite"), { body })).data;

export const accountQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).account(id),
		queryFn: async () => (await call<UserAccount>("GET", at(project, `/${id}`))).data,
	});

export const updateAccount = async (project: string, id: string, body: AccountChange) =>
	(await call<UserAccount>("PATCH", at(project, `/${id}`), { body })).data;

export const userSessionsQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: [...keys.of(project).account(id), "sessions"],
		queryFn: async () =>
			(await call<Page<UserSession>>("GET", at(project, `/${id}/sessions`))).data.items,
	});

export const endSessions = async (project: string, id: string) => {
	await call<void>("POST", at(project, `/${id}/sessions/end`));
};

export const impersonate = async (project: string, id: string, reason: string) =>
	(await call<Impersonated>("POST", at(project, `/${id}/impersonate`), { body: { reason } })).data;
