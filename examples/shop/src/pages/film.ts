// One film: its facts, what there is of it, and the ways to have it.

import type { Film } from "../api/client";
import { most, QUANTITY_MAX, quantityOf } from "../shop/cart";
import { alike, film as fetchFilm, glimpse } from "../shop/catalogue";
import { count, date, money, moneyRound } from "../shop/format";
import { h, swap, swapKeepingFocus } from "../ui/dom";
import { icon } from "../ui/icons";
import { addToCart, card, failure, heading, rating, stepper, stockWords, wishButton } from "../ui/parts";
import { poster, tint } from "../ui/poster";
import type { Place, View } from "../ui/router";

const ALIKE = 6;

export function film({ parts }: Place): View {
	const id = parts[1] ?? "";
	const body = h("div", { class: "film-body" });
	const others = h("section", { class: "alike", hidden: true });
	const element = h("article", { class: "film" }, back(), body, others);
	// Painted twice, from what is known and from what comes: what was chosen meanwhile stays.
	const chosen = { quantity: 1 };
	const known = glimpse(id);
	const view: View = { title: known?.title ?? "Film", element };
	if (known) swap(body, ...content(known, chosen));
	else
		body.append(
			h("div", { class: "film-picture" }, h("div", { class: "poster skeleton" })),
			h("div", {}, heading("…")),
		);
	let isHere = true;
	view.leave = () => {
		isHere = false;
	};

	async function load(): Promise<void> {
		try {
			const whole = await fetchFilm(id);
			if (!isHere) return;
			swapKeepingFocus(body, ...content(whole, chosen));
			document.title = `${whole.title} · Second Reel`;
			const like = await alike(whole, ALIKE).catch(() => []);
			if (!isHere || like.length === 0) return;
			others.hidden = false;
			const genre = whole.expand.genre?.name ?? "";
			swap(
				others,
				h("h2", { class: "subtitle" }, `More from ${genre}`),
				h("ul", { class: "grid row" }, ...like.map((it) => card(it))),
			);
		} catch (error) {
			if (isHere) swap(body, failure(error, load));
		}
	}
	load();
	return view;
}

const back = () =>
	h(
		"a",
		{
			class: "back",
			href: "#/",
			onclick: (event: Event) => {
				if (history.length < 2) return;
				event.preventDefault();
				history.back();
			},
		},
		icon("back"),
		"Back",
	);

type Chosen = { quantity: number };

function content(film: Film, chosen: Chosen): Node[] {
	const picture = poster(film, true);
	picture.style.viewTransitionName = `film-${film.id}`;
	const stock = stockWords(film);
	const { genre, director } = film.expand;
	return [
		h("div", { class: "film-picture", style: `--tint: ${tint(film)}` }, picture),
		h(
			"div",
			{ class: "film-words" },
			genre ? h("p", { class: "kicker" }, h("a", { href: `#/?genre=${genre.id}` }, genre.name)) : null,
			heading(film.title),
			director
				? h(
						"p",
						{ class: "byline" },
						"by ",
						h("a", { href: `#/?q=${encodeURIComponent(director.name)}` }, director.name),
					)
				: null,
			scores(film),
			h(
				"div",
				{ class: "offer" },
				h("p", { class: "offer-price" }, money(film.price)),
				h("p", { class: `stock stock-${stock.state}` }, stock.text),
				buy(film, chosen),
			),
			facts(film),
		),
	].map((it) => it as Node);
}

function scores(film: Film): HTMLElement | null {
	const tomatoes = film.rotten_tomatoes ?? null;
	if (film.imdb_rating === null && tomatoes === null) return null;
	return h(
		"div",
		{ class: "scores" },
		film.imdb_rating === null
			? null
			: h(
					"div",
					{ class: "score" },
					rating(film.imdb_rating),
					h("span", {}, film.imdb_votes ? `${count(film.imdb_votes)} votes on IMDb` : "on IMDb"),
				),
		tomatoes === null
			? null
			: h(
					"div",
					{ class: "score" },
					h("span", { class: "rating" }, `${tomatoes}%`),
					h("span", {}, "Rotten Tomatoes"),
				),
	);
}

function buy(film: Film, chosen: Chosen): HTMLElement {
	const isOut = most(film) === 0;
	const add = h(
		"button",
		{
			class: "button large",
			type: "button",
			disabled: isOut,
			onclick: () => addToCart(film, chosen.quantity),
		},
		icon("cart"),
		isOut ? "Sold out" : "Add to cart",
	);
	const limit = Math.max(1, Math.min(most(film), QUANTITY_MAX - quantityOf(film.id)));
	chosen.quantity = Math.min(chosen.quantity, limit);
	return h(
		"div",
		{ class: "buy" },
		isOut
			? null
			: stepper({ ...film, stock: limit }, chosen.quantity, (now) => {
					chosen.quantity = now;
				}),
		add,
		wishButton(film, true),
	);
}

function facts(film: Film): HTMLElement {
	const rows: [string, string | null | undefined | false][] = [
		["Released", film.released_at && date(film.released_at)],
		["Running time", film.running_minutes && `${film.running_minutes} minutes`],
		["Rated", film.rating_mpaa],
		["Distributor", film.distributor],
		["Budget", film.budget_usd && moneyRound(film.budget_usd)],
		["Box office", film.gross_usd && moneyRound(film.gross_usd)],
	].map(([name, value]) => [name as string, value ? String(value) : null]);
	const known = rows.filter(([, value]) => value);
	return h(
		"dl",
		{ class: "facts" },
		...known.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
	);
}
