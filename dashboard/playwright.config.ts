import { defineConfig } from "@playwright/test";

export default defineConfig({
	testDir: "e2e",
	outputDir: "test-results",
	workers: 1,
	fullyParallel: false,
	timeout: 120_000,
	expect: { timeout: 15_000 },

	reporter: [["list"]],
	use: {
		browserName: "chromium",
		viewport: { width: 1360, height: 860 },
		locale: "en-GB",
		timezoneId: "Europe/Berlin",
		colorScheme: "light",
		actionTimeout: 20_000,
		screenshot: "only-on-failure",
		launchOptions: {
			executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
			args: ["--no-sandbox"],
		},
	},
});
