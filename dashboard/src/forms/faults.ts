// The faults of a collection's form, each at its input.

import { asProblem, messagesByField } from "../api/problem";
import { ACTIONS, type Action } from "../api/schema";

export interface CollectionFaults {
	/** The sentence for a path such as `fields.0.name`. */
	at: (path: string) => string | undefined;
	rules: Partial<Record<Action, string>>;
	/** Whether a JSON pointer has an input that shows it. */
	shown: (path: string) => boolean;
}

/** Reads the problem of a request that made or changed a collection. */
export function collectionFaults(error: unknown): CollectionFaults {
	const messages = error ? messagesByField(asProblem(error).errors) : {};
	const rules: Partial<Record<Action, string>> = {};
	for (const action of ACTIONS) {
		const message = messages[`rules.${action}`];
		if (message !== undefined) rules[action] = message;
	}
	return {
		at: (path) => messages[path],
		rules,
		shown: (path) =>
			path === "/name" ||
			/^\/fields(\/add)?\/\d+/.test(path) ||
			/^\/indexes(\/add)?\/\d+/.test(path) ||
			ACTIONS.some((action) => path === `/rules/${action}`),
	};
}
