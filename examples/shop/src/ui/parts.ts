// Pieces that several pages share.

import type { Film } from "../api/client";
import { asProblem } from "../api/problem";
import { onUser, user } from "../api/session";
import * as cart from "../shop/cart";
import { money, year } from "../shop/format";
import { onWishes, toggleWish, wished } from "../shop/wishes";
import { h, s, swap } from "./dom";
import { icon } from "./icons";
import { note, say } from "./live";
import { poster } from "./poster";
import { go } from "./router";

/** What there is of a film, in words; the class names how urgent it is. */
export function stockWords(film: Film): { text: string; state: "out" | "few" | "in" } {
	if (film.stock <= 0) return { text: "Sold out", state: "out" };
	if (film.stock <= 5) return { text: `Only ${film.stock} left`, state: "few" };
	return { text: "In stock", state: "in" };
}

/** A film in a grid. */
export function card(film: Film, isFirst = false): HTMLElement {
	const stock = stockWords(film);
	const picture = poster(film, isFirst);
	if (stock.state !== "in") picture.append(h("span", { class: `stamp stamp-${stock.state}` }, stock.text));
	// Only what was clicked moves to the next page by itself: each name costs the browser a layer.
	const follow = () => {
		picture.style.viewTransitionName = `film-${film.id}`;
	};
	return h(
		"li",
		{ class: "card" },
		h(
			"a",
			{ class: "card-link", href: `#/film/${film.id}`, onclick: follow },
			picture,
			h("span", { class: "card-title" }, film.title),
			h(
				"span",
				{ class: "card-facts" },
				h("span", {}, year(film.released_at) || "—"),
				film.imdb_rating === null ? null : rating(film.imdb_rating),
				h("span", { class: "price" }, money(film.price)),
			),
		),
		h("div", { class: "card-acts" }, wishButton(film), addButton(film)),
	);
}

/** A card's place while its film is on the way. */
export const skeleton = (): HTMLElement =>
	h(
		"li",
		{ class: "card skeleton", "aria-hidden": "true" },
		h("div", { class: "poster" }),
		h("span", { class: "bone" }),
		h("span", { class: "bone short" }),
	);

export const rating = (value: number): HTMLElement =>
	h("span", { class: "rating", title: `${value} of 10` }, icon("star"), value.toFixed(1));

/** Adds one; the count in the cart is said aloud. */
export function addButton(film: Film): HTMLButtonElement {
	const button = h(
		"button",
		{
			class: "round add",
			type: "button",
			"aria-label": `Add “${film.title}” to the cart`,
			disabled: film.stock <= 0,
			onclick: () => addToCart(film, 1),
		},
		icon("plus"),
	);
	return button;
}

export function addToCart(film: Film, quantity: number): void {
	const before = cart.quantityOf(film.id);
	const after = cart.setQuantity(film, before + quantity);
	const more = h("a", { class: "note-link", href: "#/cart" }, "See cart");
	if (after > before) note(`“${film.title}” is in your cart.`, more);
	else if (cart.cart().length >= cart.FILMS_MAX && before === 0) note("Your cart is full.", more);
	else note(`You have as many of “${film.title}” as can be ordered.`, more);
}

/** Puts on the wish list, or takes off. Whoever is not signed in is asked to. */
export function wishButton(film: Film, isWide = false): HTMLButtonElement {
	const label = h("span", {}, "Wish list");
	const button = h(
		"button",
		{ class: isWide ? "button quiet wish" : "round wish", type: "button", "aria-pressed": "false" },
		icon("heart"),
		isWide ? label : null,
	);
	button.setAttribute("aria-label", `“${film.title}” on the wish list`);
	const paint = async () => {
		const wishes = await wished().catch(() => new Map());
		button.setAttribute("aria-pressed", String(wishes.has(film.id)));
		label.textContent = wishes.has(film.id) ? "On your wish list" : "Wish list";
	};
	button.addEventListener("click", async () => {
		if (!user()) return go(`/sign-in?then=${encodeURIComponent(location.hash.slice(1))}`);
		button.disabled = true;
		try {
			const isOn = await toggleWish(film);
			say(isOn ? `“${film.title}” is on your wish list.` : `“${film.title}” is off your wish list.`);
		} catch (error) {
			note(asProblem(error).message);
		} finally {
			button.disabled = false;
			button.focus();
		}
	});
	wishPainters.set(button, paint);
	paint();
	return button;
}

