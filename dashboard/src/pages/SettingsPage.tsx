// The frame of a page of settings: its tab, and the state of what is read.

import { useQuery } from "@tanstack/react-query";
import type { ComponentProps, ReactNode } from "react";
import { settingsQuery } from "../api/admin";
import { Loading, Page } from "../ui/Page";
import { ProblemAlert } from "../ui/Problem";
import { SettingsTabs } from "./SettingsTabs";

interface Props extends ComponentProps<typeof SettingsTabs> {
	children: ReactNode;
}

export function SettingsPage({ project, at, children }: Props) {
	const settings = useQuery(settingsQuery(project));
	return (
		<Page title="Settings">
			<SettingsTabs project={project} at={at} />
			<ProblemAlert error={settings.error} retry={() => void settings.refetch()} />
			{settings.isPending && <Loading />}
			{children}
		</Page>
	);
}
