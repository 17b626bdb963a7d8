// Finishes dist: adds the reading page of the API, then a .gz beside everything that shrinks but pages.

import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const folder = fileURLToPath(new URL("..", import.meta.url));
const dist = join(folder, "dist");

const scalar = join(folder, "node_modules/@scalar/api-reference/dist/browser/standalone.js");
await mkdir(join(dist, "reference"), { recursive: true });
// Its schema library tries to make functions from text, which the policy forbids, unless it is told not to.
await writeFile(
	join(dist, "reference/standalone.js"),
	`globalThis.__zod_globalConfig = { jitless: true };
${await readFile(scalar, "utf8")}`,
);
for (const name of ["index.html", "init.js"]) {
	await copyFile(join(folder, "reference", name), join(dist, "reference", name));
}

const shrinks = new Set([".js", ".css", ".svg", ".json"]);
let all = 0;
let small = 0;
for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
	const path = join(entry.parentPath, entry.name);
	if (!entry.isFile() || !shrinks.has(extname(path))) continue;
	const bytes = await readFile(path);
	const packed = gzipSync(bytes, { level: 9 });
	// The binary holds scripts and styles packed only, so that each needs its .gz, and pages as they are.
	await writeFile(`${path}.gz`, packed);
	all += bytes.length;
	small += packed.length;
}
console.log(`dist: ${Math.round(all / 1024)} KiB, ${Math.round(small / 1024)} KiB packed`);
