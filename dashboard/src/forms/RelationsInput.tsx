// Chooses several records of another collection, in an order of their own.

import { Group, Input, Pill, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { recordQuery } from "../api/records";
import { type Collection, useCollections } from "../api/schema";
import { labelOf, shortId } from "./labels";
import { RelationInput } from "./RelationInput";

interface Props {
	project: string;
	collection: string;
	value: readonly string[];
	onChange: (value: string[]) => void;
	label: string;
	description?: string;
	error?: ReactNode;
	withAsterisk?: boolean;
	disabled?: boolean;
	name?: string;
}

export function RelationsInput({ project, collection, value, onChange, ...input }: Props) {
	const { data: collections } = useCollections(project);
	const target = collections?.find(({ name }) => name === collection);
	return (
		<Input.Wrapper
			label={input.label}
			labelElement="div"
			description={input.description}
			withAsterisk={input.withAsterisk}
			error={input.error}
		>
			<Stack gap={6} mt={4}>
				{value.length > 0 && (
					<Group gap={6} role="list" aria-label={input.label}>
						{value.map((id) => (
							<Chosen
								key={id}
								project={project}
								target={target}
								id={id}
								disabled={input.disabled}
								onRemove={() => onChange(value.filter((other) => other !== id))}
							/>
						))}
					</Group>
				)}
				<RelationInput
					project={project}
					collection={collection}
					value={null}
					onChange={(id) => id !== null && !value.includes(id) && onChange([...value, id])}
					placeholder={`Add from ${collection}`}
					aria-label={`Add to ${input.label}`}
					disabled={input.disabled}
				/>
			</Stack>
		</Input.Wrapper>
	);
}

/** One of the chosen, by its label. */
function Chosen({
	project,
	target,
	id,
	disabled,
	onRemove,
}: {
	project: string;
	target: Collection | undefined;
	id: string;
	disabled?: boolean;
	onRemove: () => void;
}) {
	const { data } = useQuery({
		...recordQuery(project, target?.name ?? "", id),
		enabled: target !== undefined,
	});
	const label = data ? labelOf(data, target) : shortId(id);
	return (
		<Pill
			role="listitem"
			size="md"
			withRemoveButton={!disabled}
			onRemove={onRemove}
			removeButtonProps={{ "aria-label": `Remove ${label}`, "aria-hidden": false, tabIndex: 0 }}
		>
			{label}
		</Pill>
	);
}
