// All films: search, filters, order, and scrolling without an end.

import type { Film } from "../api/client";
import { asProblem } from "../api/problem";
import { EVERYTHING, find, genres, SORTS, type Sort, type Wanted } from "../shop/catalogue";
import { films } from "../shop/format";
import { h, show, swap } from "../ui/dom";
import { say } from "../ui/live";
import { card, empty, failure, skeleton } from "../ui/parts";
import { poster } from "../ui/poster";
import { onPlace, type Place, place, rewrite, type View } from "../ui/router";

const RATINGS = { "": "Any rating", "6": "6 and up", "7": "7 and up", "8": "8 and up" };
const PRICES = {
	"": "Any price",
	"5.99": "Under $6",
	"9.99": "Under $10",
	"14.99": "Under $15",
	"19.99": "Under $20",
};
/** So many posters are near enough to the top to be fetched at once. */
const FIRST = 6;
const SKELETONS = 12;

/** The page is kept, so that coming back from a film finds everything as it was. */
let kept: { view: View; show(): void } | null = null;

export function browse(): View {
	kept ??= build();
	kept.show();
	return kept.view;
}

function build(): { view: View; show(): void } {
	const grid = h("ul", { class: "grid", "aria-label": "Films" });
	const more = h(
		"button",
		{ class: "button quiet", type: "button", onclick: () => next() },
		"Show more films",
	);
	const end = h("div", { class: "end" }, more);
	const tally = h("p", { class: "tally", role: "status" });
	const trouble = h("div", {});
	const hero = banner();
	const bar = filters(change);
	const element = h(
		"div",
		{ class: "browse" },
		hero.element,
		bar.element,
		h("div", { class: "tally-row" }, tally),
		grid,
		trouble,
		end,
	);
	const view: View = { title: "Second Reel", element, leave: () => watcher.disconnect() };

	let wanted: Wanted | null = null;
	let cursor: string | null = null;
	let running: AbortController | null = null;

	const watcher = new IntersectionObserver((seen) => seen.some((it) => it.isIntersecting) && next(), {
		rootMargin: "900px",
	});

	/** Shows what the address asks for. */
	function follow(): void {
		const now = read(place());
		bar.paint(now);
		show(hero.element, isPlain(now));
		if (wanted && JSON.stringify(now) === JSON.stringify(wanted)) return;
		wanted = now;
		cursor = null;
		running?.abort();
		running = null;
		swap(trouble);
		swap(grid, ...Array.from({ length: SKELETONS }, skeleton));
		grid.setAttribute("aria-busy", "true");
		show(end, false);
		next();
	}

	async function next(): Promise<void> {
		if (running || !wanted) return;
		const isFirst = cursor === null;
		if (!isFirst && end.hidden) return;
		const asked = wanted;
		const flight = new AbortController();
		running = flight;
		swap(trouble);
		try {
			const page = await find(asked, cursor, flight.signal);
			if (running !== flight) return;
			if (isFirst) {
				swap(grid);
				tally.textContent = films(page.total ?? page.items.length);
				if (isPlain(asked)) hero.paint(page.items, page.total ?? 0);
				if (page.items.length === 0)
					swap(trouble, empty("No film is like that. Perhaps with fewer wishes?", "#/", "All films"));
			} else say(`${page.items.length} more films`);
			grid.append(...page.items.map((film, i) => card(film, isFirst && i < FIRST)));
			cursor = page.next_cursor;
			show(end, cursor !== null);
		} catch (error) {
			if (running !== flight) return;
			if (isFirst) swap(grid);
			if (!isFirst && asProblem(error).code === "invalid_cursor") cursor = null;
			swap(
				trouble,
				failure(error, () => next()),
			);
		} finally {
			if (running === flight) {
				running = null;
				grid.removeAttribute("aria-busy");
				// Watches afresh: the end may be in sight still.
				watcher.unobserve(end);
				if (cursor !== null && trouble.childElementCount === 0) watcher.observe(end);
			}
		}
	}

	function change(part: Partial<Wanted>): void {
		rewrite(write({ ...read(place()), ...part }));
	}

	onPlace(({ path }) => {
		if (path === "/" && element.isConnected) follow();
	});
	return {
		view,
		show: () => {
			follow();
			if (cursor !== null) watcher.observe(end);
		},
	};
}

