// Films, as customers look for them.

import { among, api, type Film, type Genre, must, type Page } from "../api/client";

export const SORTS = {
	popular: { label: "Most seen", by: "-imdb_votes" },
	rating: { label: "Best rated", by: "-imdb_rating,-imdb_votes" },
	newest: { label: "Newest", by: "-released_at" },
	cheap: { label: "Price, low first", by: "price,title" },
	dear: { label: "Price, high first", by: "-price,title" },
} as const;
export type Sort = keyof typeof SORTS;

/** What is looked for; an empty text is no condition. */
export type Wanted = { q: string; genre: string; rating: string; price: string; sort: Sort };
export const EVERYTHING: Wanted = { q: "", genre: "", rating: "", price: "", sort: "popular" };

const FIELDS = "id,title,released_at,genre,director,imdb_rating,price,stock,poster";
const PAGE = 24;
/** Ids that one filter names; it may list 100. */
const AT_ONCE = 50;
const seen = new Map<string, Film>();

/** A film that some page has shown already, to begin with while the newest is fetched. */
export const glimpse = (id: string): Film | undefined => seen.get(id);

/** One page of films. Words are matched in titles and in directors' names; values travel as parameters. */
export async function find(wanted: Wanted, cursor: string | null, signal?: AbortSignal): Promise<Page<Film>> {
	const conditions: string[] = [];
	const params: Record<string, string> = {};
	const also = (condition: string, name: string, value: string) => {
		if (value === "") return;
		conditions.push(condition);
		params[name] = value;
	};
	also("(title.matches_like(params.q) || director.name.matches_like(params.q))", "q", wanted.q);
	also("genre == params.genre", "genre", wanted.genre);
	also("imdb_rating >= params.rating", "rating", wanted.rating);
	also("price <= params.price", "price", wanted.price);
	const query = {
		...(conditions.length > 0 && { filter: conditions.join(" && "), params }),
		...(cursor ? { cursor } : { count: "exact" as const }),
		sort: SORTS[wanted.sort].by,
		fields: FIELDS,
		expand: "genre,director",
		limit: PAGE,
	};
	const page = await must(api.GET("/v1/records/products", { params: { query }, signal: signal ?? null }));
	return remember(page as unknown as Page<Film>);
}

/** Films like this one: of its genre, the most seen first. */
export async function alike(film: Film, limit: number): Promise<Film[]> {
	if (!film.genre) return [];
	const query = {
		filter: "genre == params.genre && id != params.id",
		params: { genre: film.genre, id: film.id },
		sort: SORTS.popular.by,
		fields: FIELDS,
		expand: "genre,director",
		limit,
	};
	const page = await must(api.GET("/v1/records/products", { params: { query } }));
	return remember(page as unknown as Page<Film>).items;
}

/** All that is known of one film. */
export async function film(id: string): Promise<Film> {
	const query = { expand: "genre,director" };
	const found = await must(api.GET("/v1/records/products/{id}", { params: { path: { id }, query } }));
	const whole = found as unknown as Film;
	seen.set(id, whole);
	return whole;
}

/** Present titles, prices and stock of some films; what is gone is left out. */
export async function stocktake(ids: readonly string[]): Promise<Map<string, Film>> {
	const all = [...new Set(ids)];
	const slices = Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, i) =>
		all.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
	);
	const pages = await Promise.all(
		slices.map((slice) => {
			const query = { ...among("id", slice), fields: FIELDS, expand: "genre,director", limit: slice.length };
			return must(api.GET("/v1/records/products", { params: { query } }));
		}),
	);
	const found = pages.flatMap((page) => remember(page as unknown as Page<Film>).items);
	return new Map(found.map((film) => [film.id, film]));
}

let known: Promise<Genre[]> | null = null;

/** All genres by name; fetched once. */
export function genres(): Promise<Genre[]> {
	const query = { sort: "name", limit: 100 };
	known ??= must(api.GET("/v1/records/genres", { params: { query } }))
		.then((page) => (page as unknown as Page<Genre>).items)
		.catch((error) => {
			known = null;
			throw error;
		});
	return known;
}

function remember(page: Page<Film>): Page<Film> {
	for (const film of page.items) seen.set(film.id, { ...seen.get(film.id), ...film });
	return page;
}
