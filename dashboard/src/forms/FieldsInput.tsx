// The fields and indexes of a collection that is being made or widened.

import {
	ActionIcon,
	Button,
	Checkbox,
	Group,
	Input,
	MultiSelect,
	NumberInput,
	Paper,
	Select,
	Stack,
	TagsInput,
	Text,
	TextInput,
	Tooltip,
} from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { bucketsQuery } from "../api/files";
import { FIELD_TYPES, type FieldType, useCollections } from "../api/schema";
import { mono } from "../ui/mono";
import { type FieldDraft, type IndexDraft, MULTIPLE, newField, newIndex } from "./definitions";

const TYPES: Record<FieldType, string> = {
	text: "Text",
	editor: "Formatted text",
	email: "E-mail address",
	url: "Web address",
	number: "Number",
	bool: "Yes or no",
	datetime: "Date and time",
	date: "Date",
	select: "Choice",
	relation: "Relation",
	file: "File",
	json: "JSON",
	geo: "Place on the map",
	uuid: "UUID",
};

interface FieldsProps {
	project: string;
	/** The collection's own name, which a relation may point to. */
	own?: string;
	fields: readonly FieldDraft[];
	onChange: (fields: FieldDraft[]) => void;
	/** The server's sentence for a path such as `0.name`. */
	errorOf: (path: string) => string | undefined;
}

export function FieldsInput({ project, own, fields, onChange, errorOf }: FieldsProps) {
	return (
		<Stack gap="sm">
			{fields.map((field, i) => (
				<FieldCard
					key={field.key}
					project={project}
					own={own}
					field={field}
					at={i}
					onChange={(change) =>
						onChange(fields.map((each, j) => (i === j ? { ...each, ...change } : each)))
					}
					onRemove={() => onChange(fields.filter((_, j) => i !== j))}
					errorOf={(name) => errorOf(`${i}.${name}`)}
					own_error={errorOf(String(i))}
				/>
			))}
			<Button
				variant="default"
				leftSection={<IconPlus size={16} />}
				onClick={() => onChange([...fields, newField()])}
				style={{ alignSelf: "flex-start" }}
			>
				Add field
			</Button>
		</Stack>
	);
}

