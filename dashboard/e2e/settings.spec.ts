// The settings of accounts: each is saved by itself, faults stand at their inputs, secrets are never shown again.

import { accessible, expect, picture, test } from "./fixtures";

type Settings = Record<string, unknown>;

const saved = "The settings are in force.";

test("policies of passwords, guesses, domains and CAPTCHA", async ({ app, elsewhere }) => {
	const read = async () =>
		(await (await elsewhere("GET", "/p/blog/v1/settings")).json()) as Settings;
	await elsewhere("PATCH", "/p/blog/v1/settings", { sign_up: "open" });
	await app.goto("/dashboard/projects/blog/settings/safety");
	const passwords = app.getByRole("region", { name: "Passwords" });
	await passwords.getByLabel("Characters at least").fill("12");
	await passwords.getByLabel("Digit").check();
	await passwords.getByRole("button", { name: "Save" }).click();
	await expect(app.getByText(saved)).toBeVisible();
	expect((await read()).passwords).toMatchObject({ length_min: 12, classes: ["digit"] });
	const signUp = await elsewhere("POST", "/p/blog/v1/auth/sign-up", {
		email: `weak-${Date.now()}@example.com`,
		password: "no number in it",
	});
	expect(signUp.status).toBe(422);

	const guesses = app.getByRole("region", { name: "Guesses" });
	await guesses.getByLabel("At one account").fill("1");
	await guesses.getByRole("button", { name: "Save" }).click();
	await expect(guesses.getByLabel("At one account")).toHaveAttribute("aria-invalid", "true");
	await guesses.getByLabel("At one account").fill("5");
	await guesses.getByRole("button", { name: "Save" }).click();
	await expect.poll(async () => (await read()).lockout).toMatchObject({ account_guesses_max: 5 });

	const domains = app.getByRole("region", { name: "E-mail domains" });
	const block = domains.getByRole("combobox", { name: "Never these" });
	await block.fill("not a domain");
	await block.press("Enter");
	await domains.getByRole("button", { name: "Save" }).click();
	await expect(block).toHaveAttribute("aria-invalid", "true");
	await block.press("Backspace");
	await block.fill("mailinator.example");
	await block.press("Enter");
	await domains.getByRole("button", { name: "Save" }).click();
	await expect
		.poll(async () => (await read()).email_domains)
		.toMatchObject({ block: ["mailinator.example"] });

	const captcha = app.getByRole("region", { name: "CAPTCHA" });
	await captcha.getByLabel("Demand a proof").click();
	await captcha.getByLabel("Site key").fill("the key of the site");
	await captcha.getByRole("textbox", { name: "Secret" }).fill("nobody reads this");
	await captcha.scrollIntoViewIfNeeded();
	await picture(app, "captcha");
	await accessible(app);
	await captcha.getByRole("button", { name: "Save" }).click();
	await expect
		.poll(async () => (await read()).captcha)
		.toMatchObject({ site_key: "the key of the site" });
	expect(JSON.stringify(await read())).not.toContain("nobody reads this");
	await expect(captcha.getByRole("textbox", { name: "Secret" })).toHaveValue("");
	// Another key is saved without the secret, which stays.
	await captcha.getByLabel("Site key").fill("another key");
	await captcha.getByRole("button", { name: "Save" }).click();
	await expect.poll(async () => (await read()).captcha).toMatchObject({ site_key: "another key" });
	await elsewhere("PATCH", "/p/blog/v1/settings", {
		passwords: { length_min: 8, classes: [] },
		captcha: null,
	});
});

test("a hook is asked by an address, and its secret shown once", async ({ app, elsewhere }) => {
	await app.goto("/dashboard/projects/blog/settings/hooks");
	const hook = app.getByRole("region", { name: "Before a token is signed" });
	await hook.getByLabel("Ask a server").click();
	await hook.getByLabel("Its address").fill("http://127.0.0.1:1/");
	await hook.getByRole("button", { name: "Save" }).click();
	await expect(hook.getByLabel("Its address")).toHaveAttribute("aria-invalid", "true");
	await hook.getByLabel("Its address").fill("https://hooks.example.com/galley");
	await hook.getByLabel("Go on without it").click();
	await hook.getByRole("button", { name: "Save" }).click();
	await expect(app.getByText(saved)).toBeVisible();
	await hook.getByRole("button", { name: "New secret…" }).click();
	await app.getByRole("dialog").getByRole("button", { name: "Make it" }).click();
	const secret = app.getByTestId("secret");
	await expect(secret).toHaveText(/^whsec_/);
	await picture(app, "hook-secret");
	await accessible(app);
	const text = (await secret.textContent()) ?? "";
	await app.getByRole("button", { name: "Close" }).last().click();
	await app.reload();
	await expect(hook.getByLabel("Its address")).toHaveValue("https://hooks.example.com/galley");
	expect(await app.content()).not.toContain(text);
	await elsewhere("PATCH", "/p/blog/v1/settings", { hooks: { on_token: null } });
});

test("second factors and passkeys", async ({ app, elsewhere }) => {
	const read = async () =>
		(await (await elsewhere("GET", "/p/blog/v1/settings")).json()) as Settings;
	await app.goto("/dashboard/projects/blog/settings/sign-in");
	const factor = app.getByRole("region", { name: "Second factor" });
	await factor.getByLabel("Required").check();
	const roles = factor.getByRole("combobox", { name: "Of users with these roles" });
	await roles.fill("editor");
	await roles.press("Enter");
	await factor.getByRole("button", { name: "Save" }).click();
	await expect
		.poll(async () => (await read()).second_factor)
		.toEqual({ policy: "required", roles: ["editor"] });
	const passkeys = app.getByRole("region", { name: "Passkeys" });
	await passkeys.getByLabel("Domain").fill("https://blog.example");
	await passkeys.getByRole("button", { name: "Save" }).click();
	await expect(passkeys.getByLabel("Domain")).toHaveAttribute("aria-invalid", "true");
	await passkeys.getByLabel("Domain").fill("blog.example");
	await passkeys.getByRole("button", { name: "Save" }).click();
	await expect.poll(async () => (await read()).passkeys).toMatchObject({ rp_id: "blog.example" });
	await accessible(app);
	await elsewhere("PATCH", "/p/blog/v1/settings", {
		second_factor: { policy: "optional", roles: [] },
		passkeys: { rp_id: null },
	});
});

