// Tabs whose panels are pages of their own.

import { Tabs } from "@mantine/core";

export interface RouteTab {
	value: string;
	label: string;
	go: () => void;
}

export function RouteTabs({ at, tabs }: { at: string; tabs: readonly RouteTab[] }) {
	return (
		<Tabs
			value={at}
			onChange={(next) => tabs.find(({ value }) => value === next)?.go()}
			keepMounted
		>
			<Tabs.List>
				{tabs.map(({ value, label }) => (
					<Tabs.Tab key={value} value={value}>
						{label}
					</Tabs.Tab>
				))}
			</Tabs.List>
			{/* The pages are routes; the panels exist so that each tab controls something. */}
			{tabs.map(({ value }) => (
				<Tabs.Panel key={value} value={value}>
					{null}
				</Tabs.Panel>
			))}
		</Tabs>
	);
}
