// A provider of OpenID Connect of the test's own, by whose accounts people sign in: it asks nobody for a password.

import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

/** The person that it knows. */
export type Person = { sub: string; email: string; name: string };

/** The app's id and secret there. */
export const client = { client_id: "second-reel", client_secret: "a secret of the film shop" };

/** What a browser asked for. */
type Asked = { challenge: string; nonce: string | null; redirect: string };

/** Listens on a free port of this machine. */
export class Provider {
	/** Who is signed in there. */
	person: Person = { sub: "1", email: "", name: "" };
	private readonly codes = new Map<string, Asked>();

	private constructor(
		/** The issuer; to be allowed by `GALLEY_GATE__EGRESS__ALLOW_ORIGINS`. */
		readonly origin: string,
		private readonly server: Server,
		private readonly key: CryptoKey,
		private readonly jwk: JWK,
	) {}

	static async start(): Promise<Provider> {
		const { publicKey, privateKey } = await generateKeyPair("ES256");
		const jwk = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256", use: "sig" };
		const server = createServer();
		await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
		const { port } = server.address() as AddressInfo;
		const provider = new Provider(`http://127.0.0.1:${port}`, server, privateKey, jwk);
		server.on("request", (request, response) => void provider.answer(request, response));
		return provider;
	}

	async stop(): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((done) => this.server.close(done));
	}

	private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const url = new URL(request.url ?? "/", this.origin);
		const json = (value: unknown, status = 200) => {
			response.writeHead(status, { "content-type": "application/json" });
			response.end(JSON.stringify(value));
		};
		if (url.pathname === "/.well-known/openid-configuration") {
			return json({
				issuer: this.origin,
				authorization_endpoint: `${this.origin}/authorize`,
				token_endpoint: `${this.origin}/token`,
				jwks_uri: `${this.origin}/jwks`,
				response_types_supported: ["code"],
				subject_types_supported: ["public"],
				id_token_signing_alg_values_supported: ["ES256"],
				code_challenge_methods_supported: ["S256"],
			});
		}
		if (url.pathname === "/jwks") return json({ keys: [this.jwk] });
		if (url.pathname === "/authorize") {
			const code = randomUUID();
			const redirect = url.searchParams.get("redirect_uri") ?? "";
			const challenge = url.searchParams.get("code_challenge") ?? "";
			this.codes.set(code, { challenge, redirect, nonce: url.searchParams.get("nonce") });
			const back = new URL(redirect);
			back.searchParams.set("code", code);
			back.searchParams.set("state", url.searchParams.get("state") ?? "");
			response.writeHead(303, { location: back.href });
			return void response.end();
		}
		if (url.pathname === "/token") {
			const form = new URLSearchParams(await text(request));
			const asked = this.codes.get(form.get("code") ?? "");
			this.codes.delete(form.get("code") ?? "");
			const hash = createHash("sha256").update(form.get("code_verifier") ?? "");
			const isGood =
				asked?.redirect === form.get("redirect_uri") &&
				asked?.challenge === hash.digest("base64url");
			if (!asked || !isGood) return json({ error: "invalid_grant" }, 400);
			const claims = { ...this.person, email_verified: true, nonce: asked.nonce };
			const id_token = await new SignJWT(claims)
				.setProtectedHeader({ alg: "ES256", kid: "one" })
				.setIssuer(this.origin)
				.setAudience(client.client_id)
				.setIssuedAt()
				.setExpirationTime("5m")
				.sign(this.key);
			return json({ access_token: randomUUID(), token_type: "Bearer", expires_in: 300, id_token });
		}
		json({ error: "not_found" }, 404);
	}
}

async function text(request: IncomingMessage): Promise<string> {
	let all = "";
	for await (const chunk of request) all += chunk;
	return all;
}
