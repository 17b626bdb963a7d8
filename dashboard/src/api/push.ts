// Push messages, the devices they go to, and what was delivered while the project is in development.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { call, type Page, root } from "./client";
import { keys } from "./keys";

export interface NewMessage {
	to: { users: string[] } | { devices: string[] } | { all: true };
	title: string;
	body?: string;
	image?: string;
	url?: string;
	data?: unknown;
	ttl_seconds?: number;
	urgency?: string;
	collapse_key?: string;
	dry_run?: boolean;
}

/** A message and how far it is. Counts by reason differ by what went wrong. */
export interface Message {
	id: string;
	status: string;
	title?: string | null;
	body?: string | null;
	url?: string | null;
	to?: unknown;
	created_at?: string;
	counts?: Record<string, unknown>;
	queued?: number;
	sent?: number;
	failed?: number;
	pruned?: number;
	[more: string]: unknown;
}

export interface InboxEntry {
	id?: string;
	message?: string;
	user?: string | null;
	device?: string | null;
	outcome?: string;
	at?: string;
	created_at?: string;
	payload?: { notification?: DeclarativeNotification; [more: string]: unknown };
	[more: string]: unknown;
}

/** The declarative form that browsers show without a worker. */
export interface DeclarativeNotification {
	title?: string;
	body?: string;
	navigate?: string;
	image?: string;
	[more: string]: unknown;
}

export interface Device {
	id: string;
	kind: string;
	user?: string | null;
	locale?: string | null;
	created_at?: string;
	last_seen_at?: string;
}

const at = (project: string, path: string) => `${root(project)}/v1/push/${path}`;

export const sendMessage = async (project: string, body: NewMessage) =>
	(await call<Message>("POST", at(project, "messages"), { body })).data;

export const cancelMessage = async (project: string, id: string) => {
	await call<Message>("POST", at(project, `messages/${id}/cancel`));
};

const list = <T>(key: readonly unknown[], path: string) =>
	infiniteQueryOptions({
		queryKey: key,
		queryFn: async ({ pageParam, signal }) =>
			(
				await call<Page<T>>("GET", path, {
					query: { limit: 100, cursor: pageParam },
					signal,
				})
			).data,
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const messagesQuery = (project: string) =>
	list<Message>(keys.of(project).messages, at(project, "messages"));

export const inboxQuery = (project: string) =>
	list<InboxEntry>(keys.of(project).inbox, at(project, "inbox"));

/** Whether anything can still happen to the message. */
export const isPending = ({ status }: Message) =>
	!["sent", "done", "failed", "cancelled", "canceled", "expired", "dry_run"].includes(status);

export const messageQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).message(id),
		queryFn: async () => (await call<Message>("GET", at(project, `messages/${id}`))).data,
		refetchInterval: ({ state }) => (state.data && isPending(state.data) ? 2000 : false),
	});

export const pushConfigQuery = (project: string) =>
	queryOptions({
		queryKey: [...keys.of(project).push, "config"],
		queryFn: async () =>
			(await call<{ vapid_public_key: string }>("GET", at(project, "config"))).data,
		staleTime: Number.POSITIVE_INFINITY,
	});

export const devicesQuery = (project: string, user: string) =>
	queryOptions({
		queryKey: [...keys.of(project).devices, user],
		queryFn: async () =>
			(await call<Page<Device>>("GET", at(project, "devices"), { query: { user, limit: 100 } }))
				.data.items,
	});

/** The four counts of a message, wherever the server keeps them. */
export function countsOf(
	message: Message,
): Record<"queued" | "sent" | "failed" | "pruned", number> {
	const of = (name: string) => {
		const value = message.counts?.[name] ?? message[name];
		return typeof value === "number" ? value : 0;
	};
	return { queued: of("queued"), sent: of("sent"), failed: of("failed"), pruned: of("pruned") };
}

/** Why deliveries failed, the most frequent first. */
export function reasonsOf(message: Message): [string, number][] {
	const reasons =
		message.reasons ?? message.by_reason ?? message.counts?.by_reason ?? message.counts?.reasons;
	if (typeof reasons !== "object" || reasons === null) return [];
	return Object.entries(reasons)
		.filter((pair): pair is [string, number] => typeof pair[1] === "number" && pair[1] > 0)
		.sort((a, b) => b[1] - a[1]);
}
