// Where one is, and the way to another project.

import { Menu, Text, UnstyledButton } from "@mantine/core";
import { IconCheck, IconSelector, IconStack2 } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { projectsQuery } from "../api/admin";
import { Logo } from "./Logo";
import classes from "./Shell.module.css";

export function ProjectSwitch({ current }: { current?: string }) {
	const { data: projects } = useQuery(projectsQuery);
	const navigate = useNavigate();
	const name = projects?.find((project) => project.id === current)?.name ?? current;
	return (
		<Menu position="bottom-start" width={260} shadow="md">
			<Menu.Target>
				<UnstyledButton
					className={classes.switch}
					aria-label={`${name ?? "Galley"}: other projects`}
				>
					<Logo />
					<Text span fw={600} truncate size="sm">
						{name ?? "Galley"}
					</Text>
					<IconSelector size={15} aria-hidden />
				</UnstyledButton>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Item
					leftSection={<IconStack2 size={16} />}
					onClick={() => void navigate({ to: "/" })}
				>
					All projects
				</Menu.Item>
				{projects && projects.length > 0 && <Menu.Divider />}
				{projects?.slice(0, 30).map((project) => (
					<Menu.Item
						key={project.uid}
						onClick={() =>
							void navigate({ to: "/projects/$project", params: { project: project.id } })
						}
						rightSection={project.id === current && <IconCheck size={15} aria-label="current" />}
					>
						<Text size="sm" truncate>
							{project.name}
						</Text>
						{project.name !== project.id && (
							<Text size="xs" c="dimmed" truncate>
								{project.id}
							</Text>
						)}
					</Menu.Item>
				))}
			</Menu.Dropdown>
		</Menu>
	);
}
