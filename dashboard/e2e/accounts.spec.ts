// The example of a second back end: it knows whom Galley signed in, by a library that is not ours, and nobody else.

import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { resolve } from "node:path";
import { expect, test } from "@playwright/test";
import { decodeJwt, exportSPKI, importJWK, type JWK } from "jose";
import { Demo } from "./kit";

const script = resolve(import.meta.dirname, "../../examples/accounts/src/server.js");

/** Moves a process's clock by an hour, so that a token is found too old without a wait. */
const anHourLater = `data:text/javascript,${encodeURIComponent(`
	const Then = Date;
	globalThis.Date = class extends Then {
		constructor(...given) { given.length > 0 ? super(...given) : super(Then.now() + 3_600_000); }
		static now() { return Then.now() + 3_600_000; }
	};
`)}`;

let demo: Demo;
const running: ChildProcess[] = [];

/** Starts the example for users of the shop; answers where it listens. */
async function start(...flags: string[]): Promise<string> {
	const environment = { ...process.env, GALLEY_ISSUER: `${demo.url}/p/shop`, PORT: "0" };
	const child = spawn(process.execPath, [...flags, script], {
		env: environment,
		stdio: ["ignore", "pipe", "inherit"],
	});
	running.push(child);
	return new Promise((done, fail) => {
		let text = "";
		child.stdout.on("data", (chunk) => {
			text += chunk;
			const address = /listening on (\S+)/.exec(text)?.[1];
			if (address) done(address);
		});
		child.once("exit", (code) => fail(new Error(`the example ended with ${code}: ${text}`)));
	});
}

/** Signs up at a project; answers the tokens. */
async function signUp(project: string) {
	const answer = await fetch(`${demo.url}/p/${project}/v1/auth/sign-up`, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({
			email: `who-${Date.now()}@example.com`,
			password: "long enough to be one",
		}),
	});
	expect(answer.status).toBe(201);
	return (await answer.json()) as {
		user: { id: string };
		access_token: string;
		refresh_token: string;
	};
}

const ask = (url: string, token?: string) =>
	fetch(`${url}/whoami`, {
		headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
	});

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test.beforeAll(async () => {
	demo = await Demo.start();
});

test.afterAll(async () => {
	for (const child of running) {
		child.removeAllListeners("exit");
		child.kill();
	}
	await demo.stop();
});

test("a token of the project tells who its user is", async () => {
	const url = await start();
	const ada = await signUp("shop");
	const answer = await ask(url, ada.access_token);
	expect(answer.status).toBe(200);
	const { sid, exp } = decodeJwt(ada.access_token);
	expect(await answer.json()).toEqual({
		user: ada.user.id,
		session: sid,
		project: "shop",
		level: 1,
		methods: ["password"],
		expires_at: new Date(Number(exp) * 1000).toISOString(),
	});
});

test("nothing else is let in", async () => {
	const url = await start();
	const later = await start("--import", anHourLater);
	const ada = await signUp("shop");
	const stranger = await signUp("blog");
	const [head = "", body = "", signature = ""] = ada.access_token.split(".");
	const header = JSON.parse(Buffer.from(head, "base64url").toString());
	const claims = decodeJwt(ada.access_token);

	// What the example would accept if it let a token choose its algorithm: HMAC by the public key.
	const keys = await (await fetch(`${demo.url}/p/shop/.well-known/jwks.json`)).json();
	const [jwk] = (keys as { keys: JWK[] }).keys;
	const pem = await exportSPKI(
		(await importJWK(jwk as JWK, "ES256", { extractable: true })) as CryptoKey,
	);
	const confused = `${base64({ ...header, alg: "HS256" })}.${body}`;
	const forged = createHmac("sha256", pem).update(confused).digest("base64url");

	const bad: Record<string, string> = {
		"of another project": stranger.access_token,
		"with another user": `${head}.${base64({ ...claims, sub: stranger.user.id })}.${signature}`,
		"with a later end": `${head}.${base64({ ...claims, exp: Number(claims.exp) + 3600 })}.${signature}`,
		"with a bent signature": `${head}.${body}.${signature.slice(0, -6)}AAAAAA`,
		"with no algorithm": `${base64({ ...header, alg: "none" })}.${body}.`,
		"with a confused algorithm": `${confused}.${forged}`,
		"with an unknown key": `${base64({ ...header, kid: "nobody" })}.${body}.${signature}`,
		"that is a refresh token": ada.refresh_token,
		"that is no token": "x.y.z",
	};
	for (const [what, token] of Object.entries(bad)) {
		const answer = await ask(url, token);
		expect(answer.status, `a token ${what}`).toBe(401);
		expect(answer.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
		expect(JSON.stringify(await answer.json())).not.toContain(ada.user.id);
	}
	const expired = await ask(later, ada.access_token);
	expect(expired.status, "a token that has ended").toBe(401);
	const nobody = await ask(url);
	expect(nobody.status, "no token").toBe(401);
	expect(nobody.headers.get("www-authenticate")).toBe("Bearer");
	// The same token was good all the time.
	expect((await ask(url, ada.access_token)).status).toBe(200);
});
