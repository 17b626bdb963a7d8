// Passkeys in a real browser with a virtual authenticator: a page of an app's own origin makes one, signs in with it
// without naming anybody, and uses it as the second factor.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type CDPSession, expect, type Page, test } from "@playwright/test";
import { Demo, operator } from "./kit";

/** What the page's functions answer. */
type Answer = { status: number; body: Record<string, unknown> };

declare global {
	interface Window {
		call(path: string, body: unknown, token?: string): Promise<Answer>;
		make(token: string, secondFactor: boolean): Promise<Answer>;
		show(asked: Answer): Promise<unknown>;
	}
}

/** The page of an app: it calls the project from another origin, as apps do. */
const html = `<!doctype html><html lang="en"><title>An app</title><h1>An app</h1><script>
const api = decodeURIComponent(location.hash.slice(1));
window.call = async (path, body, token) => {
	const headers = { "content-type": "application/json" };
	if (token) headers.authorization = "Bearer " + token;
	const answer = await fetch(api + path, { method: "POST", headers, body: JSON.stringify(body) });
	return { status: answer.status, body: await answer.json() };
};
window.make = async (token, second_factor) => {
	const asked = await call("/auth/passkeys/options", {}, token);
	const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.body.public_key);
	const credential = await navigator.credentials.create({ publicKey });
	const answer = { ceremony_id: asked.body.ceremony_id, name: "This browser", second_factor };
	return call("/auth/passkeys", { ...answer, credential: credential.toJSON() }, token);
};
window.show = async (asked) => {
	const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.body.public_key);
	const credential = await navigator.credentials.get({ publicKey });
	return { ceremony_id: asked.body.ceremony_id, credential: credential.toJSON() };
};
</script></html>`;

const password = "a-long-password";
let demo: Demo;
let app: Server;
let origin: string;

test.beforeAll(async () => {
	demo = await Demo.start();
	app = createServer((_, response) => {
		response.setHeader("content-type", "text/html; charset=utf-8");
		response.end(html);
	});
	await new Promise<void>((done) => app.listen(0, "127.0.0.1", done));
	origin = `http://localhost:${(app.address() as AddressInfo).port}`;
	const headers = { "content-type": "application/json" };
	const signed = await fetch(`${demo.url}/admin/v1/session`, {
		method: "POST",
		headers,
		body: JSON.stringify(operator),
	});
	const { token } = (await signed.json()) as { token: string };
	const changed = await fetch(`${demo.url}/p/shop/v1/settings`, {
		method: "PATCH",
		headers: { ...headers, authorization: `Bearer ${token}` },
		body: JSON.stringify({
			cors_origins: [origin],
			passkeys: { rp_id: "localhost", rp_name: "Shop" },
		}),
	});
	expect(changed.status).toBe(200);
});

test.afterAll(async () => {
	app?.close();
	await demo?.stop();
});

/** The app's page, with an authenticator that is part of the browser and knows its user. */
async function open(page: Page): Promise<{ cdp: CDPSession; authenticator: string }> {
	const cdp = await page.context().newCDPSession(page);
	await cdp.send("WebAuthn.enable");
	const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
		options: {
			protocol: "ctap2",
			transport: "internal",
			hasResidentKey: true,
			hasUserVerification: true,
			isUserVerified: true,
			automaticPresenceSimulation: true,
		},
	});
	await page.goto(`${origin}/#${encodeURIComponent(`${demo.url}/p/shop/v1`)}`);
	return { cdp, authenticator: authenticatorId };
}

const call = (page: Page, path: string, body: unknown, token = "") =>
	page.evaluate(([path, body, token]) => window.call(path as string, body, token as string), [
		path,
		body,
		token,
	] as const);

/** Somebody new: the address and a token. */
async function signUp(page: Page): Promise<{ email: string; token: string }> {
	const email = `${crypto.randomUUID()}@example.com`;
	const made = await call(page, "/auth/sign-up", { email, password });
	expect(made.status, JSON.stringify(made.body)).toBe(201);
	return { email, token: made.body.access_token as string };
}

