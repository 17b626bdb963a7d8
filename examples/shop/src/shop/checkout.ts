// One order is one batch: the order, and for each film its stock and its line. All of it happens, or nothing.
//
// What is sent is written down before it is sent, with its ids and its idempotency key. A double click, a retry after
// a lost connection and a reload all send the very same request, and the server answers it the same way once.

import { api, must, type Order } from "../api/client";
import { Problem } from "../api/problem";
import { user } from "../api/session";
import { type Entry, takeOut } from "./cart";
import { newId } from "./ids";

type Line = { product: string; title: string; quantity: number; id: string };
/** An order that was sent and not yet answered. */
export type Pending = { key: string; order: string; customer: string; note: string; lines: Line[] };

/** How often a request that is still running elsewhere is asked for again. */
const IN_FLIGHT_TRIES = 5;

const store = (customer: string): string => `shop.checkout.${customer}`;

/** The order of the signed-in user whose outcome is not known yet. */
export function pending(): Pending | null {
	const me = user();
	if (!me) return null;
	try {
		return JSON.parse(localStorage.getItem(store(me.id)) ?? "null");
	} catch {
		return null;
	}
}

/** Writes down what is about to be ordered. */
export function prepare(customer: string, entries: readonly Entry[], note: string): Pending {
	const lines = entries.map(({ id, title, quantity }) => ({ product: id, title, quantity, id: newId() }));
	const order = { key: newId(), order: newId(), customer, note, lines };
	localStorage.setItem(store(customer), JSON.stringify(order));
	return order;
}

let running: Promise<string> | null = null;

/** Places the order and tells its id. While it runs, another call joins it. */
export function place(order: Pending): Promise<string> {
	running ??= send(order).finally(() => {
		running = null;
	});
	return running;
}

async function send(order: Pending): Promise<string> {
	try {
		await patiently(() =>
			must(
				api.POST("/v1/batch", {
					headers: { "Idempotency-Key": order.key },
					body: { operations: operations(order) },
				}),
			),
		);
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		if (error.isUndecided || error.status === 401 || error.status === 429) throw error;
		// The key is remembered for a day; after that the order's own id still tells that it was placed.
		if (error.status !== 409 || !(await isPlaced(order))) {
			localStorage.removeItem(store(order.customer));
			throw error;
		}
	}
	localStorage.removeItem(store(order.customer));
	takeOut(new Map(order.lines.map((line) => [line.product, line.quantity])));
	return order.order;
}

/** The batch. It names no price and no title: the server copies them from the product. */
function operations({ order, customer, note, lines }: Pending) {
	const create = { op: "create" as const };
	const update = { op: "update" as const };
	return [
		{ ...create, collection: "orders", id: order, data: { customer, ...(note && { note }) } },
		...lines.flatMap(({ id, product, quantity }) => [
			{
				...update,
				collection: "products",
				id: product,
				data: { stock: { increment: -quantity }, last_order: order, last_quantity: quantity },
			},
			{ ...create, collection: "order_lines", id, data: { order, product, quantity } },
		]),
	];
}

/** The films that a refusal speaks of: `/operations/3/data/stock` is the stock of the second line's film. */
export function blamed(order: Pending, problem: Problem): Line[] {
	const named = problem.faults.map((fault) => /^\/operations\/(\d+)\//.exec(fault.path)?.[1]);
	const lines = named.map((index) => order.lines[Math.floor((Number(index) - 1) / 2)]);
	return lines.filter((line, index) => line !== undefined && lines.indexOf(line) === index) as Line[];
}

async function isPlaced(order: Pending): Promise<boolean> {
	const path = { id: order.order };
	const { data } = await api.GET("/v1/records/orders/{id}", { params: { path } });
	return (data as unknown as Order | undefined)?.id === order.order;
}

/** Waits while the same request is still being worked on. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
	for (let tries = 1; ; tries += 1) {
		try {
			return await work();
		} catch (error) {
			const isBusy = error instanceof Problem && error.code === "in_flight";
			if (!isBusy || tries === IN_FLIGHT_TRIES) throw error;
			await new Promise((done) => setTimeout(done, tries * 500));
		}
	}
}
