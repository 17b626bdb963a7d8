// Users and teams as an operator runs them.

import type { Page } from "@playwright/test";
import { accessible, expect, picture, test } from "./fixtures";
import { codeOf } from "./kit";

const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });
const password = "long enough to be one";

/** A user of the blog, by an address of its own. */
const address = (name: string) => `${name}-${Date.now()}@example.com`;

test("a user is given roles and claims, shut out and let in again", async ({
	app,
	demo,
	elsewhere,
}) => {
	await elsewhere("PATCH", "/p/blog/v1/settings", { sign_up: "open" });
	const email = address("rosa");
	await app.goto("/dashboard/projects/blog/users");
	await app.getByRole("button", { name: "New user" }).click();
	const drawer = app.getByRole("dialog");
	await drawer.getByLabel("E-mail").fill(email);
	await drawer.locator('input[autocomplete="new-password"]').fill(password);
	const roles = drawer.getByRole("combobox", { name: "Roles" });
	await roles.fill("not a role");
	await roles.press("Enter");
	await drawer.getByRole("button", { name: "Create user" }).click();
	await expect(roles).toHaveAttribute("aria-invalid", "true");
	await roles.press("Backspace");
	await roles.fill("editor");
	await roles.press("Enter");
	await picture(app, "new-user");
	await accessible(app);
	await drawer.getByRole("button", { name: "Create user" }).click();
	await expect(app.getByText(`${email} may sign in now.`)).toBeVisible();

	const signIn = async () => {
		const answer = await fetch(`${demo.url}/p/blog/v1/auth/sign-in/password`, {
			method: "POST",
			headers: { "content-type": "application/json", "user-agent": "Rosa's browser" },
			body: JSON.stringify({ identity: email, password }),
		});
		return { status: answer.status, body: await answer.json() };
	};
	const claimsOf = (token: string) =>
		JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
	expect((await signIn()).status).toBe(200);

	await row(app, email).click();
	await drawer.getByRole("tab", { name: "Account" }).click();
	await expect(drawer.getByText("Rosa's browser")).toBeVisible();
	await expect(drawer.getByText("editor", { exact: true })).toBeVisible();
	await drawer.getByRole("textbox", { name: "Claims" }).fill('{"desk": 7}');
	await drawer.getByRole("button", { name: "Save the account" }).click();
	await expect(app.getByText("The account was changed.")).toBeVisible();
	const told = claimsOf((await signIn()).body.access_token);
	expect(told).toMatchObject({ roles: ["editor"], claims: { desk: 7 } });
	await picture(app, "user-account");
	await accessible(app);

	await drawer.getByRole("button", { name: "End all" }).click();
	await app
		.getByRole("dialog", { name: "Sign the user out everywhere?" })
		.getByRole("button", { name: "Sign out" })
		.click();
	await expect(drawer.getByText("The user is signed in nowhere.")).toBeVisible();

	await drawer.getByLabel("May not sign in").click();
	await drawer.getByRole("button", { name: "Save the account" }).click();
	await expect(drawer.getByRole("button", { name: "Save the account" })).toBeDisabled();
	expect((await signIn()).status).toBe(401);
	await drawer.getByLabel("May not sign in").click();
	await drawer.getByRole("button", { name: "Save the account" }).click();
	await expect(drawer.getByRole("button", { name: "Save the account" })).toBeDisabled();
	expect((await signIn()).status).toBe(200);

	await drawer.getByRole("tab", { name: "Fields" }).click();
	await drawer.getByRole("button", { name: "Delete" }).click();
	await app
		.getByRole("dialog", { name: /^Delete / })
		.getByRole("button", { name: "Delete" })
		.click();
	await expect(app.getByText("The record was deleted.")).toBeVisible();
	expect((await signIn()).status).toBe(401);
});

test("what a user has to sign in with is seen, and removed for one who lost it", async ({
	app,
	demo,
	elsewhere,
}) => {
	await elsewhere("PATCH", "/p/blog/v1/settings", { sign_up: "open" });
	const email = address("lena");
	const post = async (path: string, body: object, token?: string) => {
		const answer = await fetch(`${demo.url}/p/blog/v1/auth/${path}`, {
			method: "POST",
			headers: {
				"content-type": "application/json",
				...(token && { authorization: `Bearer ${token}` }),
			},
			body: JSON.stringify(body),
		});
		return { status: answer.status, body: await answer.json() };
	};
	const { body: signed } = await post("sign-up", { email, password });
	const { body: made } = await post("totp", {}, signed.access_token);
	const code = { enrolment_id: made.enrolment_id, totp_code: codeOf(made.secret) };
	expect((await post("totp/activate", code, signed.access_token)).status).toBe(200);
	const signIn = () => post("sign-in/password", { identity: email, password });
	expect((await signIn()).body).toMatchObject({ factors: ["totp", "recovery_code"] });

	await app.goto(`/dashboard/projects/blog/users?record=${signed.user.id}`);
	const drawer = app.getByRole("dialog").first();
	await drawer.getByRole("tab", { name: "Account" }).click();
	const ways = drawer.getByRole("region", { name: "Ways to sign in" });
	await expect(ways.getByText("A password")).toBeVisible();
	await expect(ways.getByText("An authenticator app")).toBeVisible();
	await expect(ways.getByText("10 recovery codes left")).toBeVisible();
	await ways.scrollIntoViewIfNeeded();
	await picture(app, "user-factors");
	await accessible(app);
	await ways.getByRole("button", { name: "Remove the factors…" }).click();
	await app
		.getByRole("dialog", { name: "Remove all passkeys and second factors?" })
		.getByRole("button", { name: "Remove them" })
		.click();
	await expect(ways.getByText("An authenticator app")).toHaveCount(0);
	await expect(drawer.getByText("The user is signed in nowhere.")).toBeVisible();
	expect((await signIn()).body.access_token).toBeTruthy();
});

