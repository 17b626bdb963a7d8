// Signing in and signing up, by the ways that the project offers.

import { asProblem, type Problem } from "../api/problem";
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

/** A second factor that is due to somebody who came in from elsewhere. */
let due: ways.FactorDue | null = null;

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
	if (due) byFactor(steps, due);
	else steps.back();
	due = null;
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
		offered.passkey &&
			ways.knowsPasskeys() &&
			way("Use a passkey", () => attempt(steps, ways.signInByPasskey)),
		...(offered.social ?? []).map((provider) =>
			way(`Continue with ${provider.name}`, () =>
				attempt(steps, () => ways.leaveFor(provider, steps.then), false),
			),
		),
		offered.email_code && way("Get a code by e-mail", () => byCode(steps)),
		offered.magic_link && way("Get a link by e-mail", () => byLink(steps)),
	].filter((it) => it instanceof HTMLElement);
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

/** Goes on when a way has let the customer in, or asks for the second factor first. */
async function admit(steps: Steps, enter: () => Promise<void>): Promise<void> {
	try {
		await enter();
		arrive(steps.then);
	} catch (error) {
		if (!(error instanceof ways.FactorDue)) throw error;
		byFactor(steps, error);
	}
}

/** A way that is one click here, and the rest elsewhere. */
async function attempt(steps: Steps, enter: () => Promise<void>, isEnd = true): Promise<void> {
	try {
		await (isEnd ? admit(steps, enter) : enter());
	} catch (error) {
		// The browser has told already what it did not do.
		if (error instanceof DOMException) note("Nothing was signed in. You can try again.");
		else note(words(asProblem(error)));
	}
}

function words(problem: Problem): string {
	if (problem.code === "invalid_token") return "That took too long. Please try again.";
	return limited(problem)?.text ?? problem.message;
}

function byFactor(steps: Steps, due: ways.FactorDue): void {
	const ask = form({
		fields: [
			{
				name: "code",
				label: "Second factor",
				hint: "The six digits that your app shows, or a recovery code.",
				attributes: { type: "text", autocomplete: "one-time-code", required: true },
			},
		],
		submit: "Go on",
		send: ({ code }) => admit(steps, () => ways.showCode(due.token, code?.trim() ?? "")),
		explain: (problem) => {
			if (problem.code === "invalid_token") return { text: "That took too long. Please sign in again." };
			if (problem.status === 400) return { field: "code", text: "This code is wrong, or was used." };
			return limited(problem);
		},
	});
	const byPasskey = due.factors.includes("passkey")
		? way("Use a passkey", () => attempt(steps, () => ways.showPasskey(due.token)))
		: null;
	steps.show(ask, ...(byPasskey ? [h("p", { class: "divider" }, "or"), byPasskey] : []), otherWay(steps));
}

function byPassword(steps: Steps): HTMLElement {
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
			await admit(steps, () => ways.signIn(email ?? "", password ?? ""));
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
					await admit(steps, () => ways.signInByCode(challenge, code?.trim() ?? ""));
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

/** What somebody came back with from a mail or from a provider. */
type Arrival = { token: string | undefined; ticket: string | null; error: string | null };

/**
 * Reads where ways end that lead elsewhere: a link of a mail at `#token=...`, a provider at `?ticket=...` or `?error=...`.
 * It is taken out of the address before anything else is done.
 */
export function arrival(): Arrival | null {
	const token = /^#token=(.+)$/.exec(location.hash)?.[1];
	const query = new URLSearchParams(location.search);
	const [ticket, error] = [query.get("ticket"), query.get("error")];
	if (token === undefined && ticket === null && error === null) return null;
	history.replaceState(null, "", "/");
	rewrite("/");
	return { token, ticket, error };
}

/** Lets somebody in who came back. */
export async function comeIn({ token, ticket, error }: Arrival): Promise<void> {
	const again = h("a", { class: "note-link", href: "#/sign-in" }, "Sign in");
	if (error !== null) return note("You were not signed in.", again);
	try {
		if (ticket !== null) go(await ways.comeBack(ticket));
		else await ways.signInByLink(decodeURIComponent(token ?? ""));
		note("You are signed in.");
	} catch (thrown) {
		if (thrown instanceof ways.FactorDue) {
			due = thrown;
			return go("/sign-in");
		}
		const problem = asProblem(thrown);
		if (problem.code === "invalid_token") note("This link is used or too old. Ask for another one.", again);
		else note(problem.message, again);
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
	const panel = h("div", { class: "panel" });
	panel.append(
		form({
			fields,
			submit: "Sign up",
			send: async ({ name, email, password }) => {
				if (await ways.signUp(name ?? "", email ?? "", password ?? "")) return arrive(then);
				const words = sent(
					`A mail is on its way to ${email}. The account is there once its link was opened.`,
				);
				panel.replaceChildren(words);
				words.focus();
			},
			explain: (problem) => {
				if (problem.code === "identity_taken")
					return { field: "email", text: "This e-mail has an account already." };
				if (problem.code === "sign_up_closed") return { text: "The shop takes no new customers at present." };
				return limited(problem);
			},
		}),
	);
	const element = h(
		"section",
		{ class: "page narrow" },
		heading("Make an account"),
		panel,
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
