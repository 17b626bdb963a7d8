// Everything that can be gone to or done, by a few letters: Ctrl K.

import { Kbd, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { Spotlight, type SpotlightActionGroupData, spotlight } from "@mantine/spotlight";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { projectsQuery } from "../api/admin";
import { collectionsQuery } from "../api/schema";
import classes from "./Shell.module.css";

const isMac = /mac|iphone|ipad/i.test(navigator.userAgent);

export function PaletteButton() {
	return (
		<UnstyledButton
			className={classes.search}
			onClick={spotlight.open}
			aria-label="Search and go to"
		>
			<IconSearch size={16} aria-hidden />
			<span>Go to…</span>
			<span style={{ marginLeft: "auto" }}>
				<Kbd size="xs">{isMac ? "⌘" : "Ctrl"} K</Kbd>
			</span>
		</UnstyledButton>
	);
}

export function Palette({ project }: { project?: string }) {
	const navigate = useNavigate();
	const { setColorScheme } = useMantineColorScheme();
	const { data: projects = [] } = useQuery(projectsQuery);
	const { data: collections = [] } = useQuery({
		...collectionsQuery(project ?? ""),
		enabled: project !== undefined,
	});

	const groups: SpotlightActionGroupData[] = [];
	if (project !== undefined) {
		const params = { project };
		groups.push({
			group: "Records",
			actions: collections.map(({ name, kind }) => ({
				id: `records ${name}`,
				label: kind === "users" ? "Users" : name,
				description: "Records",
				onClick: () =>
					void (kind === "users"
						? navigate({ to: "/projects/$project/users", params })
						: navigate({
								to: "/projects/$project/records/$collection",
								params: { project, collection: name },
							})),
			})),
		});
		groups.push({
			group: "New",
			actions: [
				...collections
					.filter(({ kind }) => kind === "table")
					.map(({ name }) => ({
						id: `new ${name}`,
						label: `New record in ${name}`,
						onClick: () =>
							void navigate({
								to: "/projects/$project/records/$collection",
								params: { project, collection: name },
								search: { record: "new" },
							}),
					})),
				{
					id: "new user",
					label: "New user",
					onClick: () =>
						void navigate({
							to: "/projects/$project/users",
							params,
							search: { record: "new" },
						}),
				},
				{
					id: "new collection",
					label: "New collection",
					onClick: () => void navigate({ to: "/projects/$project/new-collection", params }),
				},
			],
		});
		groups.push({
			group: "Schema and rules",
			actions: collections.map(({ name }) => ({
				id: `schema ${name}`,
				label: `Fields and rules of ${name}`,
				onClick: () =>
					void navigate({
						to: "/projects/$project/collections/$collection",
						params: { project, collection: name },
					}),
			})),
		});
		const page = (label: string, to: ProjectPage) => ({
			id: to,
			label,
			onClick: () => void navigate({ to, params }),
		});
		groups.push({
			group: "Project",
			actions: [
				page("Collections", "/projects/$project"),
				page("Import and export of users", "/projects/$project/users/transfer"),
				page("Teams", "/projects/$project/teams"),
				page("Files", "/projects/$project/files"),
				page("Compose a push message", "/projects/$project/push"),
				page("Push messages", "/projects/$project/push/messages"),
				page("Push: development inbox", "/projects/$project/push/inbox"),
				page("Mails: development inbox", "/projects/$project/mails"),
				page("Mails that were sent or wait", "/projects/$project/mails/queue"),
				page("Mail templates", "/projects/$project/mails/templates"),
				page("API", "/projects/$project/api"),
				page("Keys", "/projects/$project/keys"),
				page("Request log of the project", "/projects/$project/requests"),
				page("Audit log of the project", "/projects/$project/audit"),
				page("Settings", "/projects/$project/settings"),
				page("Settings: sign-in", "/projects/$project/settings/sign-in"),
				page("Settings: providers of social sign-in", "/projects/$project/settings/providers"),
				page("Settings: passwords and safety", "/projects/$project/settings/safety"),
				page("Settings: hooks", "/projects/$project/settings/hooks"),
				page("Settings: brand and mail", "/projects/$project/settings/mail"),
				page("Settings: messages to telephones", "/projects/$project/settings/phone"),
			],
		});
	}
	groups.push({
		group: "Projects",
		actions: projects.map(({ id, name }) => ({
			id: `project ${id}`,
			label: name,
			description: name === id ? undefined : id,
			onClick: () => void navigate({ to: "/projects/$project", params: { project: id } }),
		})),
	});
	groups.push({
		group: "Instance",
		actions: [
			{ id: "all", label: "All projects", onClick: () => void navigate({ to: "/" }) },
			{ id: "operators", label: "Operators", onClick: () => void navigate({ to: "/operators" }) },
			{ id: "log", label: "Request log", onClick: () => void navigate({ to: "/requests" }) },
			{ id: "audit", label: "Audit log", onClick: () => void navigate({ to: "/audit" }) },
			{ id: "light", label: "Light colours", onClick: () => setColorScheme("light") },
			{ id: "dark", label: "Dark colours", onClick: () => setColorScheme("dark") },
			{ id: "auto", label: "Colours of the system", onClick: () => setColorScheme("auto") },
		],
	});

	return (
		<Spotlight
			actions={groups.filter((group) => group.actions.length > 0)}
			nothingFound="Nothing fits"
			attributes={{ content: { "aria-label": "Search and go to" } }}
			shortcut={["mod + K", "mod + P"]}
			scrollable
			centered={false}
			overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
			maxHeight={420}
			limit={40}
			searchProps={{
				leftSection: <IconSearch size={18} />,
				placeholder: "Collections, pages, projects…",
				"aria-label": "Search and go to",
			}}
		/>
	);
}

type ProjectPage =
	| "/projects/$project"
	| "/projects/$project/teams"
	| "/projects/$project/files"
	| "/projects/$project/push"
	| "/projects/$project/push/messages"
	| "/projects/$project/push/inbox"
	| "/projects/$project/mails"
	| "/projects/$project/mails/queue"
	| "/projects/$project/mails/templates"
	| "/projects/$project/api"
	| "/projects/$project/keys"
	| "/projects/$project/requests"
	| "/projects/$project/audit"
	| "/projects/$project/settings"
	| "/projects/$project/settings/sign-in"
	| "/projects/$project/settings/providers"
	| "/projects/$project/settings/safety"
	| "/projects/$project/settings/hooks"
	| "/projects/$project/settings/mail"
	| "/projects/$project/settings/phone"
	| "/projects/$project/users/transfer";
