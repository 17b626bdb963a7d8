// One record: its form, what somebody else did to it meanwhile, and what can be done with it.

import {
	Alert,
	Box,
	Button,
	Divider,
	Drawer,
	Group,
	SimpleGrid,
	Stack,
	Table,
	Tabs,
	Text,
} from "@mantine/core";
import { IconBell, IconTrash, IconUsersGroup } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useCallback, useEffect, useRef, useState } from "react";
import { keys } from "../api/keys";
import { asProblem, messagesByField, pointer } from "../api/problem";
import {
	createRecord,
	deleteRecord,
	type RecordData,
	recordQuery,
	updateRecord,
} from "../api/records";
import { allFields, type Collection } from "../api/schema";
import { FieldInput } from "../forms/FieldInput";
import { labelOf } from "../forms/labels";
import {
	brief,
	changes,
	creation,
	type Difference,
	differences,
	initialValues,
	isWritable,
	rebased,
	type Values,
} from "../forms/values";
import { useConfirm } from "../ui/Confirm";
import { CopyText, Snippet } from "../ui/Copy";
import { LinkButton } from "../ui/links";
import { Loading } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Ago } from "../ui/Time";
import { suggestion } from "./notify";
import classes from "./RecordDrawer.module.css";

/** Another view of a record: what its tab says and shows. */
export interface Beside {
	label: string;
	panel: (id: string) => ReactNode;
}

interface Props {
	project: string;
	collection: Collection;
	collections: readonly Collection[];
	/** The record, `new`, or none. */
	id: string | undefined;
	create?: (close: () => void) => ReactNode;
	more?: Beside;
	onOpen: (id: string) => void;
	onClose: () => void;
}

export function RecordDrawer(props: Props) {
	const { project, collection, id, create, more, onClose } = props;
	const isNew = id === "new";
	// Not a state: a key that is pressed before the next render must find what was just typed.
	const dirty = useRef(false);
	const setDirty = useCallback((is: boolean) => {
		dirty.current = is;
	}, []);
	const confirm = useConfirm();
	const record = useQuery({
		...recordQuery(project, collection.name, id ?? ""),
		enabled: id !== undefined && !isNew,
		refetchOnWindowFocus: false,
	});
	const close = async () => {
		if (dirty.current) {
			const yes = await confirm({
				title: "Leave without saving?",
				body: "What you changed in this form is lost.",
				action: "Leave",
				danger: true,
			});
			if (!yes) return;
		}
		setDirty(false);
		onClose();
	};
	const noun = collection.kind === "users" ? "user" : `record in ${collection.name}`;
	return (
		<Drawer
			opened={id !== undefined}
			onClose={() => void close()}
			position="right"
			size={560}
			title={
				<Text fw={620} truncate maw={430}>
					{isNew ? `New ${noun}` : record.data ? labelOf(record.data, collection) : "Record"}
				</Text>
			}
			closeButtonProps={{ "aria-label": "Close" }}
		>
			{isNew ? (
				(create?.(() => {
					setDirty(false);
					onClose();
				}) ?? <RecordForm {...props} key="new" setDirty={setDirty} />)
			) : record.error ? (
				<ProblemAlert error={record.error} retry={() => void record.refetch()} />
			) : record.data && record.data.id === id ? (
				<Tabs defaultValue="form" keepMounted={false}>
					<Tabs.List mb="md">
						<Tabs.Tab value="form">Fields</Tabs.Tab>
						{more && <Tabs.Tab value="more">{more.label}</Tabs.Tab>}
						<Tabs.Tab value="json">JSON</Tabs.Tab>
					</Tabs.List>
					<Tabs.Panel value="form">
						<RecordForm {...props} key={record.data.id} opened={record.data} setDirty={setDirty} />
					</Tabs.Panel>
					{more && <Tabs.Panel value="more">{more.panel(record.data.id)}</Tabs.Panel>}
					<Tabs.Panel value="json">
						<Snippet label="The record as JSON" code={JSON.stringify(record.data, null, 2)} />
					</Tabs.Panel>
				</Tabs>
			) : (
				id !== undefined && <Loading />
			)}
		</Drawer>
	);
}

interface FormProps extends Props {
	/** The record as it was when the drawer was opened. */
	opened?: RecordData;
	setDirty: (dirty: boolean) => void;
}

