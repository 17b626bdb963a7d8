// HTML that others wrote, where it can do nothing: in a frame without scripts, forms, ways out or this page's origin.

import { useMemo } from "react";
import classes from "./HtmlFrame.module.css";
import { framed } from "./html";
import { nonce } from "./nonce";

export function HtmlFrame({ html, title }: { html: string; title: string }) {
	const source = useMemo(() => framed(html, nonce), [html]);
	return <iframe className={classes.frame} title={title} sandbox="" srcDoc={source} />;
}
