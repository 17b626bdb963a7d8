// Makes src/api/instance.d.ts and src/api/project.d.ts from the server's two OpenAPI documents.
//
//   npm run types -- instance.json project.json     (files or addresses)
//   GALLEY_BIN=../target/debug/galley GALLEY_DATA_DIR=… GALLEY_PROJECT=blog npm run types
//
// Records are left out: their operations differ by project, and the app reads collections at run time.

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const [instanceAt, projectAt] = process.argv.slice(2);
const { GALLEY_BIN: binary, GALLEY_DATA_DIR: folder, GALLEY_PROJECT: project } = process.env;

async function load(at, args) {
	if (at?.startsWith("http")) return (await fetch(at)).json();
	if (at) return JSON.parse(await readFile(at, "utf8"));
	if (!binary || !folder || !project) {
		throw new Error("Name two documents, or set GALLEY_BIN, GALLEY_DATA_DIR and GALLEY_PROJECT.");
	}
	const text = execFileSync(binary, ["openapi", "--data-dir", folder, ...args], {
		encoding: "utf8",
		maxBuffer: 64 << 20,
	});
	return JSON.parse(text);
}

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
	await writeFile(new URL(`../src/api/${name}.d.ts`, import.meta.url), astToString(nodes));
	console.log(`src/api/${name}.d.ts: ${Object.keys(document.paths).length} paths`);
}

await write("instance", await load(instanceAt, []));
await write("project", await load(projectAt, ["--project", project]));
