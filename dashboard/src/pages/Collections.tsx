// All collections of a project.

import { Badge, Group, Text, Tooltip } from "@mantine/core";
import { IconDatabase, IconPlus } from "@tabler/icons-react";
import { useQueries } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { keys } from "../api/keys";
import { countRecords } from "../api/records";
import { allFields, type Collection, useCollections } from "../api/schema";
import { type Column, DataTable } from "../table/DataTable";
import { LinkButton, LinkText } from "../ui/links";
import { Empty, Page } from "../ui/Page";
import { ProblemAlert } from "../ui/Problem";

const route = getRouteApi("/shell/projects/$project/");

/** Who passes a rule, in a word. */
export function Passes({ rule }: { rule?: string | null }) {
	if (rule == null) return <Badge color="gray">operators</Badge>;
	if (rule.trim() === "true") return <Badge color="orange">everyone</Badge>;
	return (
		<Tooltip
			label={
				<Text span ff="monospace" size="xs">
					{rule}
				</Text>
			}
			multiline
			maw={420}
		>
			<Badge color="sea">by rule</Badge>
		</Tooltip>
	);
}

export function Collections() {
	const { project } = route.useParams();
	const navigate = route.useNavigate();
	const collections = useCollections(project);
	const list = collections.data ?? [];
	const counts = useQueries({
		queries: list.map(({ name }) => ({
			queryKey: [...keys.of(project).records(name), "list", "count"],
			queryFn: () => countRecords(project, name),
		})),
	});
	const countOf = new Map(list.map(({ name }, i) => [name, counts[i]?.data]));
	const columns: Column<Collection>[] = [
		{
			id: "name",
			header: "Name",
			size: 210,
			cell: (it) => (
				<Group gap="xs" wrap="nowrap">
					{it.kind === "users" ? (
						<LinkText to="/projects/$project/users" params={{ project }} fw={600} size="sm">
							{it.name}
						</LinkText>
					) : (
						<LinkText
							to="/projects/$project/records/$collection"
							params={{ project, collection: it.name }}
							fw={600}
							size="sm"
						>
							{it.name}
						</LinkText>
					)}
					{it.kind === "users" && <Badge color="gray">built in</Badge>}
				</Group>
			),
		},
		{
			id: "records",
			header: "Records",
			size: 100,
			align: "right",
			cell: (it) => countOf.get(it.name)?.toLocaleString("en") ?? "",
		},
		{
			id: "fields",
			header: "Fields",
			size: 80,
			align: "right",
			cell: (it) => allFields(it).length,
		},
		{
			id: "list",
			header: "List and view",
			size: 200,
			cell: (it) => <Two a={it.rules.list} b={it.rules.view} />,
		},
		{ id: "create", header: "Create", size: 110, cell: (it) => <Passes rule={it.rules.create} /> },
		{
			id: "change",
			header: "Update and delete",
			size: 200,
			cell: (it) => <Two a={it.rules.update} b={it.rules.delete} />,
		},
	];
	const add = (
		<LinkButton
			to="/projects/$project/new-collection"
			params={{ project }}
			leftSection={<IconPlus size={16} />}
		>
			New collection
		</LinkButton>
	);
	return (
		<Page
			title="Collections"
			description="The tables of the project. A name opens its records, a row its fields and rules."
			actions={add}
		>
			<ProblemAlert error={collections.error} retry={() => void collections.refetch()} />
			<DataTable
				label="Collections"
				columns={columns}
				rows={list}
				rowId={(it) => it.name}
				loading={collections.isPending}
				onOpen={(it) =>
					void navigate({
						to: "/projects/$project/collections/$collection",
						params: { project, collection: it.name },
					})
				}
				openLabel={(it) => `Fields and rules of ${it.name}`}
				empty={<Empty icon={<IconDatabase />} title="No collection yet" />}
			/>
		</Page>
	);
}

const Two = ({ a, b }: { a: string | null; b: string | null }) =>
	a === b ? (
		<Passes rule={a} />
	) : (
		<Group gap={6} wrap="nowrap">
			<Passes rule={a} />
			<Passes rule={b} />
		</Group>
	);
