// Forms whose faults stand at their fields, as the server names them.

import { asProblem, type Problem } from "../api/problem";
import { h, show } from "./dom";

type Field = { name: string; label: string; hint?: string; attributes: Record<string, unknown> };
type Options = {
	fields: Field[];
	submit: string;
	/** Sends the values; what it throws is shown. */
	send: (values: Record<string, string>) => Promise<void>;
	/** Words for codes that are no fault of one value: where to show them, and what to say. */
	explain?: (problem: Problem) => { field?: string; text: string } | undefined;
};

/** A form of labelled inputs. While it is being sent it cannot be sent again. */
export function form({ fields, submit, send, explain }: Options): HTMLFormElement {
	const summary = h("p", { class: "fault summary", role: "alert", hidden: true });
	const button = h("button", { class: "button", type: "submit" }, submit);
	const rows = new Map(fields.map((field) => [field.name, row(field)]));
	const element = h(
		"form",
		{ class: "form", novalidate: true },
		...[...rows.values()].map((it) => it.element),
		summary,
		button,
	);

	const complain = (problem: Problem) => {
		const faults = new Map<string, string>();
		let rest = "";
		const explained = explain?.(problem);
		if (explained?.field) faults.set(explained.field, explained.text);
		else if (explained) rest = explained.text;
		for (const fault of explained ? [] : problem.faults) {
			const name = fault.path.slice(1);
			if (rows.has(name)) faults.set(name, fault.message);
			else rest = fault.message;
		}
		if (faults.size === 0 && !rest) rest = problem.message;
		for (const [name, it] of rows) it.complain(faults.get(name));
		summary.textContent = rest;
		show(summary, rest !== "");
		const first = [...rows].find(([name]) => faults.has(name))?.[1];
		first?.input.focus();
	};

	element.addEventListener("submit", async (event) => {
		event.preventDefault();
		if (button.disabled) return;
		for (const it of rows.values()) it.complain(undefined);
		show(summary, false);
		button.disabled = true;
		element.setAttribute("aria-busy", "true");
		try {
			await send(Object.fromEntries([...rows].map(([name, it]) => [name, it.input.value])));
		} catch (error) {
			complain(asProblem(error));
		} finally {
			button.disabled = false;
			element.removeAttribute("aria-busy");
		}
	});
	return element;
}

function row({ name, label, hint, attributes }: Field) {
	const fault = h("p", { class: "fault", id: `${name}-fault`, hidden: true });
	const advice = hint ? h("p", { class: "hint", id: `${name}-hint` }, hint) : null;
	const input = h("input", { class: "input", id: name, name, ...attributes });
	const element = h("div", { class: "field" }, h("label", { for: name }, label), input, advice, fault);
	const complain = (text: string | undefined) => {
		fault.textContent = text ?? "";
		show(fault, text !== undefined);
		if (advice) show(advice, text === undefined);
		const described = text === undefined ? advice?.id : fault.id;
		const set = (name: string, value: string | undefined) =>
			value === undefined ? input.removeAttribute(name) : input.setAttribute(name, value);
		set("aria-describedby", described);
		set("aria-invalid", text === undefined ? undefined : "true");
	};
	complain(undefined);
	return { element, input, complain };
}
