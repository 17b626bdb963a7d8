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

/** The names of all schemas that are reached from here. */
function reached(value, schemas, names = new Set()) {
	for (const [, name] of JSON.stringify(value ?? null).matchAll(
		/#\/components\/schemas\/([^"]+)"/g,
	)) {
		if (names.has(name)) continue;
		names.add(name);
		reached(schemas[name], schemas, names);
	}
	return names;
}

/** Leaves only the schemas that some path reaches. */
function prune(document) {
	const schemas = document.components?.schemas ?? {};
	const kept = reached(document.paths, schemas);
	document.components.schemas = Object.fromEntries(
		Object.entries(schemas).filter(([name]) => kept.has(name)),
	);
	return document;
}

/** Lets what only answers hold have every member with a default: a client may leave those out, the server does not. */
function fill(document) {
	const schemas = document.components?.schemas ?? {};
	const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
	const sent = reached(
		operations.map(({ requestBody }) => requestBody),
		schemas,
	);
	for (const name of reached(
		operations.map(({ responses }) => responses),
		schemas,
	)) {
		const { properties = {}, required = [] } = schemas[name];
		if (sent.has(name)) continue;
		const filled = Object.keys(properties).filter((member) => "default" in properties[member]);
		schemas[name].required = [...new Set([...required, ...filled])];
	}
	return document;
}

async function write(name, document) {
	for (const path of Object.keys(document.paths)) {
		if (path.startsWith("/v1/records/")) delete document.paths[path];
	}
	const nodes = await openapiTS(fill(prune(document)), {
		defaultNonNullable: false,
		emptyObjectsUnknown: true,
	});
	await writeFile(`${folder}/${name}.d.ts`, astToString(nodes));
	console.log(`${name}.d.ts: ${Object.keys(document.paths).length} paths`);
}

await write("instance", await load(instanceAt));
await write("project", await load(projectAt));
