// "Tell me when my order ships": the project's own push client and worker, both served by Galley.

import { api, must } from "../api/client";
import { Problem } from "../api/problem";
import { freshToken, user } from "../api/session";

/** What `/v1/push/client.js` offers and is used here. */
type Options = { baseUrl: string; accessToken: () => Promise<string> };
type Client = {
	registerPush(options: Options): Promise<{ id: string }>;
	unregisterPush(options: Options): Promise<boolean>;
};
/** What it throws. */
type PushError = Error & {
	code: "unsupported" | "permission_denied" | "worker_needed" | "refused";
	problem: unknown;
};

const CLIENT = "/v1/push/client.js";
const options: Options = { baseUrl: location.origin, accessToken: freshToken };
/** Where this browser remembers which of the customer's devices it is. */
const store = (): string => `shop.device.${user()?.id}`;
const client = async (): Promise<Client> => import(/* @vite-ignore */ CLIENT);

/** Where things stand: asked for here or not, refused, or not to be had in this browser. */
export type PushState = "on" | "off" | "refused" | "impossible";

export async function pushState(): Promise<PushState> {
	if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window))
		return "impossible";
	if (Notification.permission === "denied") return "refused";
	const device = localStorage.getItem(store());
	if (!device || Notification.permission !== "granted") return "off";
	const { items } = await must(api.GET("/v1/push/devices"));
	return items.some((known) => known.id === device) ? "on" : "off";
}

/** Asks for the permission and registers this browser; to be called from a click. */
export async function turnOn(): Promise<PushState> {
	try {
		const { registerPush } = await client();
		localStorage.setItem(store(), (await registerPush(options)).id);
		return "on";
	} catch (error) {
		const { code, message } = error as PushError;
		if (code === "unsupported") return "impossible";
		if (code !== "permission_denied") throw new Problem(0, { title: message });
		return Notification.permission === "denied" ? "refused" : "off";
	}
}

/** Tells the server at each start that this browser is still there. */
export async function keepOn(): Promise<void> {
	if (user() && (await pushState()) === "on") await turnOn();
}

/** Whoever uses this browser next does not hear of the orders of whoever leaves it. */
export async function turnOff(): Promise<void> {
	if (!localStorage.getItem(store())) return;
	localStorage.removeItem(store());
	const { unregisterPush } = await client();
	await unregisterPush(options);
}
