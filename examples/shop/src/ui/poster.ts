// A film's picture. Where the shop has none, a poster is drawn: cut paper in four colours, its motif chosen by the
// genre, everything else by the title, so that a film looks the same everywhere and always.

import type { Film } from "../api/client";
import { year } from "../shop/format";
import { h, s } from "./dom";

type Palette = { paper: string; one: string; two: string; ink: string };
type Dice = () => number;
type Motif = (dice: Dice, colours: Palette) => SVGElement[];

const WIDE = 200;
const HIGH = 300;
const EDGE = 14;
/** The room of the title, and from one of its lines to the next in the size of its letters. */
const TITLE_HIGH = 94;
const LEADING = 0.88;

const PALETTES: readonly Palette[] = [
	{ paper: "#f6c945", one: "#e4412f", two: "#1b1a33", ink: "#1b1a33" },
	{ paper: "#e4412f", one: "#1b1a33", two: "#f9c05a", ink: "#fff4de" },
	{ paper: "#16324f", one: "#f2a541", two: "#e9e3d5", ink: "#fdf3df" },
	{ paper: "#efe7d7", one: "#d7412c", two: "#20384d", ink: "#1d1b2a" },
	{ paper: "#1d6b5f", one: "#f4d35e", two: "#0d2f33", ink: "#fdf6df" },
	{ paper: "#2a1f4a", one: "#ff6f59", two: "#7a5cff", ink: "#ffeedd" },
	{ paper: "#f2b5a7", one: "#7a1e3a", two: "#fbeee0", ink: "#4c0f26" },
	{ paper: "#9cc5c9", one: "#16324f", two: "#f06543", ink: "#10243a" },
	{ paper: "#191919", one: "#d9d2c5", two: "#e63b2e", ink: "#f6f1e7" },
	{ paper: "#d8dbb8", one: "#45602f", two: "#e8743b", ink: "#222e16" },
	{ paper: "#4a63d3", one: "#ffd23f", two: "#0f1a4a", ink: "#fff7df" },
	{ paper: "#7a1e3a", one: "#f4a261", two: "#2c0a18", ink: "#ffe9d2" },
];

const circle = (cx: number, cy: number, r: number, fill: string, more = {}) =>
	s("circle", { cx, cy, r, fill, ...more });
const rect = (x: number, y: number, width: number, height: number, fill: string, more = {}) =>
	s("rect", { x, y, width, height, fill, ...more });
const path = (d: string, fill: string, more = {}) => s("path", { d, fill, ...more });
const between = (dice: Dice, least: number, most: number) => least + dice() * (most - least);

const horizon: Motif = (dice, { one, two, ink }) => {
	const sun = between(dice, 60, 140);
	const ridge = (y: number, rough: number) => {
		const points = Array.from({ length: 6 }, (_, i) => `L${i * 40} ${(y - dice() * rough).toFixed(0)}`);
		return `M0 ${HIGH}${points.join("")}L${WIDE} ${HIGH}Z`;
	};
	return [
		circle(sun, 176, between(dice, 38, 54), one),
		path(ridge(205, 40), two),
		path(ridge(245, 26), one, { opacity: 0.85 }),
		path(ridge(280, 20), ink === "#1d1b2a" ? two : ink, { opacity: 0.9 }),
	];
};

const rays: Motif = (dice, { one, two, paper }) => {
	const [x, y] = [between(dice, 50, 150), between(dice, 200, 240)];
	const turn = dice();
	const wedges = Array.from({ length: 14 }, (_, i) => {
		const [a, b] = [i, i + 0.5].map((step) => ((step + turn) / 14) * Math.PI * 2) as [number, number];
		const at = (angle: number) =>
			`${(x + Math.cos(angle) * 340).toFixed(0)} ${(y + Math.sin(angle) * 340).toFixed(0)}`;
		return path(`M${x} ${y}L${at(a)}L${at(b)}Z`, one);
	});
	return [...wedges, rect(0, 0, WIDE, 110, paper), circle(x, y, between(dice, 26, 44), two)];
};

