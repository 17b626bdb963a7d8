// A running demo and a page that is watched: any error of the console, any breach of the
// policy and any request to another host fails the test that caused it.

import AxeBuilder from "@axe-core/playwright";
import { test as base, expect, type Page } from "@playwright/test";
import { Demo, operator } from "./kit";

interface Fixtures {
	/** What was seen that must not be. */
	faults: string[];
	/** Signed in at the projects. */
	app: Page;
}

/** Sends a request past the app, as somebody else at the same time would. */
type Elsewhere = (method: string, path: string, body?: unknown) => Promise<Response>;

interface WorkerFixtures {
	demo: Demo;
	elsewhere: Elsewhere;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
	demo: [
		// biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names from the pattern
		async ({}, use) => {
			const demo = await Demo.start();
			await use(demo);
			await demo.stop();
		},
		{ scope: "worker" },
	],
	elsewhere: [
		async ({ demo }, use) => {
			const headers = { "content-type": "application/json" };
			const signed = await fetch(`${demo.url}/admin/v1/session`, {
				method: "POST",
				headers,
				body: JSON.stringify(operator),
			});
			const { token } = (await signed.json()) as { token: string };
			await use((method, path, body) =>
				fetch(demo.url + path, {
					method,
					headers: { ...headers, authorization: `Bearer ${token}` },
					body: body === undefined ? undefined : JSON.stringify(body),
				}),
			);
		},
		{ scope: "worker" },
	],
	baseURL: async ({ demo }, use) => use(demo.url),
	faults: async ({ page, demo }, use) => {
		const faults: string[] = [];
		watch(page, demo.url, faults);
		await use(faults);
		expect(faults).toEqual([]);
	},
	app: async ({ page, faults: _ }, use) => {
		await signIn(page);
		await use(page);
	},
});

export { expect };

/** Notes what a page of ours must never do. */
export function watch(page: Page, home: string, faults: string[]): void {
	page.on("console", (message) => {
		// An answer of 4xx is told by the browser as an error; the tests look at what the app makes of it.
		const isAnswer = message.text().startsWith("Failed to load resource: the server responded");
		// What the test itself runs in every frame is refused by the sandbox of one that shows a mail.
		const isSandbox = message.text().startsWith("Blocked script execution in 'about:srcdoc'");
		if (message.type() === "error" && !isAnswer && !isSandbox)
			faults.push(`console: ${message.text()}`);
	});
	page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
	page.on("request", (request) => {
		const { origin, protocol } = new URL(request.url());
		if (protocol.startsWith("http") && origin !== home) faults.push(`foreign: ${request.url()}`);
	});
	void page.addInitScript(() => {
		document.addEventListener("securitypolicyviolation", (event) => {
			console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
		});
	});
}

export async function signIn(page: Page): Promise<void> {
	await page.goto("/dashboard/sign-in");
	await page.getByLabel("E-mail").fill(operator.email);
	await page.locator('input[autocomplete="current-password"]').fill(operator.password);
	await page.getByRole("button", { name: "Sign in" }).click();
	await expect(page.getByRole("heading", { name: "Projects", level: 1 })).toBeVisible();
}

/** No serious or critical fault of accessibility. */
export async function accessible(page: Page): Promise<void> {
	// axe runs in each frame, and a sandbox lets it not: what is in those is a mail's, not ours.
	const { violations } = await new AxeBuilder({ page }).exclude('iframe[sandbox=""]').analyze();
	const grave = violations
		.filter(({ impact }) => impact === "serious" || impact === "critical")
		.map(({ id, nodes }) => {
			const each = nodes.map((node) => `${node.failureSummary} ${node.html.slice(0, 200)}`);
			return `${id}: ${each.join(" | ")}`;
		});
	expect.soft(grave).toEqual([]);
}

/** Waits until nothing is on its way and nothing moves, then keeps a picture. */
export async function picture(page: Page, name: string): Promise<void> {
	await page.waitForLoadState("networkidle");
	await still(page, name);
}

/** Waits until nothing moves, then keeps a picture. */
export async function still(page: Page, name: string): Promise<void> {
	await page.evaluate(() => {
		const ending = document
			.getAnimations()
			.filter(({ effect }) => effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY);
		return Promise.all(ending.map((it) => it.finished.catch(() => {})));
	});
	await page.screenshot({ path: `e2e/pictures/${name}.png` });
}
