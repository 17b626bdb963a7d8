// The wish list.

import { onWishes, wishedFilms } from "../shop/wishes";
import { h } from "../ui/dom";
import { card, empty, fillWith, heading } from "../ui/parts";
import type { View } from "../ui/router";

export function wishes(): View {
	const list = h("div", {});
	const element = h("section", { class: "page" }, heading("Your wish list"), list);
	const load = async (): Promise<Node[]> => {
		const films = await wishedFilms();
		if (films.length === 0) return [empty("Nothing is on your list. The heart on a film puts it here.")];
		return [h("ul", { class: "grid" }, ...films.map((film) => card(film)))];
	};
	fillWith(list, load);
	onWishes(() => {
		if (element.isConnected) fillWith(list, load);
	});
	return { title: "Your wish list", element };
}
