// Who is signed in, the colours, and the way out.

import { ActionIcon, Menu, SegmentedControl, Text, useMantineColorScheme } from "@mantine/core";
import { IconLogout, IconUserCircle } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type Operator, signOut } from "../api/admin";
import { keys } from "../api/keys";
import { tellProblem } from "../ui/Problem";

export function Account({ operator }: { operator: Operator }) {
	const { colorScheme, setColorScheme } = useMantineColorScheme();
	const client = useQueryClient();
	const navigate = useNavigate();
	const leave = useMutation({
		mutationFn: signOut,
		onSuccess: async () => {
			await navigate({ to: "/sign-in", search: { to: undefined } });
			client.clear();
			client.setQueryData(keys.session, null);
		},
		onError: tellProblem,
	});
	return (
		<Menu position="bottom-end" width={250} shadow="md" closeOnItemClick={false}>
			<Menu.Target>
				<ActionIcon variant="subtle" color="gray" size={34} aria-label="Account and colours">
					<IconUserCircle size={21} stroke={1.6} />
				</ActionIcon>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Label>
					<Text size="sm" fw={600} c="var(--mantine-color-text)" truncate>
						{operator.name ?? operator.email}
					</Text>
					<Text size="xs" truncate>
						{operator.name ? `${operator.email} · ` : ""}
						{operator.role}
					</Text>
				</Menu.Label>
				<Menu.Divider />
				<Menu.Label>Colours</Menu.Label>
				<SegmentedControl
					fullWidth
					size="xs"
					mx={6}
					mb={6}
					aria-label="Colours"
					value={colorScheme}
					onChange={(value) => setColorScheme(value as typeof colorScheme)}
					data={[
						{ value: "auto", label: "Auto" },
						{ value: "light", label: "Light" },
						{ value: "dark", label: "Dark" },
					]}
				/>
				<Menu.Divider />
				<Menu.Item leftSection={<IconLogout size={16} />} onClick={() => leave.mutate()}>
					Sign out
				</Menu.Item>
			</Menu.Dropdown>
		</Menu>
	);
}
