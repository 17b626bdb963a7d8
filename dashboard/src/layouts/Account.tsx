// Who is signed in, the colours, and the way out.

import { ActionIcon, Menu, Text, useMantineColorScheme } from "@mantine/core";
import {
	IconCheck,
	IconDeviceDesktop,
	IconLogout,
	IconMoon,
	IconSun,
	IconUserCircle,
} from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { type Operator, signOut } from "../api/admin";
import { keys } from "../api/keys";
import { tellProblem } from "../ui/Problem";

const SCHEMES = [
	{ value: "auto", label: "Colours of the system", icon: <IconDeviceDesktop size={16} /> },
	{ value: "light", label: "Light colours", icon: <IconSun size={16} /> },
	{ value: "dark", label: "Dark colours", icon: <IconMoon size={16} /> },
] as const;

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
				<Menu.Item component={Link} to="/operators">
					<Text size="sm" fw={600} truncate>
						{operator.name ?? operator.email}
					</Text>
					<Text size="xs" c="dimmed" truncate>
						{operator.name ? `${operator.email} · ` : ""}
						{operator.role}
					</Text>
				</Menu.Item>
				<Menu.Divider />
				{SCHEMES.map(({ value, label, icon }) => (
					<Menu.Item
						key={value}
						leftSection={icon}
						rightSection={value === colorScheme && <IconCheck size={15} aria-label="chosen" />}
						onClick={() => setColorScheme(value)}
					>
						{label}
					</Menu.Item>
				))}
				<Menu.Divider />
				<Menu.Item leftSection={<IconLogout size={16} />} onClick={() => leave.mutate()}>
					Sign out
				</Menu.Item>
			</Menu.Dropdown>
		</Menu>
	);
}