/** What an access token says of how its holder signed in. */
function claims(token: unknown): { aal: number; amr: string[] } {
	const body = (token as string).split(".")[1] ?? "";
	return JSON.parse(Buffer.from(body, "base64url").toString());
}

test("a browser makes a passkey and signs in with it without naming anybody", async ({ page }) => {
	const { cdp, authenticator } = await open(page);
	const { email, token } = await signUp(page);
	const made = await page.evaluate((token) => window.make(token, false), token);
	expect(made.status, JSON.stringify(made.body)).toBe(201);
	expect(made.body).toMatchObject({ name: "This browser", second_factor: false });
	const { credentials } = await cdp.send("WebAuthn.getCredentials", {
		authenticatorId: authenticator,
	});
	expect(credentials).toHaveLength(1);
	expect(credentials[0]).toMatchObject({ isResidentCredential: true, rpId: "localhost" });

	const asked = await call(page, "/auth/sign-in/passkey/options", {});
	expect((asked.body.public_key as { allowCredentials: unknown[] }).allowCredentials).toEqual([]);
	const shown = await page.evaluate((asked) => window.show(asked), asked);
	const done = await call(page, "/auth/sign-in/passkey", shown);
	expect(done.status, JSON.stringify(done.body)).toBe(200);
	expect((done.body.user as { email: string }).email).toBe(email);
	expect(claims(done.body.access_token)).toMatchObject({ aal: 2, amr: ["passkey"] });

	const again = await call(page, "/auth/sign-in/passkey", shown);
	expect([again.status, again.body.code]).toEqual([400, "invalid_token"]);

	// The same browser makes no second one for the same user.
	const twice = await page.evaluate(
		(token) => window.make(token, false).then(String, (fault: Error) => fault.name),
		token,
	);
	expect(twice).toBe("InvalidStateError");
});

test("an authenticator that does not know its user signs nobody in", async ({ page }) => {
	const { cdp, authenticator } = await open(page);
	const { token } = await signUp(page);
	expect((await page.evaluate((token) => window.make(token, false), token)).status).toBe(201);
	await cdp.send("WebAuthn.setUserVerified", {
		authenticatorId: authenticator,
		isUserVerified: false,
	});
	const asked = await call(page, "/auth/sign-in/passkey/options", {});
	// The browser asks for it, and so refuses; a client that does not ask is refused by us.
	(asked.body.public_key as { userVerification: string }).userVerification = "discouraged";
	const shown = await page.evaluate((asked) => window.show(asked), asked);
	const done = await call(page, "/auth/sign-in/passkey", shown);
	expect([done.status, done.body.code]).toEqual([400, "invalid_factor"]);
});

test("a passkey completes the sign-in by a password", async ({ page }) => {
	await open(page);
	const { email, token } = await signUp(page);
	expect((await page.evaluate((token) => window.make(token, true), token)).status).toBe(201);
	const first = await call(page, "/auth/sign-in/password", { identity: email, password });
	expect(first.body).toMatchObject({ factors: ["passkey"], enrol: false });
	expect(first.body.access_token).toBeUndefined();
	const mfa_token = first.body.mfa_token;
	const asked = await call(page, "/auth/sign-in/factor/passkey", { mfa_token });
	const passkey = await page.evaluate((asked) => window.show(asked), asked);
	const done = await call(page, "/auth/sign-in/factor", { mfa_token, passkey });
	expect(done.status, JSON.stringify(done.body)).toBe(200);
	expect(claims(done.body.access_token)).toMatchObject({ aal: 2, amr: ["password", "passkey"] });

	// The session of one factor that is still open proves again who it is, and goes on under other tokens.
	const step = await call(page, "/auth/step-up/passkey", {}, token);
	const proof = await page.evaluate((asked) => window.show(asked), step);
	const risen = await call(page, "/auth/step-up", { passkey: proof }, token);
	expect(risen.status, JSON.stringify(risen.body)).toBe(200);
	expect(claims(risen.body.access_token)).toMatchObject({ aal: 2, amr: ["password", "passkey"] });
	const dead = await call(page, "/auth/step-up/passkey", {}, token);
	expect(dead.status).toBe(401);
});
