// The film shop in a real browser against the real binary: what customers do, and what they must not be able to do.

import { request } from "node:http";
import AxeBuilder from "@axe-core/playwright";
import {
	type BrowserContext,
	type BrowserContextOptions,
	expect,
	type Page,
	type Request,
	test,
} from "@playwright/test";
import { Demo, operator } from "./kit";
import { PushService, type Subscription } from "./push-service";

test.use({
	launchOptions: { executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] },
	contextOptions: { reducedMotion: "reduce" },
});

const pictures = new URL("./pictures/", import.meta.url).pathname;
const phone = {
	viewport: { width: 390, height: 844 },
	isMobile: true,
	hasTouch: true,
	deviceScaleFactor: 2,
};

/** Members of records that the tests look at. */
type Film = { id: string; title: string; price: number; stock: number; poster: string | null };
type Order = { id: string; status: string; customer: string };
type Line = { title: string; quantity: number; unit_price: number };
type List<T> = { items: T[]; total?: number };

let demo: Demo;
let push: PushService;
let site: string;
let admin: string;

test.beforeAll(async () => {
	push = await PushService.start();
	demo = await Demo.start({ GALLEY_GATE__EGRESS__ALLOW_ORIGINS: push.origin });
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

// ---------------------------------------------------------------------------------------------------- the API, outside

/** A request to the project, beside the page. */
async function ask(
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

async function good<T>(method: string, path: string, token?: string, body?: unknown): Promise<T> {
	const answer = await ask(method, path, token, body);
	expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
	return answer.body as T;
}

/** Lets a request of the page arrive as the browser would have sent it; Node does not know `shop.localhost`. */
function arrive(page: Request): Promise<number | undefined> {
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

const query = (values: Record<string, string>) => new URLSearchParams(values).toString();
const filmById = (id: string) => good<Film>("GET", `/records/products/${id}`);

async function filmByTitle(title: string): Promise<Film> {
	const found = await good<List<Film>>(
		"GET",
		`/records/products?${query({ filter: "title == params.t", "params.t": title })}`,
	);
	expect(found.items).toHaveLength(1);
	return found.items[0] as Film;
}

const restock = (film: Film, stock: number) =>
	good("PATCH", `/records/products/${film.id}`, admin, { stock });

let people = 0;
/** A customer who has just signed up. */
async function customer() {
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

const ordersOf = async (token: string) =>
	(await good<List<Order>>("GET", "/records/orders", token)).items;

// ----------------------------------------------------------------------------------------------------------- the page

/** What went wrong in a page without being seen. `expected` lists statuses that the test provokes. */
async function watch(page: Page, expected: number[] = []): Promise<string[]> {
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

async function expectAccessible(page: Page, where: string) {
	const { violations } = await new AxeBuilder({ page }).analyze();
	const serious = violations.filter((it) => it.impact === "serious" || it.impact === "critical");
	const told = serious.map(
		(it) => `${it.id}: ${it.nodes.map((node) => node.target.join(" ")).join(", ")}`,
	);
	expect(told, where).toEqual([]);
}

/** Waits until the films are there and everything is painted. */
async function settled(page: Page) {
	await expect(page.locator(".card-link").first()).toBeVisible();
	await page.evaluate(() => document.fonts.ready.then(() => undefined));
}

const tally = (page: Page) => page.locator(".tally");
const cards = (page: Page) => page.locator(".grid .card-link");
const cartWay = (page: Page) =>
	page.getByRole("navigation", { name: "Shop" }).getByRole("link", { name: /^Cart/ });
const placeOrder = (page: Page) => page.getByRole("button", { name: "Place the order" });

async function signIn(page: Page, who: { email: string; password: string }) {
	await page.goto(`${site}/#/sign-in`);
	await page.getByLabel("E-mail").fill(who.email);
	await page.getByLabel("Password").fill(who.password);
	await page.getByRole("button", { name: "Sign in" }).click();
	await expect(page.getByRole("link", { name: "Account", exact: true })).toBeVisible();
}

async function addFilm(page: Page, film: Film, quantity = 1) {
	await page.goto(`${site}/#/film/${film.id}`);
	await expect(page.getByRole("heading", { level: 1, name: film.title })).toBeVisible();
	for (let n = 1; n < quantity; n += 1)
		await page.getByRole("button", { name: /^One more/ }).click();
	await page.getByRole("button", { name: "Add to cart" }).click();
}

/** Chromium here has no push service: its subscription is one of the test's own. */
async function subscribeAt(context: BrowserContext, subscription: Subscription) {
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

// ---------------------------------------------------------------------------------------------------------- the walks

test("a visitor searches, filters, sorts and scrolls", async ({ page }) => {
	const faults = await watch(page);
	await page.goto(`${site}/`);
	await settled(page);
	await expect(tally(page)).toHaveText("3,200 films");
	await expect(cards(page)).toHaveCount(24);
	await page.screenshot({ path: `${pictures}shop-browse-desktop-light.png` });
	await expectAccessible(page, "browse");

	for (const wanted of [48, 72, 96]) {
		await page.mouse.wheel(0, 4000);
		await expect.poll(() => cards(page).count()).toBeGreaterThanOrEqual(wanted);
	}
	const addresses = await cards(page).evaluateAll((links) =>
		links.map((link) => (link as HTMLAnchorElement).href),
	);
	expect(new Set(addresses).size).toBe(addresses.length);

	await page.evaluate(() => scrollTo(0, 0));
	const search = page.getByRole("searchbox");
	const searches: string[] = [];
	page.on("request", (it) => it.url().includes("params.q=") && searches.push(it.url()));
	await search.pressSequentially("godfather", { delay: 20 });
	await expect(tally(page)).toHaveText("3 films");
	await expect(page.locator(".card-title")).toHaveText([
		"The Godfather",
		"The Godfather: Part II",
		"The Godfather: Part III",
	]);
	expect(searches.length, "typing waits before it asks").toBeLessThan(4);
	expect(page.url()).toContain("q=godfather");
	await page.reload();
	await expect(tally(page)).toHaveText("3 films");
	await search.fill("no such film as this");
	await expect(page.getByText("No film is like that.")).toBeVisible();
	await search.fill("");
	await expect(tally(page)).toHaveText("3,200 films");

	const genres = await good<List<{ id: string; name: string }>>(
		"GET",
		`/records/genres?${query({ filter: "name == params.n", "params.n": "Western" })}`,
	);
	await page.getByRole("button", { name: "Western" }).click();
	await page.getByLabel("Rating").selectOption("7");
	await page.getByLabel("Price").selectOption("9.99");
	await page.getByLabel("Sort").selectOption("cheap");
	const wanted = {
		filter: "genre == params.g && imdb_rating >= params.r && price <= params.p",
		"params.g": genres.items[0]?.id ?? "",
		"params.r": "7",
		"params.p": "9.99",
		sort: "price,title",
		count: "exact",
	};
	const expected = await good<List<Film>>("GET", `/records/products?${query(wanted)}`);
	expect(expected.total).toBeGreaterThan(0);
	await expect(tally(page)).toHaveText(
		`${expected.total} ${expected.total === 1 ? "film" : "films"}`,
	);
	await expect(page.locator(".card-title")).toHaveText(expected.items.map((film) => film.title));

	await cards(page).first().click();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText(expected.items[0]?.title ?? "");
	await page.goBack();
	await expect(page.locator(".card-title")).toHaveText(expected.items.map((film) => film.title));
	expect(faults).toEqual([]);
});

test("coming back finds the list where it was", async ({ page }) => {
	await page.goto(`${site}/`);
	await settled(page);
	await page.mouse.wheel(0, 2000);
	await expect.poll(() => cards(page).count()).toBeGreaterThan(24);
	await page.waitForTimeout(200);
	const before = await page.evaluate(() => scrollY);
	const shown = cards(page).nth(21);
	await shown.scrollIntoViewIfNeeded();
	const there = await page.evaluate(() => scrollY);
	await shown.click();
	await expect(page.getByRole("button", { name: "Add to cart" })).toBeVisible();
	await page.goBack();
	await expect.poll(() => page.evaluate(() => scrollY)).toBeCloseTo(there, -1);
	expect(before).toBeGreaterThan(500);
});

test("a customer buys, follows the order and is told when it ships", async ({ browser }) => {
	const subscription = push.subscribe();
	const context = await browser.newContext({ reducedMotion: "reduce" });
	await context.grantPermissions(["notifications"], { origin: site });
	await subscribeAt(context, subscription);
	const page = await context.newPage();
	const faults = await watch(page);
	const already = push.pushes.length;
	const [first, second] = [await filmByTitle("The Matrix"), await filmByTitle("Fight Club")];

	// The cart is filled before anybody has signed in, and survives that.
	await addFilm(page, first, 2);
	await expect(cartWay(page)).toHaveAccessibleName(/2 films/);
	await expect(page.locator("[aria-live=polite]")).toHaveText(/The Matrix.*in your cart/);
	await addFilm(page, second);
	await page.screenshot({ path: `${pictures}shop-film-desktop-light.png` });
	await expectAccessible(page, "film");
	await cartWay(page).click();
	await expect(page.locator(".line")).toHaveCount(2);
	await page.getByRole("button", { name: "Sign in to order" }).click();
	await page.getByRole("link", { name: "Make an account" }).click();

	const email = `ada-${Date.now()}@example.com`;
	await page.getByLabel("Name").fill("Ada");
	await page.getByLabel("E-mail").fill(email);
	await page.getByLabel("Password").fill("correct horse battery");
	await page.getByRole("button", { name: "Sign up" }).click();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your cart");
	await expect(page.locator(".line")).toHaveCount(2);
	await page.screenshot({ path: `${pictures}shop-cart-desktop-light.png` });
	await expectAccessible(page, "cart");

	await page.getByLabel(/^A note/).fill("Ring twice");
	const sent = page.waitForRequest((it) => it.url().endsWith("/v1/batch"));
	await placeOrder(page).click();
	const batch = await sent;
	expect(batch.headers()["idempotency-key"]?.length).toBeGreaterThanOrEqual(16);
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Thank you. It is yours.");
	const price = (n: number) => `$${n.toFixed(2)}`;
	const total = price((Math.round(first.price * 100) * 2 + Math.round(second.price * 100)) / 100);
	await expect(page.locator(".sum")).toHaveText(total);
	await expect(page.getByText("“Ring twice”")).toBeVisible();
	await expect(cartWay(page)).toHaveAccessibleName(/empty/);
	expect((await filmById(first.id)).stock).toBe(first.stock - 2);
	expect((await filmById(second.id)).stock).toBe(second.stock - 1);

	const order = page.url().match(/orders\/([0-9a-f-]{36})/)?.[1] ?? "";
	const made = await good<Order>("GET", `/records/orders/${order}`, admin);
	expect(made.status).toBe("placed");
	const lines = await good<List<Line>>(
		"GET",
		`/records/order_lines?${query({ filter: "order == params.o", "params.o": order })}`,
		admin,
	);
	const told = lines.items.map(({ title, quantity, unit_price }) => ({
		title,
		quantity,
		unit_price,
	}));
	expect(told.sort((a, b) => a.title.localeCompare(b.title))).toEqual([
		{ title: second.title, quantity: 1, unit_price: second.price },
		{ title: first.title, quantity: 2, unit_price: first.price },
	]);

	// Told when it ships: permission, subscription, device.
	const { vapid_public_key: vapidKey } = await good<{ vapid_public_key: string }>(
		"GET",
		"/push/config",
	);
	await page.getByRole("button", { name: "Tell me when my order ships" }).click();
	await expect(page.getByText("We will tell you here when your order ships.")).toBeVisible();
	const asked = await page.evaluate(() => {
		const { applicationServerKey, userVisibleOnly } = (
			window as unknown as { pushOptions: PushSubscriptionOptionsInit }
		).pushOptions;
		if (typeof applicationServerKey === "string")
			return { key: applicationServerKey, userVisibleOnly };
		const buffer = ArrayBuffer.isView(applicationServerKey)
			? applicationServerKey.buffer
			: applicationServerKey;
		const text = String.fromCharCode(...new Uint8Array(buffer as ArrayBuffer));
		return {
			key: btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
			userVisibleOnly,
		};
	});
	expect(asked).toEqual({ key: vapidKey, userVisibleOnly: true });
	await page.screenshot({ path: `${pictures}shop-order-desktop-light.png` });
	await expectAccessible(page, "order");

	// The operator ships it; the page follows by itself.
	await good("PATCH", `/records/orders/${order}`, admin, { status: "shipped" });
	await good("POST", "/push/messages", admin, {
		to: { users: [made.customer] },
		title: "Your order is on its way",
		body: "Two films are in the post.",
		url: `/#/orders/${order}`,
		data: { order },
	});
	await expect(page.locator(".track [aria-current=step]")).toHaveText("On its way", {
		timeout: 15_000,
	});
	const arrived = await push.push(already);
	expect(push.faults).toEqual([]);
	expect(arrived.vapidKey).toBe(vapidKey);
	const payload = JSON.parse(arrived.text) as {
		web_push: number;
		notification: { title: string; body: string; navigate: string };
	};
	expect(payload.web_push).toBe(8030);
	expect(payload.notification).toMatchObject({
		title: "Your order is on its way",
		body: "Two films are in the post.",
	});
	expect(payload.notification.navigate).toContain(`/#/orders/${order}`);

	// What the push service would hand to the browser is handed to the worker.
	const devtools = await context.newCDPSession(page);
	const registration = new Promise<string>((done) => {
		devtools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
			const active = registrations.find((it) => it.scopeURL.startsWith(site) && !it.isDeleted);
			if (active) done(active.registrationId);
		});
	});
	await devtools.send("ServiceWorker.enable");
	const message = { origin: site, registrationId: await registration, data: arrived.text };
	const notifications = () =>
		page.evaluate(async () => {
			const registrations = await navigator.serviceWorker.getRegistrations();
			const lists = await Promise.all(registrations.map((it) => it.getNotifications()));
			return lists.flat().map(({ title, body }) => ({ title, body }));
		});
	// DevTools loses a message that meets a worker on its way down, so it is handed over until it is shown.
	await expect(async () => {
		if ((await notifications()).length === 0)
			await devtools.send("ServiceWorker.deliverPushMessage", message);
		await expect
			.poll(notifications, { timeout: 3000 })
			.toEqual([{ title: "Your order is on its way", body: "Two films are in the post." }]);
	}).toPass({ timeout: 15_000 });

	// History.
	await page.getByRole("link", { name: "Orders", exact: true }).click();
	await expect(page.locator(".order-card")).toHaveCount(1);
	await expect(page.locator(".order-card")).toContainText("On its way");
	await expect(page.locator(".order-card")).toContainText(total);
	await page.screenshot({ path: `${pictures}shop-orders-desktop-light.png` });
	await expectAccessible(page, "orders");
	await page.locator(".order-card").click();
	await expect(page.locator(".receipt-lines li")).toHaveCount(2);

	// Wish list.
	await page.goto(`${site}/#/film/${first.id}`);
	const wish = page.locator(".film-words .wish");
	await wish.click();
	await expect(wish).toHaveAttribute("aria-pressed", "true");
	await page.getByRole("link", { name: "Wish list", exact: true }).click();
	await expect(page.locator(".card-title")).toHaveText([first.title]);
	await expectAccessible(page, "wishes");
	await page.locator(".card .wish").click();
	await expect(page.getByText("Nothing is on your list.")).toBeVisible();

	// The account: the name, and a picture that only its owner may fetch.
	await page.getByRole("link", { name: "Account", exact: true }).click();
	const name = page.getByLabel("Name");
	await name.fill("Ada Lovelace");
	await page.getByRole("button", { name: "Save" }).click();
	await expect(page.getByText("Saved.")).toBeVisible();
	const portrait = await page.locator(".foot").screenshot();
	await page
		.getByLabel("Choose a picture")
		.setInputFiles({ name: "ada.png", mimeType: "image/png", buffer: portrait });
	await expect(page.locator(".face.big img")).toHaveAttribute("src", /^blob:/);
	await page.screenshot({ path: `${pictures}shop-account-desktop-light.png` });
	await expectAccessible(page, "account");
	await page.reload();
	await expect(page.locator(".face.big img")).toHaveAttribute("src", /^blob:/);
	await expect(name).toHaveValue("Ada Lovelace");
	const me = await good<{ avatar: string }>("GET", `/records/users/${made.customer}`, admin);
	const stranger = await customer();
	expect((await fetch(`${demo.url}/p/shop/v1/files/${me.avatar}`)).status, "nobody").toBe(404);
	const theirs = await fetch(`${demo.url}/p/shop/v1/files/${me.avatar}`, {
		headers: { Authorization: `Bearer ${stranger.token}` },
	});
	expect(theirs.status, "another customer").toBe(404);

	// Out, and nothing of one's own is left on the screen.
	const devices = () =>
		good<List<{ id: string }>>("GET", `/push/devices?user=${made.customer}`, admin);
	expect((await devices()).items).toHaveLength(1);
	await page.getByRole("button", { name: "Sign out" }).click();
	await expect(page.getByRole("link", { name: "Sign in", exact: true })).toBeVisible();
	expect((await devices()).items, "whoever comes next is not told of these orders").toEqual([]);
	await page.goto(`${site}/#/orders/${order}`);
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
	expect(await page.evaluate(() => localStorage.getItem("shop.session"))).toBeNull();
	expect(faults).toEqual([]);
	await context.close();
});

test("nobody names their own price, takes without buying, or gives to themselves", async () => {
	const who = await customer();
	const film = await filmByTitle("Pulp Fiction");
	const id = () => crypto.randomUUID();
	const key = { "Idempotency-Key": id() };
	const sale = (change: { line?: object; product?: object; order?: object }) => {
		const [order, line] = [id(), id()];
		return {
			operations: [
				{
					op: "create",
					collection: "orders",
					id: order,
					data: { customer: who.id, ...change.order },
				},
				{
					op: "update",
					collection: "products",
					id: film.id,
					data: {
						stock: { increment: -1 },
						last_order: order,
						last_quantity: 1,
						...change.product,
					},
				},
				{
					op: "create",
					collection: "order_lines",
					id: line,
					data: { order, product: film.id, quantity: 1, ...change.line },
				},
			],
		};
	};
	const refused: [string, unknown][] = [
		["a price of one's own", sale({ line: { unit_price: 0.01 } })],
		["a title of one's own", sale({ line: { title: "Gold" } })],
		["a status of one's own", sale({ order: { status: "paid" } })],
		["an order for somebody else", sale({ order: { customer: (await customer()).id } })],
		["another price of the product", sale({ product: { price: 0.01 } })],
		["fewer taken than bought", sale({ product: { stock: { increment: 0 } } })],
		["more taken than bought", sale({ product: { stock: { increment: -5 } } })],
		["stock given", sale({ product: { stock: { increment: 1 } } })],
		["stock set", sale({ product: { stock: film.stock - 1 + 100 } })],
		["more bought than taken", sale({ line: { quantity: 3 } })],
		[
			"none",
			sale({ line: { quantity: 0 }, product: { stock: { increment: 0 }, last_quantity: 0 } }),
		],
		[
			"less than none",
			sale({ line: { quantity: -1 }, product: { stock: { increment: 1 }, last_quantity: -1 } }),
		],
	];
	for (const [what, body] of refused) {
		const answer = await ask("POST", "/batch", who.token, body, key);
		expect([400, 403, 404, 422], `${what}: ${JSON.stringify(answer.body)}`).toContain(
			answer.status,
		);
	}
	const alone: [string, string, unknown][] = [
		["PATCH", `/records/products/${film.id}`, { price: 0.01 }],
		["PATCH", `/records/products/${film.id}`, { stock: { increment: -1 } }],
		["POST", "/records/order_lines", { order: id(), product: film.id, quantity: 1 }],
	];
	for (const [method, path, body] of alone) {
		const answer = await ask(method, path, who.token, body);
		expect([400, 403, 404, 422], `${method} ${path}`).toContain(answer.status);
	}
	expect(await ordersOf(who.token)).toEqual([]);
	const after = await filmById(film.id);
	expect({ price: after.price, stock: after.stock }).toEqual({
		price: film.price,
		stock: film.stock,
	});
	// The same sale without a lie is taken, with the very key of the refusals: a refusal has no effect.
	const honest = await ask("POST", "/batch", who.token, sale({}), key);
	expect(honest.status, JSON.stringify(honest.body)).toBe(200);
	expect((await filmById(film.id)).stock).toBe(film.stock - 1);
});

test("who comes second to the last copy is told, and pays nothing", async ({ browser }) => {
	const [rare, common] = [await filmByTitle("Memento"), await filmByTitle("Gladiator")];
	await restock(rare, 1);
	const [quick, slow] = [await customer(), await customer()];
	const contexts = await Promise.all([browser.newContext(), browser.newContext()]);
	const [quickly, slowly] = await Promise.all(contexts.map((context) => context.newPage()));
	if (!quickly || !slowly) throw new Error("no pages");
	const faults = await watch(slowly, [422, 409]);
	await signIn(quickly, quick);
	await signIn(slowly, slow);
	await addFilm(quickly, rare);
	await addFilm(slowly, rare);
	await addFilm(slowly, common);
	await slowly.goto(`${site}/#/cart`);
	await expect(placeOrder(slowly)).toBeVisible();

	await quickly.goto(`${site}/#/cart`);
	await placeOrder(quickly).click();
	await expect(quickly.getByRole("heading", { level: 1 })).toHaveText("Thank you. It is yours.");

	await placeOrder(slowly).click();
	const news = slowly.getByRole("alert").filter({ hasText: "Somebody was faster." });
	await expect(news).toContainText("“Memento” is sold out.");
	await expect(news).toContainText("Nothing was ordered and nothing charged.");
	await expect(slowly.locator(".line")).toHaveCount(1);
	await expect(slowly.locator(".line")).toContainText("Gladiator");
	await slowly.screenshot({ path: `${pictures}shop-sold-out-desktop-light.png` });
	await expectAccessible(slowly, "sold out");
	expect(await ordersOf(slow.token)).toEqual([]);
	expect((await filmById(rare.id)).stock).toBe(0);
	expect((await filmById(common.id)).stock, "nothing of the refused order happened").toBe(
		common.stock,
	);

	// What is left can be ordered at once.
	await placeOrder(slowly).click();
	await expect(slowly.getByRole("heading", { level: 1 })).toHaveText("Thank you. It is yours.");
	expect(await ordersOf(slow.token)).toHaveLength(1);
	expect((await filmById(common.id)).stock).toBe(common.stock - 1);
	await slowly.goto(`${site}/#/film/${rare.id}`);
	await expect(slowly.getByRole("button", { name: "Sold out" })).toBeDisabled();
	expect(faults).toEqual([]);
	await Promise.all(contexts.map((context) => context.close()));
});

test("a double click and a lost answer make one order each", async ({ page }) => {
	const film = await filmByTitle("Batman Begins");
	await restock(film, 20);
	const who = await customer();
	const faults = await watch(page);
	await signIn(page, who);
	await addFilm(page, film);
	await page.goto(`${site}/#/cart`);
	const keys: (string | undefined)[] = [];
	page.on(
		"request",
		(it) => it.url().endsWith("/v1/batch") && keys.push(it.headers()["idempotency-key"]),
	);
	await placeOrder(page).dblclick();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Thank you. It is yours.");
	expect(await ordersOf(who.token)).toHaveLength(1);
	expect((await filmById(film.id)).stock).toBe(19);

	// The server takes the order, but its answer never arrives.
	await addFilm(page, film, 2);
	await page.goto(`${site}/#/cart`);
	keys.length = 0;
	const bodies: (string | null)[] = [];
	await page.route("**/v1/batch", async (route) => {
		bodies.push(route.request().postData());
		await arrive(route.request());
		await route.abort("connectionreset");
	});
	await placeOrder(page).click();
	await expect(
		page.getByRole("alert").filter({ hasText: "We lost the connection." }),
	).toBeVisible();
	await expect(page.locator(".ticket")).toContainText("cannot be placed twice");
	await page.screenshot({ path: `${pictures}shop-lost-desktop-light.png` });
	await page.reload();
	await page.unroute("**/v1/batch");
	await page.route("**/v1/batch", (route) => {
		bodies.push(route.request().postData());
		return route.continue();
	});
	await page.getByRole("button", { name: "Finish the order" }).click();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Thank you. It is yours.");
	expect(keys).toHaveLength(2);
	expect(keys[1]).toBe(keys[0]);
	expect(bodies[1]).toBe(bodies[0]);
	expect(await ordersOf(who.token)).toHaveLength(2);
	expect((await filmById(film.id)).stock).toBe(17);
	await expect(cartWay(page)).toHaveAccessibleName(/empty/);
	expect(faults.filter((fault) => !fault.includes("net::ERR_CONNECTION_RESET"))).toEqual([]);
});

test("one refresh serves all requests and tabs that wait for it", async ({ page, context }) => {
	const who = await customer();
	const faults = await watch(page);
	await signIn(page, who);
	const refreshes: string[] = [];
	context.on("request", (it) => it.url().endsWith("/v1/auth/refresh") && refreshes.push(it.url()));
	const end = () =>
		page.evaluate(() => {
			const session = JSON.parse(localStorage.getItem("shop.session") ?? "{}");
			localStorage.setItem("shop.session", JSON.stringify({ ...session, expires: 0 }));
		});
	const orders = "You have not ordered anything yet.";
	await page.goto(`${site}/#/orders`);
	await expect(page.getByText(orders)).toBeVisible();

	// Two tabs at once: the lock of the browser lets one of them go first.
	const other = await context.newPage();
	await other.goto(`${site}/#/orders`);
	await expect(other.getByText(orders)).toBeVisible();
	expect(refreshes).toHaveLength(0);
	await context.route("**/v1/auth/refresh", async (route) => {
		await new Promise((done) => setTimeout(done, 800));
		await route.continue();
	});
	await end();
	await Promise.all([page.reload(), other.reload()]);
	await expect(page.getByText(orders)).toBeVisible();
	await expect(other.getByText(orders)).toBeVisible();
	expect(refreshes).toHaveLength(1);
	await other.close();

	// One tab of a browser without locks: all its requests wait for the same flight.
	await page.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));
	await end();
	await page.reload();
	await expect(page.getByText(orders)).toBeVisible();
	expect(refreshes).toHaveLength(2);
	expect(faults).toEqual([]);

	// Ended elsewhere: the customer is out, and asked to sign in.
	await good("POST", "/auth/sign-out-everywhere", who.token);
	await end();
	await page.reload();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
	expect(await page.evaluate(() => localStorage.getItem("shop.session"))).toBeNull();
});

test("faults stand at their fields", async ({ page }) => {
	const who = await customer();
	const faults = await watch(page, [400, 401, 409, 422]);
	await page.goto(`${site}/#/sign-up`);
	await page.getByLabel("E-mail").fill("no address");
	await page.getByLabel("Password").fill("short");
	await page.getByRole("button", { name: "Sign up" }).click();
	const [email, password] = [page.getByLabel("E-mail"), page.getByLabel("Password")];
	await expect(email).toHaveAttribute("aria-invalid", "true");
	await expect(password).toHaveAttribute("aria-invalid", "true");
	await expect(email).toBeFocused();
	await expect(page.locator("#email-fault")).not.toBeEmpty();
	await expect(page.locator("#password-fault")).not.toBeEmpty();
	await expectAccessible(page, "sign up with faults");
	await page.screenshot({ path: `${pictures}shop-faults-desktop-light.png` });
	await email.fill(who.email);
	await password.fill("correct horse battery");
	await page.getByRole("button", { name: "Sign up" }).click();
	await expect(page.locator("#email-fault")).toHaveText("This e-mail has an account already.");
	await expect(password).not.toHaveAttribute("aria-invalid", "true");
	await page.goto(`${site}/#/sign-in`);
	await email.fill(who.email);
	await password.fill("wrong horse battery");
	await page.getByRole("button", { name: "Sign in" }).click();
	await expect(page.getByRole("alert").filter({ hasText: "do not belong together" })).toBeVisible();
	expect(faults).toEqual([]);
});

test("works by keyboard alone", async ({ page }) => {
	const film = await filmByTitle("Braveheart");
	await page.goto(`${site}/`);
	await settled(page);
	await page.keyboard.press("Tab");
	await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
	await page.getByRole("searchbox").focus();
	await page.keyboard.type("braveheart");
	await expect(tally(page)).toHaveText("1 film");
	await cards(page).first().focus();
	await page.keyboard.press("Enter");
	const title = page.getByRole("heading", { level: 1, name: film.title });
	await expect(title).toBeFocused();
	await page.getByRole("button", { name: "Add to cart" }).focus();
	await page.keyboard.press("Enter");
	await expect(cartWay(page)).toHaveAccessibleName(/1 film/);
	await cartWay(page).focus();
	await page.keyboard.press("Enter");
	await expect(page.getByRole("heading", { level: 1, name: "Your cart" })).toBeFocused();
});

const looks: [string, BrowserContextOptions][] = [
	["desktop-dark", { colorScheme: "dark" }],
	["phone-light", { ...phone, colorScheme: "light" }],
	["phone-dark", { ...phone, colorScheme: "dark" }],
];
for (const [look, options] of looks) {
	test(`looks right: ${look}`, async ({ browser }) => {
		const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
		const page = await context.newPage();
		const faults = await watch(page);
		const film = await filmByTitle("The Usual Suspects");
		const fits = async (where: string) => {
			const over = await page.evaluate(
				() => document.documentElement.scrollWidth - document.documentElement.clientWidth,
			);
			expect(over, `${where} is no wider than the screen`).toBeLessThanOrEqual(0);
			await expectAccessible(page, `${where}, ${look}`);
			await page.screenshot({ path: `${pictures}shop-${where}-${look}.png` });
		};
		await page.goto(`${site}/`);
		await settled(page);
		await fits("browse");
		await page.evaluate(() => scrollTo(0, 520));
		await page.waitForTimeout(200);
		await page.screenshot({ path: `${pictures}shop-grid-${look}.png` });
		await addFilm(page, film);
		await expect(page.locator(".alike .card")).not.toHaveCount(0);
		await fits("film");
		await signIn(page, await customer());
		await page.goto(`${site}/#/cart`);
		await expect(page.locator(".line")).toHaveCount(1);
		await fits("cart");
		await placeOrder(page).click();
		await expect(page.locator(".receipt-lines li")).toHaveCount(1);
		await expect(page.locator(".teller > *")).toBeVisible();
		await fits("order");
		await page.goto(`${site}/#/orders`);
		await expect(page.locator(".order-card")).toHaveCount(1);
		await fits("orders");
		await page.goto(`${site}/#/account`);
		await expect(page.locator(".face.big")).toBeVisible();
		await fits("account");
		expect(faults).toEqual([]);
		await context.close();
	});
}

test("the theme can be chosen and is kept", async ({ page }) => {
	await page.goto(`${site}/`);
	await settled(page);
	const ground = () =>
		page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
	const light = await ground();
	await page.getByRole("button", { name: "Use the dark theme" }).click();
	const dark = await ground();
	expect(dark).not.toBe(light);
	await page.reload();
	expect(await ground()).toBe(dark);
	await expect(page.getByRole("button", { name: "Use the light theme" })).toBeVisible();
});

test("nothing jumps while the films arrive", async ({ page }) => {
	await page.addInitScript(() => {
		const it = window as unknown as { shift: number };
		it.shift = 0;
		new PerformanceObserver((list) => {
			for (const entry of list.getEntries() as (PerformanceEntry & {
				value: number;
				hadRecentInput: boolean;
			})[])
				if (!entry.hadRecentInput) it.shift += entry.value;
		}).observe({ type: "layout-shift", buffered: true });
	});
	await page.goto(`${site}/`);
	await settled(page);
	await page.waitForTimeout(800);
	expect(await page.evaluate(() => (window as unknown as { shift: number }).shift)).toBeLessThan(
		0.05,
	);
});
