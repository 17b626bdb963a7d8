// Serves the built app as the server will, under the policy that the server will send, and passes the rest on to a
// running server, so that page and API share one origin.

import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import {
	createServer,
	type IncomingMessage,
	request,
	type Server,
	type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize, resolve } from "node:path";

const dist = resolve(import.meta.dirname, "../dist");

const TYPES: Record<string, string> = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
	".json": "application/json",
};

/** The policy of the app's pages. */
export const policy = (nonce: string) =>
	`default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`;

/** The policy of the reference page, whose viewer writes style attributes. */
export const referencePolicy =
	"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'";

/** A running copy of the app before a server at `target`. */
export class Site {
	private constructor(
		readonly url: string,
		private readonly server: Server,
	) {}

	static async start(target: string, port = 0): Promise<Site> {
		const server = createServer((from, to) => {
			answer(target, from, to).catch((error) => {
				to.writeHead(500).end(String(error));
			});
		});
		await new Promise<void>((done) => server.listen(port, "127.0.0.1", done));
		return new Site(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server);
	}

	async stop(): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((done) => this.server.close(done));
	}
}

async function answer(target: string, from: IncomingMessage, to: ServerResponse): Promise<void> {
	const path = new URL(from.url ?? "/", "http://x").pathname;
	if (path === "/") {
		to.writeHead(302, { location: "/dashboard/" }).end();
		return;
	}
	const docs = /^(?:\/p\/[^/]+)?\/v1\/docs(?:\/([\w.]+))?$/.exec(path);
	if (docs)
		return file(join(dist, "reference", docs[1] ?? "index.html"), from, to, referencePolicy);
	if (path === "/dashboard" || path.startsWith("/dashboard/")) return app(path, from, to);
	pass(target, from, to);
}

async function app(path: string, from: IncomingMessage, to: ServerResponse): Promise<void> {
	const inside = normalize(decodeURIComponent(path.slice("/dashboard".length)));
	if (extname(inside) !== "" && !inside.includes("..")) {
		return file(join(dist, inside), from, to, policy("none"));
	}
	const nonce = randomBytes(16).toString("base64");
	const page = await readFile(join(dist, "index.html"), "utf8");
	to.writeHead(200, {
		"content-type": TYPES[".html"],
		"content-security-policy": policy(nonce),
		"cache-control": "no-store",
		"x-content-type-options": "nosniff",
	});
	to.end(page.replaceAll("__CSP_NONCE__", nonce));
}

async function file(
	path: string,
	from: IncomingMessage,
	to: ServerResponse,
	csp: string,
): Promise<void> {
	const packs = String(from.headers["accept-encoding"] ?? "").includes("gzip");
	const packed = packs ? await readFile(`${path}.gz`).catch(() => undefined) : undefined;
	const bytes = packed ?? (await readFile(path).catch(() => undefined));
	if (!bytes) {
		to.writeHead(404).end();
		return;
	}
	to.writeHead(200, {
		"content-type": TYPES[extname(path)] ?? "application/octet-stream",
		"content-security-policy": csp,
		"x-content-type-options": "nosniff",
		...(packed ? { "content-encoding": "gzip" } : {}),
	});
	to.end(from.method === "HEAD" ? undefined : bytes);
}

/** The Host stays: the server compares it with the page's origin. */
function pass(target: string, from: IncomingMessage, to: ServerResponse): void {
	const onward = request(
		new URL(from.url ?? "/", target),
		{ method: from.method, headers: from.headers },
		(back) => {
			to.writeHead(back.statusCode ?? 502, back.headers);
			back.pipe(to);
		},
	);
	onward.on("error", () => to.writeHead(502).end());
	from.pipe(onward);
}
