// What the walks through the shop share: a running demo, its API beside the page, and a page that is watched.

import { request } from "node:http";
import { type BrowserContext, expect, type Page, type Request, test } from "@playwright/test";
import { graveFaults, type Look } from "./axe";
import { Demo, operator } from "./kit";
import { PushService, type Subscription } from "./push-service";

export const pictures = new URL("./pictures/", import.meta.url).pathname;
export const phone = {
	viewport: { width: 390, height: 844 },
	isMobile: true,
	hasTouch: true,
	deviceScaleFactor: 2,
};

/** Members of records that the tests look at. */
export type Film = {
	id: string;
	title: string;
	price: number;
	stock: number;
	poster: string | null;
};
export type Order = { id: string; status: string; customer: string };
export type Line = { title: string; quantity: number; unit_price: number };
export type List<T> = { items: T[]; total?: number };

export let demo: Demo;
export let push: PushService;
export let site: string;
export let admin: string;

/**
 * Gives the tests of a file a shop of their own: a demo, a push service, and what they are reached by. `other` is one
 * more service that the server may ask.
 */
export function openShop(other?: () => Promise<{ origin: string }>) {
	test.use({
		launchOptions: { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] },
		contextOptions: { reducedMotion: "reduce" },
	});

	test.beforeAll(async () => {
		push = await PushService.start();
		const origins = other ? [push.origin, (await other()).origin] : [push.origin];
		demo = await Demo.start({ GALLEY_GATE__EGRESS__ALLOW_ORIGINS: origins.join(",") });
		site = demo.host("shop");
		const session = await fetch(`${demo.url}/admin/v1/session`, {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify(operator),
		});
		admin = ((await session.json()) as { token: string }).token;
	});

	test.afterAll(async () => {
		await demo?.stop();
		await push?.stop();
	});
}

// ---------------------------------------------------------------------------------------------------- the API, outside

/** A request to the project, beside the page. */
export async function ask(
	method: string,
	path: string,
	token?: string,
	body?: unknown,
	headers: Record<string, string> = {},
) {
	const response = await fetch(`${demo.url}/p/shop/v1${path}`, {
		method,
		headers: {
			...(token && { Authorization: `Bearer ${token}` }),
			...(body !== undefined && { "Content-Type": "application/json" }),
			...headers,
		},
		...(body !== undefined && { body: JSON.stringify(body) }),
	});
	const text = await response.text();
	return { status: response.status, body: text ? JSON.parse(text) : null };
}

export async function good<T>(
	method: string,
	path: string,
	token?: string,
	body?: unknown,
): Promise<T> {
	const answer = await ask(method, path, token, body);
	expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
	return answer.body as T;
}

/** Lets a request of the page arrive as the browser would have sent it; Node does not know `shop.localhost`. */
export function arrive(page: Request): Promise<number | undefined> {
	return new Promise((done, fail) => {
		const headers = { ...page.headers(), host: new URL(site).host };
		const sent = request(
			demo.url + new URL(page.url()).pathname,
			{ method: page.method(), headers },
			(answer) => {
				answer.resume();
				answer.on("end", () => done(answer.statusCode));
			},
		);
		sent.on("error", fail);
		sent.end(page.postData());
	});
}

export const query = (values: Record<string, string>) => new URLSearchParams(values).toString();
export const filmById = (id: string) => good<Film>("GET", `/records/products/${id}`);

export async function filmByTitle(title: string): Promise<Film> {
	const found = await good<List<Film>>(
		"GET",
		`/records/products?${query({ filter: "title == params.t", "params.t": title })}`,
	);
	expect(found.items).toHaveLength(1);
	return found.items[0] as Film;
}

export const restock = (film: Film, stock: number) =>
	good("PATCH", `/records/products/${film.id}`, admin, { stock });

export let people = 0;
/** A customer who has just signed up. */
export async function customer() {
	people += 1;
	const email = `customer-${people}-${Date.now()}@example.com`;
	const password = "correct horse battery";
	const signed = await good<{ access_token: string; user: { id: string } }>(
		"POST",
		"/auth/sign-up",
		undefined,
		{
			email,
			password,
			name: `Customer ${people}`,
		},
	);
	return { email, password, id: signed.user.id, token: signed.access_token };
}

