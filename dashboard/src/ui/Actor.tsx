// Who did something: an operator by address, a user by link, a key or the command line by name.

import { useQuery } from "@tanstack/react-query";
import { operatorsQuery } from "../api/admin";
import { shortId } from "../forms/labels";
import { LinkText } from "./links";

export function Actor({ actor, project }: { actor: string | null | undefined; project?: string }) {
	const { data: operators } = useQuery({ ...operatorsQuery, retry: false, staleTime: 300_000 });
	if (!actor) return "nobody";
	const [kind, id] = actor.split(":", 2);
	if (id === undefined) return actor;
	if (kind === "operator") {
		return (
			<span title={actor}>
				{operators?.find((it) => it.id === id)?.email ?? `operator ${shortId(id)}`}
			</span>
		);
	}
	if (kind === "user" && project !== undefined) {
		return (
			<LinkText
				to="/projects/$project/users"
				params={{ project }}
				search={{ record: id }}
				size="sm"
				title={actor}
			>
				user {shortId(id)}
			</LinkText>
		);
	}
	return (
		<span title={actor}>
			{kind} {shortId(id)}
		</span>
	);
}
