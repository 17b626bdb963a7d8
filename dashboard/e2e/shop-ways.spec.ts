// The ways into the film shop: codes and links by e-mail, and the cart that goes with whoever comes in.

import { type CDPSession, expect, type Page, test } from "@playwright/test";
import { codeOf } from "./kit";
import { client, Provider } from "./provider";
import {
	addFilm,
	admin,
	cartWay,
	customer,
	demo,
	expectAccessible,
	filmByTitle,
	good,
	openShop,
	phone,
	pictures,
	signIn,
	site,
	watch,
} from "./shop-kit";

let provider: Provider;
openShop(async () => {
	provider = await Provider.start();
	return provider;
});

test.afterAll(() => provider.stop());

/** The text of the last mail of a template to an address, once it was caught. */
async function mailTo(address: string, template: string): Promise<string> {
	const read = async (path: string) =>
		(
			await fetch(`${demo.url}/p/shop/v1/${path}`, {
				headers: { authorization: `Bearer ${admin}` },
			})
		).json();
	let id: string | undefined;
	await expect
		.poll(async () => {
			const { items } = (await read("mails?status=caught&limit=100")) as {
				items: { id: string; recipient: string; template: string }[];
			};
			id = items.find((it) => it.recipient === address && it.template === template)?.id;
			return id;
		})
		.toBeTruthy();
	return ((await read(`mails/${id}`)) as { text: string }).text;
}

const out = async (page: Page) => {
	await page.goto(`${site}/#/account`);
	await page.getByRole("button", { name: "Sign out" }).click();
	await expect(page.getByRole("link", { name: "Sign in", exact: true })).toBeVisible();
};

test("a code by e-mail signs in, a wrong one does not", async ({ page }) => {
	const who = await customer();
	const faults = await watch(page, [400]);
	await page.goto(`${site}/#/sign-in?then=%2Forders`);
	await expect(page.getByRole("button", { name: "Get a code by e-mail" })).toBeVisible();
	await page.screenshot({ path: `${pictures}shop-sign-in-desktop-light.png` });
	await expectAccessible(page, "sign in");
	await page.getByRole("button", { name: "Get a code by e-mail" }).click();
	await expect(page.getByLabel("E-mail")).toBeFocused();
	await page.getByLabel("E-mail").fill(who.email);
	await page.keyboard.press("Enter");
	await expect(page.locator(".sent")).toContainText("a code is on its way");
	const code = /\b\d{6}\b/.exec(await mailTo(who.email, "code"))?.[0] ?? "";
	await page.getByLabel("Code").fill(code === "000000" ? "111111" : "000000");
	await page.keyboard.press("Enter");
	await expect(page.getByText("This code is wrong or too old.")).toBeVisible();
	await page.screenshot({ path: `${pictures}shop-code-desktop-light.png` });
	await expectAccessible(page, "code");
	await page.getByLabel("Code").fill(code);
	await page.keyboard.press("Enter");
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your orders");
	expect(faults).toEqual([]);
});

test("whoever has no account is told the same, and gets nothing", async ({ page }) => {
	const faults = await watch(page);
	await page.goto(`${site}/#/sign-in`);
	await page.getByRole("button", { name: "Get a link by e-mail" }).click();
	await page.getByLabel("E-mail").fill("nobody-here@example.com");
	await page.getByRole("button", { name: "Send the link" }).click();
	await expect(page.locator(".sent")).toContainText("If nobody-here@example.com has");
	await page.getByRole("button", { name: "Sign in another way" }).click();
	await expect(page.getByLabel("Password")).toBeVisible();
	expect(faults).toEqual([]);
});

test("a link by e-mail leads back into the shop, once", async ({ page }) => {
	const who = await customer();
	await page.goto(`${site}/#/sign-in`);
	await page.getByRole("button", { name: "Get a link by e-mail" }).click();
	await page.getByLabel("E-mail").fill(who.email);
	await page.getByRole("button", { name: "Send the link" }).click();
	await expect(page.locator(".sent")).toContainText("Open it in this browser");
	const link = /http\S+/.exec(await mailTo(who.email, "magic_link"))?.[0] ?? "";
	await page.goto(link);
	await page.getByRole("button").click();
	await expect(page.getByRole("link", { name: "Account", exact: true })).toBeVisible();
	await expect(page.locator(".note").getByText("You are signed in.")).toBeVisible();
	expect(new URL(page.url()).origin).toBe(site);
	expect(page.url(), "the token stands in no address").not.toContain("token");
	await page.goto(link);
	await expect(page.getByRole("heading")).toContainText(/link/i);
	// A token of one's own making opens nothing, and says so.
	await page.goto("about:blank");
	await page.goto(`${site}/#token=not-one`);
	await expect(page.locator(".note").getByText("This link is used or too old.")).toBeVisible();
});