const eye: Motif = (dice, { one, two, paper }) => {
	const y = between(dice, 185, 205);
	const lashes = Array.from({ length: 9 }, (_, i) => {
		const x = 28 + i * 18;
		return path(`M${x - 3} ${y}L${x + (i - 4) * 7} ${y - 92 + Math.abs(i - 4) * 7}L${x + 3} ${y}Z`, two);
	});
	return [
		...lashes,
		path(`M12 ${y}Q100 ${y - 95} 188 ${y}Q100 ${y + 95} 12 ${y}Z`, one),
		circle(100, y, 38, paper),
		circle(100, y, 23, two),
		circle(100 + between(dice, -9, 9), y - 8, 7, one),
	];
};

const shards: Motif = (dice, { one, two }) => {
	const row = (base: number, way: number, fill: string) =>
		Array.from({ length: 6 }, (_, i) => {
			const [x, length] = [i * 40 - 20, between(dice, 40, 118)];
			return path(`M${x} ${base}L${x + 24 + dice() * 10} ${base - way * length}L${x + 48} ${base}Z`, fill);
		});
	return [
		circle(between(dice, 60, 140), 178, 46, one),
		...row(HIGH, 1, two),
		...row(112, -0.5, two),
		rect(0, 0, WIDE, 113, two),
	];
};

const spiral: Motif = (dice, { one, two }) => {
	const [x, y, way] = [100, 200, dice() < 0.5 ? -1 : 1];
	const points = Array.from({ length: 150 }, (_, i) => {
		const [angle, r] = [i * 0.19 * way, i * 0.78];
		return `${(x + Math.cos(angle) * r).toFixed(1)} ${(y + Math.sin(angle) * r).toFixed(1)}`;
	});
	const figure = between(dice, -14, 14);
	return [
		path(`M${points.join("L")}`, "none", { stroke: one, "stroke-width": 8, "stroke-linecap": "round" }),
		circle(x + figure, y - 22, 8, two),
		path(`M${x + figure - 9} ${y - 12}h18l6 40h-9l-6 34-6-34h-9Z`, two),
	];
};

const pair: Motif = (dice, { one, two, ink }) => {
	const [gap, y] = [between(dice, 28, 40), between(dice, 180, 200)];
	const r = 54;
	const half = Math.sqrt(r * r - gap * gap);
	return [
		circle(100 - gap, y, r, one),
		circle(100 + gap, y, r, two),
		path(`M100 ${y - half}A${r} ${r} 0 0 1 100 ${y + half}A${r} ${r} 0 0 1 100 ${y - half}Z`, ink),
		...Array.from({ length: 7 }, () =>
			circle(between(dice, 10, 190), between(dice, 110, 290), between(dice, 2, 5), ink, { opacity: 0.7 }),
		),
	];
};

const smile: Motif = (dice, { one, two, ink }) => {
	const tilt = between(dice, -14, 14);
	const face = s(
		"g",
		{ transform: `rotate(${tilt.toFixed(0)} 100 190)` },
		circle(100, 190, 82, one),
		circle(72, 168, 10, two),
		dice() < 0.4 ? rect(116, 164, 26, 7, two) : circle(128, 168, 10, two),
		path("M48 198a52 52 0 0 0 104 0Z", two),
		path("M62 198h76v10h-76Z", ink, { opacity: 0.9 }),
	);
	return [face];
};

const record: Motif = (dice, { one, two, paper, ink }) => {
	const [x, y] = [between(dice, 70, 130), between(dice, 185, 215)];
	const grooves = [88, 76, 64, 52].map((r, i) =>
		circle(x, y, r, i % 2 ? ink : two, i % 2 ? { opacity: 0.18 } : {}),
	);
	const bars = Array.from({ length: 10 }, (_, i) => {
		const high = between(dice, 10, 60);
		return rect(i * 20 + 3, HIGH - high, 14, high, one);
	});
	return [...grooves, circle(x, y, 34, one), circle(x, y, 6, paper), ...bars];
};

