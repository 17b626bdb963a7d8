// The three pages of push.

import { useNavigate } from "@tanstack/react-router";
import { RouteTabs } from "../ui/RouteTabs";

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
		<RouteTabs
			at={at}
			tabs={[
				{
					value: "compose",
					label: "Compose",
					go: () => void navigate({ to: "/projects/$project/push", params }),
				},
				{
					value: "messages",
					label: "Messages",
					go: () => void navigate({ to: "/projects/$project/push/messages", params }),
				},
				{
					value: "inbox",
					label: "Development inbox",
					go: () => void navigate({ to: "/projects/$project/push/inbox", params }),
				},
			]}
		/>
	);
}
