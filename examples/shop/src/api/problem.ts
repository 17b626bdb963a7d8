// What went wrong, as the server tells it (RFC 9457), or as the network does.

import type { components } from "./schema";

type Wire = components["schemas"]["Problem"];
/** The fault of one value: `path` is a JSON pointer into the body that was sent. */
export type Fault = NonNullable<Wire["errors"]>[number];

export class Problem extends Error {
	/** The HTTP status; 0 where no answer came. */
	readonly status: number;
	/** A stable word for programs; `offline` where no answer came. */
	readonly code: Wire["code"] | "offline";
	readonly faults: readonly Fault[];

	constructor(status: number, wire?: Partial<Wire>) {
		super(wire?.detail ?? wire?.title ?? "Something went wrong.");
		this.status = status;
		this.code = wire?.code ?? "internal";
		this.faults = wire?.errors ?? [];
	}

	static offline(): Problem {
		const problem = new Problem(0, { title: "The shop cannot be reached. Are you online?" });
		return Object.assign(problem, { code: "offline" });
	}

	/** Reads the body of an answer that is no success. */
	static async of(response: Response): Promise<Problem> {
		return new Problem(response.status, await response.json().catch(() => undefined));
	}

	/** Whether the request may have had its effect although no good answer came. */
	get isUndecided(): boolean {
		return this.status === 0 || this.status === 408 || this.status >= 500 || this.code === "in_flight";
	}
}

/** Whatever was thrown, as a problem that can be shown. */
export function asProblem(error: unknown): Problem {
	if (error instanceof Problem) return error;
	console.error(error);
	return new Problem(0, { title: "Something went wrong in this page." });
}
