// Times as people read them, with the exact one at hand.

import { Text, Tooltip } from "@mantine/core";

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const absolute = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat("sv", {
	year: "numeric",
	month: "2-digit",
	day: "2-digit",
	hour: "2-digit",
	minute: "2-digit",
	second: "2-digit",
});

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
	["year", 31_536_000],
	["month", 2_592_000],
	["day", 86_400],
	["hour", 3600],
	["minute", 60],
];

/** `3 minutes ago`. */
export function ago(time: string, now = Date.now()): string {
	const seconds = (new Date(time).getTime() - now) / 1000;
	for (const [unit, length] of UNITS) {
		if (Math.abs(seconds) >= length) return relative.format(Math.trunc(seconds / length), unit);
	}
	return seconds > 0 ? "in a moment" : "just now";
}

/** `2026-11-22 13:14:57` in the reader's zone. */
export const stamp = (time: string) => short.format(new Date(time));

/** How long ago, the moment itself on hover. */
export function Ago({ time, size = "sm" }: { time: string; size?: "xs" | "sm" }) {
	return (
		<Tooltip label={absolute.format(new Date(time))}>
			<Text span size={size} style={{ whiteSpace: "nowrap" }}>
				<time dateTime={time}>{ago(time)}</time>
			</Text>
		</Tooltip>
	);
}
