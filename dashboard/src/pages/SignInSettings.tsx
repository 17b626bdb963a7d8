// Who may make an account, and by which ways users sign in.

import { Alert, Radio, Stack, Switch, TagsInput, TextInput } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type ProjectSettings, settingsQuery } from "../api/admin";
import { SettingsForm } from "../forms/SettingsForm";
import { LinkText } from "../ui/links";
import { SettingsPage } from "./SettingsPage";

const route = getRouteApi("/shell/projects/$project/settings/sign-in");

type Way = keyof ProjectSettings["sign_in"];

const SIGN_UPS = {
	open: ["Open", "Anybody makes an account."],
	invite_only: ["By invitation", "Whom an operator or a team invited makes an account."],
	closed: ["Closed", "Only operators and keys make accounts."],
};

const FACTORS = {
	off: ["Off", "Of nobody, also not of those who have one."],
	optional: ["Optional", "Of those who set one up."],
	required: ["Required", "Who has none sets one up before the first session begins."],
};

const WAYS: Partial<Record<Way, [label: string, description: string]>> = {
	password: ["Password", "With an e-mail address and a password."],
	email_code: ["Code by e-mail", "A mail brings six digits that are typed into the app."],
	magic_link: ["Link by e-mail", "A mail brings a link that leads back to the app."],
	phone_code: ["Code by telephone", "A message brings digits that are typed into the app."],
	passkey: [
		"Passkey",
		"With a fingerprint, a face or the device's PIN; no secret leaves the device.",
	],
	anonymous: [
		"Anonymous",
		"Visitors get an account without a name, and may keep it by signing up.",
	],
};

export function SignInSettings() {
	const { project } = route.useParams();
	return (
		<SettingsPage project={project} at="sign-in">
			<SettingsForm
				project={project}
				title="Sign-up"
				description="Who may make an account. Operators and keys always may."
				read={({ sign_up }) => ({ sign_up })}
			>
				{(form) => (
					<Radio.Group aria-label="Sign-up" {...form.getInputProps("sign_up")}>
						<Stack gap="sm">
							{Object.entries(SIGN_UPS).map(([value, [label, description]]) => (
								<Radio key={value} value={value} label={label} description={description} />
							))}
						</Stack>
					</Radio.Group>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="Ways to sign in"
				description="An app asks for them at /v1/auth/methods and offers what is on here."
				read={({ sign_in }) => ({ sign_in })}
				rename={(name) => name.replace(/^(sign_in\.identities)\..*/, "$1")}
			>
				{(form) => (
					<>
						{Object.entries(WAYS).map(([way, [label, description]]) => (
							<Switch
								key={way}
								label={label}
								description={description}
								{...form.getInputProps(`sign_in.${way}`, { type: "checkbox" })}
							/>
						))}
						{"identities" in form.values.sign_in && (
							<TagsInput
								label="What users are known by with a password"
								description="Or a unique text field of users of your own."
								data={["email", "username", "phone"]}
								{...form.getInputProps("sign_in.identities")}
							/>
						)}
						<NeedsApp project={project} />
					</>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="Second factor"
				description="A code of an authenticator app or a passkey, after the first proof."
				read={({ second_factor }) => ({ second_factor })}
			>
				{(form) => (
					<>
						<Radio.Group label="Asked for" {...form.getInputProps("second_factor.policy")}>
							<Stack gap="sm" mt="xs">
								{Object.entries(FACTORS).map(([value, [label, description]]) => (
									<Radio key={value} value={value} label={label} description={description} />
								))}
							</Stack>
						</Radio.Group>
						{form.values.second_factor.policy === "required" && (
							<TagsInput
								label="Of users with these roles"
								description="None: of everybody."
								{...form.getInputProps("second_factor.roles")}
							/>
						)}
					</>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="Passkeys"
				description="For whom passkeys are made. With another domain all that there are are lost."
				read={({ passkeys }) => ({ passkeys })}
				rename={(name) => name.replace(/^(passkeys\.origins)\..*/, "$1")}
			>
				{(form) => (
					<>
						<TextInput
							label="Domain"
							description="Empty: the host of the app's address."
							placeholder="shop.example"
							{...form.getInputProps("passkeys.rp_id")}
						/>
						<TextInput
							label="What authenticators call the project"
							description="Empty: the brand's name."
							{...form.getInputProps("passkeys.rp_name")}
						/>
						<TagsInput
							label="Origins that may ask for them"
							description="None: that of the app's address, and those that may call the project."
							placeholder="https://shop.example"
							{...form.getInputProps("passkeys.origins")}
						/>
					</>
				)}
			</SettingsForm>
			<SettingsForm project={project} title="Teams" read={({ user_teams }) => ({ user_teams })}>
				{(form) => (
					<Switch
						label="Users make teams"
						description="Operators and keys always may."
						{...form.getInputProps("user_teams", { type: "checkbox" })}
					/>
				)}
			</SettingsForm>
		</SettingsPage>
	);
}

/** A link in a mail needs a place to end at. */
function NeedsApp({ project }: { project: string }) {
	const { data } = useQuery(settingsQuery(project));
	if (!data || data.settings.brand.app_url) return null;
	return (
		<Alert color="sea" icon={<IconInfoCircle />}>
			Links by e-mail end at the app's address, which is not set.{" "}
			<LinkText
				to="/projects/$project/settings/mail"
				params={{ project }}
				size="sm"
				underline="always"
			>
				Set it
			</LinkText>
		</Alert>
	);
}
