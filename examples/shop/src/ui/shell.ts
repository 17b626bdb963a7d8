// What is around every page: the head with search, the ways, the theme, the foot.

import { fileUrl } from "../api/client";
import { onUser, user } from "../api/session";
import { onCart, pieces } from "../shop/cart";
import { films } from "../shop/format";
import { h, show, swap } from "./dom";
import { icon } from "./icons";
import { livePlaces, quiet } from "./live";
import { go, main, onPlace, type Place, place, rewrite } from "./router";

const SEARCH_WAIT_MS = 250;

/** Builds the frame of the shop. */
export function shell(): void {
	document.body.append(
		h("a", { class: "skip", href: "#/", onclick: skip }, "Skip to the content"),
		h(
			"header",
			{ class: "head" },
			h(
				"a",
				{ class: "brand", href: "#/", "aria-label": "Second Reel, all films" },
				reel(),
				h("span", {}, "Second Reel"),
			),
			search(),
			ways(),
			themeButton(),
		),
		main,
		foot(),
		...livePlaces(),
	);
}

function skip(event: Event): void {
	event.preventDefault();
	main.focus();
	main.scrollIntoView();
}

const reel = () => h("span", { class: "brand-mark", "aria-hidden": "true" });

/** Searches as one types; on other pages Enter leads to the films. */
function search(): HTMLElement {
	const input = h("input", {
		class: "search-input",
		type: "search",
		name: "q",
		placeholder: "Titles and directors",
		"aria-label": "Search titles and directors",
		autocomplete: "off",
		spellcheck: "false",
		maxlength: 80,
	});
	let timer = 0;
	const apply = (isSent: boolean) => {
		clearTimeout(timer);
		const { path, query } = place();
		const q = input.value.trim();
		if (path === "/" || isSent) {
			const next = path === "/" ? query : new URLSearchParams();
			if (q) next.set("q", q);
			else next.delete("q");
			const address = next.size ? `/?${next}` : "/";
			if (path === "/") rewrite(address);
			else go(address);
		}
	};
	input.addEventListener("input", () => {
		clearTimeout(timer);
		timer = window.setTimeout(() => apply(false), SEARCH_WAIT_MS);
	});
	onPlace(({ path, query }) => {
		const q = path === "/" ? (query.get("q") ?? "") : "";
		if (document.activeElement !== input || path !== "/") input.value = q;
	});
	return h(
		"form",
		{
			class: "search",
			role: "search",
			onsubmit: (event: Event) => {
				event.preventDefault();
				apply(true);
			},
		},
		icon("search"),
		input,
	);
}

function ways(): HTMLElement {
	const badge = h("span", { class: "badge", hidden: true });
	const face = h("span", { class: "face", "aria-hidden": "true" });
	const name = h("span", { class: "way-name" });
	const link = (path: string, ...children: Node[]) =>
		h("a", { class: "way", href: `#${path}`, "data-path": path }, ...children);
	const text = (words: string) => h("span", { class: "way-name" }, words);
	const account = link("/account", face, name);
	const cartWay = link("/cart", h("span", { class: "way-icon" }, icon("cart"), badge), text("Cart"));
	const links = [
		link("/", icon("reel"), text("Films")),
		link("/wishes", icon("heart"), text("Wish list")),
		link("/orders", icon("box"), text("Orders")),
		cartWay,
		account,
	];
	const paintCart = () => {
		const n = pieces();
		badge.textContent = n > 99 ? "99+" : String(n);
		show(badge, n > 0);
		cartWay.setAttribute("aria-label", n > 0 ? `Cart, ${films(n)}` : "Cart, empty");
	};
	const paintPlace = ({ path }: Place) => {
		for (const it of links) {
			const own = it.dataset.path ?? "";
			const isHere = own === "/" ? path === "/" || path.startsWith("/film/") : path.startsWith(own);
			if (isHere) it.setAttribute("aria-current", "page");
			else it.removeAttribute("aria-current");
		}
	};
	onCart(paintCart);
	onPlace(paintPlace);
	onPlace(quiet);
	onUser(() => paintFace(face, name, account));
	paintCart();
	paintFace(face, name, account);
	return h("nav", { class: "ways", "aria-label": "Shop" }, ...links);
}

let shown: { file: string; url: Promise<string> } | null = null;

/** The address of the avatar, fetched with the token and kept while it is the same file. */
export function avatarUrl(file: string): Promise<string> {
	if (shown?.file !== file) {
		shown?.url.then(URL.revokeObjectURL, () => undefined);
		shown = { file, url: fileUrl(file) };
	}
	return shown.url;
}

/** Shows the customer's picture, or the first letter of the name. */
export async function paintAvatar(place: HTMLElement): Promise<void> {
	const me = user();
	if (!me) return swap(place, icon("person"));
	const letter = (me.name || me.email || "?").slice(0, 1).toUpperCase();
	if (!me.avatar) return swap(place, letter);
	const url = await avatarUrl(me.avatar).catch(() => null);
	if (url === null) return swap(place, letter);
	swap(place, h("img", { src: url, alt: "", width: 96, height: 96 }));
}

function paintFace(face: HTMLElement, name: HTMLElement, link: HTMLElement): void {
	const me = user();
	name.textContent = me ? "Account" : "Sign in";
	link.setAttribute("href", me ? "#/account" : "#/sign-in");
	face.classList.toggle("is-known", me !== null);
	paintAvatar(face);
}

function themeButton(): HTMLElement {
	const root = document.documentElement;
	const system = matchMedia("(prefers-color-scheme: dark)");
	const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
	const button = h("button", { class: "round theme", type: "button" });
	const paint = () => {
		button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
		swap(button, icon(isDark() ? "sun" : "moon"));
	};
	button.addEventListener("click", () => {
		root.dataset.theme = isDark() ? "light" : "dark";
		localStorage.setItem("shop.theme", root.dataset.theme);
		paint();
	});
	system.addEventListener("change", paint);
	paint();
	return button;
}

const foot = () =>
	h(
		"footer",
		{ class: "foot" },
		h(
			"p",
			{},
			"Second Reel is an example: static files and one Galley project, no code on the server. Nothing is charged, nothing is sent.",
		),
		h(
			"p",
			{},
			h("a", { href: "/v1/docs" }, "Its API"),
			" · ",
			h("a", { href: "/v1/openapi.json" }, "OpenAPI document"),
		),
	);
