// The mails of a project: what became of each, what the development inbox caught, and what they are made of.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { project as at, type Page, take } from "./client";
import { keys } from "./keys";
import type { components } from "./project";

type Schemas = components["schemas"];
export type Mail = Schemas["Mail"];
export type MailContent = Schemas["MailContent"];
export type MailParts = Schemas["MailParts"];
export type MailTemplate = Schemas["MailTemplate"];

/** What can become of a mail. `caught` is in the development inbox. */
export const STATUSES = ["queued", "sent", "failed", "dropped", "caught"] as const;
export type MailStatus = (typeof STATUSES)[number];

export const mailsQuery = (project: string, status?: string) =>
	infiniteQueryOptions({
		queryKey: [...keys.of(project).mails, "list", status],
		queryFn: async ({ pageParam, signal }): Promise<Page<Mail>> =>
			take(
				at(project).GET("/v1/mails", {
					params: { query: { limit: 100, cursor: pageParam, status } },
					signal,
				}),
			),
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const mailQuery = (project: string, id: string) =>
	queryOptions({
		queryKey: keys.of(project).mail(id),
		queryFn: () => take(at(project).GET("/v1/mails/{id}", { params: { path: { id } } })),
	});

export const clearMails = (project: string) => take(at(project).DELETE("/v1/mails"));

export const templatesQuery = (project: string) =>
	queryOptions({
		queryKey: keys.of(project).templates,
		queryFn: async () => (await take(at(project).GET("/v1/mail-templates"))).items,
	});

/** Which template, in which language. */
export interface Which {
	name: string;
	language: string;
}

const path = ({ name, language }: Which) => ({ path: { name, language } });

export const saveTemplate = (project: string, which: Which, body: MailParts) =>
	take(at(project).PUT("/v1/mail-templates/{name}/{language}", { params: path(which), body }));

/** Goes back to what is built in. */
export const resetTemplate = (project: string, which: Which) =>
	take(at(project).DELETE("/v1/mail-templates/{name}/{language}", { params: path(which) }));

export const previewQuery = (project: string, which: Which, body: MailParts) =>
	queryOptions({
		queryKey: [...keys.of(project).templates, "preview", which, body],
		queryFn: ({ signal }) =>
			take(
				at(project).POST("/v1/mail-templates/{name}/{language}/preview", {
					params: path(which),
					body,
					signal,
				}),
			),
		retry: false,
		gcTime: 0,
	});
