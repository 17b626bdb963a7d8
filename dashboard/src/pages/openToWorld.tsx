// The question before a rule lets everyone in.

import { Code, List, Stack, Text } from "@mantine/core";
import type { Action } from "../api/schema";

const MEANS: Record<Action, string> = {
	list: "read all records",
	view: "read any record whose id they know",
	create: "make records",
	update: "change any record",
	delete: "delete any record",
};

/** What `useConfirm` asks when rules become `true`. */
export const openToWorld = (name: string, actions: readonly Action[]) => ({
	title: `Open ${name} to the world?`,
	body: (
		<Stack gap="xs">
			<Text size="sm">
				With the rule <Code>true</Code> everyone on the internet, signed in or not, may:
			</Text>
			<List size="sm">
				{actions.map((action) => (
					<List.Item key={action}>
						{MEANS[action]} (<Code>{action}</Code>)
					</List.Item>
				))}
			</List>
		</Stack>
	),
	action: "Open it",
	danger: true,
});
