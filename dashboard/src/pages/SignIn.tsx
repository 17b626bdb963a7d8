// Sign-in of operators.

import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { signIn } from "../api/admin";
import { keys } from "../api/keys";
import { useSubmit } from "../forms/useSubmit";
import { Gate } from "../layouts/Gate";
import { ProblemAlert } from "../ui/Problem";

const route = getRouteApi("/sign-in");

export function SignIn() {
	const { to } = route.useSearch();
	const router = useRouter();
	const client = useQueryClient();
	const form = useForm({ initialValues: { email: "", password: "" } });
	const submit = useSubmit(form, {
		send: ({ email, password }) => signIn(email, password),
		done: ({ operator }) => {
			client.clear();
			client.setQueryData(keys.session, operator);
			// Only a path of this app: an address from a link must not lead elsewhere.
			router.history.push(
				router.basepath + (to?.startsWith("/") && !to.startsWith("//") ? to : "/"),
			);
		},
	});
	return (
		<Gate title="Sign in">
			<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
				<Stack>
					<ProblemAlert
						error={submit.error}
						shown={(path) => path === "/email" || path === "/password"}
					/>
					<TextInput
						label="E-mail"
						type="email"
						autoComplete="username"
						required
						data-autofocus
						{...form.getInputProps("email")}
					/>
					<PasswordInput
						label="Password"
						autoComplete="current-password"
						required
						{...form.getInputProps("password")}
					/>
					<Button type="submit" loading={submit.isPending} fullWidth mt={4}>
						Sign in
					</Button>
				</Stack>
			</form>
		</Gate>
	);
}