export const ordersOf = async (token: string) =>
	(await good<List<Order>>("GET", "/records/orders", token)).items;

// ----------------------------------------------------------------------------------------------------------- the page

/** What went wrong in a page without being seen. `expected` lists statuses that the test provokes. */
export async function watch(page: Page, expected: number[] = []): Promise<string[]> {
	const faults: string[] = [];
	const own = new URL(site).host;
	page.on("pageerror", (error) => faults.push(`page: ${error.message}`));
	page.on("console", (message) => {
		const text = message.text();
		const isProvoked = expected.some((status) =>
			text.includes(`the server responded with a status of ${status}`),
		);
		if (message.type() === "error" && !isProvoked) faults.push(`console: ${text}`);
	});
	page.on("request", (sent) => {
		const url = new URL(sent.url());
		if (!["blob:", "data:"].includes(url.protocol) && url.host !== own)
			faults.push(`foreign: ${sent.url()}`);
	});
	await page.exposeFunction("tellViolation", (text: string) => faults.push(`policy: ${text}`));
	await page.addInitScript(() => {
		addEventListener("securitypolicyviolation", (event) => {
			const tell = (window as unknown as { tellViolation(text: string): void }).tellViolation;
			tell(`${event.effectiveDirective} ${event.blockedURI}`);
		});
	});
	return faults;
}

/** No serious or critical fault of accessibility, as the dashboard's walks look for it. */
export async function expectAccessible(page: Page, where: string, look?: Look) {
	expect(await graveFaults(page, look), where).toEqual([]);
}

/** Waits until the films are there and everything is painted. */
export async function settled(page: Page) {
	await expect(page.locator(".card-link").first()).toBeVisible();
	await page.evaluate(() => document.fonts.ready.then(() => undefined));
}

export const tally = (page: Page) => page.locator(".tally");
export const cards = (page: Page) => page.locator(".grid .card-link");
export const cartWay = (page: Page) =>
	page.getByRole("navigation", { name: "Shop" }).getByRole("link", { name: /^Cart/ });
export const placeOrder = (page: Page) => page.getByRole("button", { name: "Place the order" });

export async function signIn(page: Page, who: { email: string; password: string }) {
	await page.goto(`${site}/#/sign-in`);
	await page.getByLabel("E-mail").fill(who.email);
	await page.getByLabel("Password").fill(who.password);
	await page.getByRole("button", { name: "Sign in" }).click();
	await expect(page.getByRole("link", { name: "Account", exact: true })).toBeVisible();
}

export async function addFilm(page: Page, film: Film, quantity = 1) {
	await page.goto(`${site}/#/film/${film.id}`);
	await expect(page.getByRole("heading", { level: 1, name: film.title })).toBeVisible();
	for (let n = 1; n < quantity; n += 1)
		await page.getByRole("button", { name: /^One more/ }).click();
	await page.getByRole("button", { name: "Add to cart" }).click();
}

/** Chromium here has no push service: its subscription is one of the test's own. */
export async function subscribeAt(context: BrowserContext, subscription: Subscription) {
	await context.addInitScript((given) => {
		let made: unknown = null;
		const bytes = (text: string) =>
			Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0))
				.buffer;
		Object.assign(PushManager.prototype, {
			async getSubscription() {
				return made;
			},
			async subscribe(options: PushSubscriptionOptionsInit) {
				(window as unknown as { pushOptions: unknown }).pushOptions = options;
				made = {
					endpoint: given.endpoint,
					expirationTime: null,
					options,
					getKey: (name: "p256dh" | "auth") => bytes(given.keys[name]),
					toJSON: () => ({ endpoint: given.endpoint, expirationTime: null, keys: given.keys }),
					unsubscribe: async () => {
						made = null;
						return true;
					},
				};
				return made;
			},
		});
	}, subscription);
}
