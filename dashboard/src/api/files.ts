// Buckets and files.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { call, type Page, queryText, root } from "./client";
import { keys } from "./keys";
import { ProblemError } from "./problem";
import type { Rules } from "./schema";

/** A bucket. `files` live until they are deleted, `attachments` as long as a record's field holds them. */
export interface Bucket {
	name: string;
	kind: "files" | "attachments";
	rules: Rules;
	limits: BucketLimits;
	created_at: string;
	updated_at: string;
}

export interface BucketLimits {
	size_bytes_max?: number | null;
	content_types?: string[] | null;
}

export interface StoredFile {
	id: string;
	bucket: string;
	path: string;
	size_bytes: number;
	content_type: string;
	sha256: string;
	uploader: string | null;
	created_at: string;
	updated_at: string;
}

export const bucketsQuery = (project: string) =>
	queryOptions({
		queryKey: keys.of(project).buckets,
		queryFn: async () =>
			(await call<Page<Bucket>>("GET", `${root(project)}/v1/buckets`)).data.items,
	});

export const createBucket = async (
	project: string,
	body: Pick<Bucket, "name" | "kind" | "rules" | "limits">,
) => (await call<Bucket>("POST", `${root(project)}/v1/buckets`, { body })).data;

export const updateBucket = async (
	project: string,
	name: string,
	body: Partial<Pick<Bucket, "rules" | "limits">>,
) => (await call<Bucket>("PATCH", `${root(project)}/v1/buckets/${name}`, { body })).data;

export const deleteBucket = async (project: string, name: string) => {
	await call<void>("DELETE", `${root(project)}/v1/buckets/${name}`);
};

export const filesQuery = (project: string, bucket: string, prefix: string | undefined) =>
	infiniteQueryOptions({
		queryKey: [...keys.of(project).files(bucket), prefix ?? ""],
		queryFn: async ({ pageParam, signal }) =>
			(
				await call<Page<StoredFile>>("GET", `${root(project)}/v1/buckets/${bucket}/files`, {
					query: { prefix, limit: 200, cursor: pageParam, count: "exact" },
					signal,
				})
			).data,
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const fileQuery = (project: string, bucket: string, id: string) =>
	queryOptions({
		queryKey: [...keys.of(project).files(bucket), "one", id],
		queryFn: async () =>
			(await call<StoredFile>("GET", `${root(project)}/v1/buckets/${bucket}/files/${id}`)).data,
	});

/** Where the bytes are. */
export const bytesOf = (project: string, id: string) => `${root(project)}/v1/files/${id}`;

const pathOf = (path: string) => path.split("/").map(encodeURIComponent).join("/");

/** Sends a file's bytes; `fetch` tells nothing of an upload's progress, so this is the older way. */
export function uploadFile(
	project: string,
	bucket: string,
	path: string,
	file: File,
	onProgress?: (part: number) => void,
	signal?: AbortSignal,
): Promise<StoredFile> {
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest();
		request.open("PUT", `${root(project)}/v1/files/${bucket}/${pathOf(path)}${queryText()}`);
		request.setRequestHeader("content-type", file.type || "application/octet-stream");
		request.responseType = "json";
		request.upload.onprogress = (event) => {
			if (event.lengthComputable) onProgress?.(event.loaded / event.total);
		};
		request.onload = () => {
			if (request.status >= 200 && request.status < 300) return resolve(request.response);
			reject(
				new ProblemError(
					request.response?.title
						? request.response
						: {
								type: "about:blank",
								title: `The server answered ${request.status}`,
								status: request.status,
								code: "unknown",
							},
				),
			);
		};
		request.onerror = () => reject(new TypeError("The upload was interrupted."));
		request.onabort = () => reject(new DOMException("Stopped", "AbortError"));
		signal?.addEventListener("abort", () => request.abort());
		request.send(file);
	});
}

export const deleteFile = async (project: string, id: string) => {
	await call<void>("DELETE", bytesOf(project, id));
};