test("an operator acts as a user, and everybody is told who it was", async ({
	app,
	demo,
	elsewhere,
}) => {
	await elsewhere("PATCH", "/p/blog/v1/settings", { sign_up: "open" });
	const email = address("sam");
	const signed = await elsewhere("POST", "/p/blog/v1/auth/sign-up", { email, password });
	const { user } = (await signed.json()) as { user: { id: string } };
	await app.goto(`/dashboard/projects/blog/users?record=${user.id}`);
	const drawer = app.getByRole("dialog").first();
	await drawer.getByRole("tab", { name: "Account" }).click();
	await drawer.getByRole("button", { name: "Act as this user…" }).click();
	const acting = drawer.getByRole("region", { name: "Act as this user" });
	await acting.getByRole("button", { name: "Begin the session" }).click();
	await expect(acting.getByLabel("Why")).toHaveAttribute("aria-invalid", "true");
	await acting.getByLabel("Why").fill("Sam cannot see an order");
	await acting.getByRole("button", { name: "Begin the session" }).click();
	const token = (await acting.getByTestId("token").textContent()) ?? "";
	await accessible(app);
	const me = await fetch(`${demo.url}/p/blog/v1/users/me`, {
		headers: { authorization: `Bearer ${token}` },
	});
	expect(await me.json()).toMatchObject({ id: user.id });
	await acting.getByRole("button", { name: "I have copied it" }).click();
	await expect(drawer.getByText("acts as the user.")).toBeVisible();
	const audit = await (await elsewhere("GET", "/p/blog/v1/audit?limit=20")).text();
	expect(audit).toContain("Sam cannot see an order");
});

test("somebody is invited, and sets a password by the mail", async ({ app, elsewhere }) => {
	const email = address("ina");
	await app.goto("/dashboard/projects/blog/users?record=new");
	const drawer = app.getByRole("dialog");
	await drawer.getByText("By an invitation").click();
	await drawer.getByLabel("E-mail").fill(email);
	await drawer.getByRole("button", { name: "Invite" }).click();
	await expect(app.getByText(`A link is on its way to ${email}.`)).toBeVisible();
	await app.getByRole("link", { name: "Mails" }).click();
	await row(app, email).click();
	await expect(drawer.frameLocator("iframe").getByRole("link")).toBeVisible();
	await expect(
		drawer.getByRole("list", { name: "Links of the mail" }).getByRole("link"),
	).toBeVisible();
	const { items } = await (await elsewhere("GET", "/p/blog/v1/users?limit=1")).json();
	expect(items[0].email).toBe(email);
});

test("a team is made, filled, and taken apart", async ({ app, elsewhere }) => {
	await elsewhere("PATCH", "/p/blog/v1/settings", { sign_up: "open" });
	const [owner, member] = [address("olga"), address("mika")];
	for (const email of [owner, member]) {
		await elsewhere("POST", "/p/blog/v1/auth/sign-up", { email, password });
	}
	await app.goto("/dashboard/projects/blog/teams");
	await expect(app.getByText("No team yet")).toBeVisible();
	await app.getByRole("button", { name: "New team" }).click();
	const modal = app.getByRole("dialog", { name: "New team" });
	await modal.getByLabel("Name").fill("Editors");
	const choose = async (label: string, email: string) => {
		await app.getByRole("dialog").getByLabel(label).click();
		await app
			.getByPlaceholder(/search/i)
			.last()
			.fill(email);
		await app.getByRole("option", { name: email }).click();
	};
	await choose("Owner", owner);
	await modal.getByRole("button", { name: "Create team" }).click();
	const drawer = app.getByRole("dialog");
	await expect(drawer.getByRole("link", { name: owner })).toBeVisible();
	await choose("User", member);
	await drawer.getByLabel("Role", { exact: true }).fill("proofreader");
	await drawer.getByRole("button", { name: "Add" }).click();
	await expect(drawer.getByRole("link", { name: member })).toBeVisible();
	await expect(drawer.getByText("proofreader")).toBeVisible();
	await drawer.getByRole("button", { name: `Remove ${owner}` }).click();
	await expect(app.getByRole("alert").filter({ hasText: /owner/ })).toBeVisible();

	await drawer.getByLabel("E-mail").fill("guest@example.com");
	await drawer.getByRole("button", { name: "Invite" }).click();
	await expect(drawer.getByText("guest@example.com")).toBeVisible();
	await picture(app, "team");
	await accessible(app);
	await drawer
		.getByRole("button", { name: "Take back the invitation of guest@example.com" })
		.click();
	await expect(drawer.getByText("guest@example.com")).toHaveCount(0);
	await drawer.getByRole("button", { name: `Remove ${member}` }).click();
	await expect(drawer.getByRole("link", { name: member })).toHaveCount(0);
	await drawer.getByRole("button", { name: "Delete the team…" }).click();
	await app
		.getByRole("dialog", { name: "Delete Editors?" })
		.getByRole("button", { name: "Delete" })
		.click();
	await expect(app.getByText("No team yet")).toBeVisible();
});
