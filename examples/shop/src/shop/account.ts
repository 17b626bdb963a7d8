// What customers may change about themselves, and the way out.

import { api, must, putFile } from "../api/client";
import { know, leave, type User, user } from "../api/session";
import { send as sendCart } from "./cart";
import { newId } from "./ids";
import { turnOff } from "./push";

/** An avatar is cut to a square of this many pixels here, which also drops what a camera wrote into the file. */
const AVATAR_PIXELS = 512;

/** Ends the session on the server too, if it can be reached. */
export async function signOut(): Promise<void> {
	await Promise.all([turnOff().catch(() => undefined), sendCart()]);
	await api.POST("/v1/auth/sign-out").catch(() => undefined);
	leave();
}

/** Asks the server who one is: the copy in this browser may be old. */
export async function refreshMe(): Promise<void> {
	know((await must(api.GET("/v1/users/me"))) as unknown as User);
}

export const rename = (name: string): Promise<void> => patch({ name });

/** Uploads the picture, then says in one's own record that it is the avatar. */
export async function setAvatar(picture: File): Promise<void> {
	const me = user();
	if (!me) return;
	const image = await square(picture);
	const extension = image.type === "image/webp" ? "webp" : "png";
	const file = await putFile("avatars", `${me.id}/${newId()}.${extension}`, image);
	await patch({ avatar: file.id });
}

export const dropAvatar = (): Promise<void> => patch({ avatar: null });

async function patch(change: { name?: string; avatar?: string | null }): Promise<void> {
	const me = user();
	if (!me) return;
	const path = { id: me.id };
	know(
		(await must(api.PATCH("/v1/records/users/{id}", { params: { path }, body: change }))) as unknown as User,
	);
}

async function square(picture: File): Promise<Blob> {
	const image = await createImageBitmap(picture);
	const side = Math.min(image.width, image.height);
	const canvas = document.createElement("canvas");
	canvas.width = canvas.height = Math.min(side, AVATAR_PIXELS);
	const [x, y] = [(image.width - side) / 2, (image.height - side) / 2];
	canvas.getContext("2d")?.drawImage(image, x, y, side, side, 0, 0, canvas.width, canvas.height);
	image.close();
	return new Promise((done, fail) => {
		canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture"))), "image/webp", 0.9);
	});
}
