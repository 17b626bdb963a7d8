// Texts that are there to be copied: ids, keys, addresses, snippets.

import { ActionIcon, Box, Code, Group, Text, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";

/** A button that copies. */
export function CopyIcon({ value, label }: { value: string; label: string }) {
	const clipboard = useClipboard({ timeout: 1500 });
	return (
		<Tooltip label={clipboard.copied ? "Copied" : label}>
			<ActionIcon
				variant="subtle"
				color="gray"
				size="sm"
				aria-label={label}
				onClick={() => clipboard.copy(value)}
			>
				{clipboard.copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
			</ActionIcon>
		</Tooltip>
	);
}

interface CopyTextProps {
	value: string;
	label: string;
	size?: string;
}

/** A short text in monospace with its button. */
export function CopyText({ value, label, size = "sm" }: CopyTextProps) {
	return (
		<Group gap={2} wrap="nowrap" miw={0}>
			<Text ff="monospace" size={size} truncate title={value}>
				{value}
			</Text>
			<CopyIcon value={value} label={label} />
		</Group>
	);
}

/** A block of code with its button. */
export function Snippet({ code, label }: { code: string; label: string }) {
	return (
		<Box pos="relative">
			<Code
				block
				p="md"
				pr={48}
				tabIndex={0}
				role="region"
				aria-label={label}
				bg="var(--galley-panel)"
				bd="1px solid var(--galley-line)"
			>
				{code}
			</Code>
			<Box pos="absolute" top={8} right={8}>
				<CopyIcon value={code} label="Copy" />
			</Box>
		</Box>
	);
}
