// What an administrator decides of one user: whether it may sign in, what it may do, and its sessions.

import {
	Alert,
	Badge,
	Button,
	Divider,
	Group,
	PasswordInput,
	Stack,
	Switch,
	TagsInput,
	Text,
	Textarea,
	Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDisclosure } from "@mantine/hooks";
import {
	IconAlertTriangle,
	IconDeviceMobile,
	IconFingerprint,
	IconLink,
	IconPassword,
	IconUserShield,
} from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { keys } from "../api/keys";
import { pointer } from "../api/problem";
import { teamQuery } from "../api/teams";
import {
	type UserAccount as Account,
	type AccountChange,
	accountQuery,
	endSessions,
	type Impersonated,
	impersonate,
	resetFactors,
	type UserSession,
	updateAccount,
	userSessionsQuery,
} from "../api/users";
import { JsonField } from "../forms/JsonField";
import { useSubmit } from "../forms/useSubmit";
import { Actor } from "../ui/Actor";
import { useConfirm } from "../ui/Confirm";
import { CopyIcon, Snippet } from "../ui/Copy";
import { LinkText } from "../ui/links";
import { PartError } from "../ui/NotHere";
import { Loading } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Ago } from "../ui/Time";

interface Place {
	project: string;
	id: string;
}

export function UserAccount({ project, id }: Place) {
	const query = useQuery(accountQuery(project, id));
	if (query.isPending) return <Loading />;
	if (query.error) {
		return (
			<PartError
				error={query.error}
				part="administration of users"
				retry={() => void query.refetch()}
			/>
		);
	}
	const account = query.data;
	return (
		<Stack gap="lg" pb="lg">
			<Rights key={rightsOf(account)} project={project} account={account} />
			{account.teams.length > 0 && <Teams project={project} account={account} />}
			<Divider />
			<WaysIn project={project} account={account} />
			<Divider />
			<Sessions project={project} id={id} />
			<Divider />
			<ActAs project={project} id={id} />
		</Stack>
	);
}

/** What the form holds: when it changed elsewhere, the form begins anew. */
const rightsOf = ({ verified, disabled, roles, claims, has_password }: Account) =>
	JSON.stringify([verified, disabled, roles, claims, has_password]);

function Rights({ project, account }: { project: string; account: Account }) {
	const { id, verified, disabled, roles, claims } = account;
	const client = useQueryClient();
	const form = useForm({
		initialValues: { verified, disabled, roles, claims: claims as unknown, password: "" },
	});
	const submit = useSubmit(form, {
		send: ({ password, ...rest }) => {
			const changed = Object.entries(rest).filter(([name]) => form.isDirty(name));
			const change: AccountChange = Object.fromEntries(changed);
			return updateAccount(project, id, password === "" ? change : { ...change, password });
		},
		done: async (now) => {
			client.setQueryData(keys.of(project).account(id), now);
			await client.invalidateQueries({ queryKey: keys.of(project).records("users") });
			await client.invalidateQueries({ queryKey: userSessionsQuery(project, id).queryKey });
			tellDone("The account was changed.");
		},
		rename: (name) => name.replace(/^(roles|claims)\..*/, "$1"),
	});
	const known = new Set(["verified", "disabled", "roles", "claims", "password"]);
	return (
		<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
			<Stack>
				<ProblemAlert error={submit.error} shown={(path) => known.has(pointer(path)[0] ?? "")} />
				{account.anonymous && <Badge color="gray">anonymous</Badge>}
				<Switch
					label="May not sign in"
					description="Ends all its sessions."
					color="red"
					{...form.getInputProps("disabled", { type: "checkbox" })}
				/>
				<Switch
					label="The address is verified"
					{...form.getInputProps("verified", { type: "checkbox" })}
				/>
				<TagsInput
					label="Roles"
					description="auth.roles in rules, roles in tokens."
					{...form.getInputProps("roles")}
				/>
				<JsonField
					name="claims"
					label="Claims"
					description="auth.claims in rules, claims in tokens. Also who holds a token reads them."
					withAsterisk={false}
					value={form.values.claims}
					error={form.errors.claims}
					onChange={(value) => form.setFieldValue("claims", value)}
				/>
				<PasswordInput
					label="Another password"
					description={
						account.has_password
							? "Ends all its sessions."
							: "The user has none, and signs in by other ways."
					}
					autoComplete="new-password"
					{...form.getInputProps("password")}
				/>
				<Button
					type="submit"
					disabled={!form.isDirty()}
					loading={submit.isPending}
					style={{ alignSelf: "flex-end" }}
				>
					Save the account
				</Button>
			</Stack>
		</form>
	);
}

