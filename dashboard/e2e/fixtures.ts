// A running demo and a page that is watched: any error of the console, any breach of the
// policy and any request to another host fails the test that caused it.

import { test as base, expect, type Page, type Request } from "@playwright/test";
import { graveFaults, type Look } from "./axe";
import { Demo, operator } from "./kit";

interface Fixtures {
	/** What was seen that must not be. */
	faults: string[];
	/** Signed in, and nowhere yet. */
	app: Page;
}

/** What the server gave the operator of a worker: the tests of all its files go on with it. */
interface Session {
	token: string;
	cookie: { name: string; value: string };
}

/** Sends a request past the app, as somebody else at the same time would. */
type Elsewhere = (method: string, path: string, body?: unknown) => Promise<Response>;

interface WorkerFixtures {
	demo: Demo;
	session: Session;
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
	session: [
		async ({ demo }, use) => {
			const signed = await fetch(`${demo.url}/admin/v1/session`, {
				method: "POST",
				headers: { "content-type": "application/json" },
				body: JSON.stringify(operator),
			});
			const { token } = (await signed.json()) as { token: string };
			const [name = "", value = ""] =
				signed.headers.getSetCookie()[0]?.split(";")[0]?.split("=") ?? [];
			await use({ token, cookie: { name, value } });
		},
		{ scope: "worker" },
	],
	elsewhere: [
		async ({ demo, session }, use) => {
			await use((method, path, body) =>
				fetch(demo.url + path, {
					method,
					headers: { "content-type": "application/json", authorization: `Bearer ${session.token}` },
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
	app: async ({ page, demo, session, faults: _ }, use) => {
		const attributes = { secure: true, httpOnly: true, sameSite: "Strict" as const };
		// A cookie of its name is taken of an https address alone; browsers send it to this machine without, too.
		const url = demo.url.replace("http:", "https:");
		await page.context().addCookies([{ ...session.cookie, ...attributes, url }]);
		await use(page);
	},
});

export { expect };

/** What is on its way, of each page that is watched. */
const onTheWay = new WeakMap<Page, Set<Request>>();

/** Notes what a page of ours must never do. */
export function watch(page: Page, home: string, faults: string[]): void {
	const sent = new Set<Request>();
	onTheWay.set(page, sent);
	page.on("request", (request) => sent.add(request));
	page.on("requestfinished", (request) => sent.delete(request));
	page.on("requestfailed", (request) => sent.delete(request));
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
export async function accessible(page: Page, look?: Look): Promise<void> {
	expect.soft(await graveFaults(page, look)).toEqual([]);
}

/** Waits until nothing is on its way and nothing moves, then keeps a picture. */
export async function picture(page: Page, name: string): Promise<void> {
	await settled(page);
	await still(page, name);
}

/** Waits until the page has drawn the last answer and asks for nothing more. */
async function settled(page: Page): Promise<void> {
	const sent = onTheWay.get(page);
	if (!sent) throw new Error("the page is not watched");
	await expect(async () => {
		expect([...sent].map((request) => request.url())).toEqual([]);
		// An answer is parsed, drawn, and may be what the next request was waiting for.
		await page.evaluate(
			() => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 60)),
		);
		expect([...sent].map((request) => request.url())).toEqual([]);
	}).toPass({ intervals: [20], timeout: 30_000 });
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
