// The grid over any collection: filter, sort, columns, pages, selection, and the drawer of one record.

import { Badge, Button, Checkbox, Group, Popover, Select, Stack, Text } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import {
	IconChevronLeft,
	IconChevronRight,
	IconColumns3,
	IconRefresh,
	IconTrash,
} from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { keys } from "../api/keys";
import { asProblem, ProblemError } from "../api/problem";
import { deleteRecord, recordsQuery } from "../api/records";
import { allFields, type Collection, useCollections } from "../api/schema";
import { FilterBar } from "../forms/FilterBar";
import { labelOf } from "../forms/labels";
import { recordColumns } from "../table/cells";
import { DataTable } from "../table/DataTable";
import { useConfirm } from "../ui/Confirm";
import { Empty, Loading, Page } from "../ui/Page";
import { ProblemAlert, tellDone } from "../ui/Problem";
import { type Beside, RecordDrawer } from "./RecordDrawer";

export interface GridSearch {
	filter?: string;
	sort?: string;
	record?: string;
}

interface Props {
	project: string;
	/** The collection. */
	name: string;
	title: string;
	description?: string;
	search: GridSearch;
	setSearch: (change: Partial<GridSearch>) => void;
	actions: ReactNode;
	icon: ReactNode;
	/** Makes a new one in another way than by its fields. */
	create?: (close: () => void) => ReactNode;
	/** What is shown of one beside its fields. */
	more?: Beside;
}

export function RecordGrid(props: Props) {
	const { data, error, refetch, isPending } = useCollections(props.project);
	const collection = data?.find(({ name }) => name === props.name);
	if (isPending) return <Loading />;
	if (error || !collection) {
		const missing = new ProblemError({
			type: "about:blank",
			title: "There is no such collection",
			status: 404,
			code: "collection_not_found",
			detail: `The project has no collection ${props.name}.`,
		});
		return (
			<Page title={props.title}>
				<ProblemAlert error={error ?? missing} retry={() => void refetch()} />
			</Page>
		);
	}
	return <Grid {...props} collection={collection} collections={data ?? []} />;
}

const PAGE_SIZES = ["50", "100", "250", "1000"];

