// The navigation of the instance and of a project.

import { ScrollArea, Text } from "@mantine/core";
import {
	IconApi,
	IconBell,
	IconDatabase,
	IconFiles,
	IconHistory,
	IconKey,
	IconListDetails,
	IconMail,
	IconSettings,
	IconShieldHalf,
	IconStack2,
	IconUsers,
	IconUsersGroup,
} from "@tabler/icons-react";
import { useCollections } from "../api/schema";
import { LinkNav } from "../ui/links";
import classes from "./Shell.module.css";

const icon = { size: 17, stroke: 1.7 };

export function InstanceNav() {
	return (
		<ScrollArea type="scroll">
			<nav className={classes.nav} aria-label="Instance">
				<LinkNav
					to="/"
					activeOptions={{ exact: true }}
					className={classes.link}
					label="Projects"
					leftSection={<IconStack2 {...icon} />}
				/>
				<LinkNav
					to="/operators"
					className={classes.link}
					label="Operators"
					leftSection={<IconShieldHalf {...icon} />}
				/>
				<LinkNav
					to="/requests"
					className={classes.link}
					label="Request log"
					leftSection={<IconListDetails {...icon} />}
				/>
				<LinkNav
					to="/audit"
					className={classes.link}
					label="Audit log"
					leftSection={<IconHistory {...icon} />}
				/>
			</nav>
		</ScrollArea>
	);
}

export function ProjectNav({ project }: { project: string }) {
	const { data: collections } = useCollections(project);
	const params = { project };
	return (
		<ScrollArea type="scroll">
			<nav className={classes.nav} aria-label="Project">
				<LinkNav
					to="/projects/$project"
					params={params}
					activeOptions={{ exact: true }}
					className={classes.link}
					label="Collections"
					leftSection={<IconDatabase {...icon} />}
				/>
				{collections
					?.filter((collection) => collection.kind === "table")
					.map(({ name }) => (
						<LinkNav
							key={name}
							to="/projects/$project/records/$collection"
							params={{ project, collection: name }}
							activeOptions={{ includeSearch: false }}
							className={`${classes.link} ${classes.indent}`}
							label={name}
						/>
					))}
				<LinkNav
					to="/projects/$project/users"
					params={params}
					className={classes.link}
					activeOptions={{ includeSearch: false }}
					label="Users"
					leftSection={<IconUsers {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/teams"
					params={params}
					className={classes.link}
					activeOptions={{ includeSearch: false }}
					label="Teams"
					leftSection={<IconUsersGroup {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/files"
					params={params}
					className={classes.link}
					label="Files"
					leftSection={<IconFiles {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/push"
					params={params}
					className={classes.link}
					activeOptions={{ includeSearch: false }}
					label="Push"
					leftSection={<IconBell {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/mails"
					params={params}
					className={classes.link}
					activeOptions={{ includeSearch: false }}
					label="Mails"
					leftSection={<IconMail {...icon} />}
				/>
				<Text component="h2" className={classes.label}>
					Operate
				</Text>
				<LinkNav
					to="/projects/$project/api"
					params={params}
					className={classes.link}
					label="API"
					leftSection={<IconApi {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/keys"
					params={params}
					className={classes.link}
					label="Keys"
					leftSection={<IconKey {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/requests"
					params={params}
					className={classes.link}
					activeOptions={{ includeSearch: false }}
					label="Request log"
					leftSection={<IconListDetails {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/audit"
					params={params}
					className={classes.link}
					label="Audit log"
					leftSection={<IconHistory {...icon} />}
				/>
				<LinkNav
					to="/projects/$project/settings"
					params={params}
					className={classes.link}
					label="Settings"
					leftSection={<IconSettings {...icon} />}
				/>
			</nav>
		</ScrollArea>
	);
}
