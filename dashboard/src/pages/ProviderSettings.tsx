// By whose accounts users sign in, and where browsers go afterwards.

import {
	Button,
	Group,
	Paper,
	PasswordInput,
	Select,
	SimpleGrid,
	Stack,
	Switch,
	TagsInput,
	Text,
	Textarea,
	TextInput,
} from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { IconPlus } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import type { ProjectSettings, SocialProvider } from "../api/admin";
import { root } from "../api/client";
import { SettingsForm } from "../forms/SettingsForm";
import { CopyText } from "../ui/Copy";
import { mono } from "../ui/mono";
import { SettingsPage } from "./SettingsPage";

const route = getRouteApi("/shell/projects/$project/settings/providers");

const KINDS: Record<string, string> = {
	google: "Google",
	apple: "Apple",
	microsoft: "Microsoft",
	github: "GitHub",
	gitlab: "GitLab",
	facebook: "Facebook",
	discord: "Discord",
	linkedin: "LinkedIn",
	spotify: "Spotify",
	twitch: "Twitch",
	x: "X",
	slack: "Slack",
	oidc: "Another issuer of OpenID Connect",
};

/** Kinds that may be at an address of one's own. */
const WITH_ISSUER = ["oidc", "microsoft", "gitlab", "github"];

const NEW_PROVIDER: SocialProvider = {
	id: "",
	kind: "google",
	name: "",
	client_id: "",
	client_secret: "",
	team_id: "",
	key_id: "",
	issuer: "",
	scopes: [],
	audiences: [],
	keep_tokens: false,
};

type Providers = { social: { providers: SocialProvider[]; redirect_addresses: string[] } };

function read({ social }: ProjectSettings): Providers {
	const providers = social.providers.map((each) => ({ ...NEW_PROVIDER, ...each }));
	return { social: { redirect_addresses: social.redirect_addresses, providers } };
}

export function ProviderSettings() {
	const { project } = route.useParams();
	return (
		<SettingsPage project={project} at="providers">
			<SettingsForm
				project={project}
				title="Social sign-in"
				description="Register the app with each provider, with the address for coming back that is shown here."
				read={read}
				secrets={["client_secret"]}
				rename={(name) =>
					name.replace(
						/^(social\.(?:redirect_addresses|providers\.\d+\.(?:scopes|audiences)))\..*/,
						"$1",
					)
				}
			>
				{(form) => (
					<>
						<TagsInput
							label="Where browsers go after signing in"
							description="Exactly as the app names it, for each app."
							placeholder="https://shop.example/signed-in"
							{...form.getInputProps("social.redirect_addresses")}
						/>
						{form.values.social.providers.map((provider, index) => (
							// biome-ignore lint/suspicious/noArrayIndexKey: the list has no other names while it is written
							<Provider key={index} project={project} form={form} index={index} at={provider} />
						))}
						<Group>
							<Button
								variant="default"
								leftSection={<IconPlus size={16} />}
								onClick={() =>
									form.insertListItem("social.providers", { ...NEW_PROVIDER, id: "google" })
								}
							>
								Add a provider
							</Button>
						</Group>
					</>
				)}
			</SettingsForm>
		</SettingsPage>
	);
}

function Provider({
	project,
	form,
	index,
	at: provider,
}: {
	project: string;
	form: UseFormReturnType<Providers>;
	index: number;
	at: SocialProvider;
}) {
	const path = `social.providers.${index}`;
	const input = (name: string) => form.getInputProps(`${path}.${name}`);
	const isApple = provider.kind === "apple";
	return (
		<Paper withBorder p="md" component="fieldset" m={0} aria-label={`Provider ${index + 1}`}>
			<Stack>
				<SimpleGrid cols={{ base: 1, xs: 2 }}>
					<Select
						label="Provider"
						allowDeselect={false}
						data={Object.entries(KINDS).map(([value, label]) => ({ value, label }))}
						{...input("kind")}
						onChange={(kind) => {
							form.setFieldValue(`${path}.kind`, kind);
							if (provider.id === "" || provider.id in KINDS)
								form.setFieldValue(`${path}.id`, kind);
						}}
					/>
					<TextInput
						label="Id"
						description="What it is called in addresses."
						inputWrapperOrder={["label", "input", "description", "error"]}
						classNames={mono}
						{...input("id")}
					/>
				</SimpleGrid>
				<TextInput
					label="What people read on its button"
					description="Empty: the provider's name."
					{...input("name")}
				/>
				{WITH_ISSUER.includes(provider.kind) && (
					<TextInput
						label="Issuer"
						description={provider.kind === "oidc" ? undefined : "Only for one of your own."}
						placeholder="https://login.example.com"
						{...input("issuer")}
					/>
				)}
				<TextInput label="Client id" autoComplete="off" {...input("client_id")} />
				{isApple ? (
					<>
						<SimpleGrid cols={{ base: 1, xs: 2 }}>
							<TextInput label="Team id" {...input("team_id")} />
							<TextInput label="Key id" {...input("key_id")} />
						</SimpleGrid>
						<Textarea
							label="Private key"
							description="As PEM. Sealed, and never shown again."
							autosize
							minRows={3}
							classNames={mono}
							{...input("client_secret")}
						/>
					</>
				) : (
					<PasswordInput
						label="Client secret"
						description="Sealed, and never shown again."
						autoComplete="new-password"
						{...input("client_secret")}
					/>
				)}
				<TagsInput label="Scopes" description="None: what signing in needs." {...input("scopes")} />
				<TagsInput
					label="Client ids of native apps"
					description="Whose id tokens and codes are taken as well."
					{...input("audiences")}
				/>
				<Switch
					label="Keep the provider's tokens, for its API"
					{...form.getInputProps(`${path}.keep_tokens`, { type: "checkbox" })}
				/>
				{provider.id && (
					<div>
						<Text size="xs" c="dimmed">
							Address for coming back
						</Text>
						<CopyText
							value={`${location.origin}${root(project)}/v1/auth/social/${provider.id}/callback`}
							label="Copy the address"
						/>
					</div>
				)}
				<Button
					variant="subtle"
					color="red"
					size="compact-sm"
					style={{ alignSelf: "flex-end" }}
					aria-label={`Remove provider ${index + 1}`}
					onClick={() => form.removeListItem("social.providers", index)}
				>
					Remove
				</Button>
			</Stack>
		</Paper>
	);
}
