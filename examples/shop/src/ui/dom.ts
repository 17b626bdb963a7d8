// Elements without a framework. Text is always a text node: nothing a record says can become markup.

export type Child = Node | string | number | null | undefined | false;
type Props = Record<string, unknown>;

/** Makes an element: `h("button", { class: "x", onclick: go }, "Go")`. */
export function h<K extends keyof HTMLElementTagNameMap>(
	tag: K,
	props: Props = {},
	...children: Child[]
): HTMLElementTagNameMap[K] {
	return fill(document.createElement(tag), props, children);
}

/** Makes an SVG element. */
export function s<K extends keyof SVGElementTagNameMap>(
	tag: K,
	props: Props = {},
	...children: Child[]
): SVGElementTagNameMap[K] {
	return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

/** Replaces what is in an element. */
export function swap(parent: Element, ...children: Child[]): void {
	parent.replaceChildren(...children.filter(isThere).map(toNode));
}

/** Shows or hides without a change of layout elsewhere. */
export function show(element: HTMLElement, isShown: boolean): void {
	element.hidden = !isShown;
}

function fill<E extends Element>(element: E, props: Props, children: Child[]): E {
	for (const [name, value] of Object.entries(props)) {
		if (value === undefined || value === null || value === false) continue;
		if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
		else element.setAttribute(name, value === true ? "" : String(value));
	}
	element.append(...children.filter(isThere).map(toNode));
	return element;
}

const isThere = (child: Child): child is Node | string | number =>
	child !== null && child !== undefined && child !== false;
const toNode = (child: Node | string | number): Node | string =>
	child instanceof Node ? child : String(child);

/** Replaces the children; who stood on a control stands on the one of the same name then, else on the heading. */
export function swapKeepingFocus(parent: Element, ...children: Node[]): void {
	const active = document.activeElement;
	const held = active && active !== parent && parent.contains(active) ? active : null;
	swap(parent, ...children);
	if (!held) return;
	const name = (it: Element) => it.getAttribute("aria-label") ?? it.textContent;
	const same = [...parent.querySelectorAll<HTMLElement>(held.tagName)].find((it) => name(it) === name(held));
	(same ?? parent.querySelector<HTMLElement>("h1"))?.focus({ preventScroll: true });
}
