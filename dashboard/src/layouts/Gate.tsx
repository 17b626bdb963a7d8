// The frame of the pages before the sign-in.

import { Center, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Logo } from "./Logo";

export function Gate({ title, children }: { title: string; children: ReactNode }) {
	useDocumentTitle(`${title} · Galley`);
	return (
		<Center component="main" mih="100dvh" p="md">
			<Stack w="100%" maw={380} gap="lg">
				<Group justify="center" gap={10}>
					<Logo size={34} />
					<Text fw={650} size="xl" component="span">
						Galley
					</Text>
				</Group>
				<Paper withBorder p="xl" radius="md">
					<Title order={1} mb="md">
						{title}
					</Title>
					{children}
				</Paper>
			</Stack>
		</Center>
	);
}
