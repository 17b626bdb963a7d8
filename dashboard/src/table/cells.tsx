// How a value of each type looks in a grid.

import { Badge, Group, Image, Text } from "@mantine/core";
import { IconCheck, IconMinus } from "@tabler/icons-react";
import { bytesOf } from "../api/files";
import { expanded, type RecordData } from "../api/records";
import { allFields, type Collection, type Field } from "../api/schema";
import { labelOf, shortId } from "../forms/labels";
import { LinkText } from "../ui/links";
import { stamp } from "../ui/Time";
import type { Column } from "./DataTable";

const Nothing = () => (
	<Text span c="dimmed" size="sm" aria-label="empty">
		–
	</Text>
);

const TONES = ["sea", "violet", "teal", "orange", "grape", "lime", "pink", "gray"];
/** The colour of a choice: the same wherever the field stands. */
const tone = (field: Field, value: string) =>
	TONES[Math.max(0, field.values?.indexOf(value) ?? 0) % TONES.length];

/** The ids that a relation or a file field holds. */
const idsOf = (value: unknown) => [value].flat().map(String);

/** One value. */
export function Value({
	project,
	field,
	record,
	collections,
}: {
	project: string;
	field: Field;
	record: RecordData;
	collections: readonly Collection[];
}) {
	const value = record[field.name];
	if (value === null || value === undefined) return <Nothing />;
	switch (field.type) {
		case "id":
			return (
				<Text span ff="monospace" size="xs" title={String(value)}>
					{shortId(String(value))}
				</Text>
			);
		case "bool":
			return value ? (
				<IconCheck size={16} aria-label="yes" color="var(--mantine-color-teal-6)" />
			) : (
				<IconMinus size={16} aria-label="no" color="var(--mantine-color-dimmed)" />
			);
		case "datetime":
			return <time dateTime={String(value)}>{stamp(String(value))}</time>;
		case "number":
			return String(value);
		case "select":
			return [value].flat().map((each) => (
				<Badge key={String(each)} color={tone(field, String(each))} mr={4}>
					{String(each)}
				</Badge>
			));
		case "relation": {
			const target = collections.find(({ name }) => name === field.collection);
			const others = expanded(record, field.name);
			return (
				<Group gap={8} wrap="nowrap">
					{idsOf(value).map((id) => {
						const other = others.find((each) => each.id === id);
						return (
							<RecordLink key={id} project={project} collection={target} id={id}>
								{other ? labelOf(other, target) : shortId(id)}
							</RecordLink>
						);
					})}
				</Group>
			);
		}
		case "file":
			return (
				<Group gap={4} wrap="nowrap">
					{idsOf(value).map((id) => (
						<Image
							key={id}
							src={bytesOf(project, id)}
							alt=""
							h={28}
							w={28}
							radius="sm"
							fit="cover"
							loading="lazy"
						/>
					))}
				</Group>
			);
		default:
			return typeof value === "string" ? value : JSON.stringify(value);
	}
}

/** A link to a record in its own grid. */
export function RecordLink({
	project,
	collection,
	id,
	children,
}: {
	project: string;
	collection: Collection | undefined;
	id: string;
	children: string;
}) {
	if (!collection) return <>{children}</>;
	const look = { size: "sm", truncate: true } as const;
	return collection.kind === "users" ? (
		<LinkText to="/projects/$project/users" params={{ project }} search={{ record: id }} {...look}>
			{children}
		</LinkText>
	) : (
		<LinkText
			to="/projects/$project/records/$collection"
			params={{ project, collection: collection.name }}
			search={{ record: id }}
			{...look}
		>
			{children}
		</LinkText>
	);
}

const SIZES: Record<Field["type"], number> = {
	id: 140,
	text: 200,
	editor: 220,
	email: 190,
	url: 200,
	json: 200,
	geo: 180,
	uuid: 140,
	date: 110,
	number: 110,
	bool: 90,
	datetime: 175,
	relation: 170,
	select: 120,
	file: 80,
};

/** The columns of a collection. */
export function recordColumns(
	project: string,
	collection: Collection,
	collections: readonly Collection[],
): Column<RecordData>[] {
	return allFields(collection).map((field) => ({
		id: field.name,
		header: field.name,
		size: Math.max(SIZES[field.type] ?? 160, field.name.length * 8 + 40),
		align: field.type === "number" ? "right" : undefined,
		sortable: !(["file", "json", "geo"].includes(field.type) || field.multiple),
		cell: (record) => (
			<Value project={project} field={field} record={record} collections={collections} />
		),
	}));
}
