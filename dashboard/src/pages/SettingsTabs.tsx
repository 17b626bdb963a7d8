// The pages of a project's settings.

import { useNavigate } from "@tanstack/react-router";
import { RouteTabs } from "../ui/RouteTabs";

export function SettingsTabs({
	project,
	at,
}: {
	project: string;
	at: "general" | "sign-in" | "providers" | "safety" | "hooks" | "mail" | "phone";
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
					value: "providers",
					label: "Providers",
					go: () => void navigate({ to: "/projects/$project/settings/providers", params }),
				},
				{
					value: "safety",
					label: "Safety",
					go: () => void navigate({ to: "/projects/$project/settings/safety", params }),
				},
				{
					value: "hooks",
					label: "Hooks",
					go: () => void navigate({ to: "/projects/$project/settings/hooks", params }),
				},
				{
					value: "mail",
					label: "Brand and mail",
					go: () => void navigate({ to: "/projects/$project/settings/mail", params }),
				},
				{
					value: "phone",
					label: "Telephone",
					go: () => void navigate({ to: "/projects/$project/settings/phone", params }),
				},
			]}
		/>
	);
}