function Teams({ project, account }: { project: string; account: Account }) {
	return (
		<Stack gap={6}>
			<Title order={3}>Teams</Title>
			{account.teams.map(({ team_id, role }) => (
				<Group key={team_id} gap="xs">
					<TeamLink project={project} id={team_id} />
					<Badge color="gray">{role}</Badge>
				</Group>
			))}
		</Stack>
	);
}

function TeamLink({ project, id }: Place) {
	const { data } = useQuery(teamQuery(project, id));
	return (
		<LinkText to="/projects/$project/teams" params={{ project }} search={{ team: id }} size="sm">
			{data?.name ?? id}
		</LinkText>
	);
}

/** What the user has to sign in with, and for one who lost it, its removal. */
function WaysIn({ project, account }: { project: string; account: Account }) {
	const { id, has_password, factors, identities } = account;
	const client = useQueryClient();
	const confirm = useConfirm();
	const reset = useMutation({
		mutationFn: () => resetFactors(project, id),
		onSuccess: async () => {
			// The sessions are below it.
			await client.invalidateQueries({ queryKey: keys.of(project).account(id) });
			tellDone("The factors were removed, and the user was told by mail.");
		},
		onError: tellProblem,
	});
	const ask = async () => {
		const yes = await confirm({
			title: "Remove all passkeys and second factors?",
			body: "Make sure in another way that it is the user who asks for it. All sessions end, and a mail tells the user.",
			action: "Remove them",
			danger: true,
		});
		if (yes) reset.mutate();
	};
	const { passkeys, totp_since, recovery_codes } = factors;
	const hasFactors = passkeys.length > 0 || Boolean(totp_since);
	return (
		<Stack gap="sm" component="section" aria-label="Ways to sign in">
			<Group justify="space-between">
				<Title order={3}>Ways to sign in</Title>
				{hasFactors && (
					<Button
						size="compact-sm"
						variant="light"
						color="red"
						loading={reset.isPending}
						onClick={() => void ask()}
					>
						Remove the factors…
					</Button>
				)}
			</Group>
			{has_password && <WayIn icon={<IconPassword size={18} />}>A password</WayIn>}
			{totp_since && (
				<WayIn
					icon={<IconDeviceMobile size={18} />}
					more={
						<>
							since <Ago time={totp_since} size="xs" />,{" "}
							{recovery_codes === 1 ? "1 recovery code" : `${recovery_codes} recovery codes`} left
						</>
					}
				>
					An authenticator app
				</WayIn>
			)}
			{passkeys.map((passkey) => (
				<WayIn
					key={passkey.id}
					icon={<IconFingerprint size={18} />}
					badge={passkey.second_factor && "second factor"}
					more={<Used made={passkey.created_at} used={passkey.used_at} />}
				>
					{passkey.name}
				</WayIn>
			))}
			{identities.map((identity) => (
				<WayIn
					key={identity.id}
					icon={<IconLink size={18} />}
					badge={identity.provider}
					more={<Used made={identity.created_at} used={identity.used_at} />}
				>
					{identity.email ?? identity.name ?? identity.subject}
				</WayIn>
			))}
			{!has_password && !hasFactors && identities.length === 0 && (
				<Text size="sm" c="dimmed">
					Codes and links only, where the project sends them.
				</Text>
			)}
		</Stack>
	);
}

function WayIn({
	icon,
	badge,
	more,
	children,
}: {
	icon: ReactNode;
	badge?: string | false;
	more?: ReactNode;
	children: ReactNode;
}) {
	return (
		<Group gap="sm" wrap="nowrap" align="flex-start">
			<Text c="dimmed" component="span" lh={1}>
				{icon}
			</Text>
			<div style={{ minWidth: 0 }}>
				<Group gap="xs">
					<Text size="sm" truncate>
						{children}
					</Text>
					{badge && <Badge color="gray">{badge}</Badge>}
				</Group>
				{more && (
					<Text size="xs" c="dimmed" component="div">
						{more}
					</Text>
				)}
			</div>
		</Group>
	);
}

function Used({ made, used }: { made: string; used?: string | null }) {
	return (
		<>
			made <Ago time={made} size="xs" />,{" "}
			{used ? (
				<>
					used <Ago time={used} size="xs" />
				</>
			) : (
				"never used"
			)}
		</>
	);
}

