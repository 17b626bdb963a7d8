// The filter of a list: an expression, and a builder for those who do not want to write one.

import {
	ActionIcon,
	Button,
	Group,
	NumberInput,
	Popover,
	Select,
	Stack,
	TextInput,
} from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import { useDisclosure } from "@mantine/hooks";
import { IconFilter, IconFilterPlus, IconX } from "@tabler/icons-react";
import dayjs from "dayjs";
import { useEffect, useMemo, useState } from "react";
import { asProblem } from "../api/problem";
import type { Field } from "../api/schema";
import { CelInput, offersOf } from "./CelInput";
import { both, condition, operatorsOf, placeOf } from "./filter";
import { RelationInput } from "./RelationInput";

interface Props {
	project: string;
	fields: readonly Field[];
	value: string | undefined;
	onChange: (value: string | undefined) => void;
	/** Why the list could not be read; the filter's own faults are shown here. */
	error: unknown;
}

export function FilterBar({ project, fields, value, onChange, error }: Props) {
	const [text, setText] = useState(value ?? "");
	useEffect(() => setText(value ?? ""), [value]);
	const offers = useMemo(() => offersOf(fields, false), [fields]);
	const problem = error ? asProblem(error) : undefined;
	const message =
		problem?.code === "invalid_filter" ? (problem.detail ?? problem.title) : undefined;
	const hint = problem?.hint;
	const faults = useMemo(() => {
		if (message === undefined || text !== (value ?? "")) return undefined;
		const place = placeOf(message, text);
		return [hint ? { ...place, message: `${place.message}. ${hint}` } : place];
	}, [message, hint, text, value]);
	const send = (next: string) => onChange(next.trim() === "" ? undefined : next.trim());
	return (
		<Group gap="xs" wrap="nowrap" align="flex-start" style={{ flex: 1, minWidth: 220 }}>
			<div style={{ flex: 1, minWidth: 0 }}>
				<CelInput
					bare
					label="Filter"
					value={text}
					onChange={setText}
					names={offers}
					faults={faults}
					onEnter={() => send(text)}
					placeholder="Filter, such as price < 10 && title.matches_like(&quot;sea&quot;)"
					leftSection={<IconFilter size={15} aria-hidden />}
				/>
			</div>
			{(text !== "" || value !== undefined) && (
				<ActionIcon
					variant="subtle"
					color="gray"
					size={36}
					aria-label="Clear the filter"
					onClick={() => {
						setText("");
						onChange(undefined);
					}}
				>
					<IconX size={16} />
				</ActionIcon>
			)}
			{text !== (value ?? "") && (
				<Button variant="light" onClick={() => send(text)}>
					Apply
				</Button>
			)}
			<Builder project={project} fields={fields} add={(more) => onChange(both(value, more))} />
		</Group>
	);
}

function Builder({
	project,
	fields,
	add,
}: {
	project: string;
	fields: readonly Field[];
	add: (condition: string) => void;
}) {
	const [open, { toggle, close }] = useDisclosure(false);
	const [name, setName] = useState<string | null>(null);
	const [chosen, setChosen] = useState<string | null>(null);
	const [value, setValue] = useState<unknown>(null);
	const field = fields.find((it) => it.name === name);
	const operators = field ? operatorsOf(field) : [];
	const operator = operators.find(({ id }) => id === chosen) ?? operators[0];
	const made = field && operator ? condition(field, operator.id, value) : undefined;
	return (
		<Popover opened={open} onChange={close} position="bottom-end" shadow="md" trapFocus width={290}>
			<Popover.Target>
				<Button
					variant="default"
					onClick={toggle}
					aria-expanded={open}
					px={10}
					leftSection={<IconFilterPlus size={16} />}
				>
					Add
				</Button>
			</Popover.Target>
			<Popover.Dropdown>
				<form
					onSubmit={(event) => {
						event.preventDefault();
						if (made === undefined) return;
						add(made);
						setValue(null);
						close();
					}}
				>
					<Stack gap="sm">
						<Select
							label="Field"
							searchable
							data={fields.map((it) => it.name)}
							value={name}
							onChange={(next) => {
								setName(next);
								setChosen(null);
								setValue(null);
							}}
							comboboxProps={{ withinPortal: false }}
						/>
						{field && (
							<Select
								label="Operator"
								data={operators.map(({ id, label }) => ({ value: id, label }))}
								value={operator?.id ?? null}
								onChange={setChosen}
								allowDeselect={false}
								comboboxProps={{ withinPortal: false }}
							/>
						)}
						{field && operator && !operator.unary && (
							<Value project={project} field={field} value={value} onChange={setValue} />
						)}
						<Button type="submit" disabled={made === undefined}>
							Add to the filter
						</Button>
					</Stack>
				</form>
			</Popover.Dropdown>
		</Popover>
	);
}

function Value({
	project,
	field,
	value,
	onChange,
}: {
	project: string;
	field: Field;
	value: unknown;
	onChange: (value: unknown) => void;
}) {
	switch (field.type) {
		case "number":
			return (
				<NumberInput
					label="Value"
					hideControls
					value={(value as number | null) ?? ""}
					onChange={onChange}
				/>
			);
		case "datetime":
			return (
				<DateTimePicker
					label="Value"
					valueFormat="YYYY-MM-DD HH:mm"
					value={value ? dayjs(value as string).format("YYYY-MM-DD HH:mm:ss") : null}
					onChange={(next) => onChange(next ? dayjs(next).toISOString() : null)}
					popoverProps={{ withinPortal: false }}
				/>
			);
		case "select":
			return (
				<Select
					label="Value"
					data={field.values ?? []}
					value={value as string | null}
					onChange={onChange}
					comboboxProps={{ withinPortal: false }}
				/>
			);
		case "relation":
			return (
				<RelationInput
					label="Value"
					project={project}
					collection={field.collection ?? ""}
					value={value as string | null}
					onChange={onChange}
				/>
			);
		default:
			return (
				<TextInput
					label="Value"
					value={(value as string | null) ?? ""}
					onChange={(event) => onChange(event.currentTarget.value)}
				/>
			);
	}
}
