// Colours, type and defaults of the whole app. Every pair of text and ground keeps a contrast of 4.5 to 1.

import {
	type CSSVariablesResolver,
	createTheme,
	type MantineColorsTuple,
	Tooltip,
} from "@mantine/core";

const sea: MantineColorsTuple = [
	"#eaf5f8",
	"#d7e8ee",
	"#abd0dd",
	"#7db6cb",
	"#589fba",
	"#3f91b0",
	"#3089ab",
	"#1f7595",
	"#116887",
	"#005975",
];

const dark: MantineColorsTuple = [
	"#d5d9de",
	"#b4bac3",
	"#98a0ab",
	"#68717e",
	"#3f4753",
	"#2f3640",
	"#262c35",
	"#1b2027",
	"#15191f",
	"#101318",
];

export const theme = createTheme({
	primaryColor: "sea",
	primaryShade: { light: 8, dark: 7 },
	colors: { sea, dark },
	defaultRadius: "sm",
	cursorType: "pointer",
	respectReducedMotion: true,
	fontFamily:
		'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif',
	fontFamilyMonospace:
		'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace',
	fontSizes: { xs: "0.75rem", sm: "0.84375rem", md: "0.9375rem", lg: "1.0625rem", xl: "1.25rem" },
	headings: {
		fontWeight: "620",
		sizes: {
			h1: { fontSize: "1.3125rem", lineHeight: "1.3" },
			h2: { fontSize: "1.0625rem", lineHeight: "1.35" },
			h3: { fontSize: "0.9375rem", lineHeight: "1.4" },
		},
	},
	components: {
		Tooltip: Tooltip.extend({
			defaultProps: {
				openDelay: 350,
				withArrow: true,
				events: { hover: true, focus: true, touch: false },
			},
		}),
		// The placeholder is an element that a menu may not hold.
		Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
		Modal: {
			defaultProps: { centered: true, radius: "md", overlayProps: { backgroundOpacity: 0.35 } },
		},
		Drawer: {
			defaultProps: { overlayProps: { backgroundOpacity: 0.25 } },
			styles: { title: { fontWeight: 620 } },
		},
		Alert: { defaultProps: { variant: "light", radius: "md" } },
		Notification: { defaultProps: { closeButtonProps: { "aria-label": "Dismiss" } } },
		Button: { defaultProps: { fw: 500 } },
		Code: { styles: { root: { backgroundColor: "var(--galley-code)" } } },
		Paper: { defaultProps: { radius: "md" } },
		Badge: { defaultProps: { variant: "light", radius: "sm", tt: "none", fw: 500 } },
	},
});

/** The text of badges, alerts and quiet buttons on their own tint: darker or lighter than Mantine's, for contrast. */
const tints = (text: (color: string) => string) =>
	Object.fromEntries(
		["gray", "red", "pink", "grape", "violet", "teal", "lime", "orange", "sea"].map((color) => [
			`--mantine-color-${color}-light-color`,
			text(`--mantine-color-${color}`),
		]),
	);

export const variables: CSSVariablesResolver = () => ({
	variables: {},
	light: {
		...tints((color) => `color-mix(in srgb, var(${color}-9) 78%, black)`),
		"--mantine-color-text": "#1c2127",
		"--mantine-color-dimmed": "#5a6470",
		"--mantine-color-placeholder": "#6b7480",
		"--mantine-color-error": "#c92a2a",
		"--galley-code": "#eceff2",
		"--galley-menu": "#f0f4f6",
		"--galley-string": "#1d6b3b",
		"--galley-number": "#8a4600",
		"--galley-keyword": "#6b3fa0",
		"--galley-function": "#005975",
		"--galley-ground": "#f6f7f9",
		"--galley-panel": "#ffffff",
		"--galley-line": "#e2e6ea",
		"--galley-hover": "#f0f4f6",
		"--galley-chosen": "#e3f0f5",
		"--galley-strong": "#005975",
	},
	dark: {
		...tints((color) => `var(${color}-3)`),
		"--mantine-color-body": "#15191f",
		"--mantine-color-text": "#d9dde2",
		"--mantine-color-dimmed": "#98a0ab",
		"--mantine-color-placeholder": "#8b939f",
		"--mantine-color-error": "#ff8787",
		"--mantine-color-anchor": "#7db6cb",
		"--galley-code": "#222831",
		"--galley-menu": "#2e3540",
		"--galley-string": "#8fce9f",
		"--galley-number": "#e6b27a",
		"--galley-keyword": "#c3a6ee",
		"--galley-function": "#7db6cb",
		"--galley-ground": "#101318",
		"--galley-panel": "#15191f",
		"--galley-line": "#2a3039",
		"--galley-hover": "#1c2129",
		"--galley-chosen": "#17303b",
		"--galley-strong": "#abd0dd",
	},
});
