// What is said aloud: one quiet line for screen readers, and small notes at the edge for everybody.

import { type Child, h, swap } from "./dom";

const voice = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
const notes = h("div", { class: "notes" });
const STAY_MS = 5000;

export const livePlaces = (): HTMLElement[] => [voice, notes];

/** Says a sentence to those who do not see the page change. */
export function say(text: string): void {
	voice.textContent = "";
	requestAnimationFrame(() => {
		voice.textContent = text;
	});
}

/** Takes the note away: it spoke of the page before. */
export const quiet = (): void => swap(notes);

/** Shows a note for some seconds, and says it. */
export function note(text: string, action?: Child): void {
	const line = h("div", { class: "note" }, h("span", {}, text), action);
	swap(notes, line);
	say(text);
	setTimeout(() => line.remove(), STAY_MS);
}