function banner() {
	const fan = h("div", { class: "fan", "aria-hidden": "true" });
	const number = h("span", { class: "hero-count" }, "3,200");
	const element = h(
		"section",
		{ class: "hero" },
		h(
			"div",
			{ class: "hero-words" },
			h("h1", { class: "hero-title", tabindex: "-1" }, "What are we watching tonight?"),
			h(
				"p",
				{ class: "hero-text" },
				number,
				" films on the shelf. Pick one, or five; they are on your doormat before the popcorn is stale.",
			),
		),
		fan,
	);
	const paint = (top: Film[], total: number) => {
		if (top.length < 4 || fan.childElementCount > 0) return;
		number.textContent = films(total).replace(/ films?$/, "");
		swap(fan, ...top.slice(0, 5).map((film) => poster(film, true)));
	};
	return { element, paint };
}

function filters(change: (part: Partial<Wanted>) => void) {
	const chips = h("div", { class: "chips", role: "group", "aria-label": "Genre" });
	const choice = (label: string, options: Record<string, string>, pick: (value: string) => void) => {
		const select = h(
			"select",
			{ class: "select", "aria-label": label },
			...Object.entries(options)
				.sort(([a], [b]) => Number(a !== "") - Number(b !== ""))
				.map(([value, text]) => h("option", { value }, text)),
		);
		select.addEventListener("change", () => pick(select.value));
		return select;
	};
	const rating = choice("Rating", RATINGS, (value) => change({ rating: value }));
	const price = choice("Price", PRICES, (value) => change({ price: value }));
	const sorts = Object.fromEntries(Object.entries(SORTS).map(([name, { label }]) => [name, label]));
	const sort = choice("Sort", sorts, (value) => change({ sort: value as Sort }));
	const chip = (id: string, name: string) =>
		h(
			"button",
			{
				class: "chip",
				type: "button",
				"data-genre": id,
				"aria-pressed": "false",
				onclick: () => change({ genre: id }),
			},
			name,
		);
	chips.append(chip("", "All"));
	let wanted = EVERYTHING;
	const paint = (now: Wanted) => {
		wanted = now;
		for (const it of chips.querySelectorAll<HTMLElement>(".chip"))
			it.setAttribute("aria-pressed", String(it.dataset.genre === now.genre));
		rating.value = now.rating;
		price.value = now.price;
		sort.value = now.sort;
	};
	genres()
		.then((all) => {
			chips.append(...all.map((genre) => chip(genre.id, genre.name)));
			paint(wanted);
		})
		.catch(() => undefined);
	const element = h(
		"section",
		{ class: "filters", "aria-label": "Filters" },
		chips,
		h("div", { class: "selects" }, rating, price, sort),
	);
	return { element, paint };
}

const isPlain = (wanted: Wanted) => JSON.stringify(wanted) === JSON.stringify(EVERYTHING);

function read({ query }: Place): Wanted {
	const one = (name: string, of: Record<string, unknown>) => {
		const value = query.get(name) ?? "";
		return Object.hasOwn(of, value) ? value : "";
	};
	const genre = query.get("genre") ?? "";
	return {
		q: query.get("q") ?? "",
		genre: /^[0-9a-f-]{36}$/.test(genre) ? genre : "",
		rating: one("rating", RATINGS),
		price: one("price", PRICES),
		sort: (one("sort", SORTS) || "popular") as Sort,
	};
}

function write(wanted: Wanted): string {
	const query = new URLSearchParams();
	for (const [name, value] of Object.entries(wanted))
		if (value !== EVERYTHING[name as keyof Wanted]) query.set(name, value);
	return query.size ? `/?${query}` : "/";
}
