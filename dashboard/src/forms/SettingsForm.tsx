// A part of a project's settings: filled with what stands, sends what was changed, and overwrites nobody blindly.

import { Button, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { type UseFormReturnType, useForm } from "@mantine/form";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { type ProjectSettings, settingsQuery, updateSettings } from "../api/admin";
import { keys } from "../api/keys";
import { asProblem, pointer } from "../api/problem";
import { ProblemAlert, tellDone } from "../ui/Problem";
import { difference, typed } from "./difference";
import { useSubmit } from "./useSubmit";

type Values = Record<string, unknown>;

interface Props<V extends Values> {
	project: string;
	title: string;
	description?: ReactNode;
	/** The form's values: members of the settings, under the settings' own names. */
	read: (settings: ProjectSettings) => V;
	/** The names of secrets among the values, which are never told and stay as they are unless they are typed. */
	secrets?: readonly string[];
	/** From the name of a fault to the input that shows it, where they differ. */
	rename?: (name: string) => string;
	children: (form: UseFormReturnType<V>) => ReactNode;
}

export function SettingsForm<V extends Values>(props: Props<V>) {
	const { data } = useQuery(settingsQuery(props.project));
	const [saves, setSaves] = useState(0);
	if (!data) return null;
	const values = props.read(data.settings);
	// Another part of the settings may be saved while this one is being written, which must not empty it.
	return (
		<Section
			{...props}
			key={`${saves} ${JSON.stringify(values)}`}
			values={values}
			etag={data.etag}
			saved={() => setSaves((old) => old + 1)}
		/>
	);
}

function Section<V extends Values>({
	project,
	title,
	description,
	values: given,
	etag,
	saved,
	secrets = [],
	rename,
	children,
}: Props<V> & { values: V; etag: string; saved: () => void }) {
	const client = useQueryClient();
	const [values] = useState(given);
	const form = useForm<V>({ initialValues: values });
	const change = difference(values, form.values);
	const isDirty = Object.keys(change).length > 0;
	const submit = useSubmit(form, {
		send: () => updateSettings(project, etag, typed(change, secrets) as Partial<ProjectSettings>),
		done: async () => {
			await client.invalidateQueries({ queryKey: keys.of(project).settings });
			tellDone("The settings are in force.");
			saved();
		},
		rename,
	});
	const readAgain = async () => {
		submit.reset();
		await client.invalidateQueries({ queryKey: keys.of(project).settings });
	};
	const isStale = submit.error && asProblem(submit.error).code === "precondition_failed";
	const names = new Set(Object.keys(values));
	return (
		<Paper withBorder p="md" component="section" aria-label={title}>
			<Title order={2}>{title}</Title>
			{description && (
				<Text size="sm" c="dimmed" mt={2} maw={640} component="div">
					{description}
				</Text>
			)}
			<form noValidate onSubmit={form.onSubmit((all) => submit.mutate(all))}>
				<Stack maw={560} gap="lg" mt="md">
					<ProblemAlert error={submit.error} shown={(path) => names.has(pointer(path)[0] ?? "")}>
						{isStale && (
							<Button size="compact-sm" variant="default" onClick={() => void readAgain()}>
								Read the settings again
							</Button>
						)}
					</ProblemAlert>
					{children(form)}
					<Group justify="flex-end">
						<Button type="submit" disabled={!isDirty} loading={submit.isPending}>
							Save
						</Button>
					</Group>
				</Stack>
			</form>
		</Paper>
	);
}
