// One's own name and picture, and the way out.

import { asProblem, type Problem } from "../api/problem";
import { onUser, user } from "../api/session";
import { dropAvatar, rename, setAvatar, signOut } from "../shop/account";
import * as ways from "../shop/ways";
import { h, show, swap } from "../ui/dom";
import { form } from "../ui/form";
import { note, say } from "../ui/live";
import { heading } from "../ui/parts";
import type { View } from "../ui/router";
import { paintAvatar } from "../ui/shell";

export function account(): View {
	const me = user();
	const saved = h("p", { class: "saved", role: "status" });
	const element = h(
		"section",
		{ class: "page narrow" },
		heading("Your account"),
		h(
			"div",
			{ class: "panel" },
			picture(),
			form({
				fields: [
					{
						name: "name",
						label: "Name",
						attributes: { type: "text", autocomplete: "name", value: me?.name ?? "" },
					},
					{
						name: "email",
						label: "E-mail",
						attributes: { type: "email", value: me?.email ?? "", readonly: true },
					},
				],
				submit: "Save",
				send: async ({ name }) => {
					saved.textContent = "";
					await rename(name?.trim() ?? "");
					saved.textContent = "Saved.";
				},
			}),
			saved,
		),
		safety(),
		h("button", { class: "button quiet", type: "button", onclick: () => signOut() }, "Sign out"),
	);
	return { title: "Your account", element };
}

/** The customer's passkeys, where the project has them and this browser knows them. */
function safety(): HTMLElement {
	const list = h("ul", { class: "passkeys" });
	const step = h("div", {});
	const panel = h(
		"div",
		{ class: "panel", hidden: true },
		h("h2", { class: "panel-title" }, "Passkeys"),
		h(
			"p",
			{ class: "hint" },
			"Sign in with a fingerprint, a face or this device's PIN. No password can be stolen then.",
		),
		list,
		step,
	);
	const make = h("button", { class: "button quiet", type: "button" }, "Make a passkey");
	const load = async () => {
		const mine = await ways.passkeys();
		swap(list, ...mine.map((passkey) => row(passkey)));
		show(list, mine.length > 0);
	};
	const row = (passkey: ways.Passkey) => {
		const made = new Date(passkey.created_at).toLocaleDateString("en", { dateStyle: "medium" });
		const drop = h(
			"button",
			{ class: "link", type: "button", "aria-label": `Remove the passkey “${passkey.name}”` },
			"Remove",
		);
		drop.addEventListener("click", () =>
			dear(() => ways.dropPasskey(passkey.id), `“${passkey.name}” is removed.`),
		);
		return h("li", {}, h("span", {}, passkey.name), h("span", { class: "hint" }, `made ${made}`), drop);
	};
	/** Does what asks for a proof that is not older than some minutes, and asks for one where it is. */
	const dear = async (work: () => Promise<void>, done: string) => {
		make.disabled = true;
		try {
			await work();
			await load();
			say(done);
			swap(step, make);
			make.focus();
		} catch (error) {
			// The browser has told already what it did not do.
			if (error instanceof DOMException) return note("No passkey was made.");
			const problem = asProblem(error);
			if (problem.code !== "reauth_required") return note(words(problem));
			swap(
				step,
				proof(() => dear(work, done)),
			);
			step.querySelector("input")?.focus();
		} finally {
			make.disabled = false;
		}
	};
	const proof = (then: () => Promise<void>) =>
		form({
			fields: [
				{
					name: "proof",
					label: "Your password, once more",
					attributes: { type: "password", autocomplete: "current-password", required: true },
				},
			],
			submit: "Go on",
			send: async ({ proof: password }) => {
				await ways.proveAgain(password ?? "");
				swap(step, make);
				await then();
			},
			explain: (problem) =>
				problem.status === 400 ? { field: "proof", text: "This is not your password." } : undefined,
		});
	make.addEventListener("click", () =>
		dear(() => ways.makePasskey(deviceName()), "The passkey is made. You can sign in with it from now on."),
	);
	step.append(make);
	ways
		.methods()
		.then(async (offered) => {
			if (!offered.passkey || !ways.knowsPasskeys()) return;
			await load();
			show(panel, true);
		})
		.catch(() => undefined);
	return panel;
}

/** What the customer will know this device by. */
function deviceName(): string {
	const system = /Android|iPhone|iPad|Mac OS X|Windows|CrOS|Linux/.exec(navigator.userAgent)?.[0];
	return system
		? `This ${system.replace("Mac OS X", "Mac").replace("CrOS", "Chromebook")} device`
		: "A device";
}

function picture(): HTMLElement {
	const face = h("span", { class: "face is-known big" });
	const fault = h("p", { class: "fault", role: "alert", id: "avatar-fault", hidden: true });
	const input = h("input", {
		class: "unseen",
		type: "file",
		id: "avatar",
		accept: "image/png,image/jpeg,image/webp",
		"aria-describedby": "avatar-fault",
	});
	const drop = h("button", { class: "link", type: "button" }, "Remove");
	const busy = async (work: () => Promise<void>, done: string) => {
		show(fault, false);
		face.classList.add("is-busy");
		input.disabled = true;
		try {
			await work();
			say(done);
		} catch (error) {
			const unreadable = error instanceof DOMException;
			fault.textContent = unreadable
				? "This file is no picture that your browser can read."
				: words(asProblem(error));
			show(fault, true);
		} finally {
			face.classList.remove("is-busy");
			input.disabled = false;
			input.value = "";
		}
	};
	input.addEventListener("change", () => {
		const file = input.files?.[0];
		if (file) busy(() => setAvatar(file), "Your picture is changed.");
	});
	drop.addEventListener("click", () => busy(dropAvatar, "Your picture is removed."));
	const paint = () => {
		paintAvatar(face);
		show(drop, Boolean(user()?.avatar));
	};
	onUser(() => face.isConnected && paint());
	paint();
	return h(
		"div",
		{ class: "avatar" },
		face,
		h(
			"div",
			{ class: "avatar-acts" },
			input,
			h("label", { class: "button quiet", for: "avatar" }, "Choose a picture"),
			drop,
			fault,
		),
	);
}

function words(problem: Problem): string {
	if (problem.status === 413) return "This picture is too large.";
	if (problem.status === 415) return "This kind of file is not taken.";
	return problem.faults[0]?.message ?? problem.message;
}
