// HTML of mails as it can be shown under this page's policy, which a frame inherits, and the links in it.

/** Attributes by which a document without scripts still asks another host for something. */
const FETCHING = ["src", "srcset", "background", "poster"];

/**
 * The document for a sandboxed frame. The policy takes no style attributes, so each becomes a rule of one style element
 * that bears the nonce; pictures of other hosts, which it takes neither, are left out and their words are shown.
 */
export function framed(html: string, nonce: string): string {
	const parsed = parse(html);
	const rules: string[] = [];
	for (const element of parsed.querySelectorAll("[data-galley-style]")) {
		// Escaped, so that no value ends the element that the rules are in.
		const declarations = element.getAttribute("data-galley-style")?.replaceAll("<", "\\3c ") ?? "";
		element.setAttribute("data-galley-style", String(rules.length));
		rules.push(`[data-galley-style="${rules.length}"]{${declarations}}`);
	}
	for (const element of parsed.querySelectorAll(
		"script, link, base, meta, iframe, object, embed",
	)) {
		element.remove();
	}
	for (const anchor of parsed.querySelectorAll("[href]")) {
		if (!isPage(anchor.getAttribute("href") ?? "")) anchor.removeAttribute("href");
	}
	for (const style of parsed.querySelectorAll("style")) style.nonce = nonce;
	for (const name of FETCHING) {
		for (const element of parsed.querySelectorAll(`[${name}]`)) {
			if (!element.getAttribute(name)?.trim().startsWith("data:")) element.removeAttribute(name);
		}
	}
	const style = parsed.createElement("style");
	style.setAttribute("nonce", nonce);
	style.textContent = rules.join("\n");
	parsed.head.append(style);
	return `<!doctype html>${parsed.documentElement.outerHTML}`;
}

const isPage = (url: string) => /^https?:\/\//i.test(url);

/** A link of a mail. */
export interface MailLink {
	label: string;
	url: string;
}

/** The links of a mail that lead to pages, each once. */
export function linksOf(html: string): MailLink[] {
	const links = new Map<string, string>();
	for (const anchor of parse(html).querySelectorAll("a[href]")) {
		const url = anchor.getAttribute("href") ?? "";
		if (isPage(url) && !links.has(url)) links.set(url, anchor.textContent.trim());
	}
	return [...links].map(([url, label]) => ({ url, label: label || url }));
}

/** Styles and handlers are renamed before the browser reads them: it would tell each as a breach of the policy. */
function parse(html: string): Document {
	const quiet = html.replace(/<[a-z][^>]*>/gi, (tag) =>
		tag.replace(/(\s)(style|on[a-z]+)(\s*=)/gi, "$1data-galley-$2$3"),
	);
	return new DOMParser().parseFromString(quiet, "text/html");
}
