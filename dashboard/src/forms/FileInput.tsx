// A field that holds a file, or a list of them: shows them, adds, replaces, takes away.

import {
	Anchor,
	Button,
	FileButton,
	Group,
	Image,
	Input,
	Paper,
	Progress,
	Stack,
	Text,
} from "@mantine/core";
import { IconFile, IconUpload } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { bytesOf, fileQuery, uploadFile } from "../api/files";
import { asProblem } from "../api/problem";
import { sizeText } from "../ui/size";

interface Props {
	project: string;
	bucket: string;
	/** What the field holds: at most one unless `multiple`. */
	value: readonly string[];
	onChange: (value: string[]) => void;
	multiple?: boolean;
	label: string;
	description?: string;
	error?: ReactNode;
	withAsterisk?: boolean;
	disabled?: boolean;
	name?: string;
}

export function FileInput({ project, bucket, value, onChange, multiple, error, ...input }: Props) {
	const [part, setPart] = useState(0);
	const upload = useMutation({
		mutationFn: async (chosen: File[]) => {
			const made: string[] = [];
			for (const [at, file] of chosen.entries()) {
				const show = (of: number) => setPart((at + of) / chosen.length);
				show(0);
				// A folder of its own, so that a name used twice replaces nothing.
				const path = `${crypto.randomUUID()}/${file.name}`;
				made.push((await uploadFile(project, bucket, path, file, show)).id);
			}
			return made;
		},
		onSuccess: (made) => onChange(multiple ? [...value, ...made] : made),
	});
	const fault = upload.error ? asProblem(upload.error) : undefined;
	const send = (chosen: File | File[] | null) => {
		const files = chosen ? [chosen].flat() : [];
		if (files.length > 0) upload.mutate(files);
	};
	return (
		<Input.Wrapper
			label={input.label}
			labelElement="div"
			description={input.description}
			withAsterisk={input.withAsterisk}
			error={fault ? (fault.detail ?? fault.title) : error}
		>
			<Paper withBorder p="xs" mt={4}>
				<Stack gap="xs">
					{value.map((id) => (
						<OneFile
							key={id}
							project={project}
							bucket={bucket}
							id={id}
							disabled={input.disabled}
							onRemove={() => onChange(value.filter((other) => other !== id))}
						/>
					))}
					<Group gap="sm" justify="space-between">
						<Text size="sm" c="dimmed">
							{value.length === 0 && (multiple ? "No files" : "No file")}
						</Text>
						<FileButton onChange={send} multiple={multiple === true} disabled={input.disabled}>
							{(props) => (
								<Button
									{...props}
									size="compact-sm"
									variant="default"
									leftSection={<IconUpload size={14} />}
									loading={upload.isPending}
									aria-label={`Upload ${input.label}`}
								>
									{multiple ? "Add" : value.length === 0 ? "Upload" : "Replace"}
								</Button>
							)}
						</FileButton>
					</Group>
					{upload.isPending && <Progress value={part * 100} size="sm" aria-label="Upload" />}
				</Stack>
			</Paper>
		</Input.Wrapper>
	);
}

/** One file of the field. */
function OneFile({
	project,
	bucket,
	id,
	disabled,
	onRemove,
}: {
	project: string;
	bucket: string;
	id: string;
	disabled?: boolean;
	onRemove: () => void;
}) {
	const { data } = useQuery(fileQuery(project, bucket, id));
	const isPicture =
		data?.content_type.startsWith("image/") && data.content_type !== "image/svg+xml";
	const name = data?.path.split("/").at(-1) ?? id;
	return (
		<Group gap="sm" wrap="nowrap">
			{isPicture ? (
				<Image src={bytesOf(project, id)} w={52} h={52} radius="sm" fit="cover" alt="" />
			) : (
				<IconFile size={22} stroke={1.5} aria-hidden />
			)}
			<div style={{ flex: 1, minWidth: 0 }}>
				<Anchor size="sm" href={bytesOf(project, id)} download truncate display="block">
					{name}
				</Anchor>
				{data && (
					<Text size="xs" c="dimmed">
						{data.content_type} · {sizeText(data.size_bytes)}
					</Text>
				)}
			</div>
			<Button
				size="compact-sm"
				variant="subtle"
				color="gray"
				disabled={disabled}
				onClick={onRemove}
				aria-label={`Remove ${name}`}
			>
				Remove
			</Button>
		</Group>
	);
}
