// The ways into the shop: what the project offers, and one function each.

import { api, must } from "../api/client";
import { Problem } from "../api/problem";
import type { components } from "../api/schema";
import { enter } from "../api/session";

type Schemas = components["schemas"];
/** By which ways customers sign in, as the shopkeeper has it. */
export type Methods = Schemas["MethodsView"];

let asked: Promise<Methods> | null = null;

/** Asked once per visit. */
export function methods(): Promise<Methods> {
	asked ??= must(api.GET("/v1/auth/methods")).catch((error) => {
		asked = null;
		throw error;
	});
	return asked;
}

/** What every way in answers: somebody is in, or must show a second factor first. */
function arrive(answer: Schemas["EnteredView"]): void {
	if ("access_token" in answer) enter(answer);
	else
		throw new Problem(403, {
			title: "This account asks for a second factor, which this shop cannot ask for.",
		});
}

export async function signUp(name: string, email: string, password: string): Promise<void> {
	arrive(await must(api.POST("/v1/auth/sign-up", { body: { ...(name && { name }), email, password } })));
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
