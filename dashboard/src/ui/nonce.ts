// The nonce by which the server's policy knows the styles that the app injects.

export const nonce =
	document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
