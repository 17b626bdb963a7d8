// The messages that were sent, and how far each is.

import { Badge, Button, Drawer, Group, SimpleGrid, Stack, Table, Text } from "@mantine/core";
import { IconBell } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { keys } from "../api/keys";
import {
	cancelMessage,
	isPending,
	type Message,
	messageQuery,
	messagesQuery,
	OUTCOMES,
	type Outcome,
} from "../api/push";
import { type Column, DataTable } from "../table/DataTable";
import { CopyText, Snippet } from "../ui/Copy";
import { LinkButton } from "../ui/links";
import { PartError } from "../ui/NotHere";
import { Empty, Loading, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Ago } from "../ui/Time";
import { PushTabs } from "./PushTabs";

const route = getRouteApi("/shell/projects/$project/push/messages");

const COLOURS: Record<string, string> = {
	queued: "sea",
	sending: "sea",
	done: "teal",
	cancelled: "gray",
};

const count = (name: Outcome): Column<Message> => ({
	id: name,
	header: name,
	size: 80,
	align: "right",
	cell: (it) => it.counts[name].toLocaleString("en"),
});

const columns: Column<Message>[] = [
	{
		id: "title",
		header: "Message",
		size: 280,
		cell: (it) => (
			<Text span size="sm" fw={600} truncate>
				{it.title}
			</Text>
		),
	},
	{
		id: "status",
		header: "Status",
		size: 110,
		cell: (it) => <Badge color={COLOURS[it.status] ?? "gray"}>{it.status}</Badge>,
	},
	...OUTCOMES.map(count),
	{
		id: "created_at",
		header: "When",
		size: 130,
		cell: (it) => <Ago time={it.created_at} />,
	},
];

export function Messages() {
	const { project } = route.useParams();
	const { message } = route.useSearch();
	const navigate = route.useNavigate();
	const query = useInfiniteQuery({
		...messagesQuery(project),
		refetchInterval: ({ state }) => (state.error ? false : 5000),
	});
	const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
	return (
		<Page title="Push" full>
			<PushTabs project={project} at="messages" />
			<PartError error={query.error} part="push" retry={() => void query.refetch()} />
			{!query.error && (
				<DataTable
					label="Messages"
					fill
					columns={columns}
					rows={rows}
					rowId={(it) => it.id}
					loading={query.isPending}
					onOpen={(it) => void navigate({ search: { message: it.id } })}
					openLabel={(it) => `Open ${it.title}`}
					onEnd={() => {
						if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
					}}
					empty={
						<Empty icon={<IconBell />} title="No message yet">
							<LinkButton variant="light" mt="xs" to="/projects/$project/push" params={{ project }}>
								Compose one
							</LinkButton>
						</Empty>
					}
				/>
			)}
			<Drawer
				opened={message !== undefined}
				onClose={() => void navigate({ search: {} })}
				position="right"
				size={480}
				title="Message"
				closeButtonProps={{ "aria-label": "Close" }}
			>
				{message !== undefined && <Detail key={message} project={project} id={message} />}
			</Drawer>
		</Page>
	);
}

function Detail({ project, id }: { project: string; id: string }) {
	const client = useQueryClient();
	const query = useQuery(messageQuery(project, id));
	const cancel = useMutation({
		mutationFn: () => cancelMessage(project, id),
		onSuccess: async () => {
			await client.invalidateQueries({ queryKey: keys.of(project).push });
			tellDone("The message was cancelled.");
		},
		onError: tellProblem,
	});
	if (query.isPending) return <Loading />;
	if (query.error) return <ProblemAlert error={query.error} retry={() => void query.refetch()} />;
	const message = query.data;
	const reasons = message.reasons?.filter(({ reason }) => reason !== "") ?? [];
	return (
		<Stack>
			<Group justify="space-between">
				<Badge color={COLOURS[message.status] ?? "gray"} size="lg">
					{message.status}
				</Badge>
				{isPending(message) && (
					<Button
						variant="light"
						color="red"
						size="xs"
						loading={cancel.isPending}
						onClick={() => cancel.mutate()}
					>
						Cancel what is not sent
					</Button>
				)}
			</Group>
			<SimpleGrid cols={5} spacing="xs">
				{OUTCOMES.map((name) => (
					<div key={name}>
						<Text size="xl" fw={620} className="tabular">
							{message.counts[name].toLocaleString("en")}
						</Text>
						<Text size="xs" c="dimmed">
							{name}
						</Text>
					</div>
				))}
			</SimpleGrid>
			{reasons.length > 0 && (
				<Table fz="sm">
					<Table.Thead>
						<Table.Tr>
							<Table.Th>Outcome</Table.Th>
							<Table.Th>Reason</Table.Th>
							<Table.Th ta="right">Devices</Table.Th>
						</Table.Tr>
					</Table.Thead>
					<Table.Tbody>
						{reasons.map(({ outcome, reason, count }) => (
							<Table.Tr key={`${outcome} ${reason}`}>
								<Table.Td>{outcome}</Table.Td>
								<Table.Td>{reason}</Table.Td>
								<Table.Td ta="right">{count}</Table.Td>
							</Table.Tr>
						))}
					</Table.Tbody>
				</Table>
			)}
			<CopyText value={message.id} label="Copy the id" />
			<Snippet label="The message as JSON" code={JSON.stringify(message, null, 2)} />
		</Stack>
	);
}
