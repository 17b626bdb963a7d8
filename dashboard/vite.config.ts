import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running server; the cookie needs page and API on one origin. */
const server = process.env.GALLEY_URL ?? "http://127.0.0.1:8090";

export default defineConfig({
	base: "/dashboard/",
	plugins: [react()],
	build: {
		target: "es2022",
		// The policy allows no inline script and no data: fonts, so nothing is inlined.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		chunkSizeWarningLimit: 600,
	},
	server: { proxy: { "/admin": server, "/p": server } },
	test: { include: ["src/**/*.test.ts"] },
});
