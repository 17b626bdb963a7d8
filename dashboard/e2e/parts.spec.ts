// Files, push, choices and added fields: against a server that has them; one that has not is told by the app, and that
// is what the other tests see.

import type { Page } from "@playwright/test";
import { accessible, expect, picture, test } from "./fixtures";

const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });

/** A red square of four pixels. */
const png = Buffer.from(
	"iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg==",
	"base64",
);

test("files are uploaded, looked at and deleted", async ({ app, elsewhere }) => {
	test.skip(
		(await elsewhere("GET", "/p/shop/v1/buckets")).status === 404,
		"the server has no files",
	);
	await app.goto("/dashboard/projects/shop/files");
	await app.getByRole("button", { name: "New bucket" }).click();
	const drawer = app.getByRole("dialog");
	await drawer.getByLabel("Name").fill("No Name");
	await drawer.getByRole("button", { name: "Create bucket" }).click();
	await expect(drawer.getByRole("textbox", { name: "Name" })).toHaveAttribute(
		"aria-invalid",
		"true",
	);
	await drawer.getByLabel("Name").fill("pictures");
	await drawer.getByRole("radiogroup", { name: "Who may view" }).getByText("Everyone").click();
	await accessible(app);
	await picture(app, "bucket-form");
	await drawer.getByRole("button", { name: "Create bucket" }).click();
	await app.getByRole("button", { name: "Open it" }).click();
	await expect(row(app, "pictures")).toBeVisible();
	await row(app, "pictures").click();
	await expect(app.getByText("No file yet")).toBeVisible();
	await app.locator('input[type="file"]').setInputFiles([
		{ name: "red square.png", mimeType: "image/png", buffer: png },
		{ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("hello") },
	]);
	await expect(row(app, "red square.png")).toBeVisible();
	await expect(app.getByText("2 files")).toBeVisible();
	await picture(app, "bucket");
	await accessible(app);
	await app.getByLabel("Paths that begin with").fill("red");
	await app.getByLabel("Paths that begin with").press("Enter");
	await expect(row(app, "notes.txt")).toHaveCount(0);
	await row(app, "red square.png").click();
	const shown = app.getByRole("dialog").getByRole("img", { name: "red square.png" });
	await expect(shown).toBeVisible();
	expect(await shown.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBe(2);
	await picture(app, "file");
	await app.getByRole("button", { name: "Delete the file" }).click();
	await app
		.getByRole("dialog", { name: "Delete this file?" })
		.getByRole("button", { name: "Delete" })
		.click();
	await expect(app.getByText("The file was deleted.")).toBeVisible();
	await expect(app.getByText("No path begins so")).toBeVisible();
});

test("an order's status is changed and its customer told", async ({ app, elsewhere }) => {
	test.skip(
		(await elsewhere("GET", "/p/blog/v1/push/config")).status === 404,
		"the server has no push",
	);
	const orders = {
		name: "orders",
		fields: [
			{ name: "customer", type: "relation", collection: "users", required: true },
			{
				name: "status",
				type: "select",
				values: ["placed", "paid", "shipped"],
				default: "placed",
				read_only: true,
			},
			{ name: "note", type: "text" },
		],
	};
	const made = await elsewhere("POST", "/p/blog/v1/collections", orders);
	test.skip(made.status === 422, "the server has no choices");
	expect(made.status).toBe(201);
	await elsewhere("PATCH", "/p/blog/v1/settings", { development: true, sign_up: "open" });
	const signed = await elsewhere("POST", "/p/blog/v1/auth/sign-up", {
		email: "carl@example.com",
		password: "long enough to be one",
	});
	const { user } = (await signed.json()) as { user: { id: string } };
	await elsewhere("POST", "/p/blog/v1/records/orders", { customer: user.id, note: "two films" });

	await app.goto("/dashboard/projects/blog/records/orders");
	await expect(row(app, "carl@example.com")).toContainText("placed");
	await row(app, "placed").click();
	const drawer = app.getByRole("dialog");
	await drawer.getByRole("combobox", { name: "status" }).click();
	await app.getByRole("option", { name: "shipped" }).click();
	await drawer.getByRole("button", { name: "Save" }).click();
	await expect(app.getByText("Saved.")).toBeVisible();
	await picture(app, "order");
	await accessible(app);
	await drawer.getByRole("link", { name: "Notify user…" }).click();
	await expect(app.getByLabel("Title")).toHaveValue("Your order is shipped");
	await expect(app.getByRole("textbox", { name: "Text" })).toHaveValue("note: two films");
	await expect(app.getByRole("group", { name: "Preview of the notification" })).toContainText(
		"two films",
	);
	await expect(app.getByText("The user has no device yet.")).toBeVisible();
	await picture(app, "compose");
	await accessible(app);
	await app.getByRole("button", { name: "Send" }).click();
	await expect(app.getByRole("dialog")).toContainText("skipped");
	await picture(app, "message");
	await accessible(app);
	await app.keyboard.press("Escape");
	await app.getByRole("tab", { name: "Development inbox" }).click();
	await expect(app.getByText("Your order is shipped")).toBeVisible();
	await expect(app.getByRole("link", { name: "carl@example.com" })).toBeVisible();
	await picture(app, "inbox-one");
	await accessible(app);
});

test("fields are added to a collection, faults at their inputs", async ({ app, elsewhere }) => {
	const probe = await elsewhere("PATCH", "/p/blog/v1/collections/posts", { fields: { add: [] } });
	test.skip(probe.status >= 400, "the server adds no fields");
	await app.goto("/dashboard/projects/blog/collections/posts");
	await app.getByRole("button", { name: "Add field" }).click();
	const field = app.getByRole("group", { name: "Field 1" });
	await field.getByLabel("Name").fill("title");
	await app.getByRole("button", { name: "Add to the collection" }).click();
	await expect(field.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
	await field.getByLabel("Name").fill("mood");
	await field.getByRole("combobox", { name: "Type" }).click();
	await app.getByRole("option", { name: "Choice" }).click();
	const choices = field.getByRole("combobox", { name: "Choices" });
	await choices.fill("calm");
	await choices.press("Enter");
	await choices.fill("wild");
	await choices.press("Enter");
	await picture(app, "add-field");
	await app.getByRole("button", { name: "Add to the collection" }).click();
	await expect(app.getByText("The collection was widened.")).toBeVisible();
	await expect(app.getByText("one of calm, wild")).toBeVisible();
});
