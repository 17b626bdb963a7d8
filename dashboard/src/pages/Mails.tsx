// The mails of a project: what the development inbox caught, and what became of all others.

import {
	Alert,
	Anchor,
	Badge,
	Button,
	Drawer,
	Group,
	List,
	SegmentedControl,
	Stack,
	Tabs,
	Text,
} from "@mantine/core";
import { IconInbox, IconInfoCircle, IconMail, IconTrash } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import { keys } from "../api/keys";
import {
	clearMails,
	type Mail,
	type MailContent,
	mailQuery,
	mailsQuery,
	STATUSES,
} from "../api/mails";
import { type Column, DataTable } from "../table/DataTable";
import { useConfirm } from "../ui/Confirm";
import { CopyIcon, CopyText } from "../ui/Copy";
import { HtmlFrame } from "../ui/HtmlFrame";
import { linksOf } from "../ui/html";
import { PartError } from "../ui/NotHere";
import { Empty, Loading, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Ago } from "../ui/Time";
import { MailTabs } from "./MailTabs";
import { TEMPLATES } from "./templateNames";

const inbox = getRouteApi("/shell/projects/$project/mails");
const queue = getRouteApi("/shell/projects/$project/mails/queue");

/** How often a list that is being looked at is read again. */
const AGAIN_MS = 4000;

const COLOURS: Record<string, string> = {
	queued: "sea",
	sent: "teal",
	caught: "gray",
	failed: "red",
	dropped: "orange",
};

const what = (mail: Mail) => TEMPLATES[mail.template] ?? mail.template;

const words = (text: ReactNode) => (
	<Text span size="sm" truncate>
		{text}
	</Text>
);

const recipient: Column<Mail> = {
	id: "recipient",
	header: "To",
	size: 230,
	cell: (it) => words(it.recipient),
};
const template: Column<Mail> = {
	id: "template",
	header: "Mail",
	size: 200,
	cell: (it) => (
		<Text span size="sm" fw={600} truncate>
			{what(it)}
		</Text>
	),
};
const language: Column<Mail> = {
	id: "language",
	header: "Language",
	size: 90,
	cell: (it) => words(it.language),
};
const when: Column<Mail> = {
	id: "created_at",
	header: "When",
	size: 130,
	cell: (it) => <Ago time={it.created_at} />,
};
const status: Column<Mail> = {
	id: "status",
	header: "Status",
	size: 100,
	cell: (it) => <Badge color={COLOURS[it.status] ?? "gray"}>{it.status}</Badge>,
};
const reason: Column<Mail> = {
	id: "reason",
	header: "Why",
	size: 260,
	cell: (it) => words(it.reason ?? ""),
};
const attempts: Column<Mail> = {
	id: "attempts",
	header: "Tries",
	size: 70,
	align: "right",
	cell: (it) => words(it.attempts),
};

const CAUGHT = [template, recipient, language, when];
const QUEUE = [template, recipient, status, reason, attempts, when];

/** The development inbox. */
export function CaughtMails() {
	const { project } = inbox.useParams();
	const { mail } = inbox.useSearch();
	const navigate = inbox.useNavigate();
	const client = useQueryClient();
	const confirm = useConfirm();
	const clear = useMutation({
		mutationFn: () => clearMails(project),
		onSuccess: async () => {
			await client.invalidateQueries({ queryKey: keys.of(project).mails });
			tellDone("The inbox is empty.");
		},
		onError: tellProblem,
	});
	const ask = async () => {
		const yes = await confirm({
			title: "Empty the inbox?",
			body: "The mails in it are deleted. The links and codes in them stay good.",
			action: "Empty it",
			danger: true,
		});
		if (yes) clear.mutate();
	};
	return (
		<Page
			title="Mails"
			full
			actions={
				<Button
					variant="default"
					leftSection={<IconTrash size={16} />}
					loading={clear.isPending}
					onClick={() => void ask()}
				>
					Empty the inbox
				</Button>
			}
		>
			<MailTabs project={project} at="inbox" />
			<MailTable
				project={project}
				status="caught"
				label="Development inbox"
				columns={CAUGHT}
				open={(id) => void navigate({ search: { mail: id } })}
				empty={
					<Empty icon={<IconInbox />} title="No mail was caught">
						Where neither the project nor the instance has a mail server, mails end here: open one
						to follow its link. They are kept for seven days.
					</Empty>
				}
			/>
			<MailDrawer project={project} id={mail} close={() => void navigate({ search: {} })} />
		</Page>
	);
}