test("the cart waits for its customer, and is shown to nobody else", async ({ page, browser }) => {
	const [ada, eve] = [await customer(), await customer()];
	const [one, two] = [await filmByTitle("Memento"), await filmByTitle("Gladiator")];
	await addFilm(page, one);
	await signIn(page, ada);
	await addFilm(page, two, 2);
	await expect(cartWay(page)).toHaveAccessibleName(/3 films/);
	await out(page);
	await expect(cartWay(page)).toHaveAccessibleName(/empty/);
	await signIn(page, eve);
	await expect(cartWay(page)).toHaveAccessibleName(/empty/);

	const context = await browser.newContext({ ...phone, colorScheme: "dark" });
	const mobile = await context.newPage();
	await mobile.goto(`${site}/#/sign-in`);
	await expect(mobile.getByRole("button", { name: "Get a link by e-mail" })).toBeVisible();
	await mobile.screenshot({ path: `${pictures}shop-sign-in-phone-dark.png` });
	await expectAccessible(mobile, "sign in on a phone");
	await signIn(mobile, ada);
	await expect(cartWay(mobile)).toHaveAccessibleName(/3 films/);
	await mobile.goto(`${site}/#/cart`);
	await mobile.getByRole("button", { name: "Take “Memento” out" }).click();
	await expect(cartWay(mobile)).toHaveAccessibleName(/2 films/);

	await out(page);
	await signIn(page, ada);
	await expect(cartWay(page)).toHaveAccessibleName(/2 films/);
	await context.close();
});

/** The way to the sign-in, which is shown where no customer is. */
const nobody = (page: Page) =>
	page
		.getByRole("navigation", { name: "Shop" })
		.getByRole("link", { name: "Sign in", exact: true });

const me = async (page: Page) =>
	page.evaluate(async () => {
		const { access } = JSON.parse(localStorage.getItem("shop.session") ?? "{}");
		const answer = await fetch("/v1/users/me", { headers: { Authorization: `Bearer ${access}` } });
		return (await answer.json()) as { id: string; email: string | null; anonymous: boolean };
	});

test("a visitor's cart stays when the visitor signs up, and so does the visitor", async ({
	page,
	browser,
}) => {
	const faults = await watch(page);
	const film = await filmByTitle("Memento");
	await page.goto(`${site}/#/`);
	await expect(page.getByRole("link", { name: "Sign in", exact: true })).toBeVisible();
	await addFilm(page, film, 2);
	await expect.poll(() => page.evaluate(() => localStorage.getItem("shop.cart.unsent"))).toBeNull();
	const before = await me(page);
	expect(before).toMatchObject({ email: null, anonymous: true });
	// A visitor is nobody's customer: what is a customer's asks to sign in first.
	await expect(page.getByRole("link", { name: "Sign in", exact: true })).toBeVisible();
	await page.goto(`${site}/#/cart`);
	await page.reload();
	await expect(cartWay(page)).toHaveAccessibleName(/2 films/);
	await page.getByRole("button", { name: "Sign in to order" }).click();
	await page.getByRole("link", { name: "Make an account" }).click();
	const who = { email: `visitor-${Date.now()}@example.com`, password: "correct horse battery" };
	await page.getByLabel("Name").fill("Vera");
	await page.getByLabel("E-mail").fill(who.email);
	await page.getByLabel("Password").fill(who.password);
	await page.getByRole("button", { name: "Sign up" }).click();
	await expect(page.getByRole("button", { name: "Place the order" })).toBeVisible();
	await expect(cartWay(page)).toHaveAccessibleName(/2 films/);
	expect(await me(page)).toMatchObject({ id: before.id, email: who.email, anonymous: false });

	const context = await browser.newContext();
	const elsewhere = await context.newPage();
	await signIn(elsewhere, who);
	await expect(cartWay(elsewhere)).toHaveAccessibleName(/2 films/);
	await context.close();
	expect(faults).toEqual([]);
});

test("a visitor's cart joins that of the account that is signed in to", async ({ page }) => {
	const [ada, one, two] = [
		await customer(),
		await filmByTitle("Memento"),
		await filmByTitle("Gladiator"),
	];
	await signIn(page, ada);
	await addFilm(page, one);
	await out(page);
	await addFilm(page, two, 2);
	await expect.poll(() => page.evaluate(() => localStorage.getItem("shop.cart.unsent"))).toBeNull();
	await signIn(page, ada);
	await expect(cartWay(page)).toHaveAccessibleName(/3 films/);
});

/** An authenticator of the browser's own that always finds its user there. */
async function authenticator(page: Page): Promise<{ cdp: CDPSession; id: string }> {
	const cdp = await page.context().newCDPSession(page);
	await cdp.send("WebAuthn.enable");
	const { authenticatorId: id } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
		options: {
			protocol: "ctap2",
			transport: "internal",
			hasResidentKey: true,
			hasUserVerification: true,
			isUserVerified: true,
			automaticPresenceSimulation: true,
		},
	});
	return { cdp, id };
}

