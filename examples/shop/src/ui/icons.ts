// The few signs of the shop, drawn for it: 24 by 24, one stroke.

import { s } from "./dom";

const PATHS = {
	reel: "M12 3a9 9 0 1 0 0 18h9M12 3a9 9 0 0 1 6.7 15M12 7.5h.01M16 10.6h.01M14.5 15.3h.01M9.5 15.3h.01M8 10.6h.01",
	heart: "M12 20s-7.5-4.6-7.5-10A4.3 4.3 0 0 1 12 7.3 4.3 4.3 0 0 1 19.5 10c0 5.4-7.5 10-7.5 10Z",
	cart: "M3 4h2.2l2.3 11h10.2L20 7.5H6M9 19.5h.01M16.5 19.5h.01",
	box: "M4 8l8-4 8 4v8l-8 4-8-4V8Zm0 0 8 4 8-4M12 12v8",
	person: "M12 11.5a3.8 3.8 0 1 0 0-7.6 3.8 3.8 0 0 0 0 7.6ZM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
	search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L20 20",
	sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
	moon: "M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z",
	plus: "M12 5v14M5 12h14",
	minus: "M5 12h14",
	check: "M5 12.5l4.5 4.5L19 7.5",
	close: "M6 6l12 12M18 6 6 18",
	back: "M14.5 5.5 8 12l6.5 6.5",
	bell: "M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 1.5h-14l1.5-1.5ZM10 20.5h4",
	star: "M12 4l2.4 5.1 5.6.7-4.1 3.9 1 5.5-4.9-2.7-4.9 2.7 1-5.5L4 9.8l5.6-.7L12 4Z",
	truck:
		"M3 6h11v10H3V6Zm11 4h4l3 3v3h-7M7 18.5a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Zm10 0a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Z",
} as const;

export function icon(name: keyof typeof PATHS): SVGSVGElement {
	return s(
		"svg",
		{ class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
		s("path", { d: PATHS[name] }),
	);
}
