// One collection: its fields, indexes and rules, and what may be changed of them.

import { Badge, Box, Button, Code, Group, Paper, Stack, Table, Tabs, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { keys } from "../api/keys";
import { ProblemError } from "../api/problem";
import {
	allFields,
	type Collection,
	deleteCollection,
	type Field,
	type Rules,
	updateCollection,
	useCollections,
} from "../api/schema";
import {
	definition,
	type FieldDraft,
	type IndexDraft,
	indexOf,
	opened,
} from "../forms/definitions";
import { FieldsInput, IndexesInput } from "../forms/FieldsInput";
import { collectionFaults } from "../forms/faults";
import { RulesInput } from "../forms/RuleInput";
import { isExpression } from "../forms/values";
import { useConfirm } from "../ui/Confirm";
import { LinkButton } from "../ui/links";
import { Loading, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { openToWorld } from "./openToWorld";

const route = getRouteApi("/shell/projects/$project/collections/$collection");

export function CollectionPage() {
	const { project, collection: name } = route.useParams();
	const { data, error, isPending, refetch } = useCollections(project);
	const collection = data?.find((it) => it.name === name);
	if (isPending) return <Loading />;
	if (error || !collection) {
		const missing = new ProblemError({
			type: "about:blank",
			title: "There is no such collection",
			status: 404,
			code: "collection_not_found",
			detail: `The project has no collection ${name}.`,
		});
		return (
			<Page title={name}>
				<ProblemAlert error={error ?? missing} retry={() => void refetch()} />
			</Page>
		);
	}
	return <Schema key={collection.id} project={project} collection={collection} />;
}

function Schema({ project, collection }: { project: string; collection: Collection }) {
	const client = useQueryClient();
	const confirm = useConfirm();
	const navigate = route.useNavigate();
	const { name } = collection;
	const isUsers = collection.kind === "users";
	const remove = useMutation({
		mutationFn: () => deleteCollection(project, name),
		onSuccess: async () => {
			await client.invalidateQueries({ queryKey: keys.of(project).collections });
			tellDone(`The collection ${name} was deleted.`);
			await navigate({ to: "/projects/$project", params: { project } });
		},
		onError: tellProblem,
	});
	const askToRemove = async () => {
		const yes = await confirm({
			title: `Delete the collection ${name}?`,
			body: "All its records go with it, for good.",
			action: "Delete collection",
			danger: true,
		});
		if (yes) remove.mutate();
	};
	return (
		<Page
			title={name}
			beside={isUsers && <Badge color="gray">built in</Badge>}
			description={
				isUsers
					? "The project's users. What signs them in is kept by the server; your own fields stand beside it."
					: "Fields, indexes and rules."
			}
			actions={
				isUsers ? (
					<LinkButton variant="default" to="/projects/$project/users" params={{ project }}>
						Browse users
					</LinkButton>
				) : (
					<>
						<Button
							variant="subtle"
							color="red"
							loading={remove.isPending}
							onClick={() => void askToRemove()}
						>
							Delete
						</Button>
						<LinkButton
							variant="default"
							to="/projects/$project/records/$collection"
							params={{ project, collection: name }}
						>
							Browse records
						</LinkButton>
					</>
				)
			}
		>
			<Tabs defaultValue="fields" keepMounted={false}>
				<Tabs.List mb="md">
					<Tabs.Tab value="fields">Fields</Tabs.Tab>
					<Tabs.Tab value="rules">Rules</Tabs.Tab>
				</Tabs.List>
				<Tabs.Panel value="fields">
					<Fields project={project} collection={collection} />
				</Tabs.Panel>
				<Tabs.Panel value="rules">
					<RulesForm project={project} collection={collection} />
				</Tabs.Panel>
			</Tabs>
		</Page>
	);
}

/** What a field is, in the words of its definition. */
function kindOf(field: Field): string {
	switch (field.type) {
		case "relation":
			return `relation to ${field.collection}`;
		case "file":
			return `file in ${field.bucket}`;
		case "number":
			return field.format === "integer" ? "number, whole" : "number";
		case "select":
			return `one of ${field.values?.join(", ")}`;
		default:
			return field.type;
	}
}

function limitsOf({ min, max, type }: Field): string {
	const low = type === "text" && min === 0 ? undefined : min;
	if (low !== undefined && max !== undefined) return `${low} to ${max}`;
	if (low !== undefined) return `at least ${low}`;
	return max !== undefined ? `at most ${max}` : "";
}

function Fields({ project, collection }: { project: string; collection: Collection }) {
	const client = useQueryClient();
	const [fields, setFields] = useState<FieldDraft[]>([]);
	const [indexes, setIndexes] = useState<IndexDraft[]>([]);
	const add = useMutation({
		mutationFn: () =>
			updateCollection(project, collection.name, {
				...(fields.length > 0 ? { fields: { add: fields.map(definition) } } : {}),
				...(indexes.length > 0 ? { indexes: { add: indexes.map(indexOf) } } : {}),
			}),
		onSuccess: async () => {
			await client.invalidateQueries({ queryKey: keys.of(project).collections });
			await client.invalidateQueries({ queryKey: keys.of(project).records(collection.name) });
			setFields([]);
			setIndexes([]);
			tellDone("The collection was widened.");
		},
	});
	const faults = collectionFaults(add.error);
	const all = allFields(collection);
	return (
		<Stack gap="lg">
			<Paper
				withBorder
				style={{ overflowX: "auto" }}
				tabIndex={0}
				role="region"
				aria-label="Fields"
			>
				<Table verticalSpacing={7} horizontalSpacing="md" fz="sm" miw={560}>
					<Table.Thead>
						<Table.Tr>
							<Table.Th>Field</Table.Th>
							<Table.Th>Type</Table.Th>
							<Table.Th>Limits</Table.Th>
							<Table.Th>Default</Table.Th>
							<Table.Th>Marks</Table.Th>
						</Table.Tr>
					</Table.Thead>
					<Table.Tbody>
						{all.map((field) => (
							<Table.Tr key={field.name}>
								<Table.Td ff="monospace" fw={field.system ? undefined : 600}>
									{field.name}
								</Table.Td>
								<Table.Td>{kindOf(field)}</Table.Td>
								<Table.Td>{limitsOf(field)}</Table.Td>
								<Table.Td>
									{field.default !== undefined && (
										<Code>
											{isExpression(field.default)
												? `= ${field.default.expression}`
												: JSON.stringify(field.default)}
										</Code>
									)}
								</Table.Td>
								<Table.Td>
									<Group gap={4}>
										{field.system && <Badge color="gray">system</Badge>}
										{field.required && !field.system && <Badge>required</Badge>}
										{field.unique && <Badge color="violet">unique</Badge>}
										{field.hidden && <Badge color="orange">hidden</Badge>}
										{field.read_only && <Badge color="grape">read-only</Badge>}
										{field.write_once && <Badge color="grape">set once</Badge>}
									</Group>
								</Table.Td>
							</Table.Tr>
						))}
					</Table.Tbody>
				</Table>
			</Paper>
			{collection.indexes.length > 0 && (
				<Text size="sm">
					Indexes:{" "}
					{collection.indexes.map((index) => (
						<Code key={index.fields.join()} mr={6}>
							{index.fields.join(", ")}
							{index.unique ? " (unique)" : ""}
						</Code>
					))}
				</Text>
			)}
			<form
				noValidate
				onSubmit={(event) => {
					event.preventDefault();
					add.mutate();
				}}
			>
				<Stack gap="md">
					<ProblemAlert error={add.error} shown={faults.shown} />
					<FieldsInput
						project={project}
						own={collection.name}
						fields={fields}
						onChange={setFields}
						errorOf={(path) => faults.at(`fields.add.${path}`)}
					/>
					<IndexesInput
						names={[...collection.fields, ...fields].map((field) => field.name.trim())}
						indexes={indexes}
						onChange={setIndexes}
						errorOf={(path) => faults.at(`indexes.add.${path}`)}
					/>
					{(fields.length > 0 || indexes.length > 0) && (
						<Group justify="flex-end" gap="xs">
							<Button
								variant="default"
								onClick={() => {
									setFields([]);
									setIndexes([]);
									add.reset();
								}}
							>
								Cancel
							</Button>
							<Button type="submit" loading={add.isPending}>
								Add to the collection
							</Button>
						</Group>
					)}
				</Stack>
			</form>
		</Stack>
	);
}

function RulesForm({ project, collection }: { project: string; collection: Collection }) {
	const client = useQueryClient();
	const confirm = useConfirm();
	const [rules, setRules] = useState<Rules>(collection.rules);
	const changed = Object.entries(rules).filter(
		([action, rule]) => collection.rules[action as keyof Rules] !== rule,
	);
	const save = useMutation({
		mutationFn: () =>
			updateCollection(project, collection.name, { rules: Object.fromEntries(changed) }),
		onSuccess: async (saved) => {
			await client.invalidateQueries({ queryKey: keys.of(project).collections });
			setRules(saved.rules);
			tellDone("The rules are in force.");
		},
	});
	const change = (next: Rules) => {
		setRules(next);
		// A fault belongs to the text that was sent.
		if (!save.isPending) save.reset();
	};
	const faults = collectionFaults(save.error);
	const submit = async () => {
		const actions = opened(collection.rules, rules);
		if (actions.length > 0 && !(await confirm(openToWorld(collection.name, actions)))) return;
		save.mutate();
	};
	return (
		<form
			noValidate
			onSubmit={(event) => {
				event.preventDefault();
				void submit();
			}}
		>
			<Stack gap="md">
				<ProblemAlert error={save.error} shown={faults.shown} />
				<Paper withBorder p="md">
					<RulesInput
						rules={rules}
						onChange={change}
						fields={allFields(collection)}
						faults={faults.rules}
					/>
				</Paper>
				<Box>
					<Group justify="flex-end">
						<Button type="submit" disabled={changed.length === 0} loading={save.isPending}>
							Save rules
						</Button>
					</Group>
				</Box>
			</Stack>
		</form>
	);
}
