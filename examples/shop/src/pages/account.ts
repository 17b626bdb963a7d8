// One's own name and picture, and the way out.

import { asProblem, type Problem } from "../api/problem";
import { onUser, user } from "../api/session";
import { dropAvatar, rename, setAvatar, signOut } from "../shop/account";
import { h, show } from "../ui/dom";
import { form } from "../ui/form";
import { say } from "../ui/live";
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
		h("button", { class: "button quiet", type: "button", onclick: () => signOut() }, "Sign out"),
	);
	return { title: "Your account", element };
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
