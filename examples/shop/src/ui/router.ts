// Hash routes: the shop is plain files, so every address is `/#/...`.

import { h, swap } from "./dom";

/** What a page gives: its title, its element, and what to stop when it is left. */
export type View = { title: string; element: HTMLElement; leave?: () => void };
export type Place = { path: string; parts: string[]; query: URLSearchParams };
type Page = (place: Place) => View;

export const main = h("main", { id: "main", tabindex: "-1" });
const watchers = new Set<(place: Place) => void>();
const scrolls = new Map<string, number>();
let pages: [RegExp, Page][] = [];
let current: { view: View; address: string } | null = null;

export function place(): Place {
	const [path = "/", query = ""] = (location.hash.slice(1) || "/").split("?");
	const parts = path.split("/").filter(Boolean).map(decodeURIComponent);
	return { path, parts, query: new URLSearchParams(query) };
}

export const go = (path: string): void => {
	location.hash = path;
};

/** Changes the address without a move: what is shown is already right. */
export function rewrite(path: string): void {
	history.replaceState(history.state, "", `#${path}`);
	if (current) current.address = location.hash;
	for (const watcher of watchers) watcher(place());
}

export function onPlace(watcher: (place: Place) => void): void {
	watchers.add(watcher);
}

export function start(routes: [RegExp, Page][]): void {
	pages = routes;
	history.scrollRestoration = "manual";
	addEventListener("popstate", () => {
		isBack = true;
	});
	addEventListener("hashchange", () => move());
	addEventListener("scroll", () => current && scrolls.set(current.address, scrollY), { passive: true });
	render(false);
}

/** Shows the present address anew, as after signing in. */
export const again = (): void => render(false);

let isBack = false;
let isLink = false;
// A click on a link is followed by popstate too; only without one it was the browser's back or forward.
addEventListener(
	"click",
	(event) => {
		if ((event.target as Element).closest?.("a[href^='#']")) isLink = true;
	},
	{ capture: true },
);

function move(): void {
	const isReturn = isBack && !isLink;
	isBack = false;
	isLink = false;
	const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
	if (document.startViewTransition && !isCalm) document.startViewTransition(() => render(isReturn));
	else render(isReturn);
}

function render(isReturn: boolean): void {
	const now = place();
	const page = pages.find(([pattern]) => pattern.test(now.path))?.[1];
	if (!page) {
		go("/");
		return;
	}
	const isFirst = current === null;
	current?.view.leave?.();
	const address = location.hash;
	const view = page(now);
	current = { view, address };
	document.title = view.title === "Second Reel" ? view.title : `${view.title} · Second Reel`;
	swap(main, view.element);
	scrollTo({ top: isReturn ? (scrolls.get(address) ?? 0) : 0, behavior: "instant" });
	if (!isFirst && !isReturn)
		(main.querySelector<HTMLElement>("h1[tabindex]") ?? main).focus({ preventScroll: true });
	for (const watcher of watchers) watcher(now);
}
