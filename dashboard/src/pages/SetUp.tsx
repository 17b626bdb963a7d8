// The first operator, made with the one-time link that the server printed when it started.

import { Button, PasswordInput, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { setUp, signIn } from "../api/admin";
import { keys } from "../api/keys";
import { asProblem } from "../api/problem";
import { useSubmit } from "../forms/useSubmit";
import { Gate } from "../layouts/Gate";
import { LinkButton, LinkText } from "../ui/links";
import { ProblemAlert } from "../ui/Problem";

const route = getRouteApi("/setup");
const INPUTS = new Set(["/name", "/email", "/password"]);

export function SetUp() {
	const { token } = route.useSearch();
	const navigate = useNavigate();
	const client = useQueryClient();
	const form = useForm({
		initialValues: { name: "", email: "", password: "", again: "" },
		validate: {
			again: (again, { password }) => (again === password ? null : "The passwords differ."),
		},
	});
	const submit = useSubmit(form, {
		send: async ({ name, email, password }) => {
			await setUp({ token: token ?? "", email, password, name: name.trim() || null });
			return signIn(email, password);
		},
		done: async ({ operator }) => {
			client.setQueryData(keys.session, operator);
			await navigate({ to: "/", replace: true });
		},
	});
	const isDone = submit.error && asProblem(submit.error).code === "setup_done";
	if (token === undefined) {
		return (
			<Gate title="Set up this server">
				<Text size="sm">
					Open the link that the server printed when it started: it holds the secret that is needed
					here. Each start prints a new one until there is an operator.
				</Text>
				<LinkText to="/sign-in" search={{ to: undefined }} size="sm" mt="md" display="inline-block">
					I have an account
				</LinkText>
			</Gate>
		);
	}
	return (
		<Gate title="Set up this server">
			<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
				<Stack>
					<Text size="sm" c="dimmed">
						You become its first operator, who may do everything.
					</Text>
					<ProblemAlert error={submit.error} shown={(path) => INPUTS.has(path)}>
						{isDone && (
							<LinkButton to="/sign-in" search={{ to: undefined }} size="compact-sm">
								Sign in
							</LinkButton>
						)}
					</ProblemAlert>
					<TextInput label="Name" autoComplete="name" {...form.getInputProps("name")} />
					<TextInput
						label="E-mail"
						type="email"
						autoComplete="username"
						required
						{...form.getInputProps("email")}
					/>
					<PasswordInput
						label="Password"
						autoComplete="new-password"
						required
						{...form.getInputProps("password")}
					/>
					<PasswordInput
						label="Password again"
						autoComplete="new-password"
						required
						{...form.getInputProps("again")}
					/>
					<Button type="submit" loading={submit.isPending} fullWidth mt={4}>
						Make the account
					</Button>
				</Stack>
			</form>
		</Gate>
	);
}
