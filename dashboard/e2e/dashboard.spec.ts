// The dashboard against the real server: what an operator does in a day.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "@playwright/test";
import { accessible, expect, picture, signIn, test, watch } from "./fixtures";
import { operator } from "./kit";

const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });

test.describe("the way in", () => {
	test("a wrong password is told, the right one leads where one wanted to go", async ({
		page,
		faults: _,
	}) => {
		await page.goto("/dashboard/projects/shop/keys");
		await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
		await picture(page, "sign-in");
		await accessible(page);
		await page.getByLabel("E-mail").fill(operator.email);
		const password = page.locator('input[autocomplete="current-password"]');
		await password.fill("not it at all");
		await page.getByRole("button", { name: "Sign in" }).click();
		const alert = page.getByRole("alert");
		await expect(alert).toContainText("The identity or the password is wrong");
		await expect(alert).toContainText(/Request\s*[0-9a-f]{16}/);
		await accessible(page);
		await password.fill(operator.password);
		await page.getByRole("button", { name: "Sign in" }).click();
		await expect(page.getByRole("heading", { name: "Keys", level: 1 })).toBeVisible();
	});

	test("a link cannot lead to another site after the sign-in", async ({
		page,
		faults: _,
		demo,
	}) => {
		await page.goto("/dashboard/sign-in?to=//evil.example/x");
		await page.getByLabel("E-mail").fill(operator.email);
		await page.locator('input[autocomplete="current-password"]').fill(operator.password);
		await page.getByRole("button", { name: "Sign in" }).click();
		await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
		expect(new URL(page.url()).origin).toBe(demo.url);
	});

	test("after signing out nothing can be read", async ({ page, faults: _ }) => {
		// The session of the other tests must not end.
		await signIn(page);
		await page.getByRole("button", { name: "Account and colours" }).click();
		await page.getByRole("menuitem", { name: "Sign out" }).click();
		await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
		await page.goto("/dashboard/projects/shop");
		await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
	});

	test("a session that ends elsewhere leads back to the sign-in", async ({ app }) => {
		await app.goto("/dashboard/projects/shop/keys");
		await expect(app.getByRole("heading", { name: "Keys", level: 1 })).toBeVisible();
		await app.context().clearCookies();
		await app.getByRole("link", { name: "Settings" }).click();
		await expect(app.getByRole("heading", { name: "Sign in" })).toBeVisible();
	});

	test("the first operator is made by the link that the server printed", async ({ page }) => {
		const folder = await mkdtemp(join(tmpdir(), "galley-e2e-"));
		const { GALLEY_TEST_BIN: binary, ...environment } = process.env;
		const child = spawn(
			binary ?? resolve(import.meta.dirname, "../../target/debug/galley"),
			["--data-dir", folder, "serve", "--listen", "127.0.0.1:0"],
			{ env: environment, stdio: ["ignore", "pipe", "inherit"] },
		);
		const printed = await new Promise<string>((done, fail) => {
			let text = "";
			child.stdout.on("data", (chunk) => {
				text += chunk;
				if (/setup\?token=\S+/.test(text) && /listening on \S+/.test(text)) done(text);
			});
			child.once("exit", (code) => fail(new Error(`the server ended with ${code}: ${text}`)));
		});
		const path = new URL(/http\S+setup\?token=\S+/.exec(printed)?.[0] ?? "");
		const url = /listening on (\S+)/.exec(printed)?.[1] ?? "";
		const faults: string[] = [];
		watch(page, url, faults);
		try {
			await page.goto(`${url}/dashboard/setup?token=wrong`);
			const fill = async (email: string) => {
				await page.getByLabel("Name").fill("Ada");
				await page.getByLabel("E-mail").fill(email);
				const [one, two] = await page.locator('input[autocomplete="new-password"]').all();
				await one?.fill("a long password");
				await two?.fill("a long password");
				await page.getByRole("button", { name: "Make the account" }).click();
			};
			await fill("ada@example.com");
			await expect(page.getByRole("alert")).toContainText("The token is not valid");
			await page.goto(url + path.pathname + path.search);
			await accessible(page);
			await picture(page, "set-up");
			await fill("no address");
			await expect(page.getByLabel("E-mail")).toHaveAccessibleDescription(/.+/);
			await fill("ada@example.com");
			await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
			await expect(page.getByText("No project yet")).toBeVisible();
			await picture(page, "no-project");
			await accessible(page);
			expect(faults).toEqual([]);
		} finally {
			child.removeAllListeners("exit");
			const ended = new Promise((done) => child.once("exit", done));
			child.kill("SIGTERM");
			await ended;
			await rm(folder, { recursive: true, force: true });
		}
	});
});