function RecordForm({
	project,
	collection,
	collections,
	opened,
	setDirty,
	onOpen,
	onClose,
}: FormProps) {
	const client = useQueryClient();
	const confirm = useConfirm();
	const fields = allFields(collection);
	const writable = fields.filter(isWritable);
	// What the form is a change of. It moves on when somebody else's change is taken in.
	const [base, setBase] = useState(opened);
	const [values, setValues] = useState<Values>(() => initialValues(fields, opened));
	const [errors, setErrors] = useState<Record<string, string>>({});
	const [conflict, setConflict] = useState<{ theirs: RecordData; list: Difference[] }>();
	const isNew = opened === undefined;
	const change = base ? changes(fields, base, values) : creation(fields, values);
	const isDirty = isNew
		? JSON.stringify(values) !== JSON.stringify(initialValues(fields))
		: Object.keys(change).length > 0;
	useEffect(() => setDirty(isDirty), [isDirty, setDirty]);

	const forget = () =>
		client.invalidateQueries({ queryKey: [...keys.of(project).records(collection.name), "list"] });
	const save = useMutation({
		mutationFn: async () =>
			base
				? updateRecord(project, collection.name, base.id, change, base._version ?? 0)
				: createRecord(project, collection.name, change),
		onMutate: () => {
			setErrors({});
			setConflict(undefined);
		},
		onSuccess: async (saved) => {
			client.setQueryData(keys.of(project).record(collection.name, saved.id), saved);
			void forget();
			tellDone(isNew ? "The record was made." : "Saved.");
			if (isNew) {
				setDirty(false);
				onOpen(saved.id);
			} else {
				setBase(saved);
				setValues(initialValues(fields, saved));
			}
		},
		onError: async (error) => {
			const problem = asProblem(error);
			setErrors(messagesByField(problem.errors));
			if (problem.code !== "precondition_failed" || !base) return;
			const theirs = await client
				.fetchQuery({ ...recordQuery(project, collection.name, base.id), staleTime: 0 })
				.catch(() => undefined);
			if (theirs) setConflict({ theirs, list: differences(fields, base, theirs, values) });
		},
	});
	const remove = useMutation({
		mutationFn: async (id: string) => deleteRecord(project, collection.name, id),
		onSuccess: () => {
			void forget();
			tellDone("The record was deleted.");
			setDirty(false);
			onClose();
		},
		onError: tellProblem,
	});
	const askToRemove = async (record: RecordData) => {
		const yes = await confirm({
			title: `Delete ${labelOf(record, collection)}?`,
			body: `It is taken out of ${collection.name} for good.`,
			action: "Delete",
			danger: true,
		});
		if (yes) remove.mutate(record.id);
	};
	// What went wrong is brought into sight: the form may be long.
	const form = useRef<HTMLFormElement>(null);
	// biome-ignore lint/correctness/useExhaustiveDependencies: the alert changes when the conflict is known
	useEffect(() => {
		if (!save.error) return;
		const input = form.current?.querySelector<HTMLElement>("[aria-invalid=true]");
		input?.focus({ preventScroll: true });
		(input ?? form.current?.querySelector("[role=alert]"))?.scrollIntoView({ block: "center" });
	}, [save.error, conflict]);
	const known = new Set(writable.map(({ name }) => name));
	const users = fields.filter((field) => field.type === "relation" && field.collection === "users");
	const system = fields.filter((field) => field.system && field.type !== "id");

	return (
		<form
			ref={form}
			className={classes.form}
			noValidate
			onSubmit={(event) => {
				event.preventDefault();
				save.mutate();
			}}
		>
			<Stack gap="md" pb="lg" className={classes.fields}>
				{conflict ? (
					<Conflict
						{...conflict}
						keep={() => {
							if (base) setValues(rebased(fields, base, conflict.theirs, values));
							setBase(conflict.theirs);
							setConflict(undefined);
							save.reset();
						}}
						take={() => {
							setValues(initialValues(fields, conflict.theirs));
							setBase(conflict.theirs);
							setConflict(undefined);
							save.reset();
						}}
					/>
				) : (
					<ProblemAlert error={save.error} shown={(path) => known.has(pointer(path)[0] ?? "")} />
				)}
				{writable.length === 0 && (
					<Text size="sm" c="dimmed">
						The collection has no fields that can be written.
					</Text>
				)}
				{writable.map((field) => (
					<FieldInput
						key={field.name}
						project={project}
						field={field}
						value={values[field.name]}
						isNew={isNew}
						error={errors[field.name]}
						onChange={(value) => {
							setValues((old) => ({ ...old, [field.name]: value }));
							setErrors(({ [field.name]: _, ...rest }) => rest);
						}}
					/>
				))}
				{base && (
					<>
						<Divider />
						<SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm" verticalSpacing={8}>
							<Fact name="id">
								<CopyText value={base.id} label="Copy the id" size="xs" />
							</Fact>
							<Fact name="version">
								<Text size="sm" className="tabular">
									{base._version}
								</Text>
							</Fact>
							{system.map((field) => (
								<Fact key={field.name} name={field.name}>
									{field.type === "datetime" ? (
										<Ago time={String(base[field.name])} />
									) : (
										<Text size="sm" truncate>
											{typeof base[field.name] === "boolean"
												? base[field.name]
													? "yes"
													: "no"
												: String(base[field.name] ?? "–")}
										</Text>
									)}
								</Fact>
							))}
						</SimpleGrid>
						<Group gap="xs">
							{users
								.filter((field) => typeof base[field.name] === "string")
								.map((field) => (
									<LinkButton
										key={field.name}
										variant="default"
										size="xs"
										leftSection={<IconBell size={15} />}
										to="/projects/$project/push"
										params={{ project }}
										search={{
											user: String(base[field.name]),
											...suggestion(base, collection, collections),
										}}
									>
										{users.length === 1 ? "Notify user…" : `Notify ${field.name}…`}
									</LinkButton>
								))}
							{collection.kind === "users" && (
								<LinkButton
									variant="default"
									size="xs"
									leftSection={<IconBell size={15} />}
									to="/projects/$project/push"
									params={{ project }}
									search={{ user: base.id }}
								>
									Notify user…
								</LinkButton>
							)}
							<Button
								variant="subtle"
								color="red"
								size="xs"
								leftSection={<IconTrash size={15} />}
								loading={remove.isPending}
								onClick={() => void askToRemove(base)}
							>
								Delete
							</Button>
						</Group>
					</>
				)}
			</Stack>
			{writable.length > 0 && (
				<Box
					pos="sticky"
					bottom={0}
					mx="calc(var(--mantine-spacing-md) * -1)"
					px="md"
					py="sm"
					bg="var(--mantine-color-body)"
					style={{ borderTop: "1px solid var(--galley-line)", zIndex: 3 }}
				>
					<Group justify="flex-end" gap="xs">
						{isDirty && (
							<Text size="xs" c="dimmed" mr="auto">
								{isNew ? "Not made yet" : `${Object.keys(change).length} changed`}
							</Text>
						)}
						<Button type="submit" loading={save.isPending} disabled={!isNew && !isDirty}>
							{isNew ? "Create" : "Save"}
						</Button>
					</Group>
				</Box>
			)}
		</form>
	);
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
	return (
		<Box miw={0}>
			<Text size="xs" c="dimmed">
				{name}
			</Text>
			{children}
		</Box>
	);
}

