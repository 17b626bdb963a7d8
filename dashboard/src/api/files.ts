// Buckets and files.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { project as at, queryText, root, take } from "./client";
import { keys } from "./keys";
import { ProblemError } from "./problem";
import type { components } from "./project";

type Schemas = components["schemas"];
/** A bucket. `files` live until they are deleted, `attachments` as long as a record's field holds them. */
export type Bucket = Schemas["Bucket"];
export type BucketLimits = Schemas["BucketLimits"];
export type StoredFile = Schemas["File"];

export const bucketsQuery = (project: string) =>
	queryOptions({
		queryKey: keys.of(project).buckets,
		queryFn: async () => (await take(at(project).GET("/v1/buckets"))).items,
	});

export const createBucket = (project: string, body: Schemas["BucketCreate"]) =>
	take(at(project).POST("/v1/buckets", { body }));

export const updateBucket = (project: string, bucket: string, body: Schemas["BucketPatch"]) =>
	take(at(project).PATCH("/v1/buckets/{bucket}", { params: { path: { bucket } }, body }));

export const deleteBucket = (project: string, bucket: string) =>
	take(at(project).DELETE("/v1/buckets/{bucket}", { params: { path: { bucket } } }));

export const filesQuery = (project: string, bucket: string, prefix: string | undefined) =>
	infiniteQueryOptions({
		queryKey: [...keys.of(project).files(bucket), prefix ?? ""],
		queryFn: ({ pageParam, signal }) =>
			take(
				at(project).GET("/v1/buckets/{bucket}/files", {
					params: {
						path: { bucket },
						query: { prefix, limit: 200, cursor: pageParam, count: "exact" },
					},
					signal,
				}),
			),
		initialPageParam: undefined as string | undefined,
		getNextPageParam: (last) => last.next_cursor ?? undefined,
	});

export const fileQuery = (project: string, bucket: string, id: string) =>
	queryOptions({
		queryKey: [...keys.of(project).files(bucket), "one", id],
		queryFn: () =>
			take(
				at(project).GET("/v1/buckets/{bucket}/files/{id}", { params: { path: { bucket, id } } }),
			),
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

export const deleteFile = (project: string, id: string) =>
	take(at(project).DELETE("/v1/files/{id}", { params: { path: { id } } }));
