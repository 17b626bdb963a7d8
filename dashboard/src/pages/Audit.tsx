// The audit log, of the instance or of one project: who changed what.

import { Button, Drawer, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconHistory, IconRefresh, IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type AuditEntry, auditQuery } from "../api/admin";
import { type Column, DataTable } from "../table/DataTable";
import { Actor } from "../ui/Actor";
import { CopyText, Snippet } from "../ui/Copy";
import { Empty, Page } from "../ui/Page";
import { ProblemAlert } from "../ui/Problem";
import { stamp } from "../ui/Time";

const route = getRouteApi("/shell/projects/$project/audit");

export const InstanceAudit = () => <Audit />;

export function ProjectAudit() {
	return <Audit project={route.useParams().project} />;
}

const columns: Column<AuditEntry>[] = [
	{
		id: "at",
		header: "Time",
		size: 165,
		cell: (it) => <time dateTime={it.at}>{stamp(it.at)}</time>,
	},
	{
		id: "action",
		header: "Act",
		size: 170,
		cell: (it) => (
			<Text span ff="monospace" size="sm">
				{it.action}
			</Text>
		),
	},
	{
		id: "target",
		header: "Target",
		size: 200,
		cell: (it) => <span title={it.target}>{it.target}</span>,
	},
	{
		id: "actor",
		header: "Who",
		size: 200,
		cell: (it) => <Actor actor={it.actor} />,
	},
	{ id: "network", header: "From", size: 120, cell: (it) => it.network },
];

function Audit({ project }: { project?: string }) {
	const query = useInfiniteQuery(auditQuery(project));
	const [words, setWords] = useState("");
	const [entry, setEntry] = useState<AuditEntry>();
	const [open, { open: show, close }] = useDisclosure(false);
	const all = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
	const rows = useMemo(() => {
		const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
		return all.filter((it) => {
			const text =
				`${it.action} ${it.target} ${it.actor} ${it.network} ${it.request_id}`.toLowerCase();
			return wanted.every((word) => text.includes(word));
		});
	}, [all, words]);
	return (
		<Page
			title="Audit log"
			full
			description={
				project === undefined
					? "Acts at the instance, newest first: sign-ins, projects, operators, keys."
					: "Acts in the project, newest first: collections, rules, settings."
			}
			actions={
				<Button
					variant="default"
					leftSection={<IconRefresh size={16} />}
					loading={query.isRefetching}
					onClick={() => void query.refetch()}
				>
					Read again
				</Button>
			}
		>
			<TextInput
				aria-label="Search in what is loaded"
				placeholder="Search in what is loaded"
				leftSection={<IconSearch size={15} />}
				maw={360}
				value={words}
				onChange={(event) => setWords(event.currentTarget.value)}
			/>
			<ProblemAlert error={query.error} retry={() => void query.refetch()} />
			<DataTable
				label="Acts"
				fill
				columns={columns}
				rows={rows}
				rowId={(it) => it.id}
				loading={query.isPending}
				onOpen={(it) => {
					setEntry(it);
					show();
				}}
				openLabel={(it) => `Open ${it.action} ${it.target}`}
				onEnd={() => {
					if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
				}}
				empty={
					!query.error && (
						<Empty
							icon={<IconHistory />}
							title={words ? "Nothing loaded fits" : "Nothing was done yet"}
						>
							{words && query.hasNextPage && (
								<Button variant="light" mt="xs" onClick={() => void query.fetchNextPage()}>
									Load older acts
								</Button>
							)}
						</Empty>
					)
				}
			/>
			<Drawer
				opened={open}
				onClose={close}
				position="right"
				size={520}
				title={entry && `${entry.action} ${entry.target}`}
				closeButtonProps={{ "aria-label": "Close" }}
			>
				{entry && (
					<Stack gap="sm">
						<Text size="sm">
							{stamp(entry.at)} from {entry.network}
						</Text>
						{entry.actor && <CopyText value={entry.actor} label="Copy who" />}
						<CopyText value={entry.request_id} label="Copy the request's id" />
						<Snippet label="Details" code={JSON.stringify(entry.detail, null, 2)} />
					</Stack>
				)}
			</Drawer>
		</Page>
	);
}
