// What has been read from the server, and when to read it again.

import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { keys } from "./api/keys";
import { ProblemError } from "./api/problem";

/** Whether a read may work when it is tried again. */
function isPassing(error: unknown): boolean {
	if (!(error instanceof ProblemError)) return true;
	return ["unavailable", "rate_limited", "project_unavailable"].includes(error.code);
}

function noticeSignOut(error: unknown) {
	if (error instanceof ProblemError && error.status === 401) {
		void client.invalidateQueries({ queryKey: keys.session });
	}
}

export const client: QueryClient = new QueryClient({
	defaultOptions: {
		queries: {
			retry: (count, error) => count < 2 && isPassing(error),
			staleTime: 5_000,
			networkMode: "always",
		},
		mutations: { networkMode: "always" },
	},
	queryCache: new QueryCache({ onError: noticeSignOut }),
	mutationCache: new MutationCache({ onError: noticeSignOut }),
});