test.describe("projects", () => {
	test("one is made, renamed, suspended and resumed", async ({ app }) => {
		await app.goto("/dashboard/");
		await app.getByRole("button", { name: "New project" }).click();
		await app.getByLabel("Name", { exact: true }).fill("Café Größe");
		await expect(app.getByRole("textbox", { name: "Id" })).toHaveValue("cafe-gro-e");
		await app.getByRole("textbox", { name: "Id" }).fill("X");
		await app.getByRole("button", { name: "Create project" }).click();
		await expect(app.getByRole("textbox", { name: "Id" })).toHaveAttribute("aria-invalid", "true");
		await app.getByRole("textbox", { name: "Id" }).fill("cafe");
		await app.getByRole("button", { name: "Create project" }).click();
		await expect(app.getByRole("heading", { name: "Collections", level: 1 })).toBeVisible();

		await app.getByRole("link", { name: "Settings" }).click();
		await app
			.getByLabel("Name", { exact: true })
			.or(app.getByLabel("Name *"))
			.first()
			.fill("The café");
		await app.getByRole("button", { name: "Rename" }).click();
		await expect(app.getByRole("button", { name: "The café: other projects" })).toBeVisible();

		await app.getByRole("button", { name: "Suspend…" }).click();
		await app.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
		await expect(app.getByRole("heading", { name: "This project is suspended" })).toBeVisible();
		await accessible(app);
		await app.getByRole("link", { name: "Collections" }).click();
		await expect(app.getByRole("alert", { name: "The project is suspended" })).toBeVisible();
		await app.getByRole("link", { name: "Settings" }).click();
		await app.getByRole("button", { name: "Resume" }).click();
		await expect(app.getByRole("heading", { name: "Suspend", exact: true })).toBeVisible();
	});

	test("settings are checked, kept, and not overwritten blindly", async ({ app, elsewhere }) => {
		await app.goto("/dashboard/projects/blog/settings");
		const access = app.getByRole("region", { name: "Access" });
		const save = access.getByRole("button", { name: "Save" });
		const origins = access.getByRole("combobox", { name: "Origins of pages" });
		await origins.fill("https://Shop.example/");
		await origins.press("Enter");
		await save.click();
		await expect(access.getByText(/is no origin/)).toBeVisible();
		await save.scrollIntoViewIfNeeded();
		await origins.press("Backspace");
		await origins.fill("https://shop.example");
		await origins.press("Enter");
		await access.getByLabel("Development mode").click();
		await save.click();
		await expect(app.getByText("The settings are in force.")).toBeVisible();
		await app.reload();
		await expect(access.getByLabel("Development mode")).toBeChecked();
		await expect(access.getByText("https://shop.example", { exact: true })).toBeVisible();

		await app.getByRole("tab", { name: "Sign-in" }).click();
		const signUp = app.getByRole("region", { name: "Sign-up" });
		await expect(signUp.getByLabel("Open")).toBeChecked();
		await elsewhere("PATCH", "/p/blog/v1/settings", { sign_up: "closed" });
		const ways = app.getByRole("region", { name: "Ways to sign in" });
		await ways.getByLabel("Code by e-mail").click();
		await ways.getByRole("button", { name: "Save" }).click();
		await expect(ways.getByRole("alert").first()).toContainText("another version");
		await ways.getByRole("button", { name: "Read the settings again" }).click();
		await expect(signUp.getByLabel("Closed")).toBeChecked();
		// What was chosen here is still there, and can be saved on top.
		await expect(ways.getByLabel("Code by e-mail")).toBeChecked();
		await ways.getByRole("button", { name: "Save" }).click();
		await expect(app.getByText("The settings are in force.")).toBeVisible();
		const methods = await elsewhere("GET", "/p/blog/v1/auth/methods");
		expect(await methods.json()).toMatchObject({ sign_up: false, email_code: true });
	});

	test("a key is shown once, works, and is revoked", async ({ app, demo }) => {
		await app.goto("/dashboard/projects/shop/keys");
		await app.getByRole("button", { name: "New key" }).click();
		const dialog = app.getByRole("dialog");
		await dialog.getByLabel("Name").fill("Warehouse");
		const scopes = dialog
			.getByRole("textbox", { name: "Scopes" })
			.or(dialog.getByRole("combobox", { name: "Scopes" }));
		await scopes.fill("records.raed");
		await scopes.press("Enter");
		await scopes.blur();
		await dialog.getByRole("button", { name: "Create key" }).click();
		await expect(dialog.getByText(/no permission "records.raed"/)).toBeVisible();
		await scopes.press("Backspace");
		await scopes.fill("records.read");
		await scopes.press("Enter");
		await scopes.blur();
		await dialog.getByRole("button", { name: "Create key" }).click();
		const key = (await app.getByTestId("key").textContent()) ?? "";
		expect(key).toMatch(/^gk_/);
		await accessible(app);
		await picture(app, "key-once");
		const asks = () =>
			fetch(`${demo.url}/p/shop/v1/records/users`, { headers: { authorization: `Bearer ${key}` } });
		expect((await asks()).status).toBe(200);
		await dialog.getByRole("button", { name: "I have copied it" }).click();
		await expect(row(app, "Warehouse")).toBeVisible();
		await app.reload();
		await expect(row(app, "Warehouse")).toBeVisible();
		expect(await app.content()).not.toContain(key);
		await picture(app, "keys-one");
		await app.getByRole("button", { name: "Revoke Warehouse" }).click();
		await app.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
		await expect(app.getByText("No key yet")).toBeVisible();
		expect((await asks()).status).toBe(401);
	});
});

