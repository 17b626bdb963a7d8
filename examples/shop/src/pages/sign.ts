// Signing in and signing up, by the ways that the project offers.

import type { Problem } from "../api/problem";
import * as ways from "../shop/ways";
import { h, swap } from "../ui/dom";
import { form } from "../ui/form";
import { note, say } from "../ui/live";
import { fillWith, heading } from "../ui/parts";
import { again, go, type Place, rewrite, type View } from "../ui/router";

const EMAIL = {
	name: "email",
	label: "E-mail",
	attributes: { type: "email", autocomplete: "email", required: true, inputmode: "email" },
};

/** A page whose panel shows one step after the other. */
type Steps = { then: string; show: (...content: Node[]) => void; back: () => void };

export function signIn({ query }: Place): View {
	const then = query.get("then") ?? "/";
	const panel = h("div", { class: "panel" });
	const steps: Steps = {
		then,
		show: (...content) => {
			swap(panel, ...content);
			panel.querySelector<HTMLElement>("input, [tabindex]")?.focus();
		},
		back: () => void fillWith(panel, async () => choices(await ways.methods(), steps)),
	};
	steps.back();
	const element = h(
		"section",
		{ class: "page narrow" },
		heading("Sign in"),
		panel,
		h(
			"p",
			{ class: "aside" },
			"New here? ",
			h("a", { href: `#/sign-up?then=${encodeURIComponent(then)}` }, "Make an account"),
		),
	);
	return { title: "Sign in", element };
}

/** Every way that is offered: a password at once, the others behind a button. */
function choices(offered: ways.Methods, steps: Steps): Node[] {
	const others = [
		offered.email_code && way("Get a code by e-mail", () => byCode(steps)),
		offered.magic_link && way("Get a link by e-mail", () => byLink(steps)),
	].filter((it) => it !== false);
	if (!offered.password) return others;
	const divider = h("p", { class: "divider" }, "or");
	return [
		byPassword(steps),
		...(others.length > 0 ? [divider, h("div", { class: "ways-in" }, ...others)] : []),
	];
}

const way = (label: string, choose: () => void): HTMLElement =>
	h("button", { class: "button quiet", type: "button", onclick: choose }, label);

const otherWay = (steps: Steps): HTMLElement =>
	h("button", { class: "link", type: "button", onclick: steps.back }, "Sign in another way");

function byPassword({ then }: Steps): HTMLElement {
	return form({
		fields: [
			EMAIL,
			{
				name: "password",
				label: "Password",
				attributes: { type: "password", autocomplete: "current-password", required: true },
			},
		],
		submit: "Sign in",
		send: async ({ email, password }) => {
			await ways.signIn(email ?? "", password ?? "");
			arrive(then);
		},
		explain: (problem) => {
			if (problem.code === "invalid_credentials")
				return { text: "This e-mail and password do not belong together." };
			return limited(problem);
		},
	});
}

function byCode(steps: Steps): void {
	const ask = form({
		fields: [EMAIL],
		submit: "Send the code",
		send: async ({ email }) => {
			const challenge = await ways.requestCode(email ?? "");
			steps.show(sent(`If ${email} has an account here, a code is on its way.`), answer(challenge));
		},
		explain: limited,
	});
	const answer = (challenge: string) =>
		h(
			"div",
			{},
			form({
				fields: [
					{
						name: "code",
						label: "Code",
						attributes: {
							type: "text",
							inputmode: "numeric",
							autocomplete: "one-time-code",
							maxlength: 10,
							required: true,
						},
					},
				],
				submit: "Sign in",
				send: async ({ code }) => {
					await ways.signInByCode(challenge, code?.trim() ?? "");
					arrive(steps.then);
				},
				explain: (problem) => {
					if (problem.code === "invalid_token")
						return { field: "code", text: "This code is wrong or too old." };
					return limited(problem);
				},
			}),
			h("button", { class: "link", type: "button", onclick: () => byCode(steps) }, "Send another code"),
			otherWay(steps),
		);
	steps.show(ask, otherWay(steps));
}

function byLink(steps: Steps): void {
	const ask = form({
		fields: [EMAIL],
		submit: "Send the link",
		send: async ({ email }) => {
			await ways.requestLink(email ?? "");
			const words = sent(`If ${email} has an account here, a link is on its way. Open it in this browser.`);
			steps.show(words, otherWay(steps));
			words.focus();
		},
		explain: limited,
	});
	steps.show(ask, otherWay(steps));
}

function sent(text: string): HTMLElement {
	say(text);
	return h("p", { class: "sent", tabindex: "-1" }, text);
}

/** Where a link of a mail ends: `#token=...`. It is taken out of the address before anything else is done. */
export async function enterByLink(): Promise<void> {
	const token = /^#token=(.+)$/.exec(location.hash)?.[1];
	if (token === undefined) return;
	rewrite("/");
	try {
		await ways.signInByLink(decodeURIComponent(token));
		note("You are signed in.");
	} catch {
		note(
			"This link is used or too old. Ask for another one.",
			h("a", { class: "note-link", href: "#/sign-in" }, "Sign in"),
		);
	}
}

export function signUp({ query }: Place): View {
	const then = query.get("then") ?? "/";
	const fields = [
		{ name: "name", label: "Name", attributes: { type: "text", autocomplete: "name", maxlength: 100 } },
		EMAIL,
		{
			name: "password",
			label: "Password",
			hint: "At least 8 characters.",
			attributes: { type: "password", autocomplete: "new-password", required: true },
		},
	];
	const element = h(
		"section",
		{ class: "page narrow" },
		heading("Make an account"),
		h(
			"div",
			{ class: "panel" },
			form({
				fields,
				submit: "Sign up",
				send: async ({ name, email, password }) => {
					await ways.signUp(name ?? "", email ?? "", password ?? "");
					arrive(then);
				},
				explain: (problem) => {
					if (problem.code === "identity_taken")
						return { field: "email", text: "This e-mail has an account already." };
					if (problem.code === "sign_up_closed")
						return { text: "The shop takes no new customers at present." };
					return limited(problem);
				},
			}),
		),
		h(
			"p",
			{ class: "aside" },
			"Have one already? ",
			h("a", { href: `#/sign-in?then=${encodeURIComponent(then)}` }, "Sign in"),
		),
	);
	return { title: "Make an account", element };
}

function limited(problem: Problem): { text: string } | undefined {
	return problem.status === 429 ? { text: "Too many tries. Please wait a moment." } : undefined;
}

/** Goes where the customer was about to go; only within the shop. */
function arrive(then: string): void {
	const path = then.startsWith("/") && !then.startsWith("/sign-") ? then : "/";
	if (location.hash === `#${path}`) again();
	else go(path);
}