function Grid({
	project,
	title,
	description,
	search,
	setSearch,
	actions,
	icon,
	create,
	more,
	collection,
	collections,
}: Props & { collection: Collection; collections: readonly Collection[] }) {
	const { name } = collection;
	const client = useQueryClient();
	const confirm = useConfirm();
	const fields = useMemo(() => allFields(collection), [collection]);
	const [hiddenList, setHidden] = useLocalStorage<string[]>({
		key: `galley-columns ${project} ${name}`,
		defaultValue: [],
		getInitialValueInEffect: false,
	});
	const hidden = useMemo(() => new Set(hiddenList), [hiddenList]);
	const [limit, setLimit] = useState(100);
	const [cursors, setCursors] = useState<string[]>([]);
	const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());

	// A cursor belongs to one filter and one sort.
	// biome-ignore lint/correctness/useExhaustiveDependencies: they are what makes the cursors void
	useEffect(() => {
		setCursors([]);
		setSelected(new Set());
	}, [search.filter, search.sort, limit]);

	const expand = fields
		.filter((field) => field.type === "relation" && !hidden.has(field.name))
		.slice(0, 16)
		.map((field) => field.name)
		.join(",");
	const query = useQuery(
		recordsQuery(project, name, {
			filter: search.filter,
			sort: search.sort,
			limit,
			cursor: cursors.at(-1),
			expand,
		}),
	);
	const columns = useMemo(
		() => recordColumns(project, collection, collections),
		[project, collection, collections],
	);
	const isFilterFault = query.error !== null && asProblem(query.error).code === "invalid_filter";
	const items = query.error ? [] : (query.data?.items ?? []);
	const total = query.error ? 0 : (query.data?.total ?? 0);
	const from = cursors.length * limit;

	const remove = useMutation({
		mutationFn: async (ids: readonly string[]) => {
			const left: [string, unknown][] = [];
			for (const id of ids) {
				await deleteRecord(project, name, id).catch((error) => left.push([id, error]));
			}
			return { done: ids.length - left.length, left };
		},
		onSuccess: ({ done, left }) => {
			void client.invalidateQueries({ queryKey: keys.of(project).records(name) });
			setSelected(new Set(left.map(([id]) => id)));
			if (done > 0) tellDone(`${done} ${done === 1 ? "record was" : "records were"} deleted.`);
		},
	});
	const askToRemove = async () => {
		const ids = [...selected];
		const yes = await confirm({
			title: `Delete ${ids.length} ${ids.length === 1 ? "record" : "records"}?`,
			body: `They are taken out of ${name} for good.`,
			action: "Delete",
			danger: true,
		});
		if (yes) remove.mutate(ids);
	};
	const labelled = (id: string) => {
		const row = items.find((it) => it.id === id);
		return row ? labelOf(row, collection) : id;
	};

	return (
		<Page
			title={title}
			full
			beside={
				query.data && !query.error ? (
					<Badge color="gray" variant="light" className="tabular">
						{total.toLocaleString("en")}
					</Badge>
				) : null
			}
			description={description}
			actions={actions}
		>
			<Group gap="xs" align="flex-start">
				<FilterBar
					project={project}
					fields={fields}
					value={search.filter}
					onChange={(filter) => setSearch({ filter })}
					error={query.error}
				/>
				<Group gap="xs" wrap="nowrap">
					<ColumnChooser
						fields={fields.map((field) => field.name)}
						hidden={hidden}
						onChange={(next) => setHidden([...next])}
					/>
					<Button
						variant="default"
						px={10}
						aria-label="Read again"
						loading={query.isFetching && !query.isPending}
						onClick={() => void query.refetch()}
					>
						<IconRefresh size={16} />
					</Button>
				</Group>
			</Group>
			{query.error && !isFilterFault && (
				<ProblemAlert error={query.error} retry={() => void query.refetch()} />
			)}
			{remove.data && remove.data.left.length > 0 && (
				<ProblemAlert error={remove.data.left[0]?.[1]}>
					<Text size="sm">
						{remove.data.left.length === 1
							? `${labelled(remove.data.left[0]?.[0] ?? "")} was not deleted.`
							: `${remove.data.left.length} records were not deleted; they are still selected.`}
					</Text>
				</ProblemAlert>
			)}
			<DataTable
				label={title}
				fill
				columns={columns}
				rows={items}
				rowId={(record) => record.id}
				sort={search.sort}
				onSort={(sort) => setSearch({ sort })}
				hidden={hidden}
				selected={selected}
				onSelect={setSelected}
				onOpen={(record) => setSearch({ record: record.id })}
				openLabel={(record) => `Open ${labelOf(record, collection)}`}
				loading={query.isPending}
				empty={
					query.error ? (
						<Empty icon={icon} title="Nothing to show">
							{isFilterFault
								? "The filter cannot be used as it is."
								: "The list could not be read."}
						</Empty>
					) : search.filter !== undefined ? (
						<Empty icon={icon} title="Nothing fits the filter">
							<Button variant="light" mt="xs" onClick={() => setSearch({ filter: undefined })}>
								Clear the filter
							</Button>
						</Empty>
					) : (
						<Empty icon={icon} title={`No ${title.toLowerCase()} yet`}>
							<Button variant="light" mt="xs" onClick={() => setSearch({ record: "new" })}>
								Make the first
							</Button>
						</Empty>
					)
				}
			/>
			<Group justify="space-between" gap="xs" style={{ flex: "none" }}>
				{selected.size > 0 ? (
					<Group gap="xs">
						<Text size="sm">{selected.size} selected</Text>
						<Button
							size="compact-sm"
							variant="light"
							color="red"
							leftSection={<IconTrash size={14} />}
							loading={remove.isPending}
							onClick={() => void askToRemove()}
						>
							Delete
						</Button>
						<Button
							size="compact-sm"
							variant="subtle"
							color="gray"
							onClick={() => setSelected(new Set())}
						>
							Clear
						</Button>
					</Group>
				) : (
					<Text size="sm" c="dimmed" className="tabular" role="status">
						{items.length > 0
							? `${(from + 1).toLocaleString("en")}–${(from + items.length).toLocaleString("en")} of ${total.toLocaleString("en")}`
							: ""}
					</Text>
				)}
				<Group gap="xs" wrap="nowrap">
					<Select
						size="xs"
						w={112}
						aria-label="Records of a page"
						data={PAGE_SIZES.map((size) => ({ value: size, label: `${size} a page` }))}
						value={String(limit)}
						allowDeselect={false}
						onChange={(next) => setLimit(Number(next ?? 100))}
					/>
					<Button.Group>
						<Button
							size="xs"
							variant="default"
							px={8}
							aria-label="Page before"
							disabled={cursors.length === 0}
							onClick={() => setCursors(cursors.slice(0, -1))}
						>
							<IconChevronLeft size={16} />
						</Button>
						<Button
							size="xs"
							variant="default"
							px={8}
							aria-label="Next page"
							disabled={!query.data?.next_cursor || query.isPlaceholderData}
							onClick={() => {
								const next = query.data?.next_cursor;
								if (next) setCursors([...cursors, next]);
							}}
						>
							<IconChevronRight size={16} />
						</Button>
					</Button.Group>
				</Group>
			</Group>
			<RecordDrawer
				project={project}
				collection={collection}
				collections={collections}
				id={search.record}
				create={create}
				more={more}
				onOpen={(record) => setSearch({ record })}
				onClose={() => setSearch({ record: undefined })}
			/>
		</Page>
	);
}

function ColumnChooser({
	fields,
	hidden,
	onChange,
}: {
	fields: readonly string[];
	hidden: ReadonlySet<string>;
	onChange: (hidden: ReadonlySet<string>) => void;
}) {
	return (
		<Popover position="bottom-end" shadow="md" width={220} trapFocus>
			<Popover.Target>
				<Button variant="default" px={10} leftSection={<IconColumns3 size={16} />}>
					Columns
				</Button>
			</Popover.Target>
			<Popover.Dropdown mah={360} style={{ overflowY: "auto" }}>
				<Stack gap={6}>
					{fields.map((field) => (
						<Checkbox
							key={field}
							size="xs"
							label={field}
							checked={!hidden.has(field)}
							onChange={(event) => {
								const next = new Set(hidden);
								event.currentTarget.checked ? next.delete(field) : next.add(field);
								onChange(next);
							}}
						/>
					))}
					<Button
						size="compact-xs"
						variant="subtle"
						disabled={hidden.size === 0}
						onClick={() => onChange(new Set())}
					>
						Show all
					</Button>
				</Stack>
			</Popover.Dropdown>
		</Popover>
	);
}
