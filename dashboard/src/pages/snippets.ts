// Requests to copy, made for the project as it is.

import { type Collection, isExact } from "../api/schema";

export interface Snippet {
	title: string;
	curl: string;
	typescript: string;
}

/** An example value for a field, as JSON. */
function example(field: Collection["fields"][number]): unknown {
	const least = Number(field.min ?? 1);
	switch (field.type) {
		case "number":
			if (isExact(field)) return String(field.min ?? "1");
			return field.format === "integer" ? Math.max(1, Math.ceil(least)) : Math.max(1.5, least);
		case "bool":
			return true;
		case "datetime":
			return "2026-01-01T00:00:00Z";
		case "date":
			return "2026-01-01";
		case "select":
			return field.multiple ? field.values?.slice(0, 1) : (field.values?.[0] ?? "");
		case "relation":
		case "file":
			return field.multiple ? ["ID"] : "ID";
		case "uuid":
			return "ID";
		case "json":
			return {};
		case "geo":
			return { lat: 52.5, lon: 13.4 };
		case "email":
			return "ada@example.com";
		case "url":
			return "https://example.com";
		default:
			return "text";
	}
}

/** What a developer does first with a collection, against `base`, the project's root. */
export function snippets(base: string, collection: Collection | undefined): Snippet[] {
	const name = collection?.name ?? "things";
	const required = (collection?.fields ?? []).filter((field) => field.required && !field.hidden);
	const shown = required.length > 0 ? required : (collection?.fields ?? []).slice(0, 2);
	const body = Object.fromEntries(shown.map((field) => [field.name, example(field)]));
	const json = JSON.stringify(body);
	return [
		{
			title: "Types",
			curl: `npx openapi-typescript ${base}/v1/openapi.json -o api.d.ts`,
			typescript: `import createClient from "openapi-fetch";
import type { paths } from "./api";

const api = createClient<paths>({ baseUrl: "${base}" });`,
		},
		{
			title: "Sign in",
			curl: `curl -s '${base}/v1/auth/sign-in/password' \\
  -H 'Content-Type: application/json' \\
  -d '{"identity": "ada@example.com", "password": "…"}'`,
			typescript: `const { data } = await api.POST("/v1/auth/sign-in/password", {
  body: { identity: "ada@example.com", password },
});
const headers = { Authorization: \`Bearer \${data?.access_token}\` };`,
		},
		{
			title: `List ${name}`,
			curl: `curl -sG '${base}/v1/records/${name}' \\
  --data-urlencode 'sort=-created_at' --data-urlencode 'limit=20' \\
  -H "Authorization: Bearer $TOKEN"`,
			typescript: `const { data } = await api.GET("/v1/records/${name}", {
  params: { query: { sort: "-created_at", limit: 20 } },
  headers,
});`,
		},
		{
			title: `Create in ${name}`,
			curl: `curl -s '${base}/v1/records/${name}' \\
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
  -d '${json.replaceAll("'", "'\\''")}'`,
			typescript: `const { data } = await api.POST("/v1/records/${name}", {
  body: ${JSON.stringify(body, null, 2).replaceAll("\n", "\n  ")},
  headers,
});`,
		},
	];
}
