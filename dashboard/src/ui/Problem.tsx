// How every failure is shown: what happened, what to do, and the id by which the logs know it.

import { Alert, Button, Group, List, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { asProblem } from "../api/problem";
import { CopyText } from "./Copy";

interface Props {
	error: unknown;
	/** Tries again. */
	retry?: () => void;
	/** Errors whose path has an input of its own and is shown there. */
	shown?: (path: string) => boolean;
	children?: ReactNode;
}

/** An error in its place on the page. */
export function ProblemAlert({ error, retry, shown, children }: Props) {
	if (!error) return null;
	const problem = asProblem(error);
	const rest = problem.errors?.filter((fault) => !shown?.(fault.path)) ?? [];
	return (
		<Alert color="red" title={problem.title} icon={<IconAlertTriangle />} role="alert">
			<Stack gap={6} align="flex-start">
				{problem.detail && problem.detail !== problem.title && (
					<Text size="sm">{problem.detail}</Text>
				)}
				{rest.length > 0 && (
					<List size="sm" spacing={2}>
						{rest.map((fault) => (
							<List.Item key={`${fault.path} ${fault.message}`}>
								<Text span size="sm" ff="monospace">
									{fault.path}
								</Text>{" "}
								{fault.message}
							</List.Item>
						))}
					</List>
				)}
				{problem.hint && <Text size="sm">{problem.hint}</Text>}
				{children}
				<Group gap="sm">
					{retry && (
						<Button size="compact-sm" variant="default" onClick={retry}>
							Try again
						</Button>
					)}
					{problem.request_id && (
						<Group gap={4}>
							<Text size="xs" c="dimmed">
								Request
							</Text>
							<CopyText value={problem.request_id} label="Copy the request's id" size="xs" />
						</Group>
					)}
				</Group>
			</Stack>
		</Alert>
	);
}

/** An error of an act that has no place on the page. */
export function tellProblem(error: unknown) {
	const problem = asProblem(error);
	const faults = problem.errors?.map((fault) => fault.message).join(" ");
	notifications.show({
		color: "red",
		title: problem.title,
		message: (
			<>
				{[problem.detail, faults].filter(Boolean).join(" ")}
				{problem.request_id && (
					<Text size="xs" c="dimmed" mt={4}>
						Request {problem.request_id}
					</Text>
				)}
			</>
		),
		autoClose: 10_000,
	});
}

/** A word about an act that was done. */
export function tellDone(message: string) {
	notifications.show({ color: "sea", message, autoClose: 3000, withBorder: true });
}
