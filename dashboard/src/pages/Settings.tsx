// What a project's owner decides.

import {
	Button,
	Group,
	Paper,
	Stack,
	Switch,
	TagsInput,
	Text,
	TextInput,
	Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import type { ReactNode } from "react";
import {
	type Project,
	projectsQuery,
	renameProject,
	resumeProject,
	settingsQuery,
	suspendProject,
} from "../api/admin";
import { keys } from "../api/keys";
import { SettingsForm } from "../forms/SettingsForm";
import { useSubmit } from "../forms/useSubmit";
import { useConfirm } from "../ui/Confirm";
import { CopyText } from "../ui/Copy";
import { Loading, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { Status } from "./Projects";
import { SettingsTabs } from "./SettingsTabs";

const route = getRouteApi("/shell/projects/$project/settings");

export function Settings() {
	const { project: id } = route.useParams();
	const projects = useQuery(projectsQuery);
	const settings = useQuery(settingsQuery(id));
	const project = projects.data?.find((it) => it.id === id);
	const isSuspended = project?.status === "suspended";
	return (
		<Page title="Settings" beside={project && <Status status={project.status} />}>
			<SettingsTabs project={id} at="general" />
			<ProblemAlert error={projects.error} retry={() => void projects.refetch()} />
			{project && <General key={project.updated_at} project={project} />}
			{isSuspended ? (
				<Text size="sm" c="dimmed">
					Origins and development mode can be seen again when the project is resumed.
				</Text>
			) : (
				<>
					<ProblemAlert error={settings.error} retry={() => void settings.refetch()} />
					{settings.isPending && <Loading />}
					<Access id={id} />
				</>
			)}
			{project && <Suspension project={project} />}
		</Page>
	);
}

function Section({ title, children }: { title: string; children: ReactNode }) {
	return (
		<Paper withBorder p="md" component="section">
			<Title order={2} mb="md">
				{title}
			</Title>
			{children}
		</Paper>
	);
}

function General({ project }: { project: Project }) {
	const client = useQueryClient();
	const form = useForm({ initialValues: { name: project.name } });
	const submit = useSubmit(form, {
		send: ({ name }) => renameProject(project.id, name),
		done: async () => {
			await client.invalidateQueries({ queryKey: keys.projects });
			tellDone("The project was renamed.");
		},
	});
	return (
		<Section title="Name">
			<form noValidate onSubmit={form.onSubmit((values) => submit.mutate(values))}>
				<Stack maw={480}>
					<ProblemAlert error={submit.error} shown={(path) => path === "/name"} />
					<Group align="flex-end" gap="xs">
						<TextInput label="Name" required style={{ flex: 1 }} {...form.getInputProps("name")} />
						<Button
							type="submit"
							variant="default"
							disabled={!form.isDirty()}
							loading={submit.isPending}
						>
							Rename
						</Button>
					</Group>
					<Group gap="xl">
						<div>
							<Text size="xs" c="dimmed">
								id
							</Text>
							<CopyText value={project.id} label="Copy the id" />
						</div>
						<div>
							<Text size="xs" c="dimmed">
								uid
							</Text>
							<CopyText value={project.uid} label="Copy the uid" />
						</div>
					</Group>
				</Stack>
			</form>
		</Section>
	);
}

function Access({ id }: { id: string }) {
	return (
		<SettingsForm
			project={id}
			title="Access"
			read={({ cors_origins, development }) => ({ cors_origins, development })}
			// A fault of one origin is told at the list of them.
			rename={(name) => (name.startsWith("cors_origins") ? "cors_origins" : name)}
		>
			{(form) => (
				<>
					<TagsInput
						label="Origins of pages that may call the project"
						description="Exactly as browsers send them, without a path. Pages on the project's own host need none."
						placeholder="https://shop.example"
						{...form.getInputProps("cors_origins")}
					/>
					<Switch
						label="Development mode"
						description="Tells callers why a rule refused them, and keeps push messages for the development inbox. Not where real users are."
						{...form.getInputProps("development", { type: "checkbox" })}
					/>
				</>
			)}
		</SettingsForm>
	);
}

function Suspension({ project }: { project: Project }) {
	const client = useQueryClient();
	const confirm = useConfirm();
	const isSuspended = project.status === "suspended";
	const turn = useMutation({
		mutationFn: () => (isSuspended ? resumeProject(project.id) : suspendProject(project.id)),
		onSuccess: async (now) => {
			await client.invalidateQueries({ queryKey: keys.projects });
			await client.invalidateQueries({ queryKey: keys.project(project.id) });
			tellDone(
				now.status === "suspended" ? "The project is suspended." : "The project serves again.",
			);
		},
		onError: tellProblem,
	});
	const ask = async () => {
		const yes =
			isSuspended ||
			(await confirm({
				title: `Suspend ${project.name}?`,
				body: "Every request to it is refused until it is resumed, also from this dashboard. Nothing is deleted.",
				action: "Suspend",
				danger: true,
			}));
		if (yes) turn.mutate();
	};
	return (
		<Section title={isSuspended ? "This project is suspended" : "Suspend"}>
			<Group justify="space-between" gap="md">
				<Text size="sm" c="dimmed" maw={520}>
					{isSuspended
						? "All requests to it are answered with 503. Its data is untouched."
						: "Refuses all requests to the project until it is resumed."}
				</Text>
				<Button
					variant={isSuspended ? "filled" : "light"}
					color={isSuspended ? undefined : "red"}
					loading={turn.isPending}
					onClick={() => void ask()}
				>
					{isSuspended ? "Resume" : "Suspend…"}
				</Button>
			</Group>
		</Section>
	);
}
