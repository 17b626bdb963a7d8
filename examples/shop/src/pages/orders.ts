// The order history, and one order that follows its own way.

import type { Film, Line, Order } from "../api/client";
import { asProblem } from "../api/problem";
import { films as count, money, time, total } from "../shop/format";
import {
	type Bought,
	bought,
	order as fetchOrder,
	orders as fetchOrders,
	isFinal,
	STEPS,
	sum,
} from "../shop/orders";
import { type PushState, pushState, turnOn } from "../shop/push";
import { h, swap } from "../ui/dom";
import { icon } from "../ui/icons";
import { note, say } from "../ui/live";
import { empty, failure, fillWith, heading } from "../ui/parts";
import { poster } from "../ui/poster";
import type { Place, View } from "../ui/router";

/** How often an open order is asked for, and how much longer each time nothing has changed. */
const POLL_MS = 4000;
const POLL_MAX_MS = 30_000;

const WORDS: Record<string, string> = {
	placed: "Placed",
	paid: "Paid",
	shipped: "On its way",
	delivered: "Delivered",
	cancelled: "Cancelled",
};

export function orders(): View {
	const list = h("div", { class: "order-list" });
	const more = h("div", { class: "end" });
	const element = h("section", { class: "page" }, heading("Your orders"), list, more);
	const load = async (cursor: string | null): Promise<Node[]> => {
		const page = await fetchOrders(cursor);
		const next = page.next_cursor;
		if (next) {
			const button = h("button", { class: "button quiet", type: "button" }, "Older orders");
			button.addEventListener("click", async () => {
				button.disabled = true;
				try {
					list.append(...(await load(next)));
				} catch (error) {
					button.disabled = false;
					note(asProblem(error).message);
				}
			});
			swap(more, button);
		} else swap(more);
		if (cursor === null && page.items.length === 0) return [empty("You have not ordered anything yet.")];
		return page.items.map(summary);
	};
	fillWith(list, () => load(null));
	return { title: "Your orders", element };
}

function summary({ order, lines, films }: Bought): HTMLElement {
	const titles = lines.map((line) => line.title).join(", ");
	const pieces = lines.reduce((n, line) => n + line.quantity, 0);
	const pictures = lines.slice(0, 4).flatMap((line) => pictureOf(line, films) ?? []);
	return h(
		"a",
		{ class: "order-card", href: `#/orders/${order.id}` },
		h("div", { class: "order-pictures", "aria-hidden": "true" }, ...pictures),
		h(
			"div",
			{ class: "order-words" },
			h("p", { class: "order-when" }, time(order.created_at)),
			h("p", { class: "order-titles" }, titles),
			h("p", { class: "order-sum" }, `${count(pieces)} · ${money(sum(lines))}`),
		),
		badge(order),
	);
}

function pictureOf(line: Line, films: ReadonlyMap<string, Film>): HTMLElement | null {
	const film = films.get(line.product);
	return film ? poster(film) : null;
}

const badge = (order: Order) =>
	h("span", { class: `status status-${order.status}` }, WORDS[order.status] ?? order.status);

