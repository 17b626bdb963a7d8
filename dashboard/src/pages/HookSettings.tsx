// Servers of one's own that are asked before somebody signs up and before a token is signed.

import { Alert, Button, Group, Modal, Stack, Switch, Text, TextInput } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type Hook, makeHookSecret, type ProjectSettings, settingsQuery } from "../api/admin";
import { SettingsForm } from "../forms/SettingsForm";
import { useConfirm } from "../ui/Confirm";
import { CopyIcon } from "../ui/Copy";
import { tellProblem } from "../ui/Problem";
import { SettingsPage } from "./SettingsPage";

const route = getRouteApi("/shell/projects/$project/settings/hooks");

type Name = "before_sign_up" | "on_token";
type HookForm = { hooks: Partial<Record<Name, Hook | null>> };

const HOOKS: Record<Name, [title: string, description: string]> = {
	before_sign_up: [
		"Before somebody signs up",
		"It may refuse, or set fields of the user. Without a good answer within 3 seconds nobody signs up.",
	],
	on_token: ["Before a token is signed", "It may add claims to the token."],
};

const read =
	(name: Name) =>
	({ hooks }: ProjectSettings): HookForm => ({ hooks: { [name]: hooks[name] } });

export function HookSettings() {
	const { project } = route.useParams();
	const { data } = useQuery(settingsQuery(project));
	return (
		<SettingsPage project={project} at="hooks">
			{(Object.keys(HOOKS) as Name[]).map((name) => (
				<div key={name}>
					<SettingsForm
						project={project}
						title={HOOKS[name][0]}
						description={HOOKS[name][1]}
						read={read(name)}
					>
						{(form) => (
							<>
								<Switch
									label="Ask a server"
									checked={Boolean(form.values.hooks[name])}
									onChange={({ currentTarget }) =>
										form.setFieldValue(`hooks.${name}`, currentTarget.checked ? NEW_HOOK : null)
									}
								/>
								{form.values.hooks[name] && (
									<>
										<TextInput
											label="Its address"
											placeholder="https://hooks.example.com/galley"
											{...form.getInputProps(`hooks.${name}.url`)}
										/>
										{name === "on_token" && (
											<Switch
												label="Go on without it when it does not answer well"
												{...form.getInputProps(`hooks.${name}.optional`, { type: "checkbox" })}
											/>
										)}
										{data?.settings.hooks[name] && <Secret project={project} name={name} />}
									</>
								)}
							</>
						)}
					</SettingsForm>
				</div>
			))}
		</SettingsPage>
	);
}

const NEW_HOOK: Hook = { url: "", optional: false };

/** Makes the secret that calls are signed with; the one before stays good for a day. */
function Secret({ project, name }: { project: string; name: Name }) {
	const confirm = useConfirm();
	const make = useMutation({
		mutationFn: () => makeHookSecret(project, name),
		onError: tellProblem,
	});
	const ask = async () => {
		const yes = await confirm({
			title: "Make a new secret?",
			body: "Calls are signed with the one before too, for 24 hours.",
			action: "Make it",
		});
		if (yes) make.mutate();
	};
	return (
		<>
			<Button
				variant="default"
				loading={make.isPending}
				style={{ alignSelf: "flex-start" }}
				onClick={() => void ask()}
			>
				New secret…
			</Button>
			<Modal
				opened={make.data !== undefined}
				onClose={() => make.reset()}
				title="The secret of the hook"
				closeButtonProps={{ "aria-label": "Close" }}
				size="lg"
			>
				<Stack>
					<Alert color="orange" icon={<IconAlertTriangle />} title="Copy the secret now">
						It is shown here and never again. By it your server knows that a call is Galley's.
					</Alert>
					<Group gap="xs" wrap="nowrap">
						<Text
							ff="monospace"
							size="sm"
							data-testid="secret"
							style={{ overflowWrap: "anywhere" }}
						>
							{make.data}
						</Text>
						<CopyIcon value={make.data ?? ""} label="Copy the secret" />
					</Group>
				</Stack>
			</Modal>
		</>
	);
}
