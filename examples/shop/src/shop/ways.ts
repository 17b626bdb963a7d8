// The ways into the shop: what the project offers, and one function each.

import { api, must } from "../api/client";
import type { components } from "../api/schema";
import { enter, know, type User, visitor } from "../api/session";

type Schemas = components["schemas"];
type Entered = Schemas["EnteredView"];

/** A service by whose accounts customers sign in. */
export type Provider = Schemas["SocialMethod"];
/** By which ways customers sign in, as the shopkeeper has it. */
export type Methods = Schemas["MethodsView"];
/** A passkey of the customer's. */
export type Passkey = Schemas["Passkey"];

/** Somebody proved who it is, and must show a second factor before a session begins. */
export class FactorDue extends Error {
	constructor(
		readonly token: string,
		readonly factors: readonly string[],
	) {
		super("This account asks for a second factor.");
	}
}

let asked: Promise<Methods> | null = null;

/** Asked once per visit. */
export function methods(): Promise<Methods> {
	asked ??= must(api.GET("/v1/auth/methods")).catch((error) => {
		asked = null;
		throw error;
	});
	return asked;
}

/** What every way in answers. */
function arrive(answer: Entered): void {
	if ("mfa_token" in answer) throw new FactorDue(answer.mfa_token, answer.factors);
	// The shop asks for tokens, whatever the project's settings say.
	if (!("access_token" in answer)) throw new Error("The session came in cookies.");
	enter(answer);
}

let entering: Promise<void> | null = null;

/** Makes a visitor known without a name, where the project has such users; its cart and id stay when it signs up. */
export function enterAnonymously(): Promise<void> {
	entering ??= (async () => {
		if ((await methods()).anonymous && !visitor())
			arrive(await must(api.POST("/v1/auth/sign-in/anonymous", { body: {} })));
	})().finally(() => {
		entering = null;
	});
	return entering;
}

/**
 * Makes an account. Of a visitor who was anonymous it becomes the account: with its id, and all that it has. Where the
 * project confirms addresses first, a mail is on its way instead, and false is answered.
 */
export async function signUp(name: string, email: string, password: string): Promise<boolean> {
	const guest = visitor();
	const named = name ? { name } : {};
	if (!guest?.anonymous) {
		const answer = await must(api.POST("/v1/auth/sign-up", { body: { ...named, email, password } }));
		if (answer) arrive(answer);
		return !!answer;
	}
	await must(api.POST("/v1/auth/promote", { body: { email, password } }));
	const params = { path: { id: guest.id } };
	if (name) await must(api.PATCH("/v1/records/users/{id}", { params, body: named }));
	const user = (await must(api.GET("/v1/users/me"))) as unknown as User;
	know(user);
	return !user.anonymous;
}

export async function signIn(identity: string, password: string): Promise<void> {
	arrive(await must(api.POST("/v1/auth/sign-in/password", { body: { identity, password } })));
}

/** Has a code sent, if the address has an account, which is not told; answers what the code is good with. */
export async function requestCode(email: string): Promise<string> {
	return (await must(api.POST("/v1/auth/sign-in/code/request", { body: { email } }))).challenge_id;
}

export async function signInByCode(challenge_id: string, code: string): Promise<void> {
	arrive(await must(api.POST("/v1/auth/sign-in/code", { body: { challenge_id, code } })));
}

/** Has a link sent, if the address has an account. */
export async function requestLink(email: string): Promise<void> {
	await must(api.POST("/v1/auth/sign-in/link/request", { body: { email } }));
}

/** Signs in with what a link brought along: it is good for a minute, and once. */
export async function signInByLink(token: string): Promise<void> {
	arrive(await must(api.POST("/v1/auth/sign-in/link", { body: { token } })));
}

/** Whether this browser can make and show passkeys. */
export const knowsPasskeys = (): boolean =>
	typeof PublicKeyCredential === "function" && "parseRequestOptionsFromJSON" in PublicKeyCredential;

