// The film shop where things go wrong or look different: the last copy, lost answers, faults, keys, themes, phones.

import { type BrowserContextOptions, expect, test } from "@playwright/test";
import type { Look } from "./axe";
import {
	addFilm,
	arrive,
	cards,
	cartWay,
	customer,
	expectAccessible,
	filmById,
	filmByTitle,
	good,
	openShop,
	ordersOf,
	phone,
	pictures,
	placeOrder,
	restock,
	settled,
	signIn,
	site,
	tally,
	watch,
} from "./shop-kit";

openShop();

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
	// From a page of the same origin without the shop on it, which would ask for new tokens itself.
	const away = `${site}/v1/auth/methods`;
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
	await Promise.all([page.goto(away), other.goto(away)]);
	await end();
	await Promise.all([page.goto(`${site}/#/orders`), other.goto(`${site}/#/orders`)]);
	await expect(page.getByText(orders)).toBeVisible();
	await expect(other.getByText(orders)).toBeVisible();
	expect(refreshes).toHaveLength(1);
	await other.close();

	// One tab of a browser without locks: all its requests wait for the same flight.
	await page.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));
	await page.goto(away);
	await end();
	await page.goto(`${site}/#/orders`);
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

// Light on a desk is what all other walks see, and axe looks at all of it there; here at what can differ from that.
const looks: [string, BrowserContextOptions, Look][] = [
	["desktop-dark", { colorScheme: "dark" }, "colours"],
	["phone-light", { ...phone, colorScheme: "light" }, "structure"],
	["phone-dark", { ...phone, colorScheme: "dark" }, "colours"],
];
for (const [look, options, part] of looks) {
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
			await expectAccessible(page, `${where}, ${look}`, part);
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
