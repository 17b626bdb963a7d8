// What accounts need of an operator: brand and mail server, the development inbox, the templates of mails.

import { accessible, expect, picture, test } from "./fixtures";

test("a mail that was caught is opened, and its link leads where it says", async ({
	app,
	elsewhere,
	demo,
}) => {
	const brand = { name: "Blue <b>Door</b>", color: "#a61e4d" };
	await elsewhere("PATCH", "/p/blog/v1/settings", { brand, sign_up: "open" });
	const address = `mila-${Date.now()}@example.com`;
	await elsewhere("POST", "/p/blog/v1/auth/sign-up", {
		email: address,
		password: "long enough to be one",
	});
	expect(
		(await elsewhere("POST", "/p/blog/v1/auth/password-reset", { email: address })).status,
	).toBe(202);

	await app.goto("/dashboard/projects/blog/mails");
	const mail = app
		.getByRole("row")
		.filter({ hasText: address })
		.filter({ hasText: "New password" });
	await mail.click();
	const drawer = app.getByRole("dialog");
	await expect(drawer.getByRole("heading", { level: 3 })).toBeVisible();
	const frame = drawer.frameLocator("iframe");
	const sender = frame.getByText("Blue <b>Door</b>", { exact: true });
	await expect(sender).toBeVisible();
	// It looks as it was written, under a policy that takes no style attributes.
	await expect(sender).toHaveCSS("color", "rgb(166, 30, 77)");
	await picture(app, "mail");
	await accessible(app);

	const link = drawer.getByRole("list", { name: "Links of the mail" }).getByRole("link");
	const url = (await link.getAttribute("href")) ?? "";
	expect(url.startsWith(`${demo.url}/p/blog/`)).toBe(true);
	await drawer.getByRole("tab", { name: "Text" }).click();
	await expect(drawer.getByRole("region", { name: "The mail as text" })).toContainText(url);
	const [page] = await Promise.all([app.context().waitForEvent("page"), link.click()]);
	await expect(page.locator('input[type="password"]').first()).toBeVisible();
	await page.close();

	await app.keyboard.press("Escape");
	await app.getByRole("tab", { name: "Sent and waiting" }).click();
	await app.getByText("sent", { exact: true }).click();
	await expect(app.getByText("No mail is sent")).toBeVisible();
	await app.getByText("caught", { exact: true }).click();
	await expect(mail).toBeVisible();
	await accessible(app);
	await app.getByRole("tab", { name: "Development inbox" }).click();
	await app.getByRole("button", { name: "Empty the inbox" }).click();
	await app.getByRole("dialog").getByRole("button", { name: "Empty it" }).click();
	await expect(app.getByText("No mail was caught")).toBeVisible();
});

test("a hostile mail does nothing in its frame", async ({ app, elsewhere, faults }) => {
	const hostile = `<p style="color:red;--x:</style><script>top.hurt=1</script>">{{ project }}</p>
		<img src="https://evil.example/x.png" alt="a picture" onerror="top.hurt=1">
		<script>top.hurt=1</script><meta http-equiv="refresh" content="0;url=https://evil.example/">
		<form action="https://evil.example/"><button>Send</button></form><a href="javascript:top.hurt=1">run</a>`;
	const there = "/p/blog/v1/mail-templates/verify/fr";
	const put = await elsewhere("PUT", there, { subject: "Bonjour", html: hostile, text: "Bonjour" });
	expect(put.status).toBe(200);
	await app.goto("/dashboard/projects/blog/mails/templates?name=verify&language=fr");
	const frame = app.frameLocator("iframe");
	await expect(frame.getByRole("button", { name: "Send" })).toBeVisible();
	await frame.getByRole("button", { name: "Send" }).click();
	await frame.getByText("run").click();
	await expect(frame.getByText("a picture").or(frame.getByAltText("a picture"))).toBeVisible();
	expect(await app.evaluate(() => (window as unknown as { hurt?: number }).hurt)).toBeUndefined();
	// The sandbox refused the form, and nothing else was even tried.
	expect(faults.splice(0)).toEqual([expect.stringContaining("Blocked form submission")]);
	await elsewhere("DELETE", there);
});