/** Has the browser's user show a passkey. What is asked and answered is the browser's: the document tells no shape of it. */
async function show({ ceremony_id, public_key }: Schemas["CeremonyView"]): Promise<Schemas["ShowPasskeyIn"]> {
	const asked = public_key as unknown as PublicKeyCredentialRequestOptionsJSON;
	const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
	const credential = (await navigator.credentials.get({ publicKey })) as PublicKeyCredential;
	return { ceremony_id, credential: credential.toJSON() };
}

/** Signs in with whichever passkey the customer chooses. */
export async function signInByPasskey(): Promise<void> {
	const body = await show(await must(api.POST("/v1/auth/sign-in/passkey/options")));
	arrive(await must(api.POST("/v1/auth/sign-in/passkey", { body })));
}

/** Shows the second factor: a code of an app, or one of those that were written down for bad days. */
export async function showCode(mfa_token: string, code: string): Promise<void> {
	const factor = /^\d{6}$/.test(code) ? { totp_code: code } : { recovery_code: code };
	arrive(await must(api.POST("/v1/auth/sign-in/factor", { body: { mfa_token, ...factor } })));
}

/** Shows a passkey as the second factor. */
export async function showPasskey(mfa_token: string): Promise<void> {
	const asked = await must(api.POST("/v1/auth/sign-in/factor/passkey", { body: { mfa_token } }));
	const passkey = await show(asked);
	arrive(await must(api.POST("/v1/auth/sign-in/factor", { body: { mfa_token, passkey } })));
}

export const passkeys = async (): Promise<Passkey[]> => (await must(api.GET("/v1/auth/passkeys"))).items;

/** Makes a passkey on this device, and has the project keep its public half. */
export async function makePasskey(name: string): Promise<void> {
	const { ceremony_id, public_key } = await must(api.POST("/v1/auth/passkeys/options"));
	const asked = public_key as unknown as PublicKeyCredentialCreationOptionsJSON;
	const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked);
	const credential = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential;
	const body = { ceremony_id, name, credential: credential.toJSON() };
	await must(api.POST("/v1/auth/passkeys", { body }));
}

export async function dropPasskey(id: string): Promise<void> {
	await must(api.DELETE("/v1/auth/passkeys/{id}", { params: { path: { id } } }));
}

/** Proves again who one is, for what is dear. The session goes on under new tokens. */
export async function proveAgain(password: string): Promise<void> {
	arrive(await must(api.POST("/v1/auth/step-up", { body: { password } })));
}

// What must be known when the browser comes back from a provider; it stays in this tab.
const AWAY = "shop.away";

/** Leaves for a provider. The verifier stays here, so that what comes back is good in this browser alone (RFC 7636). */
export async function leaveFor(provider: Provider, then: string): Promise<void> {
	const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
	const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
	sessionStorage.setItem(AWAY, JSON.stringify({ verifier, then }));
	const query = new URLSearchParams({
		redirect_to: `${location.origin}/`,
		code_challenge: base64url(new Uint8Array(hash)),
		code_challenge_method: "S256",
	});
	location.assign(`${provider.start_url}?${query}`);
}

/** Signs in with what the browser came back with; answers where the customer was about to go. */
export async function comeBack(ticket: string): Promise<string> {
	const kept = JSON.parse(sessionStorage.getItem(AWAY) ?? "{}") as { verifier?: string; then?: string };
	sessionStorage.removeItem(AWAY);
	const body = { ticket, code_verifier: kept.verifier ?? "" };
	arrive(await must(api.POST("/v1/auth/sign-in/social", { body })));
	return kept.then ?? "/";
}

const base64url = (bytes: Uint8Array): string =>
	btoa(String.fromCharCode(...bytes))
		.replaceAll("+", "-")
		.replaceAll("/", "_")
		.replaceAll("=", "");