/** Wish buttons that are shown; the map does not keep those that are gone. */
const wishPainters = new WeakMap<Element, () => void>();
const repaint = () => {
	for (const button of document.querySelectorAll(".wish")) wishPainters.get(button)?.();
};
onWishes(repaint);
onUser(repaint);

/** Minus, number, plus: from one to what may be ordered. */
export function stepper(film: Film, quantity: number, change: (quantity: number) => void): HTMLElement {
	const most = cart.most(film);
	const number = h("output", { class: "stepper-number", "aria-live": "off" }, quantity);
	let now = quantity;
	const step = (by: number) => {
		now = Math.max(1, Math.min(most, now + by));
		number.textContent = String(now);
		less.disabled = now <= 1;
		more.disabled = now >= most;
		change(now);
		say(`${now} of “${film.title}”`);
	};
	const button = (by: number) =>
		h(
			"button",
			{
				type: "button",
				"aria-label": `${by > 0 ? "One more" : "One less"} of “${film.title}”`,
				onclick: () => step(by),
			},
			icon(by > 0 ? "plus" : "minus"),
		);
	const [less, more] = [button(-1), button(1)];
	less.disabled = quantity <= 1;
	more.disabled = quantity >= most;
	return h(
		"div",
		{ class: "stepper", role: "group", "aria-label": `Quantity of “${film.title}”` },
		less,
		number,
		more,
	);
}

/** A page's heading; it takes the focus when the page is entered. */
export const heading = (text: string): HTMLHeadingElement =>
	h("h1", { class: "title", tabindex: "-1" }, text);

/** What stands where there is nothing. */
export const empty = (text: string, href = "#/", link = "Look at the films"): HTMLElement =>
	h("div", { class: "empty" }, sprocket(), h("p", {}, text), h("a", { class: "button", href }, link));

/** Shows what went wrong, with a way to try again. */
export function failure(error: unknown, retry: () => void): HTMLElement {
	const problem = asProblem(error);
	const isGone = problem.status === 404 || problem.code === "invalid_id";
	return h(
		"div",
		{ class: "empty", role: "alert" },
		sprocket(),
		h("p", {}, isGone ? "There is nothing here. It may never have been." : problem.message),
		isGone
			? h("a", { class: "button", href: "#/" }, "Look at the films")
			: h("button", { class: "button", type: "button", onclick: retry }, "Try again"),
	);
}

/** Fills an element with what a promise brings, and offers another try if it fails. */
export async function fillWith(place: HTMLElement, work: () => Promise<(Node | null)[]>): Promise<void> {
	place.setAttribute("aria-busy", "true");
	try {
		swap(place, ...(await work()));
	} catch (error) {
		swap(
			place,
			failure(error, () => fillWith(place, work)),
		);
	} finally {
		place.removeAttribute("aria-busy");
	}
}

const sprocket = () =>
	s(
		"svg",
		{ class: "sprocket", viewBox: "0 0 96 96", "aria-hidden": "true" },
		s("circle", { cx: 48, cy: 48, r: 46, class: "sprocket-disc" }),
		...[0, 72, 144, 216, 288].map((angle) =>
			s("circle", { cx: 48, cy: 22, r: 11, class: "sprocket-hole", transform: `rotate(${angle} 48 48)` }),
		),
		s("circle", { cx: 48, cy: 48, r: 5, class: "sprocket-hole" }),
	);
