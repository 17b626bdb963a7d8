// A part of the API that this server does not have.

import { IconPlugOff } from "@tabler/icons-react";
import { isMissingRoute } from "../api/problem";
import { Empty } from "./Page";
import { ProblemAlert } from "./Problem";

/** The error of a list; a missing route is told as what it is. */
export function PartError({
	error,
	part,
	retry,
}: {
	error: unknown;
	/** `files`, `push`. */
	part: string;
	retry: () => void;
}) {
	if (!error) return null;
	if (!isMissingRoute(error)) return <ProblemAlert error={error} retry={retry} />;
	return (
		<Empty icon={<IconPlugOff />} title={`This server has no ${part}`}>
			It answers that there is no such address. A newer version of Galley brings it.
		</Empty>
	);
}
