// The request log, of the instance or of one project.

import { Badge, Button, Group, SegmentedControl, Select, Text, TextInput } from "@mantine/core";
import { IconListDetails, IconRefresh } from "@tabler/icons-react";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type LoggedRequest, projectsQuery, requestsQuery } from "../api/admin";
import { type Column, DataTable } from "../table/DataTable";
import { Actor } from "../ui/Actor";
import { CopyText } from "../ui/Copy";
import { Empty, Page } from "../ui/Page";
import { ProblemAlert } from "../ui/Problem";
import { stamp } from "../ui/Time";

const instanceRoute = getRouteApi("/shell/requests");
const projectRoute = getRouteApi("/shell/projects/$project/requests");

export function InstanceRequests() {
	const { project, status } = instanceRoute.useSearch();
	const navigate = instanceRoute.useNavigate();
	return (
		<Requests
			project={project}
			status={status}
			choose={(change) =>
				void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
			}
			isInstance
		/>
	);
}

export function ProjectRequests() {
	const { project } = projectRoute.useParams();
	const { status } = projectRoute.useSearch();
	const navigate = projectRoute.useNavigate();
	return (
		<Requests
			project={project}
			status={status}
			choose={({ status }) => void navigate({ search: { status }, replace: true })}
		/>
	);
}

const tone = (status: number) =>
	status >= 500 ? "red" : status >= 400 ? "orange" : status >= 300 ? "gray" : "teal";

const CLASSES = ["2xx", "4xx", "5xx"];

function Requests({
	project,
	status,
	choose,
	isInstance = false,
}: {
	project?: string;
	status?: string;
	choose: (change: { project?: string; status?: string }) => void;
	isInstance?: boolean;
}) {
	const { data: projects = [] } = useQuery(projectsQuery);
	const query = useInfiniteQuery(requestsQuery({ project, status }));
	const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data]);
	const [exact, setExact] = useState(
		status !== undefined && !CLASSES.includes(status) ? status : "",
	);
	const columns: Column<LoggedRequest>[] = [
		{
			id: "at",
			header: "Time",
			size: 165,
			cell: (it) => <time dateTime={it.at}>{stamp(it.at)}</time>,
		},
		{
			id: "status",
			header: "Status",
			size: 80,
			cell: (it) => (
				<Badge color={tone(it.status)} className="tabular">
					{it.status}
				</Badge>
			),
		},
		{
			id: "request",
			header: "Request",
			size: 340,
			cell: (it) => (
				<Text span size="sm" ff="monospace" truncate title={`${it.method} ${it.path}`}>
					<Text span c="dimmed" size="sm" ff="monospace" inherit>
						{it.method}
					</Text>{" "}
					{it.path}
				</Text>
			),
		},
		...(isInstance
			? [
					{
						id: "project",
						header: "Project",
						size: 110,
						cell: (it: LoggedRequest) => it.project ?? "–",
					},
				]
			: []),
		{ id: "code", header: "Problem", size: 150, cell: (it) => it.code ?? "" },
		{
			id: "duration",
			header: "Took",
			size: 90,
			align: "right",
			cell: (it) => `${(it.duration_us / 1000).toFixed(it.duration_us < 10_000 ? 2 : 0)} ms`,
		},
		{
			id: "actor",
			header: "Who",
			size: 150,
			cell: (it) => <Actor actor={it.actor} project={it.project ?? undefined} />,
		},
		{
			id: "request_id",
			header: "Id",
			size: 180,
			cell: (it) => <CopyText value={it.request_id} label="Copy the request's id" size="xs" />,
		},
	];
	return (
		<Page
			title="Request log"
			full
			description="What this node answered, newest first. At most 200 of a second are kept; never bodies, tokens or query values."
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
			<Group gap="xs">
				{isInstance && (
					<Select
						aria-label="Project"
						placeholder="All projects"
						clearable
						clearButtonProps={{ "aria-label": "All projects" }}
						data={projects.map(({ id }) => id)}
						value={project ?? null}
						onChange={(next) => choose({ project: next ?? undefined })}
						w={180}
					/>
				)}
				<SegmentedControl
					aria-label="Class of status"
					value={status === undefined ? "all" : CLASSES.includes(status) ? status : ""}
					onChange={(next) => {
						setExact("");
						choose({ status: next === "all" ? undefined : next });
					}}
					data={[{ value: "all", label: "All" }, ...CLASSES]}
				/>
				<form
					noValidate
					onSubmit={(event) => {
						event.preventDefault();
						choose({ status: exact.trim() === "" ? undefined : exact.trim() });
					}}
				>
					<TextInput
						aria-label="One status"
						placeholder="Status, such as 404"
						inputMode="numeric"
						w={170}
						value={exact}
						onChange={(event) => setExact(event.currentTarget.value)}
					/>
				</form>
			</Group>
			<ProblemAlert error={query.error} retry={() => void query.refetch()} />
			<DataTable
				label="Requests"
				fill
				columns={columns}
				rows={rows}
				rowId={(it) => it.id}
				loading={query.isPending}
				onEnd={() => {
					if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
				}}
				empty={
					!query.error && (
						<Empty icon={<IconListDetails />} title="No request here">
							Requests appear a moment after they were answered.
						</Empty>
					)
				}
			/>
		</Page>
	);
}
