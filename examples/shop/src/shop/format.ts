// Money, dates and counts as people read them.

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const round = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", notation: "compact" });
const whole = new Intl.NumberFormat("en-US");
const day = new Intl.DateTimeFormat("en-US", { dateStyle: "long", timeZone: "UTC" });
const moment = new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeStyle: "short" });

export const money = (price: number): string => dollars.format(price);
export const moneyRound = (price: number): string => round.format(price);
export const count = (n: number): string => whole.format(n);
export const films = (n: number): string => `${count(n)} ${n === 1 ? "film" : "films"}`;
export const date = (stamp: string): string => day.format(new Date(stamp));
export const time = (stamp: string): string => moment.format(new Date(stamp));
export const year = (stamp: string | null): string => stamp?.slice(0, 4) ?? "";

/** Adds up in cents, because 0.1 + 0.2 is not 0.3. */
export function total(lines: Iterable<{ price: number; quantity: number }>): number {
	let cents = 0;
	for (const line of lines) cents += Math.round(line.price * 100) * line.quantity;
	return cents / 100;
}