export function order({ parts, query }: Place): View {
	const id = parts[1] ?? "";
	const track = h("div", { class: "track-place" });
	const body = h("div", { class: "order-body" });
	const title = heading(query.has("new") ? "Thank you. It is yours." : "Your order");
	const element = h(
		"section",
		{ class: "page order" },
		h("a", { class: "back", href: "#/orders" }, icon("back"), "All orders"),
		title,
		track,
		body,
	);
	let timer = 0;
	let wait = POLL_MS;
	let isHere = true;
	let shown = "";

	function paint(order: Order): void {
		if (order.status === shown) {
			wait = Math.min(wait * 1.5, POLL_MAX_MS);
			return;
		}
		if (shown) say(`Your order is now: ${WORDS[order.status] ?? order.status}.`);
		shown = order.status;
		wait = POLL_MS;
		swap(track, steps(order));
	}

	/** Asks again while the page is looked at and something may still happen. */
	function poll(order: Order): void {
		clearTimeout(timer);
		if (!isHere || isFinal(order) || document.hidden) return;
		timer = window.setTimeout(async () => {
			const now = await fetchOrder(id).catch(() => order);
			if (!isHere) return;
			paint(now);
			poll(now);
		}, wait);
	}

	async function look(): Promise<void> {
		if (document.hidden || !shown) return;
		wait = POLL_MS;
		const now = await fetchOrder(id).catch(() => null);
		if (!isHere || !now) return;
		paint(now);
		poll(now);
	}

	async function load(): Promise<void> {
		try {
			const found = await bought(id);
			if (!isHere) return;
			const { order } = found;
			paint(order);
			swap(body, receipt(found), isFinal(order) ? null : teller());
			poll(order);
		} catch (error) {
			if (isHere) swap(body, failure(error, load));
		}
	}

	document.addEventListener("visibilitychange", look);
	load();
	return {
		title: "Your order",
		element,
		leave: () => {
			isHere = false;
			clearTimeout(timer);
			document.removeEventListener("visibilitychange", look);
		},
	};
}

function steps(order: Order): HTMLElement {
	if (order.status === "cancelled") return h("p", { class: "cancelled" }, "This order was cancelled.");
	const at = STEPS.indexOf(order.status as (typeof STEPS)[number]);
	return h(
		"ol",
		{ class: "track", "aria-label": "Where your order is" },
		...STEPS.map((step, i) =>
			h(
				"li",
				{ class: i <= at ? "is-done" : "", "aria-current": i === at ? "step" : undefined },
				h("span", { class: "track-dot" }, i <= at ? icon("check") : null),
				WORDS[step],
			),
		),
	);
}

function receipt({ order, lines, films }: Bought): HTMLElement {
	return h(
		"div",
		{ class: "ticket receipt" },
		h(
			"div",
			{ class: "ticket-top" },
			h(
				"ul",
				{ class: "receipt-lines" },
				...lines.map((line) =>
					h(
						"li",
						{},
						pictureOf(line, films) ?? h("span", {}),
						h("a", { href: `#/film/${line.product}` }, line.title),
						h("span", { class: "receipt-count" }, `${line.quantity} × ${money(line.unit_price)}`),
						h(
							"span",
							{ class: "receipt-price" },
							money(total([{ price: line.unit_price, quantity: line.quantity }])),
						),
					),
				),
			),
		),
		h(
			"div",
			{ class: "ticket-stub" },
			h(
				"p",
				{ class: "ticket-sum" },
				h("span", {}, "Total"),
				h("strong", { class: "sum" }, money(sum(lines))),
			),
			order.note ? h("p", { class: "receipt-note" }, `“${order.note}”`) : null,
			h(
				"p",
				{ class: "hint" },
				`Ordered ${time(order.created_at)} · No. ${order.id.slice(-8).toUpperCase()}`,
			),
		),
	);
}

/** "Tell me when my order ships." */
function teller(): HTMLElement {
	const place = h("div", { class: "teller" });
	const paint = (state: PushState) => {
		const button = h(
			"button",
			{ class: "button quiet", type: "button" },
			icon("bell"),
			"Tell me when my order ships",
		);
		button.addEventListener("click", async () => {
			button.disabled = true;
			try {
				const now = await turnOn();
				paint(now);
				if (now === "on") say("We will tell you when your order ships.");
			} catch (error) {
				button.disabled = false;
				note(asProblem(error).message);
			}
		});
		const words: Record<PushState, Node> = {
			off: button,
			on: h("p", { class: "teller-on" }, icon("bell"), "We will tell you here when your order ships."),
			refused: h(
				"p",
				{ class: "hint" },
				"This browser does not let the shop send notifications. You can change that in its settings.",
			),
			impossible: h("p", { class: "hint" }, "This page follows your order by itself while it is open."),
		};
		swap(place, words[state]);
	};
	pushState().then(paint, () => paint("off"));
	return place;
}
