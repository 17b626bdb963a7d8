// Push messages, the devices they go to, and what was delivered while the project is in development.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { project as at, take } from "./client";
import { keys } from "./keys";
import type { components } from "./project";

type Schemas = components["schemas"];
export type NewMessage = Schemas["PushMessageIn"];
export type Message = Schemas["PushMessage"];
export type Device = Schemas["Device"];
/** What one recipient got, or would have got. */
export type InboxEntry = Schemas["PushInboxEntry"];

export type Outcome = keyof Message["counts"];

/** What became of the deliveries of a message; each device is counted once. */
export const OUTCOMES = [
	"queued",
	"sent",
	"failed",
	"pruned",
	"skipped",
] as const satisfies Outcome[];

/** The declarative form that browsers show without a worker; the document tells no shape of a payload. */
export interface DeclarativeNotification {
	title?: string;
	body?: string;
	navigate?: string;
	image?: string;
}

export const notificationOf = ({ payload }: InboxEntry): DeclarativeNotification =>
	(payload as { notification?: DeclarativeNotification }).notification ?? {};

export const sendMessage = (project: string, body: NewMessage) =>
	take(at(project).POST("/v1/push/messages", { body }));

export const cancelMessage = (project: string, id: string) =>
	take(at(project).POST("/v1/push/messages/{id}/cancel", { params: { path: { id } } }));

export const messagesQuery = (project: string) =>
	infiniteQueryOptions({
		queryKey: keys.of(project).messages,
		queryFn: ({ pageParam, signal }) =>
			take(
				at(project).GET("/v1/push/messages", {
					params: { query: { limit: 100, cursor: pageParam } },
					signal,
				}),
			),
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const inboxQuery = (project: string) =>
	infiniteQueryOptions({
		queryKey: keys.of(project).inbox,
		queryFn: ({ pageParam, signal }) =>
			take(
				at(project).GET("/v1/push/inbox", {
					params: { query: { limit: 100, cursor: pageParam } },
					signal,
				}),
			),
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

/** Whether anything can still happen to the message. */
export const isPending = ({ status }: Message) => status === "queued" || status === "sending";

export const messageQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).message(id),
		queryFn: () => take(at(project).GET("/v1/push/messages/{id}", { params: { path: { id } } })),
		refetchInterval: ({ state }) => (state.data && isPending(state.data) ? 2000 : false),
	});

export const pushConfigQuery = (project: string) =>
	queryOptions({
		queryKey: [...keys.of(project).push, "config"],
		queryFn: () => take(at(project).GET("/v1/push/config")),
		staleTime: Number.POSITIVE_INFINITY,
	});

export const devicesQuery = (project: string, user: string) =>
	queryOptions({
		queryKey: [...keys.of(project).devices, user],
		queryFn: async () =>
			(await take(at(project).GET("/v1/push/devices", { params: { query: { user, limit: 100 } } })))
				.items,
	});
