// The pages of a project's settings.

import { useNavigate } from "@tanstack/react-router";
import { RouteTabs } from "../ui/RouteTabs";

export function SettingsTabs({
	project,
	at,
}: {
	project: string;
	at: "general" | "sign-in" | "mail";
}) {
	const navigate = useNavigate();
	const params = { project };
	return (
		<RouteTabs
			at={at}
			tabs={[
				{
					value: "general",
					label: "General",
					go: () => void navigate({ to: "/projects/$project/settings", params }),
				},
				{
					value: "sign-in",
					label: "Sign-in",
					go: () => void navigate({ to: "/projects/$project/settings/sign-in", params }),
				},
				{
					value: "mail",
					label: "Brand and mail",
					go: () => void navigate({ to: "/projects/$project/settings/mail", params }),
				},
			]}
		/>
	);
}
