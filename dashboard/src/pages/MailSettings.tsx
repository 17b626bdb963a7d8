// How pages and mails look, and how mails leave.

import {
	ColorInput,
	Group,
	Input,
	PasswordInput,
	SegmentedControl,
	Select,
	SimpleGrid,
	Stack,
	Switch,
	TextInput,
} from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import type { ProjectSettings } from "../api/admin";
import { SettingsForm } from "../forms/SettingsForm";
import { LinkText } from "../ui/links";
import { SettingsPage } from "./SettingsPage";

const route = getRouteApi("/shell/projects/$project/settings/mail");

const PORTS = ["587", "465", "25", "2525"];

/** A server as the form holds it; the password is never told. */
type Server = {
	host: string;
	port: number;
	tls: "starttls" | "implicit";
	username: string;
	password: string;
};

type MailForm = {
	mail: { from: string; from_name: string; reply_to: string; smtp: Server | null };
};

const NEW_SERVER: Server = { host: "", port: 587, tls: "starttls", username: "", password: "" };

/** What of the settings the form of the mail server holds. */
function readMail({ mail }: ProjectSettings): MailForm {
	const { from = "", from_name = "", reply_to = "", smtp } = mail;
	return { mail: { from, from_name, reply_to, smtp: smtp ? { ...NEW_SERVER, ...smtp } : null } };
}

export function MailSettings() {
	const { project } = route.useParams();
	return (
		<SettingsPage project={project} at="mail">
			<SettingsForm
				project={project}
				title="Brand"
				description="How the pages and mails of accounts look: verification, a new password, links."
				read={({ brand }) => ({ brand })}
			>
				{(form) => (
					<>
						<TextInput
							label="Name"
							description="What people know the project by. Empty: the project's name."
							{...form.getInputProps("brand.name")}
						/>
						<ColorInput
							label="Colour of buttons"
							placeholder="#1c3d5a"
							format="hex"
							swatches={["#1c3d5a", "#116887", "#1d6b3b", "#8a4600", "#a61e4d", "#5f3dc4"]}
							swatchesPerRow={6}
							withEyeDropper={false}
							{...form.getInputProps("brand.color")}
						/>
						<TextInput
							label="Picture at the top of pages"
							description="Its https address."
							placeholder="https://shop.example/logo.png"
							{...form.getInputProps("brand.logo_url")}
						/>
						<TextInput
							label="The app's address"
							description="Pages lead back there, and sign-in links end there."
							placeholder="https://shop.example"
							{...form.getInputProps("brand.app_url")}
						/>
					</>
				)}
			</SettingsForm>
			<SettingsForm
				project={project}
				title="Mail server"
				description={
					<>
						Without a server of its own, mails leave by the instance's; where that has none either,
						they are caught in the{" "}
						<LinkText
							to="/projects/$project/mails"
							params={{ project }}
							size="sm"
							underline="always"
						>
							development inbox
						</LinkText>
						.
					</>
				}
				read={readMail}
				secrets={["password"]}
			>
				{(form) => (
					<>
						<TextInput
							label="Sender's name"
							description="Empty: the brand's name."
							{...form.getInputProps("mail.from_name")}
						/>
						<TextInput
							label="Answers go to"
							description="Empty: to the sender."
							placeholder="help@shop.example"
							type="email"
							{...form.getInputProps("mail.reply_to")}
						/>
						<Switch
							label="A mail server of the project's own"
							checked={form.values.mail.smtp !== null}
							onChange={({ currentTarget }) =>
								form.setFieldValue("mail.smtp", currentTarget.checked ? NEW_SERVER : null)
							}
						/>
						{form.values.mail.smtp && (
							<Stack component="fieldset" gap="lg" m={0} p={0} bd={0} aria-label="Mail server">
								<TextInput
									label="Sender's address"
									placeholder="shop@shop.example"
									type="email"
									required
									{...form.getInputProps("mail.from")}
								/>
								<SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
									<TextInput
										label="Host"
										placeholder="smtp.example.com"
										required
										{...form.getInputProps("mail.smtp.host")}
									/>
									<Select
										label="Port"
										data={PORTS}
										allowDeselect={false}
										value={String(form.values.mail.smtp.port)}
										error={form.errors["mail.smtp.port"]}
										onChange={(port) => form.setFieldValue("mail.smtp.port", Number(port))}
									/>
								</SimpleGrid>
								<Stack gap={4}>
									<Input.Label labelElement="div" id="mail-tls">
										Encryption
									</Input.Label>
									<Group>
										<SegmentedControl
											aria-labelledby="mail-tls"
											data={[
												{ value: "starttls", label: "STARTTLS" },
												{ value: "implicit", label: "From the first byte" },
											]}
											{...form.getInputProps("mail.smtp.tls")}
										/>
									</Group>
								</Stack>
								<SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
									<TextInput
										label="Sign in as"
										autoComplete="off"
										{...form.getInputProps("mail.smtp.username")}
									/>
									<PasswordInput
										label="Password"
										description="Sealed, and never shown again."
										inputWrapperOrder={["label", "input", "description", "error"]}
										autoComplete="new-password"
										{...form.getInputProps("mail.smtp.password")}
									/>
								</SimpleGrid>
							</Stack>
						)}
					</>
				)}
			</SettingsForm>
		</SettingsPage>
	);
}
