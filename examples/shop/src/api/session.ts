// Who is signed in, and the one place that sends tokens.
//
// The tokens live in memory and in localStorage. A static site has no server of its own that could keep them in an
// HttpOnly cookie, and memory alone would sign everybody out at each reload. What makes this sound: the page runs no
// foreign script (the policy is `default-src 'self'`), the access token is good for ten minutes, and a refresh token
// is good once: if a stolen one is used, the whole session ends.

import { Problem } from "./problem";
import type { components } from "./schema";

type SignedIn = components["schemas"]["SignedInView"];
/** The user as it may see itself. */
export type User = Required<Omit<components["schemas"]["User"], "expand">>;
type Session = { user: User; access: string; refresh: string; expires: number };

const STORE = "shop.session";
/** An access token is renewed this long before it ends. */
const MARGIN_MS = 30_000;
/** What another tab has stored is here at the latest after this time, and is looked for this often. */
const NEWS_MS = 1_000;
const NEWS_STEP_MS = 20;

let session = read();
const watchers = new Set<() => void>();

/** The customer who is signed in. */
export const user = (): User | null => (session?.user.anonymous ? null : (session?.user ?? null));

/** The customer, or the visitor who has only a cart: an anonymous user. */
export const visitor = (): User | null => session?.user ?? null;

/** Calls back whenever somebody signs in or out, in this tab or another, or changes their own data. */
export function onUser(watcher: () => void): void {
	watchers.add(watcher);
}

/** Takes over what sign-up, sign-in and refresh answer. */
export function enter(signed: SignedIn): void {
	keep({
		user: signed.user as unknown as User,
		access: signed.access_token,
		refresh: signed.refresh_token,
		expires: Date.now() + signed.expires_in * 1000,
	});
}

/** Takes over the user's own record after a change. */
export function know(changed: User): void {
	if (session) keep({ ...session, user: { ...session.user, ...changed } });
}

/** Forgets the tokens. */
export function leave(): void {
	keep(null);
}

/** `fetch` with the user's token. A token that has ended is renewed, once for all requests that wait for it. */
export async function fetchSigned(request: Request): Promise<Response> {
	if (session && session.expires - MARGIN_MS < Date.now()) await renew(session.access);
	const again = request.clone();
	const access = session?.access;
	const response = await send(request, access);
	if (response.status !== 401 || !access) return response;
	await renew(access);
	return session ? send(again, session.access) : response;
}

/** A token that is good now, for code that is not ours (the push client). */
export async function freshToken(): Promise<string> {
	if (session && session.expires - MARGIN_MS < Date.now()) await renew(session.access);
	if (!session) throw new Problem(401, { code: "unauthenticated", title: "Sign in first." });
	return session.access;
}

async function send(request: Request, access: string | undefined): Promise<Response> {
	if (access) request.headers.set("Authorization", `Bearer ${access}`);
	return fetch(request).catch((error: unknown) => {
		if (error instanceof DOMException && error.name === "AbortError") throw error;
		throw Problem.offline();
	});
}

let renewing: Promise<void> | null = null;

/** Renews the session if `stale` is still its access token: one flight per tab, one tab at a time. */
function renew(stale: string): Promise<void> {
	renewing ??= alone(stale, async () => {
		session = read();
		if (!session || session.access !== stale) return;
		const response = await send(
			new Request("/v1/auth/refresh", {
				method: "POST",
				headers: { "Content-Type": "application/json" },
				body: JSON.stringify({ refresh_token: session.refresh }),
			}),
			undefined,
		);
		if (response.ok) enter(await response.json());
		else if (response.status === 401) leave();
		else throw await Problem.of(response);
	}).finally(() => {
		renewing = null;
	});
	return renewing;
}

/** Holds a lock over all tabs where the browser has one; the server's ten seconds of grace cover the others. */
async function alone(stale: string, work: () => Promise<void>): Promise<void> {
	if (!navigator.locks) return work();
	const isFirst = await navigator.locks.request(STORE, { ifAvailable: true }, async (lock) => {
		if (lock) await work();
		return lock !== null;
	});
	if (isFirst) return;
	await navigator.locks.request(STORE, async () => {
		// What another tab stored may come later than its lock: the browser keeps a copy for each of its processes.
		for (let waited = 0; waited < NEWS_MS && read()?.access === stale; waited += NEWS_STEP_MS) {
			await new Promise((done) => setTimeout(done, NEWS_STEP_MS));
		}
		await work();
	});
}

function read(): Session | null {
	try {
		return JSON.parse(localStorage.getItem(STORE) ?? "null");
	} catch {
		return null;
	}
}

function keep(next: Session | null): void {
	session = next;
	if (next) localStorage.setItem(STORE, JSON.stringify(next));
	else localStorage.removeItem(STORE);
	tell();
}

function tell(): void {
	for (const watcher of watchers) watcher();
}

addEventListener("storage", (event) => {
	if (event.key !== STORE && event.key !== null) return;
	session = read();
	tell();
});
