// The one place where a field's type becomes an input.

import {
	Group,
	Input,
	MultiSelect,
	NumberInput,
	SegmentedControl,
	Select,
	Switch,
	Textarea,
	TextInput,
} from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import dayjs from "dayjs";
import type { ReactNode } from "react";
import { type Field, isExact } from "../api/schema";
import { FileInput } from "./FileInput";
import { JsonField } from "./JsonField";
import { RelationInput } from "./RelationInput";
import { RelationsInput } from "./RelationsInput";
import { isExpression } from "./values";

interface Props {
	project: string;
	field: Field;
	value: unknown;
	onChange: (value: unknown) => void;
	error?: ReactNode;
	isNew: boolean;
	disabled?: boolean;
}

/** What a person should know of the field, beside its name. */
function explain(field: Field, isNew: boolean): string | undefined {
	const words: string[] = [];
	if (field.description) words.push(field.description);
	if (field.type === "number") {
		if (field.min !== undefined && field.max !== undefined)
			words.push(`${field.min} to ${field.max}`);
		else if (field.min !== undefined) words.push(`at least ${field.min}`);
		else if (field.max !== undefined) words.push(`at most ${field.max}`);
	}
	if (field.unique) words.push("unique");
	if (field.hidden) words.push("hidden from users");
	if (field.read_only) words.push("read-only for users");
	if (field.write_once) words.push("set once");
	if (isNew && isExpression(field.default)) words.push(`empty: ${field.default.expression}`);
	return words.length > 0 ? words.join(" · ") : undefined;
}

export function FieldInput({ project, field, value, onChange, error, isNew, disabled }: Props) {
	const common = {
		label: field.name,
		description: explain(field, isNew),
		withAsterisk: field.required === true && !isExpression(field.default),
		error,
		disabled: disabled === true || (field.write_once === true && !isNew),
		name: field.name,
	};
	switch (field.type) {
		case "number":
			if (isExact(field))
				return (
					<TextInput
						{...common}
						inputMode="decimal"
						value={(value as string | null) ?? ""}
						onChange={(event) => onChange(event.currentTarget.value.trim() || null)}
					/>
				);
			return (
				<NumberInput
					{...common}
					value={(value as number | null) ?? ""}
					onChange={(next) => onChange(next === "" ? null : Number(next))}
					allowDecimal={field.format !== "integer"}
					thousandSeparator={false}
					clampBehavior="none"
					hideControls
					inputMode="decimal"
				/>
			);
		case "bool":
			return field.required ? (
				<Switch
					label={common.label}
					description={common.description}
					error={common.error}
					disabled={common.disabled}
					name={common.name}
					checked={value === true}
					onChange={(event) => onChange(event.currentTarget.checked)}
				/>
			) : (
				<Input.Wrapper {...common} labelElement="div">
					<Group mt={4}>
						<SegmentedControl
							size="xs"
							disabled={common.disabled}
							aria-label={field.name}
							value={String(value ?? "null")}
							onChange={(next) => onChange(next === "null" ? null : next === "true")}
							data={[
								{ value: "true", label: "Yes" },
								{ value: "false", label: "No" },
								{ value: "null", label: "Not set" },
							]}
						/>
					</Group>
				</Input.Wrapper>
			);
		case "datetime":
			return (
				<DateTimePicker
					{...common}
					withSeconds
					clearable
					clearButtonProps={{ "aria-label": `Clear ${field.name}` }}
					valueFormat="YYYY-MM-DD HH:mm:ss"
					placeholder="No time"
					highlightToday
					value={value ? dayjs(value as string).format("YYYY-MM-DD HH:mm:ss") : null}
					onChange={(next) => onChange(next ? dayjs(next).toISOString() : null)}
				/>
			);
		case "date":
			return (
				<TextInput
					{...common}
					type="date"
					value={(value as string | null) ?? ""}
					onChange={(event) => onChange(event.currentTarget.value || null)}
				/>
			);
		case "json":
		case "geo":
			return <JsonField {...common} value={value} onChange={onChange} />;
		case "select":
			if (field.multiple)
				return (
					<MultiSelect
						{...common}
						data={field.values ?? []}
						value={(value as string[] | null) ?? []}
						onChange={onChange}
						searchable={(field.values?.length ?? 0) > 8}
						comboboxProps={{ shadow: "md" }}
					/>
				);
			return (
				<Select
					{...common}
					data={field.values ?? []}
					value={(value as string | null) ?? null}
					onChange={onChange}
					clearable={!field.required}
					searchable={(field.values?.length ?? 0) > 8}
					allowDeselect={false}
					placeholder="Choose"
					comboboxProps={{ shadow: "md" }}
				/>
			);
		case "relation":
			if (field.multiple)
				return (
					<RelationsInput
						{...common}
						project={project}
						collection={field.collection ?? ""}
						value={(value as string[] | null) ?? []}
						onChange={onChange}
					/>
				);
			return (
				<RelationInput
					{...common}
					project={project}
					collection={field.collection ?? ""}
					clearable={!field.required}
					value={(value as string | null) ?? null}
					onChange={onChange}
				/>
			);
		case "file":
			return (
				<FileInput
					{...common}
					project={project}
					bucket={field.bucket ?? ""}
					multiple={field.multiple}
					value={[(value as string | string[] | null) ?? []].flat()}
					onChange={(ids) => onChange(field.multiple ? ids : (ids[0] ?? null))}
				/>
			);
		default: {
			const isLong =
				field.type === "editor" || (field.type === "text" && Number(field.max ?? 1000) > 250);
			const text = {
				...common,
				value: (value as string | null) ?? "",
				// An emptied optional text is no value; whoever needs "" writes it through the API.
				onChange: (event: { currentTarget: { value: string } }) =>
					onChange(event.currentTarget.value === "" ? null : event.currentTarget.value),
			};
			return isLong ? (
				<Textarea {...text} autosize minRows={2} maxRows={14} />
			) : (
				<TextInput {...text} />
			);
		}
	}
}
