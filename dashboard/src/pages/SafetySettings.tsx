// What keeps accounts from being stolen: demands on passwords, limits of guesses, and who counts as a person.

import {
	Checkbox,
	Group,
	MultiSelect,
	NumberInput,
	PasswordInput,
	Select,
	SimpleGrid,
	Switch,
	TagsInput,
	TextInput,
} from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import type { ProjectSettings } from "../api/admin";
import { SettingsForm } from "../forms/SettingsForm";
import { SettingsPage } from "./SettingsPage";

const route = getRouteApi("/shell/projects/$project/settings/safety");

const CLASSES = [
	{ value: "lower", label: "Small letter" },
	{ value: "upper", label: "Capital letter" },
	{ value: "digit", label: "Digit" },
	{ value: "sign", label: "Other sign" },
];

const PLACES = [
	{ value: "sign_up", label: "To sign up" },
	{ value: "sign_in", label: "To sign in with a password" },
	{ value: "mails", label: "To ask for a mail" },
	{ value: "messages", label: "To ask for a message to a telephone" },
];

/** A list of texts is faulted at one of them, and shows it as a whole. */
const whole = (name: string) => name.replace(/\.\d+$/, "");

type CaptchaForm = {
	captcha: (NonNullable<ProjectSettings["captcha"]> & { secret: string }) | null;
};

const NEW_CAPTCHA: NonNullable<CaptchaForm["captcha"]> = {
	provider: "turnstile",
	site_key: "",
	secret: "",
	places: ["sign_up"],
};

/** The service as the form holds it; its secret is never told. */
const readCaptcha = ({ captcha }: ProjectSettings): CaptchaForm => ({
	captcha: captcha ? { ...NEW_CAPTCHA, ...captcha } : null,
});

export function SafetySettings() {
	const { project } = route.useParams();
	return (
		<SettingsPage project={project} at="safety">
			<SettingsForm
				project={project}
				title="Passwords"
				description="What is demanded of new ones. Those that are there stay."
				read={({ passwords }) => ({ passwords })}
			>
				{(form) => (
					<>
						<NumberInput
							label="Characters at least"
							min={8}
							max={128}
							allowDecimal={false}
							{...form.getInputProps("passwords.length_min")}
						/>
						<Checkbox.Group
							label="Each must have"
							description="Length does more for safety than any of these."
							{...form.getInputProps("passwords.classes")}
						>
							<Group mt="xs">
								{CLASSES.map((each) => (
									<Checkbox key={each.value} {...each} />
								))}
							</Group>
						</Checkbox.Group>
						<Switch
							label="Refuse those that are known from breaches of other services"
							{...form.getInputProps("passwords.refuse_breached", { type: "checkbox" })}
						/>
						<Switch
							label="Refuse those that hold the account's own address or name"
							{...form.getInputProps("passwords.refuse_identity", { type: "checkbox" })}
						/>
					</>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="Guesses"
				description="How many wrong ones are borne in 15 minutes, before further ones must wait."
				read={({ lockout }) => ({ lockout })}
			>
				{(form) => (
					<SimpleGrid cols={{ base: 1, xs: 2 }}>
						<NumberInput
							label="At one account"
							allowDecimal={false}
							{...form.getInputProps("lockout.account_guesses_max")}
						/>
						<NumberInput
							label="From one network"
							allowDecimal={false}
							{...form.getInputProps("lockout.network_guesses_max")}
						/>
					</SimpleGrid>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="E-mail domains"
				description="From which domains addresses are taken."
				read={({ email_domains }) => ({ email_domains })}
				rename={whole}
			>
				{(form) => (
					<>
						<TagsInput
							label="Only these"
							description="None: from all."
							placeholder="example.com"
							{...form.getInputProps("email_domains.allow")}
						/>
						<TagsInput
							label="Never these"
							placeholder="example.net"
							{...form.getInputProps("email_domains.block")}
						/>
					</>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="New devices"
				read={({ new_device_mail }) => ({ new_device_mail })}
			>
				{(form) => (
					<Switch
						label="Mail users when they sign in from a device that is new"
						{...form.getInputProps("new_device_mail", { type: "checkbox" })}
					/>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="CAPTCHA"
				description="Proof that a person asks, by a service of others: the app shows its puzzle and sends what it answers."
				read={readCaptcha}
				secrets={["secret"]}
			>
				{(form) => (
					<>
						<Switch
							label="Demand a proof"
							checked={form.values.captcha !== null}
							onChange={({ currentTarget }) =>
								form.setFieldValue("captcha", currentTarget.checked ? NEW_CAPTCHA : null)
							}
						/>
						{form.values.captcha && (
							<>
								<Select
									label="Service"
									allowDeselect={false}
									data={[
										{ value: "turnstile", label: "Cloudflare Turnstile" },
										{ value: "hcaptcha", label: "hCaptcha" },
									]}
									{...form.getInputProps("captcha.provider")}
								/>
								<TextInput
									label="Site key"
									autoComplete="off"
									{...form.getInputProps("captcha.site_key")}
								/>
								<PasswordInput
									label="Secret"
									description="Sealed, and never shown again."
									autoComplete="new-password"
									{...form.getInputProps("captcha.secret")}
								/>
								<MultiSelect
									label="Where"
									data={PLACES}
									{...form.getInputProps("captcha.places")}
								/>
							</>
						)}
					</>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="Anonymous users"
				read={({ anonymous }) => ({ anonymous })}
			>
				{(form) => (
					<SimpleGrid cols={{ base: 1, xs: 2 }}>
						<NumberInput
							label="Of one network in an hour"
							allowDecimal={false}
							{...form.getInputProps("anonymous.per_network_hour")}
						/>
						<NumberInput
							label="Erased after days without use"
							description="0: never."
							inputWrapperOrder={["label", "input", "description", "error"]}
							allowDecimal={false}
							{...form.getInputProps("anonymous.erased_after_days")}
						/>
					</SimpleGrid>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="Sessions in cookies"
				description="For pages of the project's own origin, which need not hold tokens then."
				read={({ sessions }) => ({ sessions })}
			>
				{(form) => (
					<>
						<Switch
							label="A sign-in sets cookies and answers no tokens, unless it says otherwise"
							{...form.getInputProps("sessions.cookie", { type: "checkbox" })}
						/>
						<Select
							label="Sent along"
							allowDeselect={false}
							data={[
								{ value: "lax", label: "also when a link of another site is followed" },
								{ value: "strict", label: "from pages of the same site alone" },
							]}
							{...form.getInputProps("sessions.same_site")}
						/>
					</>
				)}
			</SettingsForm>
		</SettingsPage>
	);
}
