// Orders and their lines; the rules let everybody see their own alone.

import { among, api, type Film, type Line, must, type Order, type Page } from "../api/client";
import { stocktake } from "./catalogue";
import { total } from "./format";

export const STEPS = ["placed", "paid", "shipped", "delivered"] as const;
export const isFinal = (order: Order): boolean =>
	order.status === "delivered" || order.status === "cancelled";

/** An order with what was bought; a film that is no longer sold is missing in `films`, but never in `lines`. */
export type Bought = { order: Order; lines: Line[]; films: ReadonlyMap<string, Film> };

/** One page of orders, the newest first, each with its lines. */
export async function orders(cursor: string | null): Promise<Page<Bought>> {
	const query = { sort: "-created_at", limit: 20, ...(cursor && { cursor }) };
	const page = (await must(api.GET("/v1/records/orders", { params: { query } }))) as unknown as Page<Order>;
	const lines = await linesOf(page.items.map((order) => order.id));
	const films = await stocktake(lines.map((line) => line.product));
	const items = page.items.map((order) => ({
		order,
		lines: lines.filter((line) => line.order === order.id),
		films,
	}));
	return { ...page, items };
}

/** One order with its lines. */
export async function bought(id: string): Promise<Bought> {
	const [found, lines] = await Promise.all([order(id), linesOf([id])]);
	return { order: found, lines, films: await stocktake(lines.map((line) => line.product)) };
}

export async function order(id: string): Promise<Order> {
	return (await must(api.GET("/v1/records/orders/{id}", { params: { path: { id } } }))) as unknown as Order;
}

/** The lines of some orders, as many pages as there are. */
async function linesOf(ids: readonly string[]): Promise<Line[]> {
	const lines: Line[] = [];
	let cursor: string | null = null;
	if (ids.length === 0) return lines;
	do {
		const query = { ...among("order", ids), limit: 500, ...(cursor && { cursor }) };
		const page = (await must(
			api.GET("/v1/records/order_lines", { params: { query } }),
		)) as unknown as Page<Line>;
		lines.push(...page.items);
		cursor = page.next_cursor;
	} while (cursor);
	return lines;
}

export const sum = (lines: readonly Line[]): number =>
	total(lines.map((line) => ({ price: line.unit_price ?? 0, quantity: line.quantity ?? 0 })));
