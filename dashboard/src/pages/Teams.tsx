// The teams of a project's users.

import {
	Autocomplete,
	Badge,
	Button,
	Divider,
	Drawer,
	Group,
	Modal,
	Stack,
	Text,
	TextInput,
	Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import { IconPlus, IconUsersGroup } from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { keys } from "../api/keys";
import { pointer } from "../api/problem";
import { recordQuery } from "../api/records";
import { useCollections } from "../api/schema";
import {
	createTeam,
	deleteTeam,
	invitationsQuery,
	invite,
	type Member,
	membersQuery,
	putMember,
	ROLES,
	removeMember,
	renameTeam,
	revokeInvitation,
	type Team,
	teamQuery,
	teamsQuery,
} from "../api/teams";
import { labelOf, shortId } from "../forms/labels";
import { RelationInput } from "../forms/RelationInput";
import { useSubmit } from "../forms/useSubmit";
import { RecordLink } from "../table/cells";
import { type Column, DataTable } from "../table/DataTable";
import { useConfirm } from "../ui/Confirm";
import { CopyText } from "../ui/Copy";
import { PartError } from "../ui/NotHere";
import { Empty, Loading, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Ago } from "../ui/Time";

const route = getRouteApi("/shell/projects/$project/teams");

const columns: Column<Team>[] = [
	{
		id: "name",
		header: "Name",
		size: 300,
		cell: (it) => (
			<Text span size="sm" fw={600} truncate>
				{it.name}
			</Text>
		),
	},
	{ id: "created_at", header: "Made", size: 140, cell: (it) => <Ago time={it.created_at} /> },
];

export function Teams() {
	const { project } = route.useParams();
	const { team } = route.useSearch();
	const navigate = route.useNavigate();
	const query = useInfiniteQuery(teamsQuery(project));
	const [making, { open, close }] = useDisclosure(false);
	const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
	return (
		<Page
			title="Teams"
			full
			actions={
				<Button leftSection={<IconPlus size={16} />} onClick={open}>
					New team
				</Button>
			}
		>
			<PartError error={query.error} part="teams" retry={() => void query.refetch()} />
			{!query.error && (
				<DataTable
					label="Teams"
					fill
					columns={columns}
					rows={rows}
					rowId={(it) => it.id}
					loading={query.isPending}
					onOpen={(it) => void navigate({ search: { team: it.id } })}
					openLabel={(it) => `Open ${it.name}`}
					onEnd={() => {
						if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
					}}
					empty={
						<Empty icon={<IconUsersGroup />} title="No team yet">
							Users form teams in your app where the settings let them, or you make one here. Rules
							know them as auth.teams.
						</Empty>
					}
				/>
			)}
			<Drawer
				opened={team !== undefined}
				onClose={() => void navigate({ search: {} })}
				position="right"
				size={560}
				title="Team"
				closeButtonProps={{ "aria-label": "Close" }}
			>
				{team !== undefined && (
					<Detail
						key={team}
						project={project}
						id={team}
						close={() => void navigate({ search: {} })}
					/>
				)}
			</Drawer>
			<Modal
				opened={making}
				onClose={close}
				title="New team"
				closeButtonProps={{ "aria-label": "Close" }}
			>
				<NewTeam
					project={project}
					done={(id) => {
						close();
						void navigate({ search: { team: id } });
					}}
				/>
			</Modal>
		</Page>
	);
}

function NewTeam({ project, done }: { project: string; done: (id: string) => void }) {
	const client = useQueryClient();
	const form = useForm({ initialValues: { name: "", owner: null as string | null } });
	const submit = useSubmit(form, {
		send: (values) => createTeam(project, values),
		done: async ({ id }) => {
			await client.invalidateQueries({ queryKey: keys.of(project).teams });
			done(id);
		},
	});
	return (
		<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
			<Stack>
				<ProblemAlert
					error={submit.error}
					shown={(path) => ["name", "owner"].includes(pointer(path)[0] ?? "")}
				/>
				<TextInput label="Name" required data-autofocus {...form.getInputProps("name")} />
				<RelationInput
					project={project}
					collection="users"
					label="Owner"
					withAsterisk
					value={form.values.owner}
					error={form.errors.owner}
					onChange={(owner) => form.setFieldValue("owner", owner)}
				/>
				<Button type="submit" loading={submit.isPending} style={{ alignSelf: "flex-end" }}>
					Create team
				</Button>
			</Stack>
		</form>
	);
}

interface Place {
	project: string;
	id: string;
}

function Detail({ project, id, close }: Place & { close: () => void }) {
	const client = useQueryClient();
	const confirm = useConfirm();
	const query = useQuery(teamQuery(project, id));
	const remove = useMutation({
		mutationFn: () => deleteTeam(project, id),
		onSuccess: async () => {
			close();
			await client.invalidateQueries({ queryKey: [...keys.of(project).teams, "list"] });
			tellDone("The team was deleted.");
		},
		onError: tellProblem,
	});
	if (query.isPending) return <Loading />;
	if (query.error) return <ProblemAlert error={query.error} retry={() => void query.refetch()} />;
	const team = query.data;
	const ask = async () => {
		const yes = await confirm({
			title: `Delete ${team.name}?`,
			body: "Its members are in it no more. Records that name it stay.",
			action: "Delete",
			danger: true,
		});
		if (yes) remove.mutate();
	};
	return (
		<Stack gap="lg" pb="lg">
			<Rename key={team.updated_at} project={project} team={team} />
			<CopyText value={team.id} label="Copy the id" />
			<Divider />
			<Members project={project} id={id} />
			<Divider />
			<Invitations project={project} id={id} />
			<Divider />
			<Button
				variant="subtle"
				color="red"
				loading={remove.isPending}
				style={{ alignSelf: "flex-start" }}
				onClick={() => void ask()}
			>
				Delete the team…
			</Button>
		</Stack>
	);
}

function Rename({ project, team }: { project: string; team: Team }) {
	const client = useQueryClient();
	const form = useForm({ initialValues: { name: team.name } });
	const submit = useSubmit(form, {
		send: ({ name }) => renameTeam(project, team.id, name),
		done: async () => {
			await client.invalidateQueries({ queryKey: keys.of(project).teams });
			tellDone("The team was renamed.");
		},
	});
	return (
		<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
			<Stack gap="xs">
				<ProblemAlert error={submit.error} shown={(path) => path === "/name"} />
				<Group align="flex-end" gap="xs">
					<TextInput label="Name" style={{ flex: 1 }} {...form.getInputProps("name")} />
					<Button
						type="submit"
						variant="default"
						disabled={!form.isDirty()}
						loading={submit.isPending}
					>
						Rename
					</Button>
				</Group>
			</Stack>
		</form>
	);
}

function Members({ project, id }: Place) {
	const client = useQueryClient();
	const query = useInfiniteQuery(membersQuery(project, id));
	const members = query.data?.pages.flatMap((page) => page.items) ?? [];
	const form = useForm({ initialValues: { user: null as string | null, role: "member" } });
	const submit = useSubmit(form, {
		send: ({ user, role }) => putMember(project, id, user ?? "", role),
		done: async () => {
			form.reset();
			await client.invalidateQueries({ queryKey: keys.of(project).team(id) });
		},
	});
	return (
		<Stack gap="sm">
			<Title order={3}>Members</Title>
			<ProblemAlert error={query.error} retry={() => void query.refetch()} />
			{query.isPending && <Loading />}
			{members.map((member) => (
				<MemberRow key={member.user_id} project={project} id={id} member={member} />
			))}
			{query.hasNextPage && (
				<Button
					variant="default"
					size="compact-sm"
					loading={query.isFetchingNextPage}
					onClick={() => void query.fetchNextPage()}
				>
					More members
				</Button>
			)}
			<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
				<Stack gap="xs">
					<ProblemAlert error={submit.error} shown={(path) => path === "/role"} />
					<RelationInput
						project={project}
						collection="users"
						label="User"
						value={form.values.user}
						onChange={(user) => form.setFieldValue("user", user)}
					/>
					<Group align="flex-end" gap="xs">
						<Autocomplete
							label="Role"
							data={ROLES}
							style={{ flex: 1 }}
							{...form.getInputProps("role")}
						/>
						<Button
							type="submit"
							variant="default"
							disabled={form.values.user === null}
							loading={submit.isPending}
						>
							Add
						</Button>
					</Group>
				</Stack>
			</form>
		</Stack>
	);
}

function MemberRow({ project, id, member }: Place & { member: Member }) {
	const client = useQueryClient();
	const { data: collections } = useCollections(project);
	const users = collections?.find(({ kind }) => kind === "users");
	const user = useQuery(recordQuery(project, "users", member.user_id));
	const label = user.data ? labelOf(user.data, users) : shortId(member.user_id);
	const remove = useMutation({
		mutationFn: () => removeMember(project, id, member.user_id),
		onSuccess: () => client.invalidateQueries({ queryKey: keys.of(project).team(id) }),
		onError: tellProblem,
	});
	return (
		<Group justify="space-between" wrap="nowrap" gap="xs">
			<RecordLink project={project} collection={users} id={member.user_id}>
				{label}
			</RecordLink>
			<Group gap="xs" wrap="nowrap">
				<Badge color={member.role === "owner" ? "sea" : "gray"}>{member.role}</Badge>
				<Button
					size="compact-xs"
					variant="subtle"
					color="red"
					aria-label={`Remove ${label}`}
					loading={remove.isPending}
					onClick={() => remove.mutate()}
				>
					Remove
				</Button>
			</Group>
		</Group>
	);
}

function Invitations({ project, id }: Place) {
	const client = useQueryClient();
	const query = useQuery(invitationsQuery(project, id));
	const forget = () => client.invalidateQueries({ queryKey: keys.of(project).team(id) });
	const form = useForm({ initialValues: { email: "", role: "member" } });
	const submit = useSubmit(form, {
		send: (values) => invite(project, id, values),
		done: async ({ email }) => {
			form.reset();
			await forget();
			tellDone(`A mail asks ${email} to join.`);
		},
	});
	const revoke = useMutation({
		mutationFn: (invitation: string) => revokeInvitation(project, id, invitation),
		onSuccess: forget,
		onError: tellProblem,
	});
	return (
		<Stack gap="sm">
			<Title order={3}>Invitations</Title>
			<ProblemAlert error={query.error} retry={() => void query.refetch()} />
			{query.data?.map((it) => (
				<Group key={it.id} justify="space-between" wrap="nowrap" gap="xs">
					<Text size="sm" truncate>
						{it.email}
					</Text>
					<Group gap="xs" wrap="nowrap">
						<Badge color="gray">{it.role}</Badge>
						<Button
							size="compact-xs"
							variant="subtle"
							color="red"
							aria-label={`Take back the invitation of ${it.email}`}
							onClick={() => revoke.mutate(it.id)}
						>
							Take back
						</Button>
					</Group>
				</Group>
			))}
			<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
				<Stack gap="xs">
					<ProblemAlert
						error={submit.error}
						shown={(path) => ["email", "role"].includes(pointer(path)[0] ?? "")}
					/>
					<TextInput label="E-mail" type="email" {...form.getInputProps("email")} />
					<Group align="flex-end" gap="xs">
						<Autocomplete
							label="Role of the invited"
							data={ROLES}
							style={{ flex: 1 }}
							{...form.getInputProps("role")}
						/>
						<Button type="submit" variant="default" loading={submit.isPending}>
							Invite
						</Button>
					</Group>
				</Stack>
			</form>
		</Stack>
	);
}
