// The users of a project.

import {
	Button,
	PasswordInput,
	SegmentedControl,
	Stack,
	TagsInput,
	Text,
	TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus, IconUsers } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { keys } from "../api/keys";
import { pointer } from "../api/problem";
import { useCollections } from "../api/schema";
import { createUser, inviteUser } from "../api/users";
import { FieldInput } from "../forms/FieldInput";
import { useSubmit } from "../forms/useSubmit";
import { creation, initialValues, isWritable, type Values } from "../forms/values";
import { LinkButton } from "../ui/links";
import { ProblemAlert, tellDone } from "../ui/Problem";
import { RecordGrid } from "./RecordGrid";
import { UserAccount } from "./UserAccount";

const route = getRouteApi("/shell/projects/$project/users");

export function Users() {
	const { project } = route.useParams();
	const search = route.useSearch();
	const navigate = route.useNavigate();
	return (
		<RecordGrid
			key={project}
			project={project}
			name="users"
			title="Users"
			search={search}
			setSearch={(change) =>
				void navigate({ search: (old) => ({ ...old, ...change }), replace: !("record" in change) })
			}
			icon={<IconUsers />}
			create={(close) => <NewUser project={project} close={close} />}
			more={{
				label: "Account",
				panel: (id) => <UserAccount key={id} project={project} id={id} />,
			}}
			actions={
				<>
					<LinkButton
						variant="default"
						to="/projects/$project/collections/$collection"
						params={{ project, collection: "users" }}
					>
						Fields and rules
					</LinkButton>
					<LinkButton variant="default" to="/projects/$project/users/transfer" params={{ project }}>
						Import and export
					</LinkButton>
					<Button
						leftSection={<IconPlus size={16} />}
						onClick={() => void navigate({ search: (old) => ({ ...old, record: "new" }) })}
					>
						New user
					</Button>
				</>
			}
		/>
	);
}

/** Makes a user with a password, or has a mail ask one to set it. Operators may, also where sign-up is closed. */
function NewUser({ project, close }: { project: string; close: () => void }) {
	const client = useQueryClient();
	const { data: collections } = useCollections(project);
	const fields = (collections?.find(({ name }) => name === "users")?.fields ?? []).filter(
		isWritable,
	);
	const [profile, setProfile] = useState<Values>(() => initialValues(fields));
	const form = useForm({
		initialValues: { way: "password", email: "", password: "", roles: [] as string[] },
	});
	const isInvited = form.values.way === "invite";
	const submit = useSubmit(form, {
		send: ({ email, password, roles }) => {
			const user = { email, roles, profile: creation(fields, profile) };
			return isInvited ? inviteUser(project, user) : createUser(project, { ...user, password });
		},
		done: async ({ email }) => {
			await client.invalidateQueries({ queryKey: keys.of(project).records("users") });
			tellDone(isInvited ? `A link is on its way to ${email}.` : `${email} may sign in now.`);
			close();
		},
		rename: (name) => name.replace(/^profile\./, "").replace(/^roles\..*/, "roles"),
	});
	const known = new Set(["email", "password", "roles", "profile"]);
	return (
		<form onSubmit={form.onSubmit((values) => submit.mutate(values))} noValidate>
			<Stack>
				<ProblemAlert error={submit.error} shown={(path) => known.has(pointer(path)[0] ?? "")} />
				<SegmentedControl
					aria-label="How the user gets in"
					data={[
						{ value: "password", label: "With a password" },
						{ value: "invite", label: "By an invitation" },
					]}
					{...form.getInputProps("way")}
				/>
				<TextInput
					label="E-mail"
					type="email"
					autoComplete="off"
					required
					{...form.getInputProps("email")}
				/>
				{!isInvited && (
					<PasswordInput
						label="Password"
						description="At least 8 characters. Tell it to the user on a safe way."
						autoComplete="new-password"
						required
						{...form.getInputProps("password")}
					/>
				)}
				<TagsInput
					label="Roles"
					description="auth.roles in rules."
					{...form.getInputProps("roles")}
				/>
				{fields.map((field) => (
					<FieldInput
						key={field.name}
						project={project}
						field={field}
						isNew
						value={profile[field.name]}
						error={form.errors[field.name]}
						onChange={(value) => {
							setProfile((old) => ({ ...old, [field.name]: value }));
							form.clearFieldError(field.name);
						}}
					/>
				))}
				<Text size="xs" c="dimmed">
					{isInvited
						? "A mail brings a link to set a password, good for seven days."
						: "The address counts as not verified until the user proves it."}
				</Text>
				<Button type="submit" loading={submit.isPending} style={{ alignSelf: "flex-end" }}>
					{isInvited ? "Invite" : "Create user"}
				</Button>
			</Stack>
		</form>
	);
}
