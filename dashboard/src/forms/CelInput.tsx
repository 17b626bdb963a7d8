// An input for expressions. The editor comes when it is first needed; until then a plain one holds the text.

import { Box, Input, Textarea } from "@mantine/core";
import { useId } from "@mantine/hooks";
import { lazy, type ReactNode, Suspense, type SyntheticEvent, useRef } from "react";
import type { Place } from "./filter";

const Editor = lazy(() => import("./CelEditor"));

export interface CelInputProps {
	value: string;
	onChange: (value: string) => void;
	/** Names that are offered while typing. */
	names: readonly Offer[];
	label: string;
	/** Whether the label is for screen readers alone. */
	bare?: boolean;
	description?: ReactNode;
	placeholder?: string;
	faults?: readonly Place[];
	/** One line that this sends. */
	onEnter?: () => void;
	leftSection?: ReactNode;
	disabled?: boolean;
}

/** A name that may be written. */
export interface Offer {
	name: string;
	detail?: string;
	kind: "property" | "function" | "variable" | "constant";
	/** What is inserted, where it differs. */
	insert?: string;
}

/** What is selected in the input that has the focus. */
export type Held = { from: number; to: number } | undefined;

type Caret = SyntheticEvent<HTMLTextAreaElement>;

export function CelInput(props: CelInputProps) {
	const id = useId();
	// Where somebody was writing when the editor came: it goes on there.
	const held = useRef<Held>(undefined);
	const hold = ({ currentTarget: { selectionStart, selectionEnd } }: Caret) => {
		held.current = { from: selectionStart, to: selectionEnd };
	};
	const fault = props.faults?.[0];
	return (
		<Input.Wrapper
			label={props.bare ? undefined : props.label}
			labelElement="div"
			description={props.description}
			error={fault?.message}
			errorProps={{ id: `${id}-error`, role: "alert" }}
		>
			<Box mt={props.bare ? 0 : 4}>
				<Suspense
					fallback={
						<Textarea
							value={props.value}
							onChange={(event) => props.onChange(event.currentTarget.value)}
							aria-label={props.label}
							rows={1}
							onFocus={hold}
							onSelect={hold}
							onBlur={() => {
								held.current = undefined;
							}}
						/>
					}
				>
					<Editor {...props} held={held} describedBy={fault ? `${id}-error` : undefined} />
				</Suspense>
			</Box>
		</Input.Wrapper>
	);
}

/** What every expression may say beside the fields. */
const COMMON: Offer[] = [
	{ name: "now", kind: "variable", detail: "the time of the request" },
	{ name: "true", kind: "constant" },
	{ name: "false", kind: "constant" },
	{ name: "null", kind: "constant" },
	{ name: "timestamp", kind: "function", detail: '("2026-01-01T00:00:00Z")', insert: "timestamp(" },
	{ name: "duration", kind: "function", detail: '("24h")', insert: "duration(" },
	{ name: "lower", kind: "function", insert: "lower(" },
	{ name: "size", kind: "function", insert: "size(" },
	{
		name: "matches_like",
		kind: "function",
		detail: "without regard to case",
		insert: "matches_like(",
	},
	{ name: "contains", kind: "function", insert: "contains(" },
	{ name: "startsWith", kind: "function", insert: "startsWith(" },
	{ name: "endsWith", kind: "function", insert: "endsWith(" },
];

const RULE: Offer[] = [
	{ name: "auth.id", kind: "variable", detail: "the user's id, null for strangers" },
	{ name: "auth.email", kind: "variable" },
	{ name: "auth.verified", kind: "variable" },
	{ name: "next", kind: "variable", detail: "the record after the change" },
	{ name: "record", kind: "variable", detail: "the record before the change" },
	{ name: "request.method", kind: "variable" },
	{ name: "request.ip_network", kind: "variable" },
];

/** The offers for a filter, or for a rule. */
export function offersOf(
	fields: readonly { name: string; type: string; collection?: string }[],
	isRule: boolean,
): Offer[] {
	const own = fields.map(
		({ name, type, collection }): Offer => ({
			name,
			kind: "property",
			detail: collection ? `${type} to ${collection}` : type,
		}),
	);
	return [...own, ...(isRule ? RULE : []), ...COMMON];
}
