// Starts the real binary on a free port with its data in a temporary folder, and stops it; and what both apps' walks need.

import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

/** The operator that `galley demo` makes. */
export const operator = { email: "demo@example.com", password: "galley-demo" };

const binary =
	process.env.GALLEY_TEST_BIN ?? resolve(import.meta.dirname, "../../target/debug/galley");
const site = resolve(import.meta.dirname, "../../examples/shop/dist");

/** A running demo. */
export class Demo {
	private constructor(
		/** `http://127.0.0.1:PORT`, without a slash at its end. */
		readonly url: string,
		private readonly process: ChildProcess,
		private readonly folder: string,
	) {}

	/** The origin of a project's own host: `http://shop.localhost:PORT`. */
	host(project: string): string {
		return `http://${project}.localhost:${new URL(this.url).port}`;
	}

	/** Starts `galley demo` with what is in `environment` added, and waits until it is ready. */
	static async start(environment: Record<string, string> = {}): Promise<Demo> {
		const folder = await mkdtemp(join(tmpdir(), "galley-e2e-"));
		const child = spawn(
			binary,
			["--data-dir", folder, "demo", "--listen", "127.0.0.1:0", "--site", `shop=${site}`],
			{ env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "inherit"] },
		);
		const url = await new Promise<string>((done, fail) => {
			let text = "";
			child.stdout?.on("data", (chunk) => {
				text += chunk;
				const address = /listening on (\S+)/.exec(text)?.[1];
				if (address && text.includes("ready in")) done(address);
			});
			child.once("exit", (code) => fail(new Error(`the server ended with ${code}: ${text}`)));
		});
		return new Demo(url, child, folder);
	}

	/** Stops it in good order and removes its data. */
	async stop(): Promise<void> {
		const ended = new Promise((done) => this.process.once("exit", done));
		this.process.kill("SIGTERM");
		await ended;
		await rm(this.folder, { recursive: true, force: true });
	}
}

/** The code that an authenticator app shows (RFC 6238), some steps of 30 seconds from now. */
export function codeOf(secret: string, ahead = 0): string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	const bits = [...secret].map((it) => letters.indexOf(it).toString(2).padStart(5, "0")).join("");
	const bytes = bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [];
	const step = Buffer.alloc(8);
	step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
	const tag = createHmac("sha1", Buffer.from(bytes)).update(step).digest();
	const number = tag.readUInt32BE((tag.at(-1) ?? 0) & 15) & 0x7fff_ffff;
	return String(number % 1_000_000).padStart(6, "0");
}
