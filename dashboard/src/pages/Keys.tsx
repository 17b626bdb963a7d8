// The keys by which other servers act in a project.

import {
	Alert,
	Badge,
	Button,
	Code,
	Group,
	Modal,
	Select,
	Stack,
	TagsInput,
	Text,
	TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle, IconKey, IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { createKey, deleteKey, keysQuery, type NewProjectKey, type ProjectKey } from "../api/admin";
import { keys } from "../api/keys";
import { pointer } from "../api/problem";
import { useSubmit } from "../forms/useSubmit";
import { type Column, DataTable } from "../table/DataTable";
import { useConfirm } from "../ui/Confirm";
import { CopyIcon } from "../ui/Copy";
import { Empty, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Ago } from "../ui/Time";

const route = getRouteApi("/shell/projects/$project/keys");

const SCOPES = [
	"*",
	"records.*",
	"records.read",
	"records.write",
	"collections.read",
	"collections.write",
	"buckets.read",
	"buckets.write",
	"files.read",
	"files.write",
	"messages.read",
	"messages.send",
	"devices.read",
	"settings.read",
	"settings.write",
	"audit.read",
];

const EXPIRIES = [
	{ value: "7", label: "In 7 days" },
	{ value: "30", label: "In 30 days" },
	{ value: "90", label: "In 90 days" },
	{ value: "365", label: "In a year" },
	{ value: "never", label: "Never" },
];

export function Keys() {
	const { project } = route.useParams();
	const client = useQueryClient();
	const confirm = useConfirm();
	const list = useQuery(keysQuery(project));
	const [open, { open: show, close }] = useDisclosure(false);
	const revoke = useMutation({
		mutationFn: (key: ProjectKey) => deleteKey(project, key.id),
		onSuccess: async (_, key) => {
			await client.invalidateQueries({ queryKey: keys.of(project).keys });
			tellDone(`${key.name} is revoked.`);
		},
		onError: tellProblem,
	});
	const ask = async (key: ProjectKey) => {
		const yes = await confirm({
			title: `Revoke ${key.name}?`,
			body: "Whoever uses it is refused from now on. It cannot be brought back.",
			action: "Revoke",
			danger: true,
		});
		if (yes) revoke.mutate(key);
	};
	const columns: Column<ProjectKey>[] = [
		{
			id: "name",
			header: "Name",
			size: 180,
			cell: (it) => (
				<Text span fw={600} size="sm">
					{it.name}
				</Text>
			),
		},
		{
			id: "scopes",
			header: "Scopes",
			size: 260,
			cell: (it) => (
				<Group gap={4} wrap="nowrap">
					{it.scopes.map((scope) => (
						<Badge key={scope} color={scope === "*" ? "orange" : "gray"} ff="monospace">
							{scope}
						</Badge>
					))}
				</Group>
			),
		},
		{
			id: "expires_at",
			header: "Ends",
			size: 130,
			cell: (it) =>
				it.expires_at ? (
					<Ago time={it.expires_at} />
				) : (
					<Text span size="sm" c="dimmed">
						never
					</Text>
				),
		},
		{
			id: "last_used_at",
			header: "Last used",
			size: 130,
			cell: (it) =>
				it.last_used_at ? (
					<Ago time={it.last_used_at} />
				) : (
					<Text span size="sm" c="dimmed">
						never
					</Text>
				),
		},
		{ id: "created_at", header: "Made", size: 130, cell: (it) => <Ago time={it.created_at} /> },
		{
			id: "act",
			header: "",
			size: 90,
			align: "right",
			cell: (it) => (
				<Button
					size="compact-xs"
					variant="subtle"
					color="red"
					aria-label={`Revoke ${it.name}`}
					onClick={() => void ask(it)}
				>
					Revoke
				</Button>
			),
		},
	];
	return (
		<Page
			title="Keys"
			description="A key lets a server of yours act in this project without a user. It passes all rules, within its scopes."
			actions={
				<Button leftSection={<IconPlus size={16} />} onClick={show}>
					New key
				</Button>
			}
		>
			<ProblemAlert error={list.error} retry={() => void list.refetch()} />
			<DataTable
				label="Keys"
				columns={columns}
				rows={list.data ?? []}
				rowId={(it) => it.id}
				loading={list.isPending}
				empty={!list.error && <Empty icon={<IconKey />} title="No key yet" />}
			/>
			<Modal
				opened={open}
				onClose={close}
				title="New key"
				closeButtonProps={{ "aria-label": "Close" }}
				closeOnClickOutside={false}
				size="lg"
			>
				<NewKey project={project} close={close} />
			</Modal>
		</Page>
	);
}

function NewKey({ project, close }: { project: string; close: () => void }) {
	const client = useQueryClient();
	const [made, setMade] = useState<NewProjectKey>();
	const form = useForm({ initialValues: { name: "", scopes: [] as string[], days: "90" } });
	const submit = useSubmit(form, {
		send: ({ name, scopes, days }) =>
			createKey(project, {
				name,
				scopes,
				expires_at:
					days === "never" ? null : new Date(Date.now() + Number(days) * 86_400_000).toISOString(),
			}),
		done: async (key) => {
			setMade(key);
			await client.invalidateQueries({ queryKey: keys.of(project).keys });
		},
		// A fault of one scope is told at the list of them.
		rename: (name) =>
			name.startsWith("scopes.") ? "scopes" : name === "expires_at" ? "days" : name,
	});
	if (made) {
		return (
			<Stack>
				<Alert color="orange" icon={<IconAlertTriangle />} title="Copy the key now">
					It is shown here and never again: only its hash is kept.
				</Alert>
				<Group gap="xs" wrap="nowrap">
					<Code block style={{ flex: 1, overflowX: "auto" }} data-testid="key">
						{made.key}
					</Code>
					<CopyIcon value={made.key} label="Copy the key" />
				</Group>
				<Button onClick={close} style={{ alignSelf: "flex-end" }}>
					I have copied it
				</Button>
			</Stack>
		);
	}
	return (
		<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
			<Stack>
				<ProblemAlert
					error={submit.error}
					shown={(path) => ["name", "scopes", "expires_at"].includes(pointer(path)[0] ?? "")}
				/>
				<TextInput
					label="Name"
					placeholder="Warehouse"
					required
					data-autofocus
					{...form.getInputProps("name")}
				/>
				<TagsInput
					label="Scopes"
					description="Give it no more than it needs. A star is everything in this project."
					placeholder="records.read"
					data={SCOPES}
					required
					{...form.getInputProps("scopes")}
				/>
				<Select
					label="Ends"
					data={EXPIRIES}
					allowDeselect={false}
					{...form.getInputProps("days")}
				/>
				<Button type="submit" loading={submit.isPending} style={{ alignSelf: "flex-end" }}>
					Create key
				</Button>
			</Stack>
		</form>
	);
}
