// What a form changes of nested values, as a merge patch (RFC 7396).

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree =>
	typeof value === "object" && value !== null && !Array.isArray(value);

/** The members of `after` that differ from `before`; of objects only what differs in them. */
export function difference(before: Tree, after: Tree): Tree {
	const patch: Tree = {};
	for (const [name, value] of Object.entries(after)) {
		const old = before[name];
		if (isTree(value) && isTree(old)) {
			const inner = difference(old, value);
			if (Object.keys(inner).length > 0) patch[name] = inner;
		} else if (JSON.stringify(value) !== JSON.stringify(old)) {
			patch[name] = value;
		}
	}
	return patch;
}

/** A change without the secrets that were not typed: those stay as they are. */
export function typed(change: unknown, secrets: readonly string[]): unknown {
	if (Array.isArray(change)) return change.map((each) => typed(each, secrets));
	if (!isTree(change)) return change;
	const kept = Object.entries(change).filter(
		([name, value]) => !secrets.includes(name) || value !== "",
	);
	return Object.fromEntries(kept.map(([name, value]) => [name, typed(value, secrets)]));
}