function Sessions({ project, id }: Place) {
	const client = useQueryClient();
	const confirm = useConfirm();
	const query = useQuery(userSessionsQuery(project, id));
	const end = useMutation({
		mutationFn: () => endSessions(project, id),
		onSuccess: async () => {
			await client.invalidateQueries({ queryKey: userSessionsQuery(project, id).queryKey });
			tellDone("The user is signed out everywhere.");
		},
		onError: tellProblem,
	});
	const ask = async () => {
		const yes = await confirm({
			title: "Sign the user out everywhere?",
			body: "All its sessions end within a second. It may sign in again.",
			action: "Sign out",
			danger: true,
		});
		if (yes) end.mutate();
	};
	return (
		<Stack gap="sm">
			<Group justify="space-between">
				<Title order={3}>Sessions</Title>
				{query.data && query.data.length > 0 && (
					<Button
						size="compact-sm"
						variant="light"
						color="red"
						loading={end.isPending}
						onClick={() => void ask()}
					>
						End all
					</Button>
				)}
			</Group>
			<ProblemAlert error={query.error} retry={() => void query.refetch()} />
			{query.data?.length === 0 && (
				<Text size="sm" c="dimmed">
					The user is signed in nowhere.
				</Text>
			)}
			{query.data?.map((session) => (
				<Session key={session.id} project={project} session={session} />
			))}
		</Stack>
	);
}

function Session({ project, session }: { project: string; session: UserSession }) {
	return (
		<div>
			<Text size="sm" truncate>
				{session.device ?? session.user_agent ?? "A device that says nothing of itself"}
			</Text>
			<Group gap="xs">
				{session.methods.split(" ").map((method) => (
					<Badge key={method} color="gray">
						{method.replaceAll("_", " ")}
					</Badge>
				))}
				{session.level > 1 && <Badge color="teal">two factors</Badge>}
				<Text size="xs" c="dimmed" component="div">
					{session.network}, used <Ago time={session.used_at} size="xs" />
				</Text>
			</Group>
			{session.impersonator && (
				<Text size="xs" component="div">
					<Actor actor={session.impersonator} project={project} /> acts as the user.
				</Text>
			)}
		</div>
	);
}

/** Begins a session of the user's for the operator, which the audit log keeps with its reason. */
function ActAs({ project, id }: Place) {
	const client = useQueryClient();
	const [open, { open: show, close }] = useDisclosure(false);
	const [made, setMade] = useState<Impersonated>();
	const form = useForm({ initialValues: { reason: "" } });
	const submit = useSubmit(form, {
		send: ({ reason }) => impersonate(project, id, reason),
		done: async (session) => {
			setMade(session);
			await client.invalidateQueries({ queryKey: userSessionsQuery(project, id).queryKey });
		},
	});
	if (!open) {
		return (
			<Button
				variant="default"
				leftSection={<IconUserShield size={16} />}
				style={{ alignSelf: "flex-start" }}
				onClick={show}
			>
				Act as this user…
			</Button>
		);
	}
	const done = () => {
		setMade(undefined);
		form.reset();
		close();
	};
	return (
		<Stack component="section" aria-label="Act as this user" gap="sm">
			<Title order={3}>Act as this user</Title>
			{made ? (
				<>
					<Alert color="orange" icon={<IconAlertTriangle />}>
						Whoever has this token is the user for {Math.round(made.expires_in / 60)} minutes. It is
						shown here only.
					</Alert>
					<Group gap="xs" wrap="nowrap">
						<Text ff="monospace" size="xs" truncate data-testid="token" style={{ flex: 1 }}>
							{made.access_token}
						</Text>
						<CopyIcon value={made.access_token} label="Copy the token" />
					</Group>
					<Snippet
						label="A request as the user"
						code={`curl ${location.origin}/p/${project}/v1/users/me -H 'Authorization: Bearer …'`}
					/>
					<Button variant="default" style={{ alignSelf: "flex-end" }} onClick={done}>
						I have copied it
					</Button>
				</>
			) : (
				<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
					<Stack gap="sm">
						<ProblemAlert error={submit.error} shown={(path) => path === "/reason"} />
						<Text size="sm">
							You get a session of the user's for 15 minutes. The audit log and the user's own list
							of sessions tell that it was you.
						</Text>
						<Textarea
							label="Why"
							description="Stands in the audit log."
							required
							autosize
							autoFocus
							{...form.getInputProps("reason")}
						/>
						<Group justify="flex-end" gap="xs">
							<Button variant="default" onClick={done}>
								Cancel
							</Button>
							<Button type="submit" loading={submit.isPending}>
								Begin the session
							</Button>
						</Group>
					</Stack>
				</form>
			)}
		</Stack>
	);
}
