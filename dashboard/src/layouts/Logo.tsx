// The mark of the product.

import classes from "./Shell.module.css";

export function Logo({ size = 24 }: { size?: number }) {
	return (
		<svg
			className={classes.logo}
			width={size}
			height={size}
			viewBox="0 0 32 32"
			aria-hidden="true"
			focusable="false"
		>
			<rect width="32" height="32" fill="#0d6480" />
			<path d="M5 18h22c-1 5-5 8-11 8S6 23 5 18z" fill="#fff" />
			<path d="M15 5v11H7c1-5 4-9 8-11zm2 3c3 1 6 4 7 8h-7z" fill="#d3e6ed" />
		</svg>
	);
}
