// What axe finds wrong with a page.

import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";

/** The rules that look at colours, which alone can find something else in dark than in light. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/** What of a page is looked at, where another look at the same page tells the rest. */
export type Look = "colours" | "structure";

/** Its serious and critical faults. */
export async function graveFaults(page: Page, look?: Look): Promise<string[]> {
	// axe runs in each frame, and a sandbox lets it not: what is in those is a mail's, not ours.
	const axe = new AxeBuilder({ page }).exclude('iframe[sandbox=""]');
	// Else a page is opened for each look, to join what frames of other origins tell; there are none.
	axe.setLegacyMode();
	// Most of its time axe describes what is right, and fetches styles for a rule about orientation locks.
	axe.options({ resultTypes: ["violations"], preload: false });
	if (look === "colours") axe.withRules(COLOURS);
	if (look === "structure") axe.disableRules(COLOURS);
	const { violations } = await axe.analyze();
	return violations
		.filter(({ impact }) => impact === "serious" || impact === "critical")
		.map(({ id, nodes }) => {
			const each = nodes.map((node) => `${node.failureSummary} ${node.html.slice(0, 200)}`);
			return `${id}: ${each.join(" | ")}`;
		});
}
