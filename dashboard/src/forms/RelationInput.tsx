// Chooses a record of another collection by its label; an id may be pasted as well.

import { Combobox, Input, InputBase, Loader, Text, useCombobox } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { keys } from "../api/keys";
import { recordQuery, searchRecords } from "../api/records";
import { useCollections } from "../api/schema";
import { labelFields, labelOf, shortId } from "./labels";

interface Props {
	project: string;
	collection: string;
	value: string | null;
	onChange: (value: string | null) => void;
	label?: string;
	placeholder?: string;
	description?: string;
	error?: ReactNode;
	withAsterisk?: boolean;
	disabled?: boolean;
	clearable?: boolean;
	name?: string;
	"aria-label"?: string;
}

const isId = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text.trim());

export function RelationInput({
	project,
	collection,
	value,
	onChange,
	clearable,
	...input
}: Props) {
	const [search, setSearch] = useState("");
	const [text] = useDebouncedValue(search, 180);
	const combobox = useCombobox({
		onDropdownClose: () => {
			combobox.resetSelectedOption();
			setSearch("");
		},
		onDropdownOpen: () => combobox.focusSearchInput(),
	});
	const { data: collections } = useCollections(project);
	const target = collections?.find(({ name }) => name === collection);
	const labels = labelFields(target);
	const chosen = useQuery({
		...recordQuery(project, collection, value ?? ""),
		enabled: value !== null,
	});
	const found = useQuery({
		queryKey: [...keys.of(project).records(collection), "search", labels, text],
		queryFn: ({ signal }) =>
			searchRecords(project, collection, labels, isId(text) ? "" : text, signal),
		enabled: combobox.dropdownOpened && target !== undefined,
		placeholderData: keepPreviousData,
	});
	const options = isId(text) ? [] : (found.data ?? []);

	return (
		<Combobox
			store={combobox}
			shadow="md"
			onOptionSubmit={(id) => {
				onChange(id);
				combobox.closeDropdown();
			}}
		>
			<Combobox.Target targetType="button">
				<InputBase
					{...input}
					component="button"
					type="button"
					pointer
					rightSection={
						value !== null && clearable && !input.disabled ? (
							<Combobox.ClearButton
								aria-label={`Clear ${input.label ?? "the choice"}`}
								onClear={() => onChange(null)}
							/>
						) : (
							<Combobox.Chevron />
						)
					}
					rightSectionPointerEvents={value !== null && clearable ? "all" : "none"}
					onClick={() => combobox.toggleDropdown()}
				>
					{value === null ? (
						<Input.Placeholder>
							{input.placeholder ?? `Choose from ${collection}`}
						</Input.Placeholder>
					) : (
						<Text span size="sm" truncate>
							{chosen.data ? labelOf(chosen.data, target) : shortId(value)}
						</Text>
					)}
				</InputBase>
			</Combobox.Target>
			<Combobox.Dropdown>
				<Combobox.Search
					value={search}
					onChange={(event) => {
						setSearch(event.currentTarget.value);
						combobox.updateSelectedOptionIndex();
					}}
					placeholder={labels.length > 0 ? `Search by ${labels.join(" or ")}` : "Paste an id"}
					aria-label={`Search ${collection}`}
					rightSection={found.isFetching ? <Loader size={14} /> : null}
				/>
				<Combobox.Options mah={260} style={{ overflowY: "auto" }}>
					{isId(text) && (
						<Combobox.Option value={text.trim()}>
							<Text span size="sm" ff="monospace">
								{text.trim()}
							</Text>
						</Combobox.Option>
					)}
					{options.map((record) => (
						<Combobox.Option key={record.id} value={record.id} active={record.id === value}>
							<Text size="sm" truncate>
								{labelOf(record, target)}
							</Text>
							<Text size="xs" c="dimmed" ff="monospace">
								{shortId(record.id)}
							</Text>
						</Combobox.Option>
					))}
					{!isId(text) && options.length === 0 && (
						<Combobox.Empty>{found.isFetching ? "Searching…" : "Nothing found"}</Combobox.Empty>
					)}
				</Combobox.Options>
			</Combobox.Dropdown>
		</Combobox>
	);
}