function FieldCard({
	project,
	own,
	field,
	at,
	onChange,
	onRemove,
	errorOf,
	own_error,
}: {
	project: string;
	own?: string;
	field: FieldDraft;
	at: number;
	onChange: (change: Partial<FieldDraft>) => void;
	onRemove: () => void;
	errorOf: (name: string) => string | undefined;
	own_error?: string;
}) {
	const { data: collections = [] } = useCollections(project);
	const buckets = useQuery({ ...bucketsQuery(project), enabled: field.type === "file" });
	const targets = [...new Set([...collections.map(({ name }) => name), ...(own ? [own] : [])])];
	const limits = field.type === "text" ? ["Shortest", "Longest"] : ["Least", "Greatest"];
	const flag = (
		name: "required" | "unique" | "hidden" | "read_only" | "write_once" | "multiple",
		label: string,
		tip: string,
	) => (
		<Tooltip label={tip} multiline maw={280}>
			<Checkbox
				size="xs"
				label={label}
				checked={field[name]}
				onChange={(event) => onChange({ [name]: event.currentTarget.checked })}
				error={errorOf(name)}
			/>
		</Tooltip>
	);
	return (
		<Paper withBorder p="sm" role="group" aria-label={`Field ${at + 1} ${field.name}`}>
			<Stack gap="sm">
				<Group gap="sm" align="flex-start">
					<TextInput
						label="Name"
						classNames={mono}
						placeholder="title"
						value={field.name}
						onChange={(event) => onChange({ name: event.currentTarget.value })}
						error={errorOf("name")}
						style={{ flex: "2 1 150px" }}
						required
					/>
					<Select
						label="Type"
						data={FIELD_TYPES.map((type) => ({ value: type, label: TYPES[type] }))}
						value={field.type}
						onChange={(type) => onChange({ type: (type ?? "text") as FieldType, default: "" })}
						allowDeselect={false}
						error={errorOf("type")}
						style={{ flex: "1 1 130px" }}
					/>
					{(field.type === "text" || field.type === "number") && (
						<>
							{field.type === "number" && (
								<Select
									label="Kind"
									data={[
										{ value: "integer", label: "Whole" },
										{ value: "float", label: "With fraction" },
										{ value: "decimal", label: "Exact decimal" },
										{ value: "wide", label: "Whole, 64 bits" },
									]}
									value={field.format}
									onChange={(format) =>
										onChange({ format: (format ?? "float") as FieldDraft["format"] })
									}
									allowDeselect={false}
									error={errorOf("format")}
									style={{ flex: "1 1 120px" }}
								/>
							)}
							<NumberInput
								label={limits[0]}
								hideControls
								value={field.min}
								onChange={(min) => onChange({ min: min === "" ? "" : Number(min) })}
								error={errorOf("min")}
								style={{ flex: "1 1 76px" }}
							/>
							<NumberInput
								label={limits[1]}
								hideControls
								value={field.max}
								onChange={(max) => onChange({ max: max === "" ? "" : Number(max) })}
								error={errorOf("max")}
								style={{ flex: "1 1 76px" }}
							/>
						</>
					)}
					{field.type === "relation" && (
						<Select
							label="Points to"
							data={targets}
							value={field.collection || null}
							onChange={(collection) => onChange({ collection: collection ?? "" })}
							searchable
							error={errorOf("collection")}
							style={{ flex: "2 1 150px" }}
							required
						/>
					)}
					{field.type === "file" && (
						<Select
							label="Bucket"
							data={buckets.data?.map(({ name }) => name) ?? []}
							value={field.bucket || null}
							onChange={(bucket) => onChange({ bucket: bucket ?? "" })}
							error={errorOf("bucket")}
							placeholder={buckets.data?.length === 0 ? "Make a bucket first" : undefined}
							style={{ flex: "2 1 150px" }}
							required
						/>
					)}
					{field.type === "select" && (
						<TagsInput
							label="Choices"
							placeholder={field.values.length === 0 ? "Enter after each" : undefined}
							value={field.values}
							onChange={(values) => onChange({ values })}
							error={errorOf("values")}
							style={{ flex: "3 1 220px" }}
							required
						/>
					)}
					<ActionIcon
						variant="subtle"
						color="gray"
						mt={26}
						ml="auto"
						size="lg"
						aria-label={`Remove field ${field.name || at + 1}`}
						onClick={onRemove}
					>
						<IconTrash size={16} />
					</ActionIcon>
				</Group>
				<Group gap="md" align="flex-end">
					<Group gap="md" style={{ flex: "3 1 260px" }} pb={8}>
						{flag("required", "required", "Every record must have a value.")}
						{MULTIPLE.includes(field.type) &&
							flag("multiple", "several", "A record may have more than one.")}
						{flag("unique", "unique", "No two records may have the same value.")}
						{flag("hidden", "hidden", "Exists for keys and operators only.")}
						{flag("read_only", "read-only", "Only keys and operators may send it.")}
						{flag(
							"write_once",
							"set once",
							"May be given when the record is made, and not changed.",
						)}
					</Group>
					{field.type !== "file" && field.type !== "relation" && (
						<TextInput
							size="xs"
							label={field.computed ? "Default: an expression" : "Default"}
							classNames={field.computed ? mono : undefined}
							value={field.default}
							onChange={(event) => onChange({ default: event.currentTarget.value })}
							error={errorOf("default") ?? errorOf("default.expression")}
							placeholder={field.computed ? "product.price" : "none"}
							rightSectionWidth={38}
							rightSection={
								<Tooltip label={field.computed ? "Make it a constant" : "Make it an expression"}>
									<ActionIcon
										variant={field.computed ? "light" : "subtle"}
										color={field.computed ? undefined : "gray"}
										size="sm"
										aria-label="The default is an expression"
										aria-pressed={field.computed}
										onClick={() => onChange({ computed: !field.computed })}
									>
										<Text span size="xs" ff="monospace" fs="italic">
											fx
										</Text>
									</ActionIcon>
								</Tooltip>
							}
							style={{ flex: "1 1 180px" }}
						/>
					)}
				</Group>
				{own_error && <Input.Error role="alert">{own_error}</Input.Error>}
			</Stack>
		</Paper>
	);
}

interface IndexesProps {
	/** Names of fields that an index may have. */
	names: readonly string[];
	indexes: readonly IndexDraft[];
	onChange: (indexes: IndexDraft[]) => void;
	errorOf: (path: string) => string | undefined;
}

export function IndexesInput({ names, indexes, onChange, errorOf }: IndexesProps) {
	const change = (i: number, part: Partial<IndexDraft>) =>
		onChange(indexes.map((each, j) => (i === j ? { ...each, ...part } : each)));
	return (
		<Stack gap="sm">
			{indexes.map((index, i) => (
				<Group key={index.key} gap="sm" align="flex-end" wrap="nowrap">
					<MultiSelect
						label="Fields in order"
						data={[...new Set([...names.filter(Boolean), "created_at", "updated_at"])]}
						value={index.fields}
						onChange={(fields) => change(i, { fields })}
						error={errorOf(String(i)) ?? errorOf(`${i}.fields`)}
						style={{ flex: 1 }}
						searchable
					/>
					<Checkbox
						size="xs"
						pb={10}
						label="unique"
						checked={index.unique}
						onChange={(event) => change(i, { unique: event.currentTarget.checked })}
					/>
					<ActionIcon
						variant="subtle"
						color="gray"
						size="lg"
						aria-label={`Remove index ${i + 1}`}
						onClick={() => onChange(indexes.filter((_, j) => i !== j))}
					>
						<IconTrash size={16} />
					</ActionIcon>
				</Group>
			))}
			<Button
				variant="default"
				leftSection={<IconPlus size={16} />}
				onClick={() => onChange([...indexes, newIndex()])}
				style={{ alignSelf: "flex-start" }}
			>
				Add index
			</Button>
		</Stack>
	);
}
