// The ways into the film shop: codes and links by e-mail, and the cart that goes with whoever comes in.

import { expect, type Page, test } from "@playwright/test";
import {
	addFilm,
	admin,
	cartWay,
	customer,
	demo,
	expectAccessible,
	filmByTitle,
	openShop,
	phone,
	pictures,
	signIn,
	site,
	watch,
} from "./shop-kit";

openShop();

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
