// The cart and the checkout.

import type { Film } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { user } from "../api/session";
import * as store from "../shop/cart";
import { stocktake } from "../shop/catalogue";
import { blamed, type Pending, pending, place, prepare } from "../shop/checkout";
import { films, money, total } from "../shop/format";
import { h, show, swap } from "../ui/dom";
import { icon } from "../ui/icons";
import { say } from "../ui/live";
import { empty, failure, heading, stepper } from "../ui/parts";
import { poster } from "../ui/poster";
import { go, type View } from "../ui/router";

export function cart(): View {
	const news = h("div", { class: "news", role: "alert", tabindex: "-1", hidden: true });
	const body = h("div", { class: "cart-body" });
	const element = h("section", { class: "page cart" }, heading("Your cart"), news, body);
	let isHere = true;
	let isSending = false;

	function tell(title: string, texts: readonly string[]): void {
		swap(
			news,
			h("strong", {}, title),
			...(texts.length ? [h("ul", {}, ...texts.map((text) => h("li", {}, text)))] : []),
		);
		show(news, true);
		news.focus();
	}

	async function load(): Promise<void> {
		if (store.cart().length === 0 && !pending()) return paint(new Map());
		if (body.childElementCount === 0)
			body.append(h("div", { class: "cart-wait skeleton" }, h("div", { class: "bone" })));
		try {
			const stock = await stocktake(store.cart().map((entry) => entry.id));
			if (!isHere) return;
			const corrections = pending() ? [] : store.correct(stock);
			if (corrections.length > 0)
				tell(
					"Your cart has changed.",
					corrections.map((it) => it.text),
				);
			paint(stock);
		} catch (error) {
			if (isHere) swap(body, failure(error, load));
		}
	}

	function paint(stock: ReadonlyMap<string, Film>): void {
		const open = pending();
		if (open) paintPending(open);
		else if (store.cart().length === 0) swap(body, empty("There is nothing in your cart yet."));
		else paintEntries(stock);
	}

	function paintEntries(stock: ReadonlyMap<string, Film>): void {
		const entries = store.cart();
		const sum = h("output", { class: "sum" }, money(total(entries)));
		const pieces = h("span", {}, films(store.pieces()));
		const update = () => {
			sum.textContent = money(total(store.cart()));
			pieces.textContent = films(store.pieces());
		};
		const rows = entries.flatMap((entry) => {
			const film = stock.get(entry.id);
			return film ? [row(film, entry.quantity, update, () => paint(stock))] : [];
		});
		swap(body, h("ul", { class: "lines" }, ...rows), ticket(pieces, sum));
	}

	function row(film: Film, quantity: number, update: () => void, redraw: () => void): HTMLElement {
		const price = h("span", { class: "line-price" }, money(total([{ price: film.price, quantity }])));
		const change = (now: number) => {
			const kept = store.setQuantity(film, now);
			price.textContent = money(total([{ price: film.price, quantity: kept }]));
			update();
		};
		const drop = () => {
			store.remove(film.id);
			say(`“${film.title}” is out of your cart.`);
			redraw();
			(body.querySelector<HTMLElement>(".lines a, .empty a") ?? body).focus();
		};
		return h(
			"li",
			{ class: "line" },
			poster(film),
			h(
				"div",
				{ class: "line-words" },
				h("a", { class: "line-title", href: `#/film/${film.id}` }, film.title),
				h("span", { class: "line-each" }, `${money(film.price)} each`),
			),
			stepper(film, quantity, change),
			price,
			h(
				"button",
				{ class: "round drop", type: "button", "aria-label": `Take “${film.title}” out`, onclick: drop },
				icon("close"),
			),
		);
	}

	function ticket(pieces: HTMLElement, sum: HTMLElement): HTMLElement {
		const note = h("input", {
			class: "input",
			id: "note",
			maxlength: 500,
			placeholder: "Ring twice",
			autocomplete: "off",
		});
		const isKnown = user() !== null;
		const button = h(
			"button",
			{
				class: "button large",
				type: "button",
				onclick: () =>
					isKnown
						? order(() => start(note.value.trim()), button)
						: go(`/sign-in?then=${encodeURIComponent("/cart")}`),
			},
			isKnown ? "Place the order" : "Sign in to order",
		);
		return h(
			"aside",
			{ class: "ticket", "aria-label": "Summary" },
			h(
				"div",
				{ class: "ticket-top" },
				h("p", { class: "ticket-row" }, pieces),
				h("p", { class: "ticket-sum" }, h("span", {}, "Total"), sum),
			),
			h(
				"div",
				{ class: "ticket-stub" },
				isKnown
					? h(
							"div",
							{ class: "field" },
							h("label", { for: "note" }, "A note for the courier (optional)"),
							note,
						)
					: null,
				button,
				h(
					"p",
					{ class: "hint" },
					"All films or none: an order never arrives by halves. This is a demonstration, no money moves.",
				),
			),
		);
	}

	/** An order was sent and its answer never came: the same request is sent again, and can do no harm. */
	function paintPending(open: Pending): void {
		const button = h(
			"button",
			{ class: "button large", type: "button", onclick: () => order(() => open, button) },
			"Finish the order",
		);
		swap(
			body,
			h(
				"ul",
				{ class: "lines" },
				...open.lines.map((line) => h("li", { class: "line plain" }, `${line.quantity} × ${line.title}`)),
			),
			h(
				"aside",
				{ class: "ticket" },
				h(
					"div",
					{ class: "ticket-top" },
					h(
						"p",
						{},
						"The connection was lost before the shop's answer came. The order may have been placed already.",
					),
				),
				h(
					"div",
					{ class: "ticket-stub" },
					button,
					h("p", { class: "hint" }, "Safe to press: the same order cannot be placed twice."),
				),
			),
		);
	}

	function start(note: string): Pending {
		const open = pending();
		if (open) return open;
		return prepare(user()?.id ?? "", store.cart(), note);
	}

	async function order(begin: () => Pending, button: HTMLButtonElement): Promise<void> {
		if (isSending) return;
		isSending = true;
		button.disabled = true;
		button.textContent = "Placing the order…";
		body.setAttribute("aria-busy", "true");
		show(news, false);
		const open = begin();
		try {
			const id = await place(open);
			say("Your order is placed.");
			go(`/orders/${id}?new`);
		} catch (error) {
			await refused(open, asProblem(error));
		} finally {
			isSending = false;
			body.removeAttribute("aria-busy");
		}
	}

	async function refused(open: Pending, problem: Problem): Promise<void> {
		if (problem.isUndecided || problem.status === 429) {
			paint(new Map());
			tell("We lost the connection.", [
				"Your order may or may not have been placed. Press the button when you are online again: it is sent once, whatever happens.",
			]);
			return;
		}
		if (problem.status === 401) return go(`/sign-in?then=${encodeURIComponent("/cart")}`);
		const stock = await stocktake(store.cart().map((entry) => entry.id)).catch(() => null);
		if (!isHere) return;
		const corrections = stock ? store.correct(stock) : [];
		const words = corrections.map((it) => it.text);
		// Between the refusal and this look the shelf may have been filled again.
		const named = blamed(open, problem).filter((line) => !corrections.some((it) => it.id === line.product));
		words.push(...named.map((line) => `“${line.title}” could not be had a moment ago.`));
		if (words.length > 0)
			words.push("Nothing was ordered and nothing charged. Have a look, and order again if you like.");
		else words.push(problem.message, "Nothing was ordered and nothing charged.");
		if (stock) paint(stock);
		tell(
			corrections.length > 0 || named.length > 0 ? "Somebody was faster." : "The order was not taken.",
			words,
		);
	}

	load();
	return {
		title: "Your cart",
		element,
		leave: () => {
			isHere = false;
		},
	};
}
