// The film shop in a real browser against the real binary: what customers do, and what they must not be able to do.

import { type Browser, expect, test } from "@playwright/test";
import { operator } from "./kit";
import {
	addFilm,
	admin,
	ask,
	cards,
	cartWay,
	customer,
	demo,
	expectAccessible,
	type Film,
	filmById,
	filmByTitle,
	good,
	type Line,
	type List,
	type Order,
	openShop,
	ordersOf,
	pictures,
	placeOrder,
	push,
	query,
	settled,
	site,
	subscribeAt,
	tally,
	watch,
} from "./shop-kit";

openShop();

/** The operator marks an order as shipped and tells its customer, as operators do. */
async function shipInTheDashboard(browser: Browser, order: string) {
	const context = await browser.newContext({ viewport: { width: 1360, height: 860 } });
	const page = await context.newPage();
	await page.goto(`${demo.url}/dashboard/sign-in?to=/projects/shop/records/orders`);
	await page.getByLabel("E-mail").fill(operator.email);
	await page.locator('input[autocomplete="current-password"]').fill(operator.password);
	await page.getByRole("button", { name: "Sign in" }).click();
	await page.getByRole("row").filter({ hasText: "Ring twice" }).click();
	const drawer = page.getByRole("dialog");
	await drawer.getByRole("combobox", { name: "status" }).click();
	await page.getByRole("option", { name: "shipped" }).click();
	await drawer.getByRole("button", { name: "Save" }).click();
	await expect(page.getByText("Saved.")).toBeVisible();
	await page.screenshot({ path: `${pictures}order-shipped.png` });
	await drawer.getByRole("link", { name: "Notify user…" }).click();
	await page.getByLabel("Title").fill("Your order is on its way");
	await page.getByRole("textbox", { name: "Text" }).fill("Two films are in the post.");
	await page.getByLabel("Address").fill(`/#/orders/${order}`);
	await page.screenshot({ path: `${pictures}order-told.png` });
	await page.getByRole("button", { name: "Send" }).click();
	await expect(page.getByRole("dialog")).toContainText("sent", { timeout: 20_000 });
	await context.close();
}

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
	await shipInTheDashboard(browser, order);
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
