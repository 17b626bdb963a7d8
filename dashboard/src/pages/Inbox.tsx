// What was delivered, or would have been, while the project is in development mode.

import { Alert, Badge, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { IconInbox, IconInfoCircle } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { settingsQuery } from "../api/admin";
import { type InboxEntry, inboxQuery, notificationOf } from "../api/push";
import { recordQuery } from "../api/records";
import { useCollections } from "../api/schema";
import { labelOf, shortId } from "../forms/labels";
import { RecordLink } from "../table/cells";
import { LinkText } from "../ui/links";
import { PartError } from "../ui/NotHere";
import { Empty, Loading, Page } from "../ui/Page";
import { Ago } from "../ui/Time";
import { Preview } from "./Compose";
import { PushTabs } from "./PushTabs";

const route = getRouteApi("/shell/projects/$project/push/inbox");

export function Inbox() {
	const { project } = route.useParams();
	const settings = useQuery(settingsQuery(project));
	const query = useInfiniteQuery({
		...inboxQuery(project),
		refetchInterval: ({ state }) => (state.error ? false : 4000),
	});
	const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
	return (
		<Page title="Push">
			<PushTabs project={project} at="inbox" />
			<PartError error={query.error} part="push" retry={() => void query.refetch()} />
			{!query.error && (
				<>
					{settings.data && !settings.data.settings.development && (
						<Alert color="orange" icon={<IconInfoCircle />} title="Development mode is off">
							The inbox keeps messages only while it is on.{" "}
							<LinkText
								to="/projects/$project/settings"
								params={{ project }}
								size="sm"
								underline="always"
							>
								To the settings
							</LinkText>
						</Alert>
					)}
					{query.isPending && <Loading />}
					{query.data && entries.length === 0 && (
						<Empty icon={<IconInbox />} title="Nothing was delivered yet">
							Each message appears here as its reader gets it, also for users who have no device. At
							most 1,000 are kept, for 7 days.
						</Empty>
					)}
					<Stack gap="md">
						{entries.map((entry) => (
							<Entry key={entry.id} project={project} entry={entry} />
						))}
					</Stack>
					{query.hasNextPage && (
						<Button
							variant="default"
							loading={query.isFetchingNextPage}
							onClick={() => void query.fetchNextPage()}
							style={{ alignSelf: "center" }}
						>
							Older ones
						</Button>
					)}
				</>
			)}
		</Page>
	);
}

function Entry({ project, entry }: { project: string; entry: InboxEntry }) {
	const notification = notificationOf(entry);
	const { data: collections } = useCollections(project);
	const users = collections?.find(({ kind }) => kind === "users");
	const user = useQuery({
		...recordQuery(project, "users", entry.user ?? ""),
		enabled: Boolean(entry.user),
	});
	return (
		<Paper withBorder p="md">
			<Group gap="xl" align="flex-start">
				<Preview
					title={notification.title ?? ""}
					body={notification.body ?? ""}
					url={notification.navigate ?? ""}
				/>
				<Stack gap={6} style={{ flex: 1, minWidth: 200 }}>
					<Group gap="xs">
						<Badge
							color={
								entry.outcome === "failed" ? "red" : entry.outcome === "sent" ? "teal" : "gray"
							}
						>
							{entry.outcome}
						</Badge>
						{!entry.device && <Badge color="gray">no device</Badge>}
						<Ago time={entry.created_at} />
					</Group>
					{entry.user && (
						<Text size="sm" component="div">
							To{" "}
							<RecordLink project={project} collection={users} id={entry.user}>
								{user.data ? labelOf(user.data, users) : shortId(entry.user)}
							</RecordLink>
						</Text>
					)}
					{entry.reason && <Text size="sm">{entry.reason}</Text>}
					{notification.navigate && (
						<Text size="sm" c="dimmed" truncate>
							Leads to {notification.navigate}
						</Text>
					)}

					<LinkText
						size="sm"
						to="/projects/$project/push/messages"
						params={{ project }}
						search={{ message: entry.message }}
					>
						The message
					</LinkText>
				</Stack>
			</Group>
		</Paper>
	);
}