test.describe("the rest", () => {
	test("the palette goes anywhere by keys", async ({ app }) => {
		await app.goto("/dashboard/projects/shop");
		await expect(app.getByRole("heading", { name: "Collections", level: 1 })).toBeVisible();
		await app.keyboard.press("ControlOrMeta+k");
		await app
			.getByRole("textbox", { name: "Search and go to" })
			.or(app.getByPlaceholder("Collections, pages, projects…"))
			.first()
			.fill("new record in wi");
		await picture(app, "palette");
		await accessible(app);
		await app.keyboard.press("Enter");
		await expect(app.getByRole("dialog").getByText("New record in wishes").first()).toBeVisible();
	});

	test("the request log tells what was asked, and filters", async ({ app }) => {
		await app.request.get("/p/shop/v1/records/no_such");
		await app.goto("/dashboard/projects/shop/requests");
		// The log is written a moment after the answer.
		await expect(async () => {
			await app.getByRole("button", { name: "Read again" }).click();
			await expect(row(app, "/v1/records/no_such").first()).toBeVisible({ timeout: 1000 });
		}).toPass({ timeout: 15_000 });
		await app.getByText("2xx", { exact: true }).click();
		await expect(row(app, "/v1/records/no_such")).toHaveCount(0);
		await app.getByLabel("One status").fill("404");
		await app.getByLabel("One status").press("Enter");
		await expect(row(app, "/v1/records/no_such").first()).toBeVisible();
		await expect(app).toHaveURL(/status=404/);
	});

	test("the audit log tells who changed what", async ({ app }) => {
		await app.goto("/dashboard/projects/shop/audit");
		await app.getByLabel("Search in what is loaded").fill("create wishes");
		await row(app, "wishes").click();
		await expect(app.getByRole("dialog")).toContainText("owner == auth.id");
		await accessible(app);
	});

	test("colours follow the system, and the choice stays", async ({ app }) => {
		await app.goto("/dashboard/");
		await expect(app.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
		const scheme = () => app.locator("html").getAttribute("data-mantine-color-scheme");
		expect(await scheme()).toBe("light");
		await app.getByRole("button", { name: "Account and colours" }).click();
		await app.getByRole("menuitem", { name: "Dark colours" }).click();
		await expect.poll(scheme).toBe("dark");
		await picture(app, "account");
		await accessible(app);
		await app.reload();
		await expect.poll(scheme).toBe("dark");
		await app.getByRole("button", { name: "Account and colours" }).click();
		await app.getByRole("menuitem", { name: "Colours of the system" }).click();
		await expect.poll(scheme).toBe("light");
		await app.emulateMedia({ colorScheme: "dark" });
		await expect.poll(scheme).toBe("dark");
	});

	test("on a phone the navigation opens and closes", async ({ app }) => {
		await app.setViewportSize({ width: 390, height: 844 });
		await app.goto("/dashboard/projects/shop");
		await expect(app.getByRole("link", { name: "Settings" })).not.toBeInViewport();
		await app.getByRole("button", { name: "Open the navigation" }).click();
		await expect(app.getByRole("link", { name: "products" }).first()).toBeInViewport();
		await picture(app, "phone-navigation");
		await accessible(app);
		await app.getByRole("link", { name: "products" }).first().click();
		await expect(app.getByRole("heading", { name: "products", level: 1 })).toBeVisible();
		await expect(app.getByRole("link", { name: "Settings" })).not.toBeInViewport();
		await row(app, "Slam").first().click();
		await expect(app.getByRole("dialog").getByLabel("title")).toBeVisible();
		await picture(app, "phone-record");
	});

	test("a page and a project that do not exist say so", async ({ app }) => {
		await app.goto("/dashboard/nowhere");
		await expect(app.getByText("There is no such page")).toBeVisible();
		await app.goto("/dashboard/projects/nowhere");
		await expect(app.getByRole("alert")).toContainText("There is no such project");
		await accessible(app);
	});

	test("the API page has requests that work", async ({ app }) => {
		await app.goto("/dashboard/projects/shop/api");
		await expect(app.getByText("/p/shop/v1/records/carts").first()).toBeVisible();
		await app.getByText("TypeScript", { exact: true }).click();
		await expect(app.getByText("createClient<paths>")).toBeVisible();
	});
});
