// What stands where a page could not be shown.

import { Box } from "@mantine/core";
import { IconCompass } from "@tabler/icons-react";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { LinkButton } from "../ui/links";
import { Empty } from "../ui/Page";
import { ProblemAlert } from "../ui/Problem";

export function Broken({ error, reset }: ErrorComponentProps) {
	return (
		<Box p="lg" maw={720}>
			<ProblemAlert error={error} retry={reset} />
		</Box>
	);
}

export function Missing() {
	return (
		<Empty icon={<IconCompass />} title="There is no such page">
			<LinkButton to="/" variant="light" mt="sm">
				To the projects
			</LinkButton>
		</Empty>
	);
}
