// A push service of the test's own: takes what the server sends, checks who sent it (RFC 8292), and decrypts it with
// an implementation that is not the server's (RFC 8291).

import { createECDH, type ECDH, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { importJWK, jwtVerify } from "jose";

/** The part of `http_ece` that is used; it comes without types. */
const ece = createRequire(import.meta.url)("http_ece") as {
	decrypt(
		bytes: Buffer,
		options: { version: "aes128gcm"; privateKey: ECDH; authSecret: string },
	): Buffer;
};

/** What a browser would give to its page. */
export type Subscription = { endpoint: string; keys: { p256dh: string; auth: string } };

/** One message as it arrived. */
export type Push = {
	text: string;
	/** Headers of RFC 8030. */
	ttl: number;
	urgency: string | undefined;
	topic: string | undefined;
	/** The sender's public key, by which its token was verified. */
	vapidKey: string;
	/** Who the sender says it is: a `mailto:` or `https:` address. */
	subject: string | undefined;
};

type Device = { ecdh: ECDH; auth: string };

/** Listens on a free port of this machine. */
export class PushService {
	/** What has arrived, in order. */
	readonly pushes: Push[] = [];
	/** What was wrong with what arrived; empty in a good run. */
	readonly faults: string[] = [];
	private readonly devices = new Map<string, Device>();
	private waiting: (() => void)[] = [];

	private constructor(
		/** To be allowed by `GALLEY_GATE__EGRESS__ALLOW_ORIGINS`. */
		readonly origin: string,
		private readonly server: Server,
	) {}

	static async start(): Promise<PushService> {
		const server = createServer();
		await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
		const { port } = server.address() as AddressInfo;
		const service = new PushService(`http://127.0.0.1:${port}`, server);
		server.on("request", async (request, response) => {
			response.statusCode = await service.take(request).catch((error: unknown) => {
				service.faults.push(String(error));
				return 400;
			});
			response.end();
		});
		return service;
	}

	/** Makes a device with keys of its own. */
	subscribe(): Subscription {
		const ecdh = createECDH("prime256v1");
		const p256dh = ecdh.generateKeys("base64url");
		const auth = randomBytes(16).toString("base64url");
		const path = `/push/${randomBytes(12).toString("base64url")}`;
		this.devices.set(path, { ecdh, auth });
		return { endpoint: this.origin + path, keys: { p256dh, auth } };
	}

	/** The push of this number, waited for; fails after `patience` milliseconds. */
	async push(index: number, patience = 15_000): Promise<Push> {
		const until = Date.now() + patience;
		for (;;) {
			const push = this.pushes[index];
			if (push) return push;
			const left = until - Date.now();
			if (left <= 0)
				throw new Error(`no push ${index} came; faults: ${this.faults.join("; ") || "none"}`);
			await new Promise<void>((done) => {
				const timer = setTimeout(done, left);
				this.waiting.push(() => {
					clearTimeout(timer);
					done();
				});
			});
		}
	}

	async stop(): Promise<void> {
		this.server.closeAllConnections();
		await new Promise((done) => this.server.close(done));
	}

	/** Takes one message and tells the status: 201, or 410 for a device that was never made. */
	private async take(request: IncomingMessage): Promise<number> {
		const device = this.devices.get(request.url ?? "");
		if (request.method !== "POST" || !device) return 410;
		const header = (name: string) => {
			const value = request.headers[name];
			return Array.isArray(value) ? value[0] : value;
		};
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk);
		const body = Buffer.concat(chunks);
		if (header("content-encoding") !== "aes128gcm")
			throw new Error("the content encoding is not aes128gcm");
		if (body.length > 4096)
			throw new Error(`${body.length} bytes are more than a push service takes`);
		const ttl = Number(header("ttl"));
		if (!Number.isInteger(ttl) || ttl < 0) throw new Error("TTL is missing");
		const sender = await this.verify(header("authorization") ?? "");
		const options = {
			version: "aes128gcm" as const,
			privateKey: device.ecdh,
			authSecret: device.auth,
		};
		const text = ece.decrypt(body, options).toString("utf8");
		this.pushes.push({ text, ttl, urgency: header("urgency"), topic: header("topic"), ...sender });
		for (const wake of this.waiting.splice(0)) wake();
		return 201;
	}

	/** Verifies `vapid t=<token>, k=<public key>`. */
	private async verify(
		authorization: string,
	): Promise<{ vapidKey: string; subject: string | undefined }> {
		const parts = /^vapid (.*)$/i.exec(authorization)?.[1]?.split(",") ?? [];
		const given = new Map(parts.map((part) => part.trim().split(/=(.*)/, 2) as [string, string]));
		const [token, vapidKey] = [given.get("t"), given.get("k")];
		if (!token || !vapidKey) throw new Error(`no VAPID token: ${authorization}`);
		const point = Buffer.from(vapidKey, "base64url");
		if (point.length !== 65 || point[0] !== 4)
			throw new Error("the VAPID key is no uncompressed point of P-256");
		const coordinate = (from: number) => point.subarray(from, from + 32).toString("base64url");
		const jwk = { kty: "EC", crv: "P-256", x: coordinate(1), y: coordinate(33) };
		const { payload } = await jwtVerify(token, await importJWK(jwk, "ES256"), {
			algorithms: ["ES256"],
			audience: this.origin,
			requiredClaims: ["exp"],
		});
		if ((payload.exp ?? 0) > Date.now() / 1000 + 24 * 3600 + 60)
			throw new Error("the token lives longer than 24 h");
		return { vapidKey, subject: payload.sub };
	}
}
