// The people who run the instance.

import {
	Badge,
	Button,
	Group,
	Modal,
	PasswordInput,
	SegmentedControl,
	Select,
	Stack,
	Text,
	TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconShieldHalf } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
	createOperator,
	deleteOperator,
	type Operator,
	operatorsQuery,
	projectsQuery,
	sessionQuery,
} from "../api/admin";
import { keys } from "../api/keys";
import { useSubmit } from "../forms/useSubmit";
import { type Column, DataTable } from "../table/DataTable";
import { useConfirm } from "../ui/Confirm";
import { Empty, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Ago } from "../ui/Time";

export function Operators() {
	const operators = useQuery(operatorsQuery);
	const { data: projects = [] } = useQuery(projectsQuery);
	const { data: self } = useQuery(sessionQuery);
	const client = useQueryClient();
	const confirm = useConfirm();
	const [open, { open: show, close }] = useDisclosure(false);
	const remove = useMutation({
		mutationFn: (operator: Operator) => deleteOperator(operator.id),
		onSuccess: async (_, operator) => {
			await client.invalidateQueries({ queryKey: keys.operators });
			tellDone(`${operator.email} was removed.`);
		},
		onError: tellProblem,
	});
	const ask = async (operator: Operator) => {
		const yes = await confirm({
			title: `Remove ${operator.email}?`,
			body: "All sessions of the operator end at once.",
			action: "Remove",
			danger: true,
		});
		if (yes) remove.mutate(operator);
	};
	const columns: Column<Operator>[] = [
		{
			id: "email",
			header: "E-mail",
			size: 230,
			cell: (it) => (
				<Group gap="xs" wrap="nowrap">
					<Text span fw={600} size="sm" truncate>
						{it.email}
					</Text>
					{it.id === self?.id && <Badge color="gray">you</Badge>}
				</Group>
			),
		},
		{ id: "name", header: "Name", size: 150, cell: (it) => it.name ?? "–" },
		{
			id: "role",
			header: "Role",
			size: 260,
			cell: (it) =>
				it.role === "owner" ? (
					<Badge>owner of everything</Badge>
				) : (
					<Group gap={4} wrap="nowrap">
						{Object.entries(it.projects).map(([uid, role]) => (
							<Badge key={uid} color="gray">
								{projects.find((project) => project.uid === uid)?.id ?? uid}: {role}
							</Badge>
						))}
					</Group>
				),
		},
		{ id: "created_at", header: "Added", size: 120, cell: (it) => <Ago time={it.created_at} /> },
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
					aria-label={`Remove ${it.email}`}
					onClick={() => void ask(it)}
				>
					Remove
				</Button>
			),
		},
	];
	return (
		<Page
			title="Operators"
			description="The people who run this server: owners of everything, or members of some projects."
			actions={
				<Button
					leftSection={<IconPlus size={16} />}
					onClick={show}
					disabled={self?.role !== "owner"}
				>
					Add operator
				</Button>
			}
		>
			<ProblemAlert error={operators.error} retry={() => void operators.refetch()} />
			<DataTable
				label="Operators"
				columns={columns}
				rows={operators.data ?? []}
				rowId={(it) => it.id}
				loading={operators.isPending}
				empty={!operators.error && <Empty icon={<IconShieldHalf />} title="Nobody" />}
			/>
			<Modal
				opened={open}
				onClose={close}
				title="Add operator"
				closeButtonProps={{ "aria-label": "Close" }}
			>
				<NewOperator close={close} />
			</Modal>
		</Page>
	);
}

function NewOperator({ close }: { close: () => void }) {
	const client = useQueryClient();
	const { data: projects = [] } = useQuery(projectsQuery);
	const form = useForm({
		initialValues: {
			email: "",
			name: "",
			password: "",
			role: "member" as "member" | "owner",
			project: "",
			as: "editor" as "owner" | "editor" | "viewer",
		},
	});
	const submit = useSubmit(form, {
		send: ({ email, name, password, role, project, as }) =>
			createOperator({
				email,
				password,
				name: name.trim() || null,
				role,
				projects: role === "member" ? { [project]: as } : null,
			}),
		done: async (made) => {
			await client.invalidateQueries({ queryKey: keys.operators });
			tellDone(`${made.email} may sign in now.`);
			close();
		},
		rename: (name) => (name.startsWith("projects") ? "project" : name),
	});
	return (
		<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
			<Stack>
				<ProblemAlert error={submit.error} shown={(path) => path !== ""} />
				<TextInput
					label="E-mail"
					type="email"
					required
					data-autofocus
					{...form.getInputProps("email")}
				/>
				<TextInput label="Name" {...form.getInputProps("name")} />
				<PasswordInput
					label="Password"
					autoComplete="new-password"
					required
					{...form.getInputProps("password")}
				/>
				<SegmentedControl
					aria-label="Role"
					data={[
						{ value: "member", label: "Member of a project" },
						{ value: "owner", label: "Owner of everything" },
					]}
					{...form.getInputProps("role")}
				/>
				{form.values.role === "member" && (
					<Group grow align="flex-start">
						<Select
							label="Project"
							data={projects.map(({ id }) => id)}
							required
							searchable
							{...form.getInputProps("project")}
						/>
						<Select
							label="As"
							data={["owner", "editor", "viewer"]}
							allowDeselect={false}
							{...form.getInputProps("as")}
						/>
					</Group>
				)}
				<Button type="submit" loading={submit.isPending} style={{ alignSelf: "flex-end" }}>
					Add operator
				</Button>
			</Stack>
		</form>
	);
}
