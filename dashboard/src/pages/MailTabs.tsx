// The three pages of mails.

import { useNavigate } from "@tanstack/react-router";
import { RouteTabs } from "../ui/RouteTabs";

export function MailTabs({
	project,
	at,
}: {
	project: string;
	at: "inbox" | "queue" | "templates";
}) {
	const navigate = useNavigate();
	const params = { project };
	return (
		<RouteTabs
			at={at}
			tabs={[
				{
					value: "inbox",
					label: "Development inbox",
					go: () => void navigate({ to: "/projects/$project/mails", params }),
				},
				{
					value: "queue",
					label: "Sent and waiting",
					go: () => void navigate({ to: "/projects/$project/mails/queue", params }),
				},
				{
					value: "templates",
					label: "Templates",
					go: () => void navigate({ to: "/projects/$project/mails/templates", params }),
				},
			]}
		/>
	);
}