function Conflict({
	list,
	keep,
	take,
}: {
	list: Difference[];
	keep: () => void;
	take: () => void;
}) {
	return (
		<Alert
			color="orange"
			role="alert"
			icon={<IconUsersGroup />}
			title="Somebody else changed this record since you opened it"
		>
			<Stack gap="sm">
				{list.length > 0 ? (
					<Table fz="sm" withRowBorders={false} verticalSpacing={2}>
						<Table.Thead>
							<Table.Tr>
								<Table.Th>Field</Table.Th>
								<Table.Th>Now</Table.Th>
								<Table.Th>In this form</Table.Th>
							</Table.Tr>
						</Table.Thead>
						<Table.Tbody>
							{list.map(({ field, theirs, mine }) => (
								<Table.Tr key={field}>
									<Table.Td ff="monospace">{field}</Table.Td>
									<Table.Td>{brief(theirs)}</Table.Td>
									<Table.Td>{brief(mine)}</Table.Td>
								</Table.Tr>
							))}
						</Table.Tbody>
					</Table>
				) : (
					<Text size="sm">No field of this form differs.</Text>
				)}
				<Group gap="xs">
					<Button size="compact-sm" onClick={keep}>
						Keep my changes on top
					</Button>
					<Button size="compact-sm" variant="default" onClick={take}>
						Take the record as it is now
					</Button>
				</Group>
			</Stack>
		</Alert>
	);
}
