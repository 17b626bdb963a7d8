// Users that come from elsewhere in a file, and all users as a file.

import { project as at, root, take } from "./client";
import type { FieldFault } from "./problem";
import type { components } from "./project";

type Imported = components["schemas"]["ImportedView"];

/** A user of a file, and the line that it stands in, or its place in a list; both from 1. */
export interface Entry {
	place: number;
	text: string;
}

/** What came of a file so far. */
export interface Report {
	/** Whether nothing was written. */
	isDry: boolean;
	done: number;
	total: number;
	created: number;
	existing: number;
	failed: { place: number; faults: FieldFault[] }[];
}

/** By what a user is there already. */
export type Match = "id" | "email";

/** What one request takes: users, and characters well below the bytes of a body. */
const USERS_MAX = 1000;
const CHARACTERS_MAX = 256_000;

/** What an export tells of a user that an import does not take. */
const TOLD_ONLY = ["created_at", "updated_at", "anonymous"];

/** Whether a file is a JSON list, of which each user has a place and no line. */
export const isList = (text: string) => text.trimStart().startsWith("[");

/** The users of a file: a JSON list, or an object a line. A line that is no JSON is kept as it is; the server tells. */
export function entriesOf(text: string): Entry[] {
	if (isList(text)) {
		const list = JSON.parse(text) as unknown[];
		return list.map((value, index) => ({ place: index + 1, text: JSON.stringify(fitting(value)) }));
	}
	return text
		.split("\n")
		.map((line, index) => ({ place: index + 1, text: line.trim() }))
		.filter((entry) => entry.text !== "")
		.map((entry) => ({ ...entry, text: rewritten(entry.text) }));
}

function rewritten(line: string): string {
	try {
		return JSON.stringify(fitting(JSON.parse(line)));
	} catch {
		return line;
	}
}

function fitting(value: unknown): unknown {
	if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
	return Object.fromEntries(Object.entries(value).filter(([name]) => !TOLD_ONLY.includes(name)));
}

/** The entries as they go into one request each. */
export function portions(entries: readonly Entry[]): Entry[][] {
	const all: Entry[][] = [];
	let size = CHARACTERS_MAX;
	for (const entry of entries) {
		const last = all.at(-1);
		size += entry.text.length + 1;
		if (!last || last.length >= USERS_MAX || size > CHARACTERS_MAX) {
			all.push([entry]);
			size = entry.text.length + 1;
		} else {
			last.push(entry);
		}
	}
	return all;
}

/**
 * Sends the users, portion by portion, and tells how far it is. Each user is made by itself, and who is there stays: after
 * an interruption the same file can be sent again.
 */
export async function importUsers(
	project: string,
	entries: readonly Entry[],
	query: { dry_run: boolean; match: Match },
	onProgress: (report: Report) => void,
): Promise<Report> {
	let report: Report = {
		isDry: query.dry_run,
		done: 0,
		total: entries.length,
		created: 0,
		existing: 0,
		failed: [],
	};
	for (const portion of portions(entries)) {
		const told: Imported = await take(
			at(project).POST("/v1/users/import", {
				params: { query },
				headers: { "content-type": "application/x-ndjson" },
				// The document has the other form of the body, a list.
				body: portion.map(({ text }) => text).join("\n") as unknown as [],
				bodySerializer: (lines) => lines,
			}),
		);
		const failed = told.items
			.filter(({ status }) => status === "failed")
			.map(({ index, errors }) => ({
				place: portion[index]?.place ?? 0,
				faults: errors as unknown as FieldFault[],
			}));
		report = {
			...report,
			done: report.done + portion.length,
			created: report.created + told.created,
			existing: report.existing + told.existing,
			failed: [...report.failed, ...failed],
		};
		onProgress(report);
	}
	return report;
}

/** Where all users can be fetched, an object a line. */
export const exportAddress = (project: string, hashes: boolean) =>
	`${root(project)}/v1/users/export${hashes ? "?hashes=true" : ""}`;
