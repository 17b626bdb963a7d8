// Names as slugs.

/** A name as the id that a project may have: `My shop!` is `my-shop`. */
export const slugOf = (name: string) =>
	name
		.normalize("NFKD")
		.toLowerCase()
		.replace(/[\u0300-\u036f]/g, "")
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^[^a-z]+|-+$/g, "")
		.slice(0, 40)
		.replace(/-+$/, "");
