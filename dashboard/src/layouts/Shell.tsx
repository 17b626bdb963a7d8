// The frame of every page behind the sign-in: header, navigation, palette.

import { AppShell, Burger, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useParams, useRouter, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { sessionQuery } from "../api/admin";
import { Account } from "./Account";
import { InstanceNav, ProjectNav } from "./Nav";
import { Palette, PaletteButton } from "./Palette";
import { ProjectSwitch } from "./ProjectSwitch";
import classes from "./Shell.module.css";

export function Shell() {
	const [open, { toggle, close }] = useDisclosure(false);
	const { project } = useParams({ strict: false });
	const { data: operator } = useQuery(sessionQuery);
	const path = useRouterState({ select: (state) => state.location.pathname });
	const router = useRouter();

	useEffect(() => {
		// Where one was is read at this moment: the sign-in itself must not become the place to return to.
		const { href } = router.state.location;
		if (operator === null && !href.startsWith("/sign-in")) {
			void router.navigate({ to: "/sign-in", search: { to: href }, replace: true });
		}
	}, [operator, router]);

	// biome-ignore lint/correctness/useExhaustiveDependencies: a visit to another page closes the menu
	useEffect(close, [path]);

	return (
		<AppShell
			header={{ height: 52 }}
			navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !open } }}
			classNames={{ header: classes.header, navbar: classes.navbar, main: classes.main }}
		>
			<a className={classes.skip} href="#content">
				Skip to the content
			</a>
			<AppShell.Header>
				<Group h="100%" px="sm" gap="xs" wrap="nowrap" justify="space-between">
					<Group gap="xs" wrap="nowrap" miw={0}>
						<Burger
							opened={open}
							onClick={toggle}
							hiddenFrom="sm"
							size="sm"
							aria-label={open ? "Close the navigation" : "Open the navigation"}
						/>
						<ProjectSwitch current={project} />
					</Group>
					<Group gap={6} wrap="nowrap">
						<PaletteButton />
						{operator && <Account operator={operator} />}
					</Group>
				</Group>
			</AppShell.Header>
			<AppShell.Navbar aria-label="Navigation">
				{project === undefined ? <InstanceNav /> : <ProjectNav project={project} />}
			</AppShell.Navbar>
			<AppShell.Main id="content" tabIndex={-1}>
				<Outlet key={project} />
			</AppShell.Main>
			<Palette project={project} />
		</AppShell>
	);
}
