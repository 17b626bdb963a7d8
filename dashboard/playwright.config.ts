// How the walks through dashboard and shop are run.

import { defineConfig } from "@playwright/test";

export default defineConfig({
	testDir: "e2e",
	outputDir: "test-results",
	// Each worker has a server and a browser of its own; the tests of a file share them, one after the other.
	workers: 2,
	fullyParallel: false,
	// A busy machine may miss a key or a frame once; what fails twice is broken. The report names what needed it.
	retries: 1,
	timeout: 120_000,
	expect: { timeout: 15_000 },

	reporter: [["list"]],
	use: {
		browserName: "chromium",
		viewport: { width: 1360, height: 860 },
		locale: "en-GB",
		timezoneId: "Europe/Berlin",
		colorScheme: "light",
		// What fades in or out is for that while neither there nor away, and axe finds its colours too faint.
		contextOptions: { reducedMotion: "reduce" },
		actionTimeout: 15_000,
		screenshot: "only-on-failure",
		launchOptions: {
			executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
			args: ["--no-sandbox"],
		},
	},
});
