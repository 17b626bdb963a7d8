// Signing in and signing up.

import type { Problem } from "../api/problem";
import * as account from "../shop/account";
import { h } from "../ui/dom";
import { form } from "../ui/form";
import { heading } from "../ui/parts";
import { again, go, type Place, type View } from "../ui/router";

const EMAIL = {
	name: "email",
	label: "E-mail",
	attributes: { type: "email", autocomplete: "email", required: true, inputmode: "email" },
};

export function signIn({ query }: Place): View {
	const then = query.get("then") ?? "/";
	const fields = [
		EMAIL,
		{
			name: "password",
			label: "Password",
			attributes: { type: "password", autocomplete: "current-password", required: true },
		},
	];
	const element = page(
		"Sign in",
		form({
			fields,
			submit: "Sign in",
			send: async ({ email, password }) => {
				await account.signIn(email ?? "", password ?? "");
				arrive(then);
			},
			explain: (problem) => {
				if (problem.code === "invalid_credentials")
					return { text: "This e-mail and password do not belong together." };
				return limited(problem);
			},
		}),
		h(
			"p",
			{ class: "aside" },
			"New here? ",
			h("a", { href: `#/sign-up?then=${encodeURIComponent(then)}` }, "Make an account"),
		),
	);
	return { title: "Sign in", element };
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
	const element = page(
		"Make an account",
		form({
			fields,
			submit: "Sign up",
			send: async ({ name, email, password }) => {
				await account.signUp(name ?? "", email ?? "", password ?? "");
				arrive(then);
			},
			explain: (problem) => {
				if (problem.code === "identity_taken")
					return { field: "email", text: "This e-mail has an account already." };
				if (problem.code === "sign_up_closed") return { text: "The shop takes no new customers at present." };
				return limited(problem);
			},
		}),
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

const page = (title: string, ...children: Node[]) =>
	h("section", { class: "page narrow" }, heading(title), h("div", { class: "panel" }, ...children));
