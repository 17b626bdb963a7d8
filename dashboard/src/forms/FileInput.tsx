// A field that holds a file: shows it, replaces it, takes it away.

import {
	Anchor,
	Button,
	FileButton,
	Group,
	Image,
	Input,
	Paper,
	Progress,
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
	value: string | null;
	onChange: (value: string | null) => void;
	label: string;
	description?: string;
	error?: ReactNode;
	withAsterisk?: boolean;
	disabled?: boolean;
	name?: string;
}

export function FileInput({ project, bucket, value, onChange, error, ...input }: Props) {
	const [part, setPart] = useState(0);
	const file = useQuery({ ...fileQuery(project, bucket, value ?? ""), enabled: value !== null });
	const upload = useMutation({
		mutationFn: (chosen: File) => {
			setPart(0);
			// A folder of its own, so that a name used twice replaces nothing.
			return uploadFile(project, bucket, `${crypto.randomUUID()}/${chosen.name}`, chosen, setPart);
		},
		onSuccess: ({ id }) => onChange(id),
	});
	const fault = upload.error ? asProblem(upload.error) : undefined;
	const isPicture =
		file.data?.content_type.startsWith("image/") && file.data.content_type !== "image/svg+xml";
	return (
		<Input.Wrapper
			label={input.label}
			labelElement="div"
			description={input.description}
			withAsterisk={input.withAsterisk}
			error={fault ? (fault.detail ?? fault.title) : error}
		>
			<Paper withBorder p="xs" mt={4}>
				<Group gap="sm" wrap="nowrap">
					{value !== null && isPicture ? (
						<Image src={bytesOf(project, value)} w={52} h={52} radius="sm" fit="cover" alt="" />
					) : (
						<IconFile size={22} stroke={1.5} aria-hidden />
					)}
					<div style={{ flex: 1, minWidth: 0 }}>
						{value === null ? (
							<Text size="sm" c="dimmed">
								No file
							</Text>
						) : (
							<>
								<Anchor size="sm" href={bytesOf(project, value)} download truncate display="block">
									{file.data?.path.split("/").at(-1) ?? value}
								</Anchor>
								{file.data && (
									<Text size="xs" c="dimmed">
										{file.data.content_type} · {sizeText(file.data.size_bytes)}
									</Text>
								)}
							</>
						)}
						{upload.isPending && (
							<Progress value={part * 100} size="sm" mt={4} aria-label="Upload" />
						)}
					</div>
					<FileButton
						onChange={(chosen) => chosen && upload.mutate(chosen)}
						disabled={input.disabled}
					>
						{(props) => (
							<Button
								{...props}
								size="compact-sm"
								variant="default"
								leftSection={<IconUpload size={14} />}
								loading={upload.isPending}
								aria-label={`Upload ${input.label}`}
							>
								{value === null ? "Upload" : "Replace"}
							</Button>
						)}
					</FileButton>
					{value !== null && (
						<Button
							size="compact-sm"
							variant="subtle"
							color="gray"
							disabled={input.disabled}
							onClick={() => onChange(null)}
						>
							Remove
						</Button>
					)}
				</Group>
			</Paper>
		</Input.Wrapper>
	);
}