const halftone: Motif = (dice, { one, two }) => {
	const [x, y] = [between(dice, 40, 160), between(dice, 150, 260)];
	const dots: SVGElement[] = [];
	for (let row = 0; row < 11; row += 1)
		for (let column = 0; column < 10; column += 1) {
			const [cx, cy] = [column * 20 + (row % 2) * 10, 106 + row * 18];
			const r = 10 - Math.hypot(cx - x, cy - y) / 17;
			if (r > 1) dots.push(circle(cx, cy, Number(r.toFixed(1)), (row + column) % 7 ? one : two));
		}
	return dots;
};

const city: Motif = (dice, { one, two }) => {
	const houses: SVGElement[] = [circle(between(dice, 40, 160), 130, between(dice, 22, 34), one)];
	for (let x = -6; x < WIDE; ) {
		const [wide, top] = [between(dice, 28, 48), between(dice, 135, 230)];
		houses.push(rect(x, top, wide, HIGH - top, two));
		for (let y = top + 12; y < HIGH - 10; y += 17)
			for (let w = x + 7; w < x + wide - 9; w += 12) if (dice() < 0.36) houses.push(rect(w, y, 6, 9, one));
		x += wide + 3;
	}
	return houses;
};

const cut: Motif = (dice, { one, two, ink }) => {
	const lean = between(dice, -26, 26);
	const blocks = Array.from({ length: 5 }, (_, i) => {
		const [y, left, right] = [112 + i * 38, between(dice, 8, 52), between(dice, 140, 192)];
		const d = `M${left} ${y}L${right} ${y + lean * 0.3}L${right - lean * 0.4} ${y + 33}L${left + lean * 0.5} ${y + 30}Z`;
		return path(d, i % 2 ? two : one);
	});
	const x = between(dice, 70, 130);
	return [...blocks, circle(x, 160, 13, ink), path(`M${x - 15} 178h30l14 78-20 4-9-30-9 30-20-4Z`, ink)];
};

const checks: Motif = (dice, { one, two, ink }) => {
	const tiles: SVGElement[] = [];
	for (let row = 0; row < 5; row += 1)
		for (let column = 0; column < 5; column += 1)
			if ((row + column) % 2) tiles.push(rect(column * 40, 110 + row * 40, 40, 40, two));
	const x = 40 * Math.floor(between(dice, 1, 4)) + 20;
	return [
		...tiles,
		circle(x, 210, 50, one),
		path(`M${x - 22} 222q22 -22 44 0`, "none", { stroke: ink, "stroke-width": 7 }),
		circle(x - 16, 194, 6, ink),
		circle(x + 16, 194, 6, ink),
	];
};

const stairs: Motif = (dice, { one, two, ink }) => {
	const isMirrored = dice() < 0.5;
	const steps = Array.from({ length: 7 }, (_, i) =>
		rect(i * 29, 275 - i * 24, WIDE, HIGH, i % 2 ? one : two),
	);
	const climber = [circle(100, 168, 9, ink), path("M92 180h16l5 36h-8l-5 -18-5 18h-8Z", ink)];
	return [s("g", isMirrored ? { transform: "translate(200 0) scale(-1 1)" } : {}, ...steps, ...climber)];
};

const door: Motif = (dice, { one, two, ink }) => {
	const x = between(dice, 60, 120);
	const slant = between(dice, -70, 70);
	return [
		rect(0, 108, WIDE, HIGH, two),
		path(`M${x} 232L${x - 40 + slant} ${HIGH}L${x + 92 + slant} ${HIGH}L${x + 52} 232Z`, one, {
			opacity: 0.8,
		}),
		rect(x, 128, 52, 104, one),
		circle(x + 26, 176, 9, ink),
		path(`M${x + 14} 189h24l5 43h-12l-5 -16-5 16h-12Z`, ink),
	];
};

