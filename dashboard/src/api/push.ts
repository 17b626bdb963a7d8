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

/** What became of the deliveries of a message; each device is counted once. */
export const OUTCOMES = ["queued", "sent", "failed", "pruned", "skipped"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Message {
	id: string;
	/** `queued` until it is addressed, `sending` until nothing of it waits, then `done`; or `cancelled`. */
	status: string;
	audience?: { kind: string; size: number | null };
	title: string;
	body: string | null;
	url: string | null;
	dry_run?: boolean;
	counts: Record<Outcome, number>;
	reasons?: { outcome: Outcome; reason: string; count: number }[];
	actor?: string | null;
	created_at: string;
	expires_at?: string;
	finished_at?: string | null;
}

/** What one recipient got, or would have got. */
export interface InboxEntry {
	id: string;
	message: string;
	user: string | null;
	device: string | null;
	payload: { notification?: DeclarativeNotification };
	outcome: string;
	reason: string | null;
	created_at: string;
	updated_at: string;
}

/** The declarative form that browsers show without a worker. */
export interface DeclarativeNotification {
	title?: string;
	body?: string;
	navigate?: string;
	image?: string;
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
export const isPending = ({ status }: Message) => status === "queued" || status === "sending";

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