/** Every mail, with what became of it. */
export function MailQueue() {
	const { project } = queue.useParams();
	const { mail, status } = queue.useSearch();
	const navigate = queue.useNavigate();
	return (
		<Page title="Mails" full>
			<MailTabs project={project} at="queue" />
			<Group gap="xs" style={{ overflowX: "auto" }} wrap="nowrap">
				<SegmentedControl
					size="xs"
					aria-label="Status"
					value={status ?? "all"}
					data={["all", ...STATUSES]}
					onChange={(next) =>
						void navigate({ search: { status: next === "all" ? undefined : next } })
					}
				/>
			</Group>
			<MailTable
				project={project}
				status={status}
				label="Mails"
				columns={QUEUE}
				open={(id) => void navigate({ search: (old) => ({ ...old, mail: id }) })}
				empty={
					<Empty icon={<IconMail />} title={status ? `No mail is ${status}` : "No mail yet"}>
						Mails are kept for seven days after they are done.
					</Empty>
				}
			/>
			<MailDrawer project={project} id={mail} close={() => void navigate({ search: { status } })} />
		</Page>
	);
}

function MailTable({
	project,
	status,
	label,
	columns,
	open,
	empty,
}: {
	project: string;
	status?: string;
	label: string;
	columns: readonly Column<Mail>[];
	open: (id: string) => void;
	empty: ReactNode;
}) {
	const query = useInfiniteQuery({
		...mailsQuery(project, status),
		refetchInterval: ({ state }) => (state.error ? false : AGAIN_MS),
	});
	const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
	if (query.error) {
		return <PartError error={query.error} part="mails" retry={() => void query.refetch()} />;
	}
	return (
		<DataTable
			label={label}
			fill
			columns={columns}
			rows={rows}
			rowId={(it) => it.id}
			loading={query.isPending}
			onOpen={(it) => open(it.id)}
			openLabel={(it) => `Open the mail to ${it.recipient}`}
			onEnd={() => {
				if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
			}}
			empty={empty}
		/>
	);
}

function MailDrawer({
	project,
	id,
	close,
}: {
	project: string;
	id: string | undefined;
	close: () => void;
}) {
	return (
		<Drawer
			opened={id !== undefined}
			onClose={close}
			position="right"
			size={620}
			title="Mail"
			closeButtonProps={{ "aria-label": "Close" }}
		>
			{id !== undefined && <Detail key={id} project={project} id={id} />}
		</Drawer>
	);
}

function Detail({ project, id }: { project: string; id: string }) {
	const query = useQuery(mailQuery(project, id));
	if (query.isPending) return <Loading />;
	if (query.error) return <ProblemAlert error={query.error} retry={() => void query.refetch()} />;
	const mail = query.data;
	return (
		<Stack>
			<Group gap="xs">
				<Badge size="lg" color={COLOURS[mail.status] ?? "gray"}>
					{mail.status}
				</Badge>
				<Ago time={mail.created_at} />
			</Group>
			<div>
				<Text size="sm" c="dimmed">
					{what(mail)}, in {mail.language}, to
				</Text>
				<CopyText value={mail.recipient} label="Copy the address" />
			</div>
			{mail.reason && (
				<Alert color={mail.status === "failed" ? "red" : "orange"} icon={<IconInfoCircle />}>
					{mail.reason}
				</Alert>
			)}
			{mail.subject == null ? (
				<Text size="sm" c="dimmed">
					What it says is not kept: only mails that the development inbox caught can be read.
				</Text>
			) : (
				<Content mail={mail} />
			)}
		</Stack>
	);
}

function Content({ mail }: { mail: MailContent }) {
	const html = mail.html ?? "";
	const links = useMemo(() => linksOf(html), [html]);
	return (
		<>
			<Text component="h3" fw={620} fz="lg">
				{mail.subject}
			</Text>
			{links.length > 0 && (
				<List size="sm" listStyleType="none" aria-label="Links of the mail">
					{links.map(({ url, label }) => (
						<List.Item key={url}>
							<Group gap={4} wrap="nowrap">
								<Anchor href={url} target="_blank" rel="noreferrer" size="sm" truncate>
									{label}
								</Anchor>
								<CopyIcon value={url} label={`Copy the link “${label}”`} />
							</Group>
						</List.Item>
					))}
				</List>
			)}
			<Tabs defaultValue="html" keepMounted={false}>
				<Tabs.List mb="sm">
					<Tabs.Tab value="html">HTML</Tabs.Tab>
					<Tabs.Tab value="text">Text</Tabs.Tab>
				</Tabs.List>
				<Tabs.Panel value="html">
					<HtmlFrame html={html} title="The mail as HTML" />
				</Tabs.Panel>
				<Tabs.Panel value="text">
					<Text
						component="pre"
						size="sm"
						ff="monospace"
						m={0}
						tabIndex={0}
						aria-label="The mail as text"
						role="region"
						style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
					>
						{mail.text}
					</Text>
				</Tabs.Panel>
			</Tabs>
		</>
	);
}
