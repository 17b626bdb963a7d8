// All projects of the instance, and the making of one.

import { Badge, Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconStack2 } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { createProject, type Project, projectsQuery, sessionQuery } from "../api/admin";
import { keys } from "../api/keys";
import { useSubmit } from "../forms/useSubmit";
import { type Column, DataTable } from "../table/DataTable";
import { mono } from "../ui/mono";
import { Empty, Page } from "../ui/Page";
import { ProblemAlert, tellDone } from "../ui/Problem";
import { Ago } from "../ui/Time";
import { slugOf } from "./slug";

const columns: Column<Project>[] = [
	{
		id: "name",
		header: "Name",
		size: 240,
		cell: (it) => (
			<Text span fw={600} size="sm">
				{it.name}
			</Text>
		),
	},
	{
		id: "id",
		header: "Id",
		size: 160,
		cell: (it) => (
			<Text span ff="monospace" size="sm">
				{it.id}
			</Text>
		),
	},
	{
		id: "status",
		header: "Status",
		size: 110,
		cell: (it) => <Status status={it.status} />,
	},
	{ id: "created_at", header: "Created", size: 130, cell: (it) => <Ago time={it.created_at} /> },
];

export function Status({ status }: { status: string }) {
	return (
		<Badge color={status === "active" ? "teal" : "orange"} variant="dot">
			{status}
		</Badge>
	);
}

export function Projects() {
	const projects = useQuery(projectsQuery);
	const { data: operator } = useQuery(sessionQuery);
	const navigate = useNavigate();
	const [open, { open: show, close }] = useDisclosure(false);
	const mayCreate = operator?.role === "owner";
	const create = mayCreate && (
		<Button leftSection={<IconPlus size={16} />} onClick={show}>
			New project
		</Button>
	);
	return (
		<Page
			title="Projects"
			description="Each project is a backend of its own: users, collections, files and push, in a database of its own."
			actions={create}
		>
			<ProblemAlert error={projects.error} retry={() => void projects.refetch()} />
			<DataTable
				label="Projects"
				columns={columns}
				rows={projects.data ?? []}
				rowId={(it) => it.id}
				loading={projects.isPending}
				onOpen={(it) => void navigate({ to: "/projects/$project", params: { project: it.id } })}
				openLabel={(it) => `Open ${it.name}`}
				empty={
					!projects.error && (
						<Empty icon={<IconStack2 />} title="No project yet">
							{mayCreate
								? "Make one: its database is ready at once."
								: "Ask an owner of this server to give you a role in a project."}
						</Empty>
					)
				}
			/>
			<NewProject open={open} close={close} />
		</Page>
	);
}

function NewProject({ open, close }: { open: boolean; close: () => void }) {
	const client = useQueryClient();
	const navigate = useNavigate();
	const form = useForm({ initialValues: { name: "", id: "" } });
	const submit = useSubmit(form, {
		send: ({ name, id }) => createProject({ id, name: name.trim() || id }),
		done: async (project) => {
			await client.invalidateQueries({ queryKey: keys.projects });
			close();
			form.reset();
			tellDone(`The project ${project.name} is ready.`);
			await navigate({ to: "/projects/$project", params: { project: project.id } });
		},
	});
	return (
		<Modal
			opened={open}
			onClose={close}
			title="New project"
			closeButtonProps={{ "aria-label": "Close" }}
		>
			<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
				<Stack>
					<ProblemAlert error={submit.error} shown={(path) => path === "/id" || path === "/name"} />
					<TextInput
						label="Name"
						placeholder="My shop"
						maxLength={100}
						data-autofocus
						{...form.getInputProps("name")}
						onChange={(event) => {
							const name = event.currentTarget.value;
							const follows = form.values.id === slugOf(form.values.name);
							form.setValues({ name, id: follows ? slugOf(name) : form.values.id });
						}}
					/>
					<TextInput
						label="Id"
						description="Part of every address, for good: 3 to 40 of a-z, 0-9 and -."
						required
						classNames={mono}
						{...form.getInputProps("id")}
					/>
					<Button type="submit" loading={submit.isPending} style={{ alignSelf: "flex-end" }}>
						Create project
					</Button>
				</Stack>
			</form>
		</Modal>
	);
}
