// One rule: nobody but operators and keys, everyone, or an expression.

import { Button, Group, Input, Menu, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconSparkles } from "@tabler/icons-react";
import { useState } from "react";
import { ACTIONS, type Action, type Field, type Rules } from "../api/schema";
import { CelInput, offersOf } from "./CelInput";
import { type Mode, modeOf } from "./definitions";
import { placeOf } from "./filter";

const EXPLAINED: Record<Action, string> = {
	list: "Which records a list shows",
	view: "Which records can be read one by one",
	create: "Which records can be made",
	update: "Which records can be changed; next is the record after the change",
	delete: "Which records can be deleted",
};

interface Props {
	rules: Rules;
	onChange: (rules: Rules) => void;
	fields: readonly Field[];
	/** The compiler's faults by action. */
	faults: Partial<Record<Action, string>>;
	disabled?: boolean;
}

export function RulesInput({ rules, onChange, fields, faults, disabled }: Props) {
	const owners = fields
		.filter((field) => field.type === "relation" && field.collection === "users")
		.map(({ name }) => name);
	return (
		<Stack gap="lg">
			{ACTIONS.map((action) => (
				<RuleInput
					key={action}
					action={action}
					rule={rules[action]}
					onChange={(rule) => onChange({ ...rules, [action]: rule })}
					fields={fields}
					owners={owners}
					fault={faults[action]}
					disabled={disabled}
				/>
			))}
		</Stack>
	);
}

function RuleInput({
	action,
	rule,
	onChange,
	fields,
	owners,
	fault,
	disabled,
}: {
	action: Action;
	rule: string | null;
	onChange: (rule: string | null) => void;
	fields: readonly Field[];
	owners: readonly string[];
	fault: string | undefined;
	disabled?: boolean;
}) {
	const [mode, setMode] = useState(modeOf(rule));
	// What was written comes back when one goes to another choice and returns.
	const [text, setText] = useState(mode === "rule" ? (rule ?? "") : "");
	const write = (next: string) => {
		setText(next);
		onChange(next);
	};
	const suggestions = [
		"auth.id != null",
		"auth.verified == true",
		...owners.map((name) => `${name} == auth.id`),
	];
	return (
		<div>
			<Group justify="space-between" gap="xs" mb={6}>
				<div>
					<Text size="sm" fw={600} component="h3" m={0}>
						{action}
					</Text>
					<Text size="xs" c="dimmed">
						{EXPLAINED[action]}
					</Text>
				</div>
				<SegmentedControl
					size="xs"
					aria-label={`Who may ${action}`}
					value={mode}
					disabled={disabled}
					onChange={(next) => {
						setMode(next as Mode);
						onChange(next === "none" ? null : next === "all" ? "true" : text);
					}}
					data={[
						{ value: "none", label: "Operators and keys" },
						{ value: "rule", label: "By a rule" },
						{ value: "all", label: "Everyone" },
					]}
				/>
			</Group>
			{mode === "rule" ? (
				<Group gap="xs" wrap="nowrap" align="flex-start">
					<div style={{ flex: 1, minWidth: 0 }}>
						<CelInput
							bare
							label={`Rule for ${action}`}
							value={text}
							onChange={write}
							names={offersOf(fields, true)}
							faults={fault ? [placeOf(fault, rule ?? "")] : undefined}
							placeholder="An expression that must be true, such as owner == auth.id"
							disabled={disabled}
						/>
					</div>
					<Menu position="bottom-end" shadow="md">
						<Menu.Target>
							<Button
								variant="default"
								px={10}
								aria-label={`Suggestions for ${action}`}
								disabled={disabled}
							>
								<IconSparkles size={16} />
							</Button>
						</Menu.Target>
						<Menu.Dropdown>
							{suggestions.map((each) => (
								<Menu.Item key={each} onClick={() => write(each)}>
									<Text span size="sm" ff="monospace">
										{each}
									</Text>
								</Menu.Item>
							))}
						</Menu.Dropdown>
					</Menu>
				</Group>
			) : (
				fault && <Input.Error role="alert">{fault}</Input.Error>
			)}
		</div>
	);
}
