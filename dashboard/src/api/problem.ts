// The one shape of every error of the server (RFC 9457), and what went wrong on the way to it.

/** One fault of one value: where it is and what is wrong with it. */
export interface FieldFault {
	/** A JSON pointer into the body, or `?name` for a query parameter. */
	path: string;
	code: string;
	message: string;
}

/** The body of an `application/problem+json` answer. */
export interface Problem {
	type: string;
	title: string;
	status: number;
	code: string;
	detail?: string;
	request_id?: string;
	errors?: FieldFault[];
	hint?: string;
}

/** A failed request. */
export class ProblemError extends Error {
	override readonly name = "ProblemError";

	constructor(readonly problem: Problem) {
		super(problem.detail ?? problem.title);
	}

	get status(): number {
		return this.problem.status;
	}

	get code(): string {
		return this.problem.code;
	}
}

/** Reads the problem of an answer that failed, whoever sent it: a proxy on the way sends no problem. */
export async function problemOf(response: Response, body?: unknown): Promise<ProblemError> {
	const read = body ?? (await response.json().catch(() => undefined));
	if (isProblem(read)) return new ProblemError(read);
	return new ProblemError({
		type: "about:blank",
		title: response.statusText || `The server answered ${response.status}`,
		status: response.status,
		code: "unknown",
		request_id: response.headers.get("x-request-id") ?? undefined,
	});
}

function isProblem(value: unknown): value is Problem {
	return (
		typeof value === "object" &&
		value !== null &&
		typeof (value as Problem).title === "string" &&
		typeof (value as Problem).code === "string"
	);
}

/** Any thrown value as a problem that can be shown. */
export function asProblem(error: unknown): Problem {
	if (error instanceof ProblemError) return error.problem;
	const offline = error instanceof TypeError;
	return {
		type: "about:blank",
		title: offline ? "The server cannot be reached" : "Something went wrong",
		status: 0,
		code: offline ? "unreachable" : "unknown",
		detail: error instanceof Error && !offline ? error.message : undefined,
	};
}

/** Whether the server has no such route: a part that this server was built without, or is older than. */
export function isMissingRoute(error: unknown): boolean {
	return error instanceof ProblemError && error.code === "route_not_found";
}

/** The parts of a JSON pointer (RFC 6901). */
export function pointer(path: string): string[] {
	if (!path.startsWith("/")) return [];
	return path
		.slice(1)
		.split("/")
		.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Messages by form path, `/fields/0/name` as `fields.0.name`; more than one of a path are joined. */
export function messagesByField(faults: readonly FieldFault[] = []): Record<string, string> {
	const messages: Record<string, string> = {};
	for (const fault of faults) {
		const name = pointer(fault.path).join(".");
		if (name === "") continue;
		messages[name] = messages[name] ? `${messages[name]} ${fault.message}` : fault.message;
	}
	return messages;
}
