// The cart: kept over reloads and the same in all tabs; the project keeps it too, for a visitor as for a customer, whom it
// follows to all devices. It only remembers wishes: prices and stock are asked of the server whenever they matter.

import { api, type Film, must } from "../api/client";
import { onUser, visitor } from "../api/session";
import { enterAnonymously } from "./ways";

/** Of one film in one order; the collection `order_lines` says the same. */
export const QUANTITY_MAX = 10;
/** Different films in one cart: each is two operations of the batch, and ids are asked in one filter. */
export const FILMS_MAX = 50;

export type Entry = { id: string; title: string; price: number; quantity: number };

const STORE = "shop.cart";
/** Whose cart this browser holds: the id of a customer, or of an anonymous visitor behind `guest:`. */
const OWNER = "shop.cart.owner";
const GUEST = "guest:";
/** There while the project does not know the last change. */
const UNSENT = "shop.cart.unsent";
/** Changes within this time are kept by one request. */
const PAUSE_MS = 400;

const watchers = new Set<() => void>();
let entries = read();

export const cart = (): readonly Entry[] => entries;
export const pieces = (): number => entries.reduce((sum, entry) => sum + entry.quantity, 0);
export const quantityOf = (id: string): number => entries.find((entry) => entry.id === id)?.quantity ?? 0;

/** How many of a film one may order. */
export const most = (film: Pick<Film, "stock">): number => Math.max(0, Math.min(film.stock, QUANTITY_MAX));

export function onCart(watcher: () => void): void {
	watchers.add(watcher);
}

const receivers = new Set<() => void>();

/** Calls back when another cart has taken the place of the one that was here: somebody came, or was here on another device. */
export function onOtherCart(receiver: () => void): void {
	receivers.add(receiver);
}

/** Sets how many of a film there are, within what may be ordered; none takes it out. Tells how many there are now. */
export function setQuantity(film: Film, quantity: number): number {
	const allowed = Math.min(quantity, most(film));
	const entry = { id: film.id, title: film.title, price: film.price, quantity: allowed };
	const isThere = entries.some((other) => other.id === film.id);
	if (!isThere && entries.length >= FILMS_MAX) return 0;
	if (allowed <= 0) keep(entries.filter((other) => other.id !== film.id));
	else if (isThere) keep(entries.map((other) => (other.id === film.id ? entry : other)));
	else keep([...entries, entry]);
	return Math.max(0, allowed);
}

export function remove(id: string): void {
	keep(entries.filter((entry) => entry.id !== id));
}

/** Takes out what was ordered, and leaves what was added meanwhile. */
export function takeOut(ordered: ReadonlyMap<string, number>): void {
	const left = entries.map((entry) => ({
		...entry,
		quantity: entry.quantity - (ordered.get(entry.id) ?? 0),
	}));
	keep(left.filter((entry) => entry.quantity > 0));
}

/** Something that had to be changed, in words for the customer. */
export type Correction = { id: string; text: string };

/** Brings the cart in line with what there is. */
export function correct(films: ReadonlyMap<string, Film>): Correction[] {
	const corrections: Correction[] = [];
	const next: Entry[] = [];
	for (const entry of entries) {
		const film = films.get(entry.id);
		const allowed = film ? Math.min(entry.quantity, most(film)) : 0;
		if (!film) corrections.push({ id: entry.id, text: `“${entry.title}” is no longer sold.` });
		else if (allowed === 0) corrections.push({ id: entry.id, text: `“${film.title}” is sold out.` });
		else if (allowed < entry.quantity)
			corrections.push({ id: entry.id, text: `Only ${allowed} of “${film.title}” can be had now.` });
		if (film && allowed > 0 && film.price !== entry.price)
			corrections.push({ id: entry.id, text: `The price of “${film.title}” has changed.` });
		if (film && allowed > 0)
			next.push({ id: film.id, title: film.title, price: film.price, quantity: allowed });
	}
	if (JSON.stringify(next) !== JSON.stringify(entries)) keep(next);
	return corrections;
}

function read(): Entry[] {
	try {
		return entriesOf(JSON.parse(localStorage.getItem(STORE) ?? "[]"));
	} catch {
		return [];
	}
}

