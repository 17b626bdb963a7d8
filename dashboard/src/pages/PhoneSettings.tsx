// How codes reach telephones, where they may go, and how many.

import {
	Button,
	Group,
	Input,
	NumberInput,
	PasswordInput,
	SegmentedControl,
	SimpleGrid,
	Stack,
	TagsInput,
	TextInput,
} from "@mantine/core";
import type { UseFormReturnType } from "@mantine/form";
import { getRouteApi } from "@tanstack/react-router";
import type { ProjectSettings } from "../api/admin";
import { SettingsForm } from "../forms/SettingsForm";
import { CopyIcon } from "../ui/Copy";
import { LinkText } from "../ui/links";
import { SettingsPage } from "./SettingsPage";

const route = getRouteApi("/shell/projects/$project/settings/phone");

/** The settings as the form holds them; the secrets are never told. */
type PhoneForm = {
	phone: Omit<ProjectSettings["phone"], "webhook" | "twilio"> & {
		webhook: Required<NonNullable<ProjectSettings["phone"]["webhook"]>> | null;
		twilio: Required<NonNullable<ProjectSettings["phone"]["twilio"]>> | null;
	};
};
type Form = UseFormReturnType<PhoneForm>;

const NEW_WEBHOOK = { url: "", secret: "" };
const NEW_TWILIO = {
	base_url: "https://api.twilio.com",
	account_sid: "",
	from: "",
	auth_token: "",
};

const read = ({ phone }: ProjectSettings): PhoneForm => ({
	phone: {
		...phone,
		webhook: phone.webhook ? { ...NEW_WEBHOOK, ...phone.webhook } : null,
		twilio: phone.twilio ? { ...NEW_TWILIO, ...phone.twilio } : null,
	},
});

const SENDERS = [
	{ value: "none", label: "Nobody" },
	{ value: "webhook", label: "A server of mine" },
	{ value: "twilio", label: "Twilio or alike" },
];

export function PhoneSettings() {
	const { project } = route.useParams();
	return (
		<SettingsPage project={project} at="phone">
			<SettingsForm
				project={project}
				title="Messages to telephones"
				description={
					<>
						They bring the codes to sign in with and to prove a number. While nobody sends them,
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
				read={read}
				secrets={["secret", "auth_token"]}
				rename={(name) => name.replace(/^(phone\.countries)\..*/, "$1")}
			>
				{(form) => (
					<>
						<Sender form={form} />
						{form.values.phone.webhook && <Webhook form={form} />}
						{form.values.phone.twilio && <Twilio form={form} />}
						<TagsInput
							label="Where they may go"
							description="How the numbers begin, such as +49. A + is everywhere, and floods of messages to far numbers are how others earn."
							{...form.getInputProps("phone.countries")}
						/>
						<SimpleGrid
							cols={{ base: 1, xs: 3 }}
							spacing="md"
							role="group"
							aria-label="Messages at most"
						>
							<NumberInput
								label="Per number and hour"
								min={1}
								{...form.getInputProps("phone.messages_per_number_hour")}
							/>
							<NumberInput
								label="Per network and hour"
								min={1}
								{...form.getInputProps("phone.messages_per_network_hour")}
							/>
							<NumberInput
								label="Per day"
								min={1}
								{...form.getInputProps("phone.messages_per_day")}
							/>
						</SimpleGrid>
					</>
				)}
			</SettingsForm>
		</SettingsPage>
	);
}

/** Who sends: what was there before comes back when it is chosen again. */
function Sender({ form }: { form: Form }) {
	const { webhook, twilio } = form.values.phone;
	const before = form.getInitialValues().phone;
	const choose = (sender: string) => {
		form.setFieldValue(
			"phone.webhook",
			sender === "webhook" ? (before.webhook ?? NEW_WEBHOOK) : null,
		);
		form.setFieldValue("phone.twilio", sender === "twilio" ? (before.twilio ?? NEW_TWILIO) : null);
	};
	return (
		<Stack gap={4}>
			<Input.Label labelElement="div" id="phone-sender">
				Who sends them
			</Input.Label>
			<Group>
				<SegmentedControl
					aria-labelledby="phone-sender"
					data={SENDERS}
					value={webhook ? "webhook" : twilio ? "twilio" : "none"}
					onChange={choose}
				/>
			</Group>
		</Stack>
	);
}

function Webhook({ form }: { form: Form }) {
	const secret = form.values.phone.webhook?.secret ?? "";
	return (
		<>
			<TextInput
				label="Its address"
				description="Told each message in a POST that is signed by Standard Webhooks."
				placeholder="https://shop.example/send-message"
				required
				{...form.getInputProps("phone.webhook.url")}
			/>
			<PasswordInput
				label="Secret"
				description="whsec_ and 24 to 64 bytes in Base64, by which it knows whose messages they are. Sealed, and never shown again."
				inputWrapperOrder={["label", "input", "description", "error"]}
				autoComplete="new-password"
				aria-invalid={Boolean(form.errors["phone.webhook.secret"])}
				{...form.getInputProps("phone.webhook.secret")}
			/>
			<Group gap="xs" mt={-8}>
				<Button
					size="compact-sm"
					variant="default"
					onClick={() => form.setFieldValue("phone.webhook.secret", freshSecret())}
				>
					Make a secret
				</Button>
				{secret !== "" && <CopyIcon value={secret} label="Copy the secret" />}
			</Group>
		</>
	);
}

function Twilio({ form }: { form: Form }) {
	return (
		<>
			<TextInput
				label="Address of the API"
				description="Twilio's own, or of whoever speaks as it does."
				required
				{...form.getInputProps("phone.twilio.base_url")}
			/>
			<SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
				<TextInput
					label="Account SID"
					autoComplete="off"
					required
					{...form.getInputProps("phone.twilio.account_sid")}
				/>
				<PasswordInput
					label="Auth token"
					description="Sealed, and never shown again."
					inputWrapperOrder={["label", "input", "description", "error"]}
					autoComplete="new-password"
					aria-invalid={Boolean(form.errors["phone.twilio.auth_token"])}
					{...form.getInputProps("phone.twilio.auth_token")}
				/>
			</SimpleGrid>
			<TextInput
				label="From"
				description="A number, or a sender's name."
				placeholder="+4915112345678"
				required
				{...form.getInputProps("phone.twilio.from")}
			/>
		</>
	);
}

/** What Standard Webhooks ask for: 24 to 64 random bytes. */
function freshSecret(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(32));
	return `whsec_${btoa(String.fromCharCode(...bytes))}`;
}
