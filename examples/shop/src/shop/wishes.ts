// The wish list: one record per film and customer.

import { api, type Film, must, type Page, type Wish } from "../api/client";
import { Problem } from "../api/problem";
import { onUser, user } from "../api/session";
import { stocktake } from "./catalogue";
import { newId } from "./ids";

const watchers = new Set<() => void>();
let owner: string | null = null;
let mine: Promise<Map<string, string>> | null = null;

export function onWishes(watcher: () => void): void {
	watchers.add(watcher);
}

/** The wishes of whoever is signed in: film → wish. Fetched once per sign-in. */
export function wished(): Promise<Map<string, string>> {
	if (!user()) return Promise.resolve(new Map());
	mine ??= fetchAll()
		.then((wishes) => new Map(wishes.map((wish) => [wish.product, wish.id])))
		.catch((error) => {
			mine = null;
			throw error;
		});
	return mine;
}

async function fetchAll(): Promise<Wish[]> {
	const query = { sort: "-created_at", limit: 500 };
	const page = await must(api.GET("/v1/records/wishes", { params: { query } }));
	return (page as unknown as Page<Wish>).items;
}

/** The films on the list, the latest wish first. */
export async function wishedFilms(): Promise<Film[]> {
	const ids = (await fetchAll()).map((wish) => wish.product);
	const films = await stocktake(ids);
	return ids.flatMap((id) => films.get(id) ?? []);
}

/** Puts a film on the list or takes it off; tells whether it is there now. */
export async function toggleWish(film: Film): Promise<boolean> {
	const me = user();
	if (!me) throw new Problem(401, { code: "unauthenticated", title: "Sign in first." });
	const wishes = await wished();
	const wish = wishes.get(film.id);
	if (wish) {
		await must(api.DELETE("/v1/records/wishes/{id}", { params: { path: { id: wish } } }));
		wishes.delete(film.id);
	} else {
		const id = newId();
		await must(api.POST("/v1/records/wishes", { body: { id, owner: me.id, product: film.id } }));
		wishes.set(film.id, id);
	}
	tell();
	return !wish;
}

function tell(): void {
	for (const watcher of watchers) watcher();
}

onUser(() => {
	const now = user()?.id ?? null;
	if (now === owner) return;
	owner = now;
	mine = null;
	tell();
});
