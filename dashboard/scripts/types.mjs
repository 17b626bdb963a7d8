// Makes src/api/instance.d.ts and src/api/project.d.ts from the server's two OpenAPI documents.
//
//   npm run types -- instance.json project.json [folder]
//
// `cargo xtask codegen` calls it with documents of its own and compares.
// Records are left out: their operations differ by project, and the app reads collections at run time.

import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const [instanceAt, projectAt, folder = new URL("../src/api", import.meta.url).pathname] =
	process.argv.slice(2);
if (!projectAt) throw new Error("Name two documents: the instance's and a project's.");

const load = async (at) => JSON.parse(await readFile(at, "utf8"));

/** Leaves only the schemas that some path reaches. */
function prune(document) {
	const schemas = document.components?.schemas ?? {};
	const kept = new Set();
	const visit = (value) => {
		for (const [, name] of JSON.stringify(value).matchAll(/#\/components\/schemas\/([^"]+)"/g)) {
			if (kept.has(name)) continue;
			kept.add(name);
			visit(schemas[name] ?? null);
		}
	};
	visit(document.paths);
	document.components.schemas = Object.fromEntries(
		Object.entries(schemas).filter(([name]) => kept.has(name)),
	);
	return document;
}

async function write(name, document) {
	for (const path of Object.keys(document.paths)) {
		if (path.startsWith("/v1/records/")) delete document.paths[path];
	}
	const nodes = await openapiTS(prune(document), { defaultNonNullable: false });
	await writeFile(`${folder}/${name}.d.ts`, astToString(nodes));
	console.log(`${name}.d.ts: ${Object.keys(document.paths).length} paths`);
}

await write("instance", await load(instanceAt));
await write("project", await load(projectAt));
