// The three pages of push.

import { Tabs } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";

export function PushTabs({
	project,
	at,
}: {
	project: string;
	at: "compose" | "messages" | "inbox";
}) {
	const navigate = useNavigate();
	const params = { project };
	return (
		<Tabs
			value={at}
			onChange={(next) => {
				if (next === "compose") void navigate({ to: "/projects/$project/push", params });
				if (next === "messages") void navigate({ to: "/projects/$project/push/messages", params });
				if (next === "inbox") void navigate({ to: "/projects/$project/push/inbox", params });
			}}
			keepMounted
		>
			<Tabs.List>
				<Tabs.Tab value="compose">Compose</Tabs.Tab>
				<Tabs.Tab value="messages">Messages</Tabs.Tab>
				<Tabs.Tab value="inbox">Development inbox</Tabs.Tab>
			</Tabs.List>
			{/* The pages are routes; the panels exist so that each tab controls something. */}
			<Tabs.Panel value="compose">{null}</Tabs.Panel>
			<Tabs.Panel value="messages">{null}</Tabs.Panel>
			<Tabs.Panel value="inbox">{null}</Tabs.Panel>
		</Tabs>
	);
}
