// Builds a folder of plain static files; `galley --site shop=dist` serves it beside the API.

import { defineConfig } from "vite";

export default defineConfig({
	build: {
		// Everything stays a file of its own: the server's policy takes no `data:` fonts.
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		target: "es2023",
	},
	server: {
		// `npm run dev` keeps the page on one origin with the API, as in production.
		proxy: { "/v1": { target: "http://127.0.0.1:8090", rewrite: (path) => `/p/shop${path}` } },
	},
});
