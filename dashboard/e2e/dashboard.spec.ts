// The dashboard against the real server: what an operator does in a day.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Locator, Page } from "@playwright/test";
import { accessible, expect, picture, test, watch } from "./fixtures";
import { operator } from "./kit";
import { Site } from "./serve";

const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });

/** Types into an expression's editor, in the place of what stands there. */
async function write(editor: Locator, text: string) {
	await editor.click();
	await editor.press("ControlOrMeta+a");
	await editor.press("Delete");
	// Pasted, so that brackets are not closed and nothing is completed on the way.
	await editor.pressSequentially("");
	await editor.page().keyboard.insertText(text);
}

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
		home,
	}) => {
		await page.goto("/dashboard/sign-in?to=//evil.example/x");
		await page.getByLabel("E-mail").fill(operator.email);
		await page.locator('input[autocomplete="current-password"]').fill(operator.password);
		await page.getByRole("button", { name: "Sign in" }).click();
		await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
		expect(new URL(page.url()).origin).toBe(home);
	});

	test("after signing out nothing can be read", async ({ app }) => {
		await app.getByRole("button", { name: "Account and colours" }).click();
		await app.getByRole("menuitem", { name: "Sign out" }).click();
		await expect(app.getByRole("heading", { name: "Sign in" })).toBeVisible();
		await app.goto("/dashboard/projects/shop");
		await expect(app.getByRole("heading", { name: "Sign in" })).toBeVisible();
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
		const site = await Site.start(/listening on (\S+)/.exec(printed)?.[1] ?? "");
		const faults: string[] = [];
		watch(page, site.url, faults);
		try {
			await page.goto(`${site.url}/dashboard/setup?token=wrong`);
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
			await page.goto(site.url + path.pathname + path.search);
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
			await site.stop();
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
		const origins = app.getByRole("combobox", { name: "Origins of pages" });
		await origins.fill("https://Shop.example/");
		await origins.press("Enter");
		await app.getByRole("button", { name: "Save settings" }).click();
		await expect(app.getByText(/is no origin/)).toBeVisible();
		await app.getByRole("button", { name: "Save settings" }).scrollIntoViewIfNeeded();
		await origins.press("Backspace");
		await origins.fill("https://shop.example");
		await origins.press("Enter");
		await app.getByLabel("Development mode").click();
		await app.getByRole("button", { name: "Save settings" }).click();
		await expect(app.getByText("The settings are in force.")).toBeVisible();
		await app.reload();
		await expect(app.getByLabel("Development mode")).toBeChecked();
		await expect(app.getByText("https://shop.example", { exact: true })).toBeVisible();

		await elsewhere("PATCH", "/p/blog/v1/settings", { sign_up: "closed" });
		await app.getByLabel("Development mode").click();
		await app.getByRole("button", { name: "Save settings" }).click();
		await expect(app.getByRole("alert")).toContainText("another version");
		await app.getByRole("button", { name: "Read the settings again" }).click();
		await expect(app.getByLabel("Closed")).toBeChecked();
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

test.describe("collections and records", () => {
	test("a collection is made with fields, and its rules are checked where they are wrong", async ({
		app,
	}) => {
		await app.goto("/dashboard/projects/blog/new-collection");
		await app.getByLabel("Name").first().fill("reviews");
		const first = app.getByRole("group", { name: "Field 1" });
		await first.getByLabel("Name").fill("Title");
		await first.getByLabel("Longest").fill("80");
		await first.getByLabel("required").check();
		await app.getByRole("button", { name: "Add field" }).click();
		const second = app.getByRole("group", { name: "Field 2" });
		await second.getByLabel("Name").fill("stars");
		await second
			.getByRole("combobox", { name: "Type" })
			.or(second.getByLabel("Type"))
			.first()
			.click();
		await app.getByRole("option", { name: "Number" }).click();
		await second
			.getByRole("combobox", { name: "Kind" })
			.or(second.getByLabel("Kind"))
			.first()
			.click();
		await app.getByRole("option", { name: "Whole" }).click();
		await second.getByLabel("Least").fill("1");
		await second.getByLabel("Greatest").fill("5");
		await app.getByRole("button", { name: "Add field" }).click();
		const third = app.getByRole("group", { name: "Field 3" });
		await third.getByLabel("Name").fill("author");
		await third
			.getByRole("combobox", { name: "Type" })
			.or(third.getByLabel("Type"))
			.first()
			.click();
		await app.getByRole("option", { name: "Relation" }).click();
		await third
			.getByRole("combobox", { name: "Points to" })
			.or(third.getByLabel("Points to"))
			.first()
			.click();
		await app.getByRole("option", { name: "users" }).click();

		const update = app.getByRole("radiogroup", { name: "Who may update" });
		await update.getByText("By a rule").click();
		const editor = app.getByRole("textbox", { name: "Rule for update" });
		await write(editor, "author == stars");
		await picture(app, "collection-form");
		await app.getByRole("button", { name: "Create collection" }).click();
		await expect(first.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
		await expect(first.getByText(/A name has at most 59/)).toBeVisible();

		await first.getByLabel("Name").fill("title");
		await app.getByRole("button", { name: "Create collection" }).click();
		await expect(app.getByText(/cannot be compared/).first()).toBeVisible();
		await expect(editor.locator(".cm-lintRange-error")).toHaveText(/author == stars/);
		await accessible(app);
		await picture(app, "rule-fault");
		await write(editor, "author == auth.id");
		await app.getByRole("radiogroup", { name: "Who may list" }).getByText("Everyone").click();
		await app.getByRole("button", { name: "Create collection" }).click();
		const question = app.getByRole("dialog");
		await expect(question).toContainText("Open reviews to the world?");
		await expect(question).toContainText("read all records");
		await accessible(app);
		await question.getByRole("button", { name: "Cancel" }).click();
		await expect(question).toBeHidden();
		await app.getByRole("button", { name: "Create collection" }).click();
		await question.getByRole("button", { name: "Open it" }).click();
		await expect(app.getByRole("heading", { name: "reviews", level: 1 })).toBeVisible();
		await expect(app.getByText("No reviews yet")).toBeVisible();
	});

	test("a rule is changed and opened only after a question", async ({ app, elsewhere }) => {
		await app.goto("/dashboard/projects/shop/collections/wishes");
		await app.getByRole("tab", { name: "Rules" }).click();
		await write(
			app.getByRole("textbox", { name: "Rule for view" }),
			"owner == auth.id || true && ownr",
		);
		await app.getByRole("button", { name: "Save rules" }).click();
		await expect(app.locator(".cm-lintRange-error")).toHaveText("ownr");
		await picture(app, "rule-place");
		await accessible(app);
		await app.getByRole("radiogroup", { name: "Who may view" }).getByText("Everyone").click();
		await app.getByRole("button", { name: "Save rules" }).click();
		await expect(app.getByRole("dialog")).toContainText("Open wishes to the world?");
		await app.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
		const now = await (await elsewhere("GET", "/p/shop/v1/collections/wishes")).json();
		expect(now.rules.view).toBe("owner == auth.id");
	});

	test("a record is made, its faults are told at the inputs, changed and deleted", async ({
		app,
	}) => {
		await app.goto("/dashboard/projects/shop/records/products");
		await app.getByRole("button", { name: "New record" }).click();
		const drawer = app.getByRole("dialog");
		await drawer.getByLabel("price").fill("-1");
		await drawer.getByLabel("imdb_rating").fill("12");
		await drawer.getByRole("button", { name: "Create" }).click();
		await expect(drawer.getByLabel("title")).toHaveAccessibleDescription(/This is required/);
		await expect(drawer.getByLabel("price")).toHaveAccessibleDescription(/at least 0/);
		await expect(drawer.getByLabel("imdb_rating")).toHaveAccessibleDescription(/at most 10/);
		await expect(drawer.getByLabel("stock")).toHaveAccessibleDescription(/This is required/);
		await accessible(app);
		await picture(app, "record-faults");
		await drawer.getByLabel("title").fill("<img src=x onerror=alert(1)> Zebra");
		await drawer.getByLabel("price").fill("9.5");
		await drawer.getByLabel("stock").fill("3");
		await drawer.getByLabel("imdb_rating").fill("7.5");
		await drawer.getByLabel("genre", { exact: true }).click();
		await app.getByRole("textbox", { name: "Search genres" }).fill("dra");
		await app.getByRole("option", { name: /Drama/ }).click();
		await drawer.getByRole("button", { name: "Create" }).click();
		await expect(app.getByText("The record was made.")).toBeVisible();
		await expect(drawer.getByRole("heading", { name: /Zebra/ })).toBeVisible();
		await expect(app).toHaveURL(/record=[0-9a-f-]{36}/);

		await drawer.getByLabel("stock").fill("4");
		await expect(drawer.getByText("1 changed")).toBeVisible();
		await drawer.getByRole("button", { name: "Save" }).click();
		await expect(app.getByText("Saved.")).toBeVisible();
		await expect(drawer.getByRole("button", { name: "Save" })).toBeDisabled();
		await drawer.getByRole("tab", { name: "JSON" }).click();
		await expect(drawer.getByText('"stock": 4')).toBeVisible();
		await drawer.getByRole("tab", { name: "Fields" }).click();
		await drawer.getByRole("button", { name: "Delete" }).click();
		await app
			.getByRole("dialog", { name: /^Delete/ })
			.getByRole("button", { name: "Delete" })
			.click();
		await expect(app.getByText("The record was deleted.")).toBeVisible();
		await expect(drawer).toBeHidden();
	});

	test("leaving a changed form asks first", async ({ app }) => {
		await app.goto("/dashboard/projects/shop/records/genres?record=new");
		const drawer = app.getByRole("dialog").first();
		await drawer.getByLabel("name").fill("Unsaved");
		await app.keyboard.press("Escape");
		const question = app.getByRole("dialog", { name: "Leave without saving?" });
		await question.getByRole("button", { name: "Cancel" }).click();
		await expect(drawer.getByLabel("name")).toHaveValue("Unsaved");
		await app.keyboard.press("Escape");
		await question.getByRole("button", { name: "Leave" }).click();
		await expect(drawer).toBeHidden();
	});

	test("a change of somebody else is shown, and neither is lost", async ({ app, elsewhere }) => {
		await app.goto("/dashboard/projects/shop/records/products?filter=title%20%3D%3D%20%22Slam%22");
		await row(app, "Slam").click();
		const drawer = app.getByRole("dialog");
		await drawer.getByLabel("price").fill("5");
		const id = new URL(app.url()).searchParams.get("record");
		const there = `/p/shop/v1/records/products/${id}`;
		expect((await elsewhere("PATCH", there, { stock: 77 })).status).toBe(200);
		await drawer.getByRole("button", { name: "Save" }).click();
		await expect(drawer.getByRole("alert")).toContainText("Somebody else changed this record");
		await expect(drawer.getByRole("row", { name: /stock 77/ })).toBeVisible();
		await accessible(app);
		await picture(app, "conflict");
		await drawer.getByRole("button", { name: "Keep my changes on top" }).click();
		await expect(drawer.getByLabel("stock")).toHaveValue("77");
		await expect(drawer.getByLabel("price")).toHaveValue("5");
		await drawer.getByRole("button", { name: "Save" }).click();
		await expect(app.getByText("Saved.")).toBeVisible();
		const saved = await (await elsewhere("GET", there)).json();
		expect([saved.price, saved.stock]).toEqual([5, 77]);
	});

	test("the grid filters, sorts, turns pages, hides columns and follows relations", async ({
		app,
	}) => {
		await app.goto("/dashboard/projects/shop/records/products");
		await expect(app.getByText("1–100 of 3,200")).toBeVisible();
		await app.getByRole("button", { name: "Next page" }).click();
		await expect(app.getByText("101–200 of 3,200")).toBeVisible();
		await app.getByRole("button", { name: "Page before" }).click();
		await expect(app.getByText("1–100 of 3,200")).toBeVisible();

		const header = app.getByRole("columnheader", { name: "title" });
		await header.getByRole("button").click();
		await expect(header).toHaveAttribute("aria-sort", "ascending");
		await header.getByRole("button").click();
		await expect(header).toHaveAttribute("aria-sort", "descending");
		await expect(app.getByRole("row").nth(1)).toContainText("xXx");

		await app.getByRole("button", { name: "Add", exact: true }).click();
		await app
			.getByRole("combobox", { name: "Field" })
			.or(app.getByLabel("Field", { exact: true }))
			.first()
			.click();
		await app.getByRole("option", { name: "title", exact: true }).click();
		await app.getByLabel("Value").fill("star wars");
		await app.getByRole("button", { name: "Add to the filter" }).click();
		const filter = app.getByRole("textbox", { name: "Filter" });
		await expect(filter).toHaveText('title.matches_like("star wars")');
		await expect(app.getByText(/1–\d of \d/)).toBeVisible();
		await picture(app, "filtered");

		await write(filter, "price < title");
		await filter.press("Enter");
		await expect(app.getByRole("alert")).toContainText("a number cannot be compared with a text");
		await accessible(app);
		await picture(app, "filter-fault");
		await write(filter, 'director.name == "Christopher Nolan"');
		await filter.press("Enter");
		await expect(row(app, "Following")).toBeVisible();
		await write(filter, 'title == "no such film"');
		await filter.press("Enter");
		await expect(app.getByText("Nothing fits the filter")).toBeVisible();
		await app.getByRole("button", { name: "Clear the filter" }).first().click();
		await expect(app.getByText("1–100 of 3,200")).toBeVisible();

		await app.getByRole("button", { name: "Columns" }).click();
		await app.getByLabel("released_at").uncheck();
		await expect(app.getByRole("columnheader", { name: "released_at" })).toBeHidden();
		await app.keyboard.press("Escape");
		await app.reload();
		await expect(app.getByRole("columnheader", { name: "title" })).toBeVisible();
		await expect(app.getByRole("columnheader", { name: "released_at" })).toBeHidden();

		await app.goto('/dashboard/projects/shop/records/products?filter=title%20%3D%3D%20"Following"');
		await row(app, "Following").getByRole("link", { name: "Christopher Nolan" }).click();
		await expect(app.getByRole("heading", { name: "people", level: 1 })).toBeVisible();
		await expect(app.getByRole("dialog").getByLabel("name")).toHaveValue("Christopher Nolan");
	});

	test("rows are reached by keys, and many are deleted at once", async ({ app, elsewhere }) => {
		for (const name of ["Zz one", "Zz two", "Zz three"]) {
			await elsewhere("POST", "/p/shop/v1/records/people", { name });
		}
		await app.goto('/dashboard/projects/shop/records/people?filter=name.startsWith("Zz")');
		await expect(app.getByText("1–3 of 3")).toBeVisible();
		await app.getByRole("row").nth(1).focus();
		await app.keyboard.press("Space");
		await app.keyboard.press("ArrowDown");
		await app.keyboard.press("Space");
		await expect(app.getByText("2 selected")).toBeVisible();
		await app.keyboard.press("ArrowDown");
		await app.keyboard.press("Enter");
		await expect(app.getByRole("dialog").getByLabel("name")).toHaveValue("Zz three");
		await app.keyboard.press("Escape");
		await expect(app.getByRole("dialog")).toBeHidden();
		await picture(app, "selected");
		await app.getByRole("button", { name: "Delete" }).click();
		await app.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
		await expect(app.getByText("2 records were deleted.")).toBeVisible();
		await expect(app.getByText("1–1 of 1")).toBeVisible();
	});

	test("what is still referred to is not deleted, and that is told", async ({ app }) => {
		await app.goto('/dashboard/projects/shop/records/genres?filter=name == "Drama"');
		await row(app, "Drama").getByRole("checkbox").check();
		await app.getByRole("button", { name: "Delete" }).click();
		await app.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
		await expect(app.getByRole("alert")).toContainText("Drama was not deleted");
		await expect(app.getByRole("alert")).toContainText("still referred to");
	});

	test("a user is made and its profile opened", async ({ app }) => {
		await app.goto("/dashboard/projects/shop/users");
		await app.getByRole("button", { name: "New user" }).click();
		const drawer = app.getByRole("dialog");
		await drawer.getByLabel("E-mail").fill("grace@example.com");
		await drawer.locator('input[autocomplete="new-password"]').fill("short");
		await drawer.getByRole("button", { name: "Create user" }).click();
		await expect(drawer.getByText(/at least 8/i).nth(1)).toBeVisible();
		await drawer.locator('input[autocomplete="new-password"]').fill("long enough to be one");
		await drawer.getByRole("button", { name: "Create user" }).click();
		await expect(app.getByText("grace@example.com may sign in now.")).toBeVisible();
		await row(app, "grace@example.com").click();
		await expect(app.getByRole("dialog").getByText("verified")).toBeVisible();
		await picture(app, "user");
		await accessible(app);
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
		await expect(app.getByText("/p/shop/v1/records/genres").first()).toBeVisible();
		await app.getByText("TypeScript", { exact: true }).click();
		await expect(app.getByText("createClient<paths>")).toBeVisible();
	});
});