function entriesOf(kept: unknown): Entry[] {
	return Array.isArray(kept) ? kept.filter(isEntry) : [];
}

function isEntry(it: unknown): it is Entry {
	const entry = it as Entry;
	return (
		typeof entry?.id === "string" &&
		typeof entry.title === "string" &&
		typeof entry.price === "number" &&
		Number.isInteger(entry.quantity)
	);
}

function keep(next: Entry[]): void {
	hold(next);
	localStorage.setItem(UNSENT, "1");
	clearTimeout(timer);
	timer = window.setTimeout(send, PAUSE_MS);
	// What is put into a cart is worth keeping, whoever it was.
	if (next.length > 0 && !visitor()) enterAnonymously().catch(() => undefined);
}

/** Keeps it in this browser. */
function hold(next: Entry[]): void {
	entries = next;
	localStorage.setItem(STORE, JSON.stringify(next));
	tell();
}

let timer = 0;
let sending: Promise<void> = Promise.resolve();

/** Has the project keep the customer's cart, one request after the other; what failed is sent with the next change. */
export function send(): Promise<void> {
	clearTimeout(timer);
	sending = sending.then(async () => {
		const owner = visitor()?.id;
		if (owner === undefined || !holds(owner) || localStorage.getItem(UNSENT) === null) return;
		const sent = entries;
		const body = { owner, entries: [...sent] };
		const path = { id: owner };
		await must(api.PUT("/v1/records/carts/{id}", { params: { path }, body })).catch(() => undefined);
		if (entries === sent) localStorage.removeItem(UNSENT);
	});
	return sending;
}

/** Whether the cart in this browser is this one's. */
const holds = (owner: string): boolean => localStorage.getItem(OWNER)?.replace(GUEST, "") === owner;

/** What the project keeps for the customer; null where it keeps nothing yet. */
async function fetchKept(): Promise<Entry[] | null> {
	const { items } = await must(api.GET("/v1/records/carts", { params: { query: { limit: 1 } } }));
	return items[0] ? entriesOf(items[0].entries) : null;
}

/** Takes over the cart of whoever signed in; what a visitor gathered before stays in it. */
async function adopt(owner: string, isGuest: boolean): Promise<void> {
	const holder = localStorage.getItem(OWNER);
	const before = entries;
	const kept = await fetchKept();
	if (visitor()?.id !== owner) return;
	localStorage.setItem(OWNER, isGuest ? `${GUEST}${owner}` : owner);
	if (holder?.replace(GUEST, "") === owner) {
		// Another device may have changed it since.
		if (localStorage.getItem(UNSENT) !== null) await send();
		else if (kept && entries === before) replace(kept, hold);
		return;
	}
	const isOurs = holder === null || holder.startsWith(GUEST);
	const both = new Map(kept?.map((entry) => [entry.id, entry]));
	for (const entry of isOurs ? entries : []) {
		const quantity = Math.max(entry.quantity, both.get(entry.id)?.quantity ?? 0);
		both.set(entry.id, { ...entry, quantity });
	}
	replace([...both.values()].slice(0, FILMS_MAX), keep);
}

function replace(next: Entry[], by: (next: Entry[]) => void): void {
	const isOther = JSON.stringify(next) !== JSON.stringify(entries);
	by(next);
	if (isOther) for (const receiver of receivers) receiver();
}

/** Gives up the cart of a customer who has left: it waits at the project. A visitor's stays. */
function release(): void {
	const holder = localStorage.getItem(OWNER);
	localStorage.removeItem(OWNER);
	if (holder === null || holder.startsWith(GUEST)) return;
	clearTimeout(timer);
	localStorage.removeItem(UNSENT);
	hold([]);
}

let followed = "";

function follow(): void {
	const { id = "", anonymous = false } = visitor() ?? {};
	const now = `${id} ${anonymous}`;
	if (now === followed) return;
	followed = now;
	if (id) adopt(id, anonymous === true).catch(() => undefined);
	else release();
}
onUser(follow);
follow();

function tell(): void {
	for (const watcher of watchers) watcher();
}

addEventListener("storage", (event) => {
	if (event.key !== STORE && event.key !== null) return;
	entries = read();
	tell();
});
