// What mails are made of: each template in each language, with how it will look.

import {
	Badge,
	Button,
	Code,
	Group,
	Paper,
	Select,
	SimpleGrid,
	Stack,
	Tabs,
	Text,
	Textarea,
	TextInput,
	Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useBlocker } from "@tanstack/react-router";
import { useRef } from "react";
import { keys } from "../api/keys";
import {
	type MailParts,
	type MailTemplate,
	previewQuery,
	resetTemplate,
	saveTemplate,
	templatesQuery,
} from "../api/mails";
import { useSubmit } from "../forms/useSubmit";
import { useConfirm } from "../ui/Confirm";
import { HtmlFrame } from "../ui/HtmlFrame";
import { mono } from "../ui/mono";
import { PartError } from "../ui/NotHere";
import { Loading, Page } from "../ui/Page";
import { ProblemAlert, tellDone, tellProblem } from "../ui/Problem";
import { MailTabs } from "./MailTabs";
import { LANGUAGES, TEMPLATES, VARIABLES } from "./templateNames";

const route = getRouteApi("/shell/projects/$project/mails/templates");

/** How long one has stopped typing before the preview is made. */
const PAUSE_MS = 350;

const unique = (values: readonly string[]) => [...new Set(values)];

export function Templates() {
	const { project } = route.useParams();
	const search = route.useSearch();
	const navigate = route.useNavigate();
	const query = useQuery(templatesQuery(project));
	const all = query.data ?? [];
	const name = search.name ?? all[0]?.name;
	const language = search.language ?? "en";
	const template = all.find((it) => it.name === name && it.language === language);
	const own = (it: MailTemplate) => (it.built_in ? "" : " (changed)");
	const ownIn = (each: string) => all.some((it) => it.name === each && !it.built_in);
	return (
		<Page title="Mails">
			<MailTabs project={project} at="templates" />
			<PartError error={query.error} part="mails" retry={() => void query.refetch()} />
			{query.isPending && <Loading />}
			{query.data && (
				<Group gap="md" align="flex-end">
					<Select
						label="Mail"
						w={300}
						maw="100%"
						allowDeselect={false}
						value={name}
						data={unique(all.map((it) => it.name)).map((value) => ({
							value,
							label: `${TEMPLATES[value] ?? value}${ownIn(value) ? " (changed)" : ""}`,
						}))}
						onChange={(next) =>
							void navigate({ search: (old) => ({ ...old, name: next ?? undefined }) })
						}
					/>
					<Select
						label="Language"
						w={200}
						allowDeselect={false}
						value={language}
						data={all
							.filter((it) => it.name === name)
							.map((it) => ({
								value: it.language,
								label: `${LANGUAGES[it.language] ?? it.language}${own(it)}`,
							}))}
						onChange={(next) =>
							void navigate({ search: (old) => ({ ...old, language: next ?? undefined }) })
						}
					/>
					{template && (
						<Badge color={template.built_in ? "gray" : "sea"} mb={8}>
							{template.built_in ? "built in" : "your own"}
						</Badge>
					)}
				</Group>
			)}
			{template && (
				<Editor
					key={`${name} ${language} ${template.updated_at ?? "built in"}`}
					project={project}
					template={template}
				/>
			)}
		</Page>
	);
}