const waves: Motif = (dice, { one, two, ink }) => {
	const [swell, sun] = [between(dice, 8, 20), between(dice, 50, 150)];
	const row = (y: number, fill: string, shift: number) => {
		const crests = Array.from({ length: 4 }, (_, i) => `q25 ${i % 2 ? swell : -swell} 50 0`).join("");
		return path(`M${-50 + shift} ${y}${crests}q25 ${-swell} 50 0q25 ${swell} 50 0V${HIGH}H-50Z`, fill);
	};
	const boat = between(dice, 40, 130);
	return [
		circle(sun, 150, 30, one),
		row(188, two, 0),
		path(`M${boat} 206h44l-9 15h-27ZM${boat + 21} 202v-44l-19 36Z`, ink),
		...[214, 240, 266].map((y, i) => row(y, i % 2 ? two : one, -i * 15)),
	];
};

const moons: Motif = (dice, { one, two, paper }) => {
	const phase = between(dice, -1, 1);
	return Array.from({ length: 12 }, (_, i) => {
		const [x, y] = [38 + (i % 4) * 41.5, 134 + Math.floor(i / 4) * 52];
		const shift = ((i / 11) * 2 - 1 + phase * 0.3) * 34;
		return s("g", {}, circle(x, y, 17, i % 5 === 2 ? two : one), circle(x + shift, y, 17.5, paper));
	});
};

const lamp: Motif = (dice, { one, two, ink, paper }) => {
	const x = between(dice, 56, 144);
	const [left, right] = [x - between(dice, 60, 96), x + between(dice, 60, 96)];
	return [
		rect(0, 108, WIDE, HIGH, two),
		path(`M${x} 126L${right} 272H${left}Z`, one),
		path(`M${x - 20} 132h40l-9 -18h-22Z`, paper),
		rect(x - 1.5, 108, 3, 8, paper),
		s("ellipse", { cx: (left + right) / 2, cy: 272, rx: (right - left) / 2, ry: 9, fill: one }),
		circle(x, 216, 9, ink),
		path(`M${x - 13} 229h26l6 44h-13l-6 -17-6 17h-13Z`, ink),
	];
};

const arcs: Motif = (dice, { one, two, ink }) => {
	const turn = Math.floor(dice() * 4);
	return Array.from({ length: 6 }, (_, i) => {
		const [x, y] = [(i % 2) * 100, 108 + Math.floor(i / 2) * 64];
		const quarter = (turn + i * (1 + Math.floor(dice() * 3))) % 4;
		const place = `translate(${x} ${y}) scale(1 0.64) rotate(${quarter * 90} 50 50)`;
		const fills = [one, two, ink];
		const ring = (r: number, k: number) =>
			path(`M0 0h${r}A${r} ${r} 0 0 1 0 ${r}Z`, fills[(i + k) % 3] ?? one);
		return s("g", { transform: place }, ring(100, 0), ring(66, 1), ring(33, 2));
	});
};

const BY_GENRE: Record<string, readonly Motif[]> = {
	Action: [rays, cut, city, arcs],
	Adventure: [horizon, rays, waves, stairs],
	"Black Comedy": [checks, smile],
	Comedy: [smile, arcs, checks, pair],
	"Concert/Performance": [record],
	Documentary: [halftone, moons, arcs],
	Drama: [door, stairs, city, lamp, waves, cut, moons, arcs, halftone],
	Horror: [shards, eye, lamp],
	Musical: [record, pair, arcs],
	"Romantic Comedy": [pair],
	"Thriller/Suspense": [spiral, eye, door, lamp],
	Western: [horizon],
};
const ANY: readonly Motif[] = [door, rays, city, horizon, halftone, waves, moons, arcs];

/** A film's picture in the proportion 2:3; decorative, as its title stands beside it. */
export function poster(film: Film, isFirst = false): HTMLElement {
	const frame = h("div", { class: "poster" });
	if (!film.poster) {
		frame.append(draw(film));
		return frame;
	}
	const image = h("img", {
		src: `/v1/files/${film.poster}`,
		alt: "",
		width: WIDE,
		height: HIGH,
		decoding: "async",
		loading: isFirst ? "eager" : "lazy",
		onerror: () => image.replaceWith(draw(film)),
	});
	frame.append(image);
	return frame;
}

