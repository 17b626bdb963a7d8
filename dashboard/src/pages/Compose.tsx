// A push message: to whom, what it says, and how it will look.

import {
	Alert,
	Button,
	Group,
	NumberInput,
	Paper,
	SegmentedControl,
	Select,
	SimpleGrid,
	Stack,
	Text,
	Textarea,
	TextInput,
	Title,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconInfoCircle, IconSend } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { keys } from "../api/keys";
import { pointer } from "../api/problem";
import { devicesQuery, type NewMessage, pushConfigQuery, sendMessage } from "../api/push";
import { countRecords } from "../api/records";
import { RelationInput } from "../forms/RelationInput";
import { useSubmit } from "../forms/useSubmit";
import { Logo } from "../layouts/Logo";
import { useConfirm } from "../ui/Confirm";
import { LinkText } from "../ui/links";
import { PartError } from "../ui/NotHere";
import { Page } from "../ui/Page";
import { ProblemAlert, tellDone } from "../ui/Problem";
import { PushTabs } from "./PushTabs";

const route = getRouteApi("/shell/projects/$project/push");

interface Draft extends Record<string, unknown> {
	audience: "user" | "all";
	user: string | null;
	title: string;
	body: string;
	url: string;
	image: string;
	ttl_seconds: number | string;
	urgency: NonNullable<NewMessage["urgency"]>;
	collapse_key: string;
}

/** What is sent: what was left empty is left out. */
function messageOf(draft: Draft): NewMessage {
	return {
		to: draft.audience === "all" ? { all: true } : { users: draft.user ? [draft.user] : [] },
		title: draft.title,
		body: draft.body || undefined,
		url: draft.url || undefined,
		image: draft.image || undefined,
		ttl_seconds: draft.ttl_seconds === "" ? undefined : Number(draft.ttl_seconds),
		urgency: draft.urgency === "normal" ? undefined : draft.urgency,
		collapse_key: draft.collapse_key || undefined,
	};
}

const INPUTS = new Set([
	"to",
	"title",
	"body",
	"url",
	"image",
	"ttl_seconds",
	"urgency",
	"collapse_key",
]);

export function Compose() {
	const { project } = route.useParams();
	const search = route.useSearch();
	const config = useQuery(pushConfigQuery(project));
	return (
		<Page
			title="Push"
			description="Messages to the browsers of your users, by Web Push. No account with anybody is needed."
		>
			<PushTabs project={project} at="compose" />
			<PartError error={config.error} part="push" retry={() => void config.refetch()} />
			{config.data && <Form key={JSON.stringify(search)} project={project} />}
		</Page>
	);
}

