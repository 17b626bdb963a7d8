// Collections and their records in the dashboard, against the real server.

import type { Locator, Page } from "@playwright/test";
import { accessible, expect, picture, test } from "./fixtures";

const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });

/** Writes an expression in the place of what stands in its editor, at once: so that no bracket is closed by itself. */
async function write(editor: Locator, text: string) {
	await editor.click();
	// The browser tells the editor of the click's selection when it likes, which may be after the first key.
	await expect(async () => {
		await editor.press("ControlOrMeta+a");
		await editor.press("Delete");
		await expect(editor.locator(".cm-line")).toHaveCount(1, { timeout: 100 });
		expect(await editor.locator(".cm-line").evaluate(written)).toBe("");
	}).toPass();
	await editor.page().keyboard.insertText(text);
}

/** What stands in a line, without what only invites to write. */
const written = (line: Element) =>
	[...line.childNodes]
		.map((it) => (it instanceof HTMLElement && it.matches(".cm-placeholder") ? "" : it.textContent))
		.join("");

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
		await app.getByRole("option", { name: "Whole", exact: true }).click();
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
		await expect(app.getByRole("dialog")).toHaveCount(0);
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

	test("whoever writes before the editor has come goes on in it", async ({ app }) => {
		let come = () => {};
		const asked = new Promise<void>((done) => {
			come = done;
		});
		await app.route(/CelEditor.*\.js$/, async (request) => {
			await asked;
			await request.continue();
		});
		await app.goto("/dashboard/projects/shop/collections/wishes");
		await app.getByRole("tab", { name: "Rules" }).click();
		const input = app.locator('textarea[aria-label="Rule for view"]');
		await input.press("End");
		await app.keyboard.type(" && tru");
		come();
		const editor = app.locator('.cm-content[aria-label="Rule for view"]');
		await expect(editor).toBeFocused();
		await app.keyboard.type("e");
		await expect(editor.locator(".cm-line")).toHaveText("owner == auth.id && true");
		await app.getByRole("button", { name: "Save rules" }).click();
		await expect(app.getByText("The rules are in force.")).toBeVisible();
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
		await expect(app.getByRole("dialog")).toHaveCount(0);
	});

	test("values of every type are shown, and changed in inputs of their own", async ({
		app,
		elsewhere,
	}) => {
		const fields = [
			{ name: "page", type: "editor" },
			{ name: "mail", type: "email", description: "Where to write to" },
			{ name: "day", type: "date" },
			{ name: "cost", type: "number", format: "decimal", scale: 2, min: "0.50" },
			{ name: "labels", type: "select", multiple: true, values: ["red", "green"] },
			{ name: "meta", type: "json" },
			{ name: "place", type: "geo" },
			{ name: "likes", type: "relation", collection: "tastes", multiple: true },
			{ name: "papers", type: "file", bucket: "papers", multiple: true },
		];
		const tastes = { name: "tastes", fields: [{ name: "name", type: "text" }] };
		for (const [path, body] of [
			["/v1/collections", tastes],
			["/v1/buckets", { name: "papers" }],
			["/v1/collections", { name: "kinds", fields }],
			["/v1/records/tastes", { name: "Sweet" }],
			["/v1/records/tastes", { name: "Sour" }],
			["/v1/records/tastes", { name: "Bitter" }],
		] as const) {
			const made = await elsewhere("POST", `/p/blog${path}`, body);
			expect(made.status, path).toBe(201);
		}
		await app.goto("/dashboard/projects/blog/records/kinds?record=new");
		const drawer = app.getByRole("dialog");
		await drawer.getByLabel("page").fill("<p onclick=x()>Hello</p><script>1</script>");
		await drawer.getByLabel("mail").fill("nobody");
		await expect(drawer.getByText("Where to write to")).toBeVisible();
		await drawer.getByLabel("day").fill("2026-05-01");
		await drawer.getByLabel("cost").fill("0.1");
		await drawer.getByRole("combobox", { name: "labels" }).press("ArrowDown");
		await app.getByRole("option", { name: "green" }).click();
		await drawer.getByLabel("page").click();
		await drawer.getByLabel("meta").fill('{"a": [1, null]}');
		await drawer.getByLabel("place").fill('{"lat": 91, "lon": 0}');
		for (const taste of ["Sour", "Bitter", "Sweet"]) {
			await drawer.getByRole("button", { name: "Add to likes" }).click();
			await app.getByRole("option", { name: taste }).click();
		}
		await drawer.getByRole("button", { name: "Remove Bitter" }).click();
		await drawer.locator("input[type=file]").setInputFiles([
			{ name: "one.txt", mimeType: "text/plain", buffer: Buffer.from("one") },
			{ name: "two.txt", mimeType: "text/plain", buffer: Buffer.from("two") },
		]);
		await expect(drawer.getByRole("link", { name: "two.txt" })).toBeVisible();
		await drawer.getByRole("button", { name: "Create" }).click();
		await expect(drawer.getByLabel("mail")).toHaveAccessibleDescription(/address/i);
		await expect(drawer.getByLabel("cost")).toHaveAccessibleDescription(/0\.50/);
		await expect(drawer.getByLabel("place")).toHaveAccessibleDescription(/-90 to 90/);
		await drawer.getByLabel("mail").fill("ada@example.com");
		await drawer.getByLabel("cost").fill("12.5");
		await drawer.getByLabel("place").fill('{"lat": 52.5, "lon": 13.4}');
		await accessible(app);
		await picture(app, "record-kinds");
		await drawer.getByRole("button", { name: "Create" }).click();
		await expect(app.getByText("The record was made.")).toBeVisible();
		await drawer.getByLabel("meta").fill('{"a": 2}');
		await expect(drawer.getByText("1 changed")).toBeVisible();
		await drawer.getByRole("button", { name: "Save" }).click();
		await expect(app.getByText("Saved.")).toBeVisible();
		const page = await (await elsewhere("GET", "/p/blog/v1/records/kinds")).json();
		expect(page.items[0]).toMatchObject({
			page: "<p>Hello</p>",
			mail: "ada@example.com",
			day: "2026-05-01",
			cost: "12.50",
			labels: ["green"],
			meta: { a: 2 },
			place: { lat: 52.5, lon: 13.4 },
		});
		expect(page.items[0].likes).toHaveLength(2);
		expect(page.items[0].papers).toHaveLength(2);
		await app.goto("/dashboard/projects/blog/records/kinds");
		await expect(row(app, "12.50")).toContainText("green");
		await expect(row(app, "12.50")).toContainText(/Sour\s*Sweet/);
		await picture(app, "grid-kinds");
		for (const name of ["kinds", "tastes"]) {
			const path = `/p/blog/v1/collections/${name}?confirm=delete:${name}`;
			expect((await elsewhere("DELETE", path)).status).toBe(204);
		}
	});

	test("leaving a changed form asks first", async ({ app }) => {
		await app.goto("/dashboard/projects/shop/records/genres?record=new");
		const drawer = app.getByRole("dialog").first();
		await drawer.getByLabel("name").fill("Unsaved");
		await app.keyboard.press("Escape");
		const question = app.getByRole("dialog", { name: "Leave without saving?" });
		await question.getByRole("button", { name: "Cancel" }).click();
		await expect(drawer.getByLabel("name")).toHaveValue("Unsaved");
		// A key that is pressed while the question fades away is the question's.
		await expect(question).toHaveCount(0);
		await app.keyboard.press("Escape");
		await question.getByRole("button", { name: "Leave" }).click();
		await expect(app.getByRole("dialog")).toHaveCount(0);
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
		await expect(app.getByRole("dialog")).toHaveCount(0);
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
		await expect(app.getByRole("dialog").getByText("verified", { exact: true })).toBeVisible();
		await picture(app, "user");
		await accessible(app);
	});
});
