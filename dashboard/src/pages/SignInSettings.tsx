// Who may make an account, and by which ways users sign in.

import { Alert, Radio, Stack, Switch } from "@mantine/core";
import { IconInfoCircle } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type ProjectSettings, settingsQuery } from "../api/admin";
import { SettingsForm } from "../forms/SettingsForm";
import { LinkText } from "../ui/links";
import { SettingsPage } from "./SettingsPage";

const route = getRouteApi("/shell/projects/$project/settings/sign-in");

type SignUp = ProjectSettings["sign_up"];
type Way = keyof ProjectSettings["sign_in"];

const SIGN_UPS: Record<SignUp, [label: string, description: string]> = {
	open: ["Open", "Anybody makes an account."],
	closed: ["Closed", "Only operators and keys make accounts."],
};

const WAYS: Record<Way, [label: string, description: string]> = {
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
			>
				{(form) => (
					<>
						{(Object.keys(WAYS) as Way[]).map((way) => (
							<Switch
								key={way}
								label={WAYS[way][0]}
								description={WAYS[way][1]}
								{...form.getInputProps(`sign_in.${way}`, { type: "checkbox" })}
							/>
						))}
						<NeedsApp project={project} />
					</>
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