function Form({ project }: { project: string }) {
	const search = route.useSearch();
	const navigate = route.useNavigate();
	const client = useQueryClient();
	const confirm = useConfirm();
	const form = useForm<Draft>({
		initialValues: {
			audience: "user",
			user: search.user ?? null,
			title: search.title ?? "",
			body: search.body ?? "",
			url: search.url ?? "",
			image: "",
			ttl_seconds: "",
			urgency: "normal",
			collapse_key: "",
		},
		validate: {
			user: (user, { audience }) => (audience === "user" && !user ? "Choose a user." : null),
		},
	});
	const { audience, user } = form.values;
	const devices = useQuery({
		...devicesQuery(project, user ?? ""),
		enabled: audience === "user" && user !== null,
	});
	const submit = useSubmit(form, {
		send: (draft) => sendMessage(project, messageOf(draft)),
		done: async (message) => {
			await client.invalidateQueries({ queryKey: keys.of(project).push });
			tellDone("The message is on its way.");
			await navigate({
				to: "/projects/$project/push/messages",
				params: { project },
				search: { message: message.id },
			});
		},
		rename: (name) => (name.startsWith("to") ? "user" : name),
	});
	const send = async (draft: Draft) => {
		if (draft.audience === "all") {
			const users = await countRecords(project, "users").catch(() => undefined);
			const yes = await confirm({
				title: "Send to everybody?",
				body:
					users === undefined
						? "It goes to every device of the project."
						: `It goes to every device of the project's ${users.toLocaleString("en")} users.`,
				action: "Send to all",
			});
			if (!yes) return;
		}
		submit.mutate(draft);
	};
	return (
		<SimpleGrid cols={{ base: 1, md: 2 }} spacing="xl">
			<form noValidate onSubmit={form.onSubmit((draft) => void send(draft))}>
				<Stack>
					<ProblemAlert error={submit.error} shown={(path) => INPUTS.has(pointer(path)[0] ?? "")} />
					<SegmentedControl
						aria-label="To whom"
						data={[
							{ value: "user", label: "One user" },
							{ value: "all", label: "Everybody" },
						]}
						{...form.getInputProps("audience")}
					/>
					{audience === "user" && (
						<>
							<RelationInput
								project={project}
								collection="users"
								label="User"
								placeholder="Choose a user"
								withAsterisk
								value={user}
								onChange={(next) => form.setFieldValue("user", next)}
								error={form.errors.user}
							/>
							{devices.data?.length === 0 && (
								<Alert color="orange" icon={<IconInfoCircle />}>
									The user has no device yet. In development mode the message still appears in the
									inbox.
								</Alert>
							)}
						</>
					)}
					<TextInput label="Title" required {...form.getInputProps("title")} />
					<Textarea label="Text" autosize minRows={3} {...form.getInputProps("body")} />
					<TextInput
						label="Address"
						description="What a tap opens: an https address, or a path of the site."
						placeholder="/orders"
						inputMode="url"
						{...form.getInputProps("url")}
					/>
					<TextInput
						label="Picture"
						placeholder="https://…"
						inputMode="url"
						{...form.getInputProps("image")}
					/>
					<SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
						<NumberInput
							label="Kept for"
							description="Seconds"
							placeholder="default"
							hideControls
							min={0}
							{...form.getInputProps("ttl_seconds")}
						/>
						<Select
							label="Urgency"
							description="For batteries"
							data={["very-low", "low", "normal", "high"]}
							allowDeselect={false}
							{...form.getInputProps("urgency")}
						/>
						<TextInput
							label="Collapse key"
							description="Replaces its like"
							{...form.getInputProps("collapse_key")}
						/>
					</SimpleGrid>
					<Group justify="flex-end">
						<Button type="submit" leftSection={<IconSend size={16} />} loading={submit.isPending}>
							Send
						</Button>
					</Group>
				</Stack>
			</form>
			<section>
				<Title order={2} mb="sm">
					Preview
				</Title>
				<Preview title={form.values.title} body={form.values.body} url={form.values.url} />
				<Text size="xs" c="dimmed" mt="sm">
					Each system draws it in its own way; long texts are cut. A picture is shown where the
					system shows pictures.
				</Text>
				<LinkText
					size="sm"
					mt="sm"
					display="inline-block"
					to="/projects/$project/push/inbox"
					params={{ project }}
				>
					What was delivered in development
				</LinkText>
			</section>
		</SimpleGrid>
	);
}

/** A notification as most systems draw it. */
export function Preview({ title, body, url }: { title: string; body: string; url: string }) {
	const host = (() => {
		try {
			return new URL(url, location.origin).host;
		} catch {
			return url;
		}
	})();
	return (
		<Paper
			withBorder
			shadow="sm"
			p="sm"
			maw={380}
			aria-label="Preview of the notification"
			role="group"
		>
			<Group gap="sm" wrap="nowrap" align="flex-start">
				<Logo size={32} />
				<div style={{ minWidth: 0, flex: 1 }}>
					<Group justify="space-between" gap="xs" wrap="nowrap">
						<Text size="xs" c="dimmed" truncate>
							{host}
						</Text>
						<Text size="xs" c="dimmed">
							now
						</Text>
					</Group>
					<Text fw={600} size="sm" lineClamp={2} c={title ? undefined : "dimmed"}>
						{title || "Title"}
					</Text>
					<Text
						size="sm"
						lineClamp={4}
						c={body ? undefined : "dimmed"}
						style={{ whiteSpace: "pre-line" }}
					>
						{body || "Text"}
					</Text>
				</div>
			</Group>
		</Paper>
	);
}
