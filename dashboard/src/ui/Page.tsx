// The frame of a page: its title, what it is for, what can be done, and its three states.

import { Box, Center, Group, Loader, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import classes from "./Page.module.css";

interface PageProps {
	title: string;
	/** Beside the title: a badge, a link. */
	beside?: ReactNode;
	description?: ReactNode;
	actions?: ReactNode;
	/** Takes the whole width and height, for grids. */
	full?: boolean;
	children: ReactNode;
}

export function Page({ title, beside, description, actions, full, children }: PageProps) {
	useDocumentTitle(`${title} · Galley`);
	return (
		<div className={classes.page} data-full={full || undefined}>
			<div className={classes.head}>
				<Box miw={0}>
					<Group gap="sm">
						<Title order={1}>{title}</Title>
						{beside}
					</Group>
					{description && (
						<Text c="dimmed" size="sm" mt={2} maw={720}>
							{description}
						</Text>
					)}
				</Box>
				{actions && <div className={classes.actions}>{actions}</div>}
			</div>
			{children}
		</div>
	);
}

/** Nothing is here yet, and what to do about it. */
export function Empty({
	icon,
	title,
	children,
}: {
	icon: ReactNode;
	title: string;
	children?: ReactNode;
}) {
	return (
		<Center className={classes.empty}>
			<Stack align="center" gap="xs" maw={440}>
				<ThemeIcon variant="light" size={44} radius="xl">
					{icon}
				</ThemeIcon>
				<Text fw={600} ta="center">
					{title}
				</Text>
				<Text component="div" c="dimmed" size="sm" ta="center">
					{children}
				</Text>
			</Stack>
		</Center>
	);
}

/** Something is on its way. */
export function Loading() {
	return (
		<Center mih={160} role="status" aria-label="Loading">
			<Loader size="sm" />
		</Center>
	);
}
