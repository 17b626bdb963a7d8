// A value that is JSON: an object, a list, a point on the earth.

import { JsonInput } from "@mantine/core";
import { type ComponentProps, useState } from "react";

interface Props
	extends Pick<ComponentProps<typeof JsonInput>, "label" | "description" | "error" | "disabled"> {
	name: string;
	withAsterisk: boolean;
	value: unknown;
	onChange: (value: unknown) => void;
}

const written = (value: unknown) =>
	value === null || value === undefined ? "" : JSON.stringify(value, null, 2);

/** The text that is no JSON yet is held here; it is sent as it is, and the server says what is wrong with it. */
export function JsonField({ value, onChange, ...rest }: Props) {
	const [draft, setDraft] = useState<{ text: string; of: unknown }>();
	const text = draft && draft.of === value ? draft.text : written(value);
	return (
		<JsonInput
			{...rest}
			value={text}
			onChange={(next) => {
				const of = parsed(next);
				setDraft({ text: next, of });
				onChange(of);
			}}
			// Not formatted when it is left: what is pressed then would move away under the pointer.
			formatOnBlur={false}
			autosize
			minRows={2}
			maxRows={14}
			styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
		/>
	);
}

/** What a text says; the text itself while it says nothing. */
function parsed(text: string): unknown {
	if (text.trim() === "") return null;
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