test("a template is written, seen, saved, and given up again", async ({ app, elsewhere }) => {
	await app.goto("/dashboard/projects/blog/mails/templates");
	await app.getByRole("combobox", { name: "Mail", exact: true }).click();
	await app.getByRole("option", { name: "Code to sign in" }).click();
	await app.getByRole("combobox", { name: "Language" }).click();
	await app.getByRole("option", { name: "German" }).click();
	await expect(app.getByText("built in", { exact: true })).toBeVisible();
	const subject = app.getByLabel("Subject");
	await subject.fill("Dein Code für {{ project }}: {{ code }}");
	const preview = app.getByRole("region", { name: "Preview" });
	await expect(preview.getByText(/^Dein Code für .+: \d{6}$/)).toBeVisible();
	await picture(app, "template");
	await accessible(app);

	// What does not parse is told with its line.
	await app.getByRole("textbox", { name: "HTML" }).fill("<p>{{ nobody }}</p>");
	await expect(preview.getByRole("alert")).toContainText(/nobody/);
	await app.getByRole("button", { name: "Save template" }).click();
	await expect(app.getByRole("textbox", { name: "HTML" })).toHaveAttribute("aria-invalid", "true");
	await accessible(app);

	// What was typed is not lost by a click.
	await app.getByRole("link", { name: "Keys" }).click();
	const question = app.getByRole("dialog", { name: "Leave without saving?" });
	await question.getByRole("button", { name: "Cancel" }).click();
	await expect(subject).toHaveValue("Dein Code für {{ project }}: {{ code }}");

	await app.getByRole("textbox", { name: "HTML" }).fill("<p>Dein Code: <b>{{ code }}</b></p>");
	await app.getByRole("button", { name: "Save template" }).click();
	await expect(app.getByText("your own", { exact: true })).toBeVisible();
	const kept = await (await elsewhere("GET", "/p/blog/v1/mail-templates/code/de")).json();
	expect(kept).toMatchObject({ built_in: false, html: "<p>Dein Code: <b>{{ code }}</b></p>" });

	await app.getByRole("button", { name: "Go back to the built-in one…" }).click();
	await app.getByRole("dialog").getByRole("button", { name: "Go back" }).click();
	await expect(app.getByText("built in", { exact: true })).toBeVisible();
	await expect(subject).not.toHaveValue("Dein Code für {{ project }}: {{ code }}");
});

test("brand and mail server are set, the password is never shown", async ({ app, elsewhere }) => {
	await app.goto("/dashboard/projects/blog/settings/mail");
	const brand = app.getByRole("region", { name: "Brand" });
	await brand.getByLabel("The app's address").fill("no address");
	await brand.getByRole("button", { name: "Save" }).click();
	await expect(brand.getByLabel("The app's address")).toHaveAttribute("aria-invalid", "true");
	await brand.getByLabel("The app's address").fill("https://blog.example/app");
	await brand.getByLabel("Name", { exact: true }).fill("The blog");
	await brand.getByRole("button", { name: "Save" }).click();
	await expect(app.getByText("The settings are in force.")).toBeVisible();

	const mail = app.getByRole("region", { name: "Mail server" });
	await mail.getByLabel("A mail server of the project's own").click();
	await mail.getByLabel("Host").fill("127.0.0.1");
	await mail.getByRole("button", { name: "Save" }).click();
	await expect(mail.getByLabel("Sender's address")).toHaveAttribute("aria-invalid", "true");
	await expect(mail.getByLabel("Host")).toHaveAttribute("aria-invalid", "true");
	await accessible(app);
	await mail.getByLabel("Sender's address").fill("blog@blog.example");
	await mail.getByLabel("Host").fill("smtp.example.com");
	await mail.getByLabel("Sign in as").fill("blog");
	await mail.getByRole("textbox", { name: "Password" }).fill("a secret of the server");
	await picture(app, "mail-server");
	await mail.getByRole("button", { name: "Save" }).click();
	await expect(mail.getByRole("textbox", { name: "Password" })).toHaveValue("");
	const read = async () =>
		(await (await elsewhere("GET", "/p/blog/v1/settings")).json()) as { mail: object };
	expect((await read()).mail).toMatchObject({
		from: "blog@blog.example",
		smtp: { host: "smtp.example.com", port: 587, tls: "starttls", username: "blog" },
	});
	expect(JSON.stringify(await read())).not.toContain("a secret");
	await mail.getByLabel("A mail server of the project's own").click();
	await mail.getByRole("button", { name: "Save" }).click();
	await expect.poll(async () => JSON.stringify((await read()).mail)).not.toContain("smtp");
});
