// Users that come from elsewhere in a file, and all of them as a file.

import { readFile } from "node:fs/promises";
import { accessible, expect, picture, test } from "./fixtures";

/** A file with an object a line. */
const file = (lines: string[]) => ({
	name: "users.ndjson",
	mimeType: "application/x-ndjson",
	buffer: Buffer.from(lines.join("\n")),
});

test("a file is checked, its faults told by line, and what is good of it taken", async ({
	app,
	elsewhere,
}) => {
	const tag = Date.now();
	const line = (name: string) => JSON.stringify({ email: `${name}-${tag}@example.com` });
	await app.goto("/dashboard/projects/blog/users");
	await app.getByRole("link", { name: "Import and export" }).click();
	const section = app.getByRole("region", { name: "Import" });
	const choose = section.locator("input[type=file]");
	await choose.setInputFiles(
		file([line("one"), "", '{"email": "no address"}', "{oops", line("two"), '{"verified": true}']),
	);
	const would = section.getByRole("status", { name: "What would come of it" });
	await expect(would).toContainText("2to be made");
	await expect(would).toContainText("3with faults");
	const faults = would.getByRole("table", { name: "Faults" });
	await expect(faults.getByRole("row", { name: /^3 email/ })).toBeVisible();
	await expect(faults.getByRole("row", { name: /^4 / })).toBeVisible();
	await expect(faults.getByRole("row", { name: /^6 / })).toBeVisible();
	await picture(app, "import-checked");
	await accessible(app);
	const count = async () =>
		((await (await elsewhere("GET", `/p/blog/v1/users?search=${tag}`)).json()) as { items: [] })
			.items.length;
	expect(await count(), "a check writes nothing").toBe(0);

	await section.getByRole("button", { name: "Import 2 users" }).click();
	const came = section.getByRole("status", { name: "What came of it" });
	await expect(came).toContainText("2made");
	expect(await count()).toBe(2);

	// The same people again, known by their address, as a list.
	await section.getByLabel("The e-mail address").check();
	const list = [{ email: `one-${tag}@example.com` }, { email: `three-${tag}@example.com` }];
	await choose.setInputFiles({
		name: "users.json",
		mimeType: "application/json",
		buffer: Buffer.from(JSON.stringify(list)),
	});
	await expect(would).toContainText("1to be made");
	await expect(would).toContainText("1there already");
	await section.getByRole("button", { name: "Import 1 user" }).click();
	await expect(came).toContainText("1made");
	expect(await count()).toBe(3);

	await choose.setInputFiles({
		name: "broken.json",
		mimeType: "application/json",
		buffer: Buffer.from('[{"email": '),
	});
	await expect(section.getByRole("alert")).toContainText("This file is no JSON");
});

test("an export has everybody, with hashes where they are asked for, and is taken back", async ({
	app,
	elsewhere,
}) => {
	const email = `export-${Date.now()}@example.com`;
	const made = await elsewhere("POST", "/p/blog/v1/users", {
		email,
		password: "long enough to be one",
	});
	expect(made.status).toBe(201);
	await app.goto("/dashboard/projects/blog/users/transfer");
	const section = app.getByRole("region", { name: "Export" });
	const fetched = async () => {
		const [download] = await Promise.all([
			app.waitForEvent("download"),
			section.getByRole("link", { name: "Download" }).click(),
		]);
		expect(download.suggestedFilename()).toBe("blog-users.ndjson");
		const path = await download.path();
		const text = await readFile(path, "utf8");
		const lines = text
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		return { path, one: lines.find((it) => it.email === email) };
	};
	const bare = await fetched();
	expect(bare.one).toBeDefined();
	expect(bare.one.password_hash).toBeUndefined();
	await section.getByLabel("With the hashes of their passwords").click();
	const full = await fetched();
	expect(full.one.password_hash).toMatch(/^\$argon2id\$/);

	const kept = app.getByRole("region", { name: "Import" });
	await kept.locator("input[type=file]").setInputFiles(full.path);
	const would = kept.getByRole("status", { name: "What would come of it" });
	await expect(would).toContainText("0to be made");
	await expect(would).toContainText("0with faults");
});