test("a passkey is made, signs in without a name, and is removed", async ({ page }) => {
	const who = await customer();
	const faults = await watch(page, [403]);
	const { cdp, id } = await authenticator(page);
	await signIn(page, who);
	await page.goto(`${site}/#/account`);
	await page.getByRole("button", { name: "Make a passkey" }).click();
	const passkey = page.locator(".passkeys li");
	await expect(passkey).toHaveCount(1);
	await page.screenshot({ path: `${pictures}shop-passkeys-desktop-light.png`, fullPage: true });
	await expectAccessible(page, "account");
	await out(page);

	await page.goto(`${site}/#/sign-in?then=%2Fwishes`);
	await page.getByRole("button", { name: "Use a passkey" }).click();
	await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your wish list");
	expect((await me(page)).id).toBe(who.id);
	await page.goto(`${site}/#/account`);
	await page.getByRole("button", { name: /^Remove the passkey/ }).click();
	await expect(passkey).toHaveCount(0);
	await out(page);

	// The authenticator has it still; the shop knows it no more.
	const { credentials } = await cdp.send("WebAuthn.getCredentials", { authenticatorId: id });
	expect(credentials).toHaveLength(1);
	await page.goto(`${site}/#/sign-in`);
	await page.getByRole("button", { name: "Use a passkey" }).click();
	await expect(page.locator(".note")).toBeVisible();
	await expect(page.getByRole("link", { name: "Sign in", exact: true })).toBeVisible();
	expect(faults.filter((fault) => !fault.includes("400"))).toEqual([]);
});

test("a second factor is asked for: a code of the app once, a recovery code once", async ({
	page,
}) => {
	const who = await customer();
	const app = await good<{ enrolment_id: string; secret: string }>("POST", "/auth/totp", who.token);
	const first = codeOf(app.secret);
	const { recovery_codes } = await good<{ recovery_codes: string[] }>(
		"POST",
		"/auth/totp/activate",
		who.token,
		{ enrolment_id: app.enrolment_id, totp_code: first },
	);
	const [recovery = ""] = recovery_codes;

	const faults = await watch(page, [400]);
	const factor = page.getByLabel("Second factor");
	const begin = async () => {
		await page.goto(`${site}/#/sign-in?then=%2Forders`);
		await page.getByLabel("E-mail").fill(who.email);
		await page.getByLabel("Password").fill(who.password);
		await page.getByRole("button", { name: "Sign in" }).click();
		await expect(factor).toBeFocused();
	};
	const show = async (code: string) => {
		await factor.fill(code);
		await page.getByRole("button", { name: "Go on" }).click();
	};
	const refused = page.getByText("This code is wrong, or was used.");
	const isIn = async () => {
		await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your orders");
		expect((await me(page)).id).toBe(who.id);
	};

	await begin();
	expect(await page.evaluate(() => localStorage.getItem("shop.session"))).toBeNull();
	await page.screenshot({ path: `${pictures}shop-factor-desktop-light.png` });
	await expectAccessible(page, "second factor");
	// The code that turned the app on was used by that.
	await show(first);
	await expect(refused).toBeVisible();
	// The next one is good early, as clocks differ.
	await show(codeOf(app.secret, 1));
	await isIn();
	await out(page);

	await begin();
	await show(recovery);
	await isIn();
	await out(page);
	await begin();
	await show(recovery);
	await expect(refused).toBeVisible();
	await expect(nobody(page)).toBeVisible();
	expect(faults).toEqual([]);
});

test("an account elsewhere signs in, the same each time", async ({ page }) => {
	const social = {
		providers: [
			{ id: "elsewhere", kind: "oidc", name: "Elsewhere", issuer: provider.origin, ...client },
		],
		redirect_addresses: [`${site}/`],
	};
	const set = await fetch(`${demo.url}/p/shop/v1/settings`, {
		method: "PATCH",
		headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
		body: JSON.stringify({ social }),
	});
	expect(set.status, await set.text()).toBe(200);
	const email = `else-${Date.now()}@example.com`;
	provider.person = { sub: "7", email, name: "Else" };
	const enter = async () => {
		await page.goto(`${site}/#/sign-in?then=%2Forders`);
		await page.getByRole("button", { name: "Continue with Elsewhere" }).click();
		await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your orders");
		expect(page.url(), "nothing is left in the address").toBe(`${site}/#/orders`);
	};
	await enter();
	const first = await me(page);
	expect(first.email).toBe(email);
	await page.reload();
	await expect(page.getByRole("link", { name: "Account", exact: true })).toBeVisible();
	await out(page);
	await enter();
	expect((await me(page)).id).toBe(first.id);
	await out(page);

	// A ticket that is none lets nobody in, and what a provider says no to is told.
	await page.goto(`${site}/?ticket=stolen`);
	await expect(page.locator(".note")).toBeVisible();
	await expect(nobody(page)).toBeVisible();
	await page.goto(`${site}/?error=access_denied`);
	await expect(page.locator(".note").getByText("You were not signed in.")).toBeVisible();
});