function Editor({ project, template }: { project: string; template: MailTemplate }) {
	const { name, language, subject, html, text } = template;
	const which = { name, language };
	const client = useQueryClient();
	const confirm = useConfirm();
	const parts: MailParts = { subject, html, text };
	const form = useForm({ initialValues: { ...parts } });
	const isDirty = form.isDirty();
	// Set before the editor is filled anew, when what is typed is saved or given up.
	const isDone = useRef(false);
	const forget = () => client.invalidateQueries({ queryKey: keys.of(project).templates });
	const save = useSubmit(form, {
		send: (values) => saveTemplate(project, which, values),
		done: async () => {
			form.resetDirty();
			isDone.current = true;
			await forget();
			tellDone("Mails are made of it from now on.");
		},
	});
	const reset = useMutation({
		mutationFn: () => resetTemplate(project, which),
		onSuccess: async () => {
			isDone.current = true;
			await forget();
			tellDone("The built-in one is in use again.");
		},
		onError: tellProblem,
	});
	const askToReset = async () => {
		const yes = await confirm({
			title: "Go back to the built-in one?",
			body: "What was written here is lost.",
			action: "Go back",
			danger: true,
		});
		if (yes) reset.mutate();
	};
	useBlocker({
		shouldBlockFn: async () =>
			form.isDirty() &&
			!isDone.current &&
			!(await confirm({
				title: "Leave without saving?",
				body: "What you changed in this template is lost.",
				action: "Leave",
				danger: true,
			})),
		enableBeforeUnload: () => form.isDirty() && !isDone.current,
	});
	return (
		<SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
			<form noValidate onSubmit={form.onSubmit((values) => save.mutate(values))}>
				<Stack>
					<ProblemAlert error={save.error} shown={(path) => path !== ""} />
					<TextInput label="Subject" {...form.getInputProps("subject")} />
					<Textarea
						label="HTML"
						autosize
						minRows={10}
						maxRows={24}
						classNames={mono}
						spellCheck={false}
						{...form.getInputProps("html")}
					/>
					<Textarea
						label="Text"
						description="For readers that show no HTML."
						autosize
						minRows={6}
						maxRows={18}
						classNames={mono}
						spellCheck={false}
						{...form.getInputProps("text")}
					/>
					<Text size="xs" c="dimmed" component="div">
						These stand for values:{" "}
						{VARIABLES.map((variable) => (
							<Code key={variable} mr={4}>{`{{ ${variable} }}`}</Code>
						))}
					</Text>
					<Group justify="flex-end" gap="xs">
						{!template.built_in && (
							<Button
								variant="subtle"
								color="red"
								loading={reset.isPending}
								onClick={() => void askToReset()}
							>
								Go back to the built-in one…
							</Button>
						)}
						<Button type="submit" disabled={!isDirty} loading={save.isPending}>
							Save template
						</Button>
					</Group>
				</Stack>
			</form>
			<Preview project={project} which={which} parts={form.values} />
		</SimpleGrid>
	);
}

function Preview({
	project,
	which,
	parts,
}: {
	project: string;
	which: { name: string; language: string };
	parts: MailParts;
}) {
	const [{ subject, html, text }] = useDebouncedValue(parts, PAUSE_MS);
	const query = useQuery({
		...previewQuery(project, which, { subject, html, text }),
		placeholderData: keepPreviousData,
	});
	return (
		<Paper
			withBorder
			p="md"
			component="section"
			aria-label="Preview"
			style={{ alignSelf: "start" }}
		>
			<Stack>
				<Title order={2}>Preview</Title>
				<ProblemAlert error={query.error} />
				{query.isPending && <Loading />}
				{query.data && !query.error && (
					<>
						<Text fw={620}>{query.data.subject}</Text>
						<Tabs defaultValue="html" keepMounted={false}>
							<Tabs.List mb="sm">
								<Tabs.Tab value="html">HTML</Tabs.Tab>
								<Tabs.Tab value="text">Text</Tabs.Tab>
							</Tabs.List>
							<Tabs.Panel value="html">
								<HtmlFrame html={query.data.html} title="The mail as it would be" />
							</Tabs.Panel>
							<Tabs.Panel value="text">
								<Text
									component="pre"
									size="sm"
									ff="monospace"
									m={0}
									style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}
								>
									{query.data.text}
								</Text>
							</Tabs.Panel>
						</Tabs>
						<Text size="xs" c="dimmed">
							With made-up values. Nothing is sent.
						</Text>
					</>
				)}
			</Stack>
		</Paper>
	);
}
