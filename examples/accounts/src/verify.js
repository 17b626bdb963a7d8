// Who sent a request: verifies access tokens of one Galley project with what the project publishes, and nothing else.

import { createRemoteJWKSet, errors, jwtVerify } from "jose";

/** What Galley signs with. Said here, because a token must not choose how it is verified. */
const ALGORITHMS = ["ES256", "EdDSA"];

/** Why a token is not good; anything else that is thrown is a fault of the way to the keys. */
const REFUSALS = ["ERR_JWT", "ERR_JWS", "ERR_JWKS_NO_MATCHING_KEY", "ERR_JOSE_ALG", "ERR_JOSE_NOT_SUPPORTED"];

/**
 * @typedef {object} Caller
 * @property {string} user The user's id, as `auth.id` in the project's rules.
 * @property {string} session The sign-in that the token belongs to.
 * @property {string} project The project.
 * @property {number} level 1, or 2 after a second factor.
 * @property {string[]} methods How the user signed in: `password`, `passkey`, `social`, ...
 * @property {string} expires_at When the token ends.
 */

/** A token that is not good here. */
export class Refused extends Error {}

/**
 * Finds a project's keys by OpenID Connect Discovery 1.0, section 4. They are fetched when they are first needed, kept,
 * and fetched again when a token names one that is not among them, so that a rotation of keys needs nothing here.
 * @param {string} issuer The project's address at its server, as its tokens name it: `https://api.example/p/shop`.
 * @param {typeof fetch} [get] How the two documents are fetched.
 */
export async function project(issuer, get = fetch) {
	const response = await get(`${issuer}/.well-known/openid-configuration`);
	if (!response.ok) throw new Error(`The issuer answers ${response.status}.`);
	const told = /** @type {{issuer: string, jwks_uri: string}} */ (await response.json());
	if (told.issuer !== issuer) throw new Error(`The issuer is ${told.issuer}, not ${issuer}.`);
	const keys = createRemoteJWKSet(new URL(told.jwks_uri));
	const audience = issuer.slice(issuer.lastIndexOf("/") + 1);

	/**
	 * The caller behind an access token. Throws `Refused` where it is not good.
	 * @param {string} token
	 * @returns {Promise<Caller>}
	 */
	return async function verify(token) {
		const { payload } = await jwtVerify(token, keys, {
			issuer,
			audience,
			algorithms: ALGORITHMS,
			// An access token (RFC 9068), and no other kind of token that the project signs.
			typ: "at+jwt",
			requiredClaims: ["sub", "sid", "exp", "iat"],
			clockTolerance: 5,
		}).catch((error) => {
			const isRefusal = error instanceof errors.JOSEError && REFUSALS.some((it) => error.code.startsWith(it));
			throw isRefusal ? new Refused(error.message, { cause: error }) : error;
		});
		const { sub = "", sid, exp = 0, aal, amr } = payload;
		return {
			user: sub,
			session: String(sid),
			project: audience,
			level: aal === 2 ? 2 : 1,
			methods: Array.isArray(amr) ? amr.map(String) : [],
			expires_at: new Date(exp * 1000).toISOString(),
		};
	};
}