/** The ground colour of a film's poster, to tint a page with. */
export const tint = (film: Film): string => palette(film.title).paper;

function draw(film: Film): SVGSVGElement {
	const dice = dieOf(film.title);
	const colours = palette(film.title);
	const motifs = BY_GENRE[film.expand?.genre?.name ?? ""] ?? ANY;
	const motif = motifs[Math.floor(dice() * motifs.length)] ?? cut;
	const isDark = motif === shards;
	const ink = isDark ? contrast(colours.two, colours) : colours.ink;
	return s(
		"svg",
		{
			viewBox: `0 0 ${WIDE} ${HIGH}`,
			"aria-hidden": "true",
			focusable: "false",
			preserveAspectRatio: "xMidYMid slice",
		},
		rect(0, 0, WIDE, HIGH, colours.paper),
		...motif(dice, colours),
		...heading(film.title.toUpperCase(), ink),
		imprint(film, motif, colours),
	);
}

/** The title as large as it can be set in at most four lines. */
function heading(title: string, ink: string): SVGElement[] {
	const settings = [1, 2, 3, 4].map((count) => {
		const lines = wrap(title, count);
		const longest = Math.max(...lines.map(width));
		return { lines, size: Math.min(54, (WIDE - 2 * EDGE) / longest, TITLE_HIGH / (lines.length * LEADING)) };
	});
	const { lines, size } = settings.reduce((best, it) => (it.size > best.size ? it : best));
	return lines.map((line, i) => {
		const y = (EDGE + size * (0.74 + i * LEADING)).toFixed(1);
		return s("text", { x: EDGE, y, "font-size": size.toFixed(1), fill: ink, class: "poster-title" }, line);
	});
}

function imprint(film: Film, motif: Motif, colours: Palette): SVGElement {
	const words = [film.expand?.director?.name, year(film.released_at)].filter(Boolean).join("  ·  ");
	const isCovered = motif !== pair && motif !== spiral && motif !== smile && motif !== eye;
	const ground = isCovered
		? rect(0, HIGH - 21, WIDE, 21, colours.paper)
		: rect(0, HIGH - 21, WIDE, 21, colours.paper, { opacity: 0 });
	return s(
		"g",
		{},
		words ? ground : rect(0, 0, 0, 0, "none"),
		s("text", { x: EDGE, y: HIGH - 7.5, fill: colours.ink, class: "poster-imprint" }, words),
	);
}

/** Breaks a title into so many lines of about the same width, or fewer. */
function wrap(title: string, count: number): string[] {
	const aim = width(title) / count;
	const lines: string[] = [];
	for (const word of title.split(/\s+/)) {
		const last = lines.at(-1);
		if (last === undefined || (lines.length < count && width(last) + width(word) / 2 > aim)) lines.push(word);
		else lines[lines.length - 1] = `${last} ${word}`;
	}
	return lines;
}

/** About how wide a text is set, in its own size. */
function width(text: string): number {
	let sum = 0;
	for (const letter of text)
		sum += "MW@%".includes(letter)
			? 0.72
			: "IJ1.,:;'’!|()".includes(letter)
				? 0.3
				: letter === " "
					? 0.22
					: 0.53;
	return sum;
}

function palette(title: string): Palette {
	return PALETTES[hash(title) % PALETTES.length] as Palette;
}

function contrast(ground: string, { paper, one }: Palette): string {
	return lightness(ground) > 0.5 ? (lightness(paper) < lightness(one) ? paper : one) : "#fff4de";
}

function lightness(colour: string): number {
	const part = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16) / 255;
	return 0.3 * part(1) + 0.6 * part(3) + 0.1 * part(5);
}

function hash(text: string): number {
	let sum = 2166136261;
	for (const letter of text) sum = Math.imul(sum ^ (letter.codePointAt(0) ?? 0), 16777619);
	sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
	sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35);
	return (sum ^ (sum >>> 16)) >>> 0;
}

/** A die that falls the same way for the same title (mulberry32). */
function dieOf(title: string): Dice {
	let state = hash(title) ^ 0x9e3779b9;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}
