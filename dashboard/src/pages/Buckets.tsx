// The buckets of a project.

import {
	Badge,
	Button,
	Drawer,
	Group,
	NumberInput,
	Radio,
	Stack,
	TagsInput,
	Text,
	TextInput,
	Title,
} from "@mantine/core";
import { IconFiles, IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { type Bucket, bucketsQuery, createBucket, deleteBucket, updateBucket } from "../api/files";
import { keys } from "../api/keys";
import { asProblem, isMissingRoute, messagesByField, pointer } from "../api/problem";
import { ACTIONS, type Action, type Field, type Rules } from "../api/schema";
import { NO_RULES, opened } from "../forms/definitions";
import { RulesInput } from "../forms/RuleInput";
import { type Column, DataTable } from "../table/DataTable";
import { useConfirm } from "../ui/Confirm";
import { mono } from "../ui/mono";
import { PartError } from "../ui/NotHere";
import { Empty, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { sizeText } from "../ui/size";
import { Passes } from "./Collections";
import { openToWorld } from "./openToWorld";

const route = getRouteApi("/shell/projects/$project/files");

/** What a bucket's rules may name. */
const FILE_FIELDS: Field[] = [
	{ name: "id", type: "id" },
	{ name: "bucket", type: "text" },
	{ name: "path", type: "text" },
	{ name: "size_bytes", type: "number" },
	{ name: "content_type", type: "text" },
	{ name: "uploader", type: "relation", collection: "users" },
	{ name: "created_at", type: "datetime" },
	{ name: "updated_at", type: "datetime" },
];

export function Buckets() {
	const { project } = route.useParams();
	const navigate = route.useNavigate();
	const buckets = useQuery(bucketsQuery(project));
	const [edited, setEdited] = useState<Bucket | "new">();
	const isMissing = isMissingRoute(buckets.error);
	const columns: Column<Bucket>[] = [
		{
			id: "name",
			header: "Name",
			size: 200,
			cell: (it) => (
				<Text span fw={600} size="sm">
					{it.name}
				</Text>
			),
		},
		{ id: "kind", header: "Kind", size: 120, cell: (it) => <Badge color="gray">{it.kind}</Badge> },
		{ id: "view", header: "Read", size: 110, cell: (it) => <Passes rule={it.rules.view} /> },
		{ id: "create", header: "Upload", size: 110, cell: (it) => <Passes rule={it.rules.create} /> },
		{
			id: "limits",
			header: "Limits",
			size: 220,
			cell: (it) =>
				[
					it.limits.size_bytes_max ? `up to ${sizeText(it.limits.size_bytes_max)}` : "",
					it.limits.content_types?.join(", ") ?? "",
				]
					.filter(Boolean)
					.join(" · "),
		},
		{
			id: "act",
			header: "",
			size: 90,
			align: "right",
			cell: (it) => (
				<Button
					size="compact-xs"
					variant="subtle"
					aria-label={`Rules of ${it.name}`}
					onClick={() => setEdited(it)}
				>
					Rules
				</Button>
			),
		},
	];
	return (
		<Page
			title="Files"
			description="Buckets hold files. An attachment lives as long as a record's field holds it; other files until they are deleted."
			actions={
				!isMissing && (
					<Button leftSection={<IconPlus size={16} />} onClick={() => setEdited("new")}>
						New bucket
					</Button>
				)
			}
		>
			<PartError error={buckets.error} part="files" retry={() => void buckets.refetch()} />
			{!buckets.error && (
				<DataTable
					label="Buckets"
					columns={columns}
					rows={buckets.data ?? []}
					rowId={(it) => it.name}
					loading={buckets.isPending}
					onOpen={(it) =>
						void navigate({
							to: "/projects/$project/files/$bucket",
							params: { project, bucket: it.name },
						})
					}
					openLabel={(it) => `Browse ${it.name}`}
					empty={
						<Empty icon={<IconFiles />} title="No bucket yet">
							Make one for public pictures, another for what belongs to records.
						</Empty>
					}
				/>
			)}
			<Drawer
				opened={edited !== undefined}
				onClose={() => setEdited(undefined)}
				position="right"
				size={600}
				title={edited === "new" ? "New bucket" : edited?.name}
				closeButtonProps={{ "aria-label": "Close" }}
			>
				{edited && (
					<BucketForm
						key={edited === "new" ? "new" : edited.name}
						project={project}
						bucket={edited === "new" ? undefined : edited}
						close={() => setEdited(undefined)}
					/>
				)}
			</Drawer>
		</Page>
	);
}

const MIB = 1024 * 1024;

function BucketForm({
	project,
	bucket,
	close,
}: {
	project: string;
	bucket: Bucket | undefined;
	close: () => void;
}) {
	const client = useQueryClient();
	const confirm = useConfirm();
	const [name, setName] = useState(bucket?.name ?? "");
	const [kind, setKind] = useState<Bucket["kind"]>(bucket?.kind ?? "files");
	const [rules, setRules] = useState<Rules>({ ...NO_RULES, ...bucket?.rules });
	const [size, setSize] = useState<number | string>(
		bucket?.limits.size_bytes_max ? bucket.limits.size_bytes_max / MIB : "",
	);
	const [types, setTypes] = useState(bucket?.limits.content_types ?? []);
	const save = useMutation({
		mutationFn: () => {
			const limits = {
				size_bytes_max: size === "" ? null : Math.round(Number(size) * MIB),
				content_types: types.length > 0 ? types : null,
			};
			return bucket
				? updateBucket(project, bucket.name, { rules, limits })
				: createBucket(project, { name: name.trim(), kind, rules, limits });
		},
		onSuccess: async (saved) => {
			await client.invalidateQueries({ queryKey: keys.of(project).buckets });
			tellDone(bucket ? "The bucket was changed." : `The bucket ${saved.name} is ready.`);
			close();
		},
	});
	const remove = useMutation({
		mutationFn: async () => bucket && deleteBucket(project, bucket.name),
		onSuccess: async () => {
			await client.invalidateQueries({ queryKey: keys.of(project).buckets });
			tellDone("The bucket was deleted.");
			close();
		},
		onError: tellProblem,
	});
	const messages = save.error ? messagesByField(asProblem(save.error).errors) : {};
	const faults: Partial<Record<Action, string>> = Object.fromEntries(
		ACTIONS.flatMap((action) => {
			const message = messages[`rules.${action}`];
			return message ? [[action, message]] : [];
		}),
	);
	const submit = async () => {
		const actions = opened(bucket?.rules, rules);
		if (actions.length > 0 && !(await confirm(openToWorld(name || "the bucket", actions)))) return;
		save.mutate();
	};
	const ask = async () => {
		const yes = await confirm({
			title: `Delete the bucket ${name}?`,
			body: "Only an empty bucket can be deleted.",
			action: "Delete bucket",
			danger: true,
		});
		if (yes) remove.mutate();
	};
	const shown = new Set(["name", "kind", "rules", "limits"]);
	return (
		<form
			noValidate
			onSubmit={(event) => {
				event.preventDefault();
				void submit();
			}}
		>
			<Stack gap="lg">
				<ProblemAlert error={save.error} shown={(path) => shown.has(pointer(path)[0] ?? "")} />
				{!bucket && (
					<>
						<TextInput
							label="Name"
							placeholder="posters"
							classNames={mono}
							required
							data-autofocus
							value={name}
							onChange={(event) => setName(event.currentTarget.value)}
							error={messages.name}
						/>
						<Radio.Group
							label="Kind"
							value={kind}
							onChange={(next) => setKind(next as Bucket["kind"])}
							error={messages.kind}
						>
							<Stack gap="xs" mt="xs">
								<Radio value="files" label="Files" description="Live until they are deleted." />
								<Radio
									value="attachments"
									label="Attachments"
									description="Belong to a record's field and go with it."
								/>
							</Stack>
						</Radio.Group>
					</>
				)}
				<Group grow align="flex-start">
					<NumberInput
						label="Largest file"
						description="MiB"
						placeholder="the server's limit"
						min={0}
						hideControls
						value={size}
						onChange={setSize}
						error={messages["limits.size_bytes_max"]}
					/>
					<TagsInput
						label="Types"
						description="None: all"
						placeholder="image/*"
						value={types}
						onChange={setTypes}
						error={messages["limits.content_types"] ?? messages["limits.content_types.0"]}
					/>
				</Group>
				<section>
					<Title order={2} mb="sm">
						Rules
					</Title>
					<RulesInput rules={rules} onChange={setRules} fields={FILE_FIELDS} faults={faults} />
				</section>
				<Group justify="space-between">
					{bucket ? (
						<Button
							variant="subtle"
							color="red"
							loading={remove.isPending}
							onClick={() => void ask()}
						>
							Delete
						</Button>
					) : (
						<span />
					)}
					<Button type="submit" loading={save.isPending}>
						{bucket ? "Save" : "Create bucket"}
					</Button>
				</Group>
			</Stack>
		</form>
	);
}
