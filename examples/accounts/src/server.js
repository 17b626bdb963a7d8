// A second back end: answers who the caller is, after verifying the Galley token that the app sends to it.

import { createServer } from "node:http";
import { project, Refused } from "./verify.js";

const issuer = process.env.GALLEY_ISSUER ?? "http://127.0.0.1:8090/p/shop";
const port = Number(process.env.PORT ?? 8091);

/** The project's keys; asked for again where the first attempt failed. @type {ReturnType<typeof project> | null} */
let known = null;

/** @param {string} token */
async function who(token) {
	known ??= project(issuer);
	const verify = await known.catch((error) => {
		known = null;
		throw error;
	});
	return verify(token);
}

/**
 * @param {string | undefined} authorization
 * @returns {Promise<{status: number, body: object, challenge?: string}>}
 */
async function answer(authorization) {
	const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization ?? "")?.[1];
	// Without a credential the answer tells no error (RFC 6750, section 3.1).
	if (!token) return { status: 401, body: { title: "Sign in first" }, challenge: "Bearer" };
	try {
		return { status: 200, body: await who(token) };
	} catch (error) {
		if (error instanceof Refused) {
			const challenge = 'Bearer error="invalid_token"';
			return { status: 401, body: { title: "The token is not good here" }, challenge };
		}
		console.error(error);
		return { status: 503, body: { title: "The keys cannot be reached" } };
	}
}

const server = createServer(async (request, response) => {
	const isKnown = request.url === "/whoami" && request.method === "GET";
	const { status, body, challenge } = isKnown
		? await answer(request.headers.authorization)
		: { status: 404, body: { title: "There is no such page" } };
	response.statusCode = status;
	response.setHeader("Content-Type", status === 200 ? "application/json" : "application/problem+json");
	response.setHeader("Cache-Control", "no-store");
	if (challenge) response.setHeader("WWW-Authenticate", challenge);
	response.end(JSON.stringify(status === 200 ? body : { type: "about:blank", status, ...body }));
});

server.listen(port, "127.0.0.1", () => {
	const address = server.address();
	const at = typeof address === "object" && address ? address.port : port;
	console.log(`listening on http://127.0.0.1:${at} for users of ${issuer}`);
});
