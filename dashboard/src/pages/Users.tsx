// The users of a project.

import { Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconPlus, IconUsers } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { call, root } from "../api/client";
import { keys } from "../api/keys";
import { pointer } from "../api/problem";
import type { RecordData } from "../api/records";
import { useCollections } from "../api/schema";
import { FieldInput } from "../forms/FieldInput";
import { useSubmit } from "../forms/useSubmit";
import { creation, initialValues, isWritable, type Values } from "../forms/values";
import { LinkButton } from "../ui/links";
import { ProblemAlert, tellDone } from "../ui/Problem";
import { RecordGrid } from "./RecordGrid";

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
			actions={
				<>
					<LinkButton
						variant="default"
						to="/projects/$project/collections/$collection"
						params={{ project, collection: "users" }}
					>
						Fields and rules
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

/** Makes a user with a password. Operators may, also where sign-up is closed. */
function NewUser({ project, close }: { project: string; close: () => void }) {
	const client = useQueryClient();
	const { data: collections } = useCollections(project);
	const fields = (collections?.find(({ name }) => name === "users")?.fields ?? []).filter(
		isWritable,
	);
	const [profile, setProfile] = useState<Values>(() => initialValues(fields));
	const form = useForm({ initialValues: { email: "", password: "" } });
	const submit = useSubmit(form, {
		send: async ({ email, password }) =>
			(
				await call<{ user: RecordData }>("POST", `${root(project)}/v1/auth/sign-up`, {
					body: { email, password, ...creation(fields, profile) },
				})
			).data.user,
		done: async (user) => {
			await client.invalidateQueries({ queryKey: keys.of(project).records("users") });
			tellDone(`${user.email} may sign in now.`);
			close();
		},
	});
	const known = new Set(["email", "password", ...fields.map(({ name }) => name)]);
	return (
		<form onSubmit={form.onSubmit((values) => submit.mutate(values))} noValidate>
			<Stack>
				<ProblemAlert error={submit.error} shown={(path) => known.has(pointer(path)[0] ?? "")} />
				<TextInput
					label="E-mail"
					type="email"
					autoComplete="off"
					required
					{...form.getInputProps("email")}
				/>
				<PasswordInput
					label="Password"
					description="At least 8 characters. Tell it to the user on a safe way."
					autoComplete="new-password"
					required
					{...form.getInputProps("password")}
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
					The address counts as not verified until the user proves it.
				</Text>
				<Button type="submit" loading={submit.isPending} style={{ alignSelf: "flex-end" }}>
					Create user
				</Button>
			</Stack>
		</form>
	);
}