test("a provider is added, its secret kept, and removed", async ({ app, elsewhere }) => {
	const read = async () =>
		(await (await elsewhere("GET", "/p/blog/v1/settings")).json()) as Settings;
	await app.goto("/dashboard/projects/blog/settings/providers");
	const social = app.getByRole("region", { name: "Social sign-in" });
	await social.getByRole("button", { name: "Add a provider" }).click();
	const provider = social.getByRole("group", { name: "Provider 1" });
	await provider.getByRole("combobox", { name: "Provider" }).click();
	await app.getByRole("option", { name: "GitHub" }).click();
	await expect(provider.getByLabel("Id", { exact: true })).toHaveValue("github");
	await expect(provider.getByText("/p/blog/v1/auth/social/github/callback")).toBeVisible();
	await social.getByRole("button", { name: "Save" }).click();
	await expect(provider.getByLabel("Client id", { exact: true })).toHaveAttribute(
		"aria-invalid",
		"true",
	);
	await provider.getByLabel("Client id", { exact: true }).fill("app-1");
	await provider.getByRole("textbox", { name: "Client secret" }).fill("nobody reads this");
	await picture(app, "provider");
	await accessible(app);
	await social.getByRole("button", { name: "Save" }).click();
	await expect
		.poll(async () => (await read()).social)
		.toMatchObject({ providers: [{ id: "github", kind: "github", client_id: "app-1" }] });
	expect(JSON.stringify(await read())).not.toContain("nobody reads this");
	// A name is changed without the secret, which stays.
	await provider.getByLabel("What people read on its button").fill("The hub");
	await social.getByRole("button", { name: "Save" }).click();
	await expect
		.poll(async () => (await read()).social)
		.toMatchObject({ providers: [{ name: "The hub" }] });
	const methods = await (await elsewhere("GET", "/p/blog/v1/auth/methods")).json();
	expect(methods.social).toMatchObject([{ id: "github", name: "The hub" }]);
	await provider.getByRole("button", { name: "Remove provider 1" }).click();
	await social.getByRole("button", { name: "Save" }).click();
	await expect.poll(async () => (await read()).social).toMatchObject({ providers: [] });
});

test("messages to telephones are sent by a server or by an API, whose secrets stay unseen", async ({
	app,
	elsewhere,
}) => {
	const read = async () =>
		(await (await elsewhere("GET", "/p/blog/v1/settings")).json()) as { phone: Settings };
	await app.goto("/dashboard/projects/blog/settings/phone");
	const phone = app.getByRole("region", { name: "Messages to telephones" });
	const save = phone.getByRole("button", { name: "Save" });
	await phone.getByText("A server of mine").click();
	await phone.getByLabel("Its address").fill("http://10.0.0.1/send");
	await save.click();
	await expect(phone.getByLabel("Its address")).toHaveAttribute("aria-invalid", "true");
	const secret = phone.getByRole("textbox", { name: "Secret" });
	const countries = phone.getByRole("combobox", { name: "Where they may go" });
	await expect(secret).toHaveAttribute("aria-invalid", "true");
	await expect(countries).toHaveAttribute("aria-invalid", "true");
	await phone.getByLabel("Its address").fill("https://sms.example.com/send");
	await phone.getByRole("button", { name: "Make a secret" }).click();
	const made = await secret.inputValue();
	expect(made).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
	await countries.fill("+49");
	await countries.press("Enter");
	await phone.getByLabel("Per day").fill("50");
	await picture(app, "phone-webhook");
	await accessible(app);
	await save.click();
	await expect(app.getByText(saved)).toBeVisible();
	expect((await read()).phone).toMatchObject({
		webhook: { url: "https://sms.example.com/send" },
		countries: ["+49"],
		messages_per_day: 50,
	});
	expect(JSON.stringify(await read())).not.toContain(made);
	await expect(secret).toHaveValue("");
	// What is not the secret is changed without it; another address needs it anew.
	await phone.getByLabel("Per day").fill("60");
	await save.click();
	await expect.poll(async () => (await read()).phone).toMatchObject({ messages_per_day: 60 });
	await phone.getByLabel("Its address").fill("https://other.example.com/send");
	await save.click();
	await expect(secret).toHaveAttribute("aria-invalid", "true");

	await phone.getByText("Twilio or alike").click();
	await phone.getByLabel("Account SID").fill("AC0123");
	await phone.getByRole("textbox", { name: "Auth token" }).fill("nobody reads this");
	await phone.getByLabel(/^From( \*)?$/).fill("+15005550006");
	await picture(app, "phone-twilio");
	await accessible(app);
	await save.click();
	await expect
		.poll(async () => (await read()).phone)
		.toMatchObject({
			twilio: { base_url: "https://api.twilio.com", account_sid: "AC0123", from: "+15005550006" },
		});
	const now = await read();
	expect(now.phone.webhook ?? null).toBeNull();
	expect(JSON.stringify(now)).not.toContain("nobody reads this");
	await phone.getByText("Nobody", { exact: true }).click();
	await save.click();
	await expect.poll(async () => (await read()).phone.twilio ?? null).toBeNull();
});
