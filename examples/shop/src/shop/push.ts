// "Tell me when my order ships": the project's own push client and worker, both served by Galley.

import { api, must } from "../api/client";
import { freshToken, user } from "../api/session";

/** What `/v1/push/client.js` offers. */
type Client = { registerPush(options: { token: string }): Promise<{ id: string }> };

const CLIENT = "/v1/push/client.js";
/** The device that this browser was registered as. */
const store = (): string => `shop.device.${user()?.id}`;

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
	const token = await freshToken();
	const { registerPush } = (await import(/* @vite-ignore */ CLIENT)) as Client;
	try {
		localStorage.setItem(store(), (await registerPush({ token })).id);
	} catch (error) {
		if (Notification.permission !== "granted")
			return Notification.permission === "denied" ? "refused" : "off";
		throw error;
	}
	return "on";
}
