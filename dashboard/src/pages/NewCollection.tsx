// A new collection: name, fields, indexes, rules.

import { Button, Group, Paper, Stack, TextInput, Title } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { keys } from "../api/keys";
import { createCollection, type Rules } from "../api/schema";
import {
	collectionOf,
	type FieldDraft,
	type IndexDraft,
	NO_RULES,
	newField,
	opened,
} from "../forms/definitions";
import { FieldsInput, IndexesInput } from "../forms/FieldsInput";
import { collectionFaults } from "../forms/faults";
import { RulesInput } from "../forms/RuleInput";
import { useConfirm } from "../ui/Confirm";
import { mono } from "../ui/mono";
import { Page } from "../ui/Page";
import { ProblemAlert, tellDone } from "../ui/Problem";
import { openToWorld } from "./openToWorld";

const route = getRouteApi("/shell/projects/$project/new-collection");

export function NewCollection() {
	const { project } = route.useParams();
	const navigate = route.useNavigate();
	const client = useQueryClient();
	const confirm = useConfirm();
	const [name, setName] = useState("");
	const [fields, setFields] = useState<FieldDraft[]>(() => [newField()]);
	const [indexes, setIndexes] = useState<IndexDraft[]>([]);
	const [rules, setRules] = useState<Rules>(NO_RULES);
	const create = useMutation({
		mutationFn: () => createCollection(project, collectionOf(name, fields, indexes, rules)),
		onSuccess: async (made) => {
			await client.invalidateQueries({ queryKey: keys.of(project).collections });
			tellDone(`The collection ${made.name} is ready.`);
			await navigate({
				to: "/projects/$project/records/$collection",
				params: { project, collection: made.name },
			});
		},
	});
	const faults = collectionFaults(create.error);
	const submit = async () => {
		const actions = opened(undefined, rules);
		if (actions.length > 0 && !(await confirm(openToWorld(name || "the collection", actions))))
			return;
		create.mutate();
	};
	return (
		<Page
			title="New collection"
			description="It has an API the moment it is made, documented and typed."
		>
			<form
				noValidate
				onSubmit={(event) => {
					event.preventDefault();
					void submit();
				}}
			>
				<Stack gap="lg">
					<ProblemAlert error={create.error} shown={faults.shown} />
					<TextInput
						label="Name"
						description="In plural: its records are reached at /v1/records/name."
						placeholder="reviews"
						classNames={mono}
						maw={360}
						required
						data-autofocus
						value={name}
						onChange={(event) => setName(event.currentTarget.value)}
						error={faults.at("name")}
					/>
					<section>
						<Title order={2} mb="sm">
							Fields
						</Title>
						<FieldsInput
							project={project}
							own={name.trim()}
							fields={fields}
							onChange={setFields}
							errorOf={(path) => faults.at(`fields.${path}`)}
						/>
					</section>
					<section>
						<Title order={2} mb="sm">
							Indexes
						</Title>
						<IndexesInput
							names={fields.map((field) => field.name.trim())}
							indexes={indexes}
							onChange={setIndexes}
							errorOf={(path) => faults.at(`indexes.${path}`)}
						/>
					</section>
					<section>
						<Title order={2} mb="sm">
							Rules
						</Title>
						<Paper withBorder p="md">
							<RulesInput
								rules={rules}
								onChange={setRules}
								faults={faults.rules}
								fields={fields.map((field) => ({
									name: field.name.trim(),
									type: field.type,
									collection: field.type === "relation" ? field.collection : undefined,
								}))}
							/>
						</Paper>
					</section>
					<Group justify="flex-end">
						<Button type="submit" loading={create.isPending}>
							Create collection
						</Button>
					</Group>
				</Stack>
			</form>
		</Page>
	);
}
