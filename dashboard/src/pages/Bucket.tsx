// The files of a bucket: browse, upload, look at, delete.

import {
	ActionIcon,
	Anchor,
	Breadcrumbs,
	Button,
	CloseButton,
	Drawer,
	FileButton,
	Group,
	Image,
	Overlay,
	Paper,
	Progress,
	Stack,
	Text,
	TextInput,
} from "@mantine/core";
import {
	IconDownload,
	IconFile,
	IconFileMusic,
	IconFileText,
	IconMovie,
	IconPhoto,
	IconSearch,
	IconTrash,
	IconUpload,
} from "@tabler/icons-react";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { type DragEvent, useRef, useState } from "react";
import {
	bucketsQuery,
	bytesOf,
	deleteFile,
	filesQuery,
	type StoredFile,
	uploadFile,
} from "../api/files";
import { keys } from "../api/keys";
import { asProblem } from "../api/problem";
import { type Column, DataTable } from "../table/DataTable";
import { useConfirm } from "../ui/Confirm";
import { CopyText } from "../ui/Copy";
import { LinkText } from "../ui/links";
import { PartError } from "../ui/NotHere";
import { Empty, Page } from "../ui/Page";
import { tellDone, tellProblem } from "../ui/Problem";
import { sizeText } from "../ui/size";
import { Ago } from "../ui/Time";

const route = getRouteApi("/shell/projects/$project/files/$bucket");

/** Pictures that a browser shows without running what is in them. */
const isPicture = (type: string) => type.startsWith("image/") && type !== "image/svg+xml";

function Kind({ type }: { type: string }) {
	const look = { size: 18, stroke: 1.5, "aria-hidden": true };
	if (type.startsWith("image/")) return <IconPhoto {...look} />;
	if (type.startsWith("video/")) return <IconMovie {...look} />;
	if (type.startsWith("audio/")) return <IconFileMusic {...look} />;
	if (type.startsWith("text/")) return <IconFileText {...look} />;
	return <IconFile {...look} />;
}

interface Upload {
	key: number;
	name: string;
	part: number;
	error?: string;
	stop: () => void;
}

let uploads = 0;

export function BucketPage() {
	const { project, bucket } = route.useParams();
	const { prefix, file } = route.useSearch();
	const navigate = route.useNavigate();
	const client = useQueryClient();
	const confirm = useConfirm();
	const buckets = useQuery(bucketsQuery(project));
	const query = useInfiniteQuery(filesQuery(project, bucket, prefix));
	const [words, setWords] = useState(prefix ?? "");
	const [running, setRunning] = useState<Upload[]>([]);
	const [over, setOver] = useState(0);
	const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
	const reset = useRef<() => void>(null);
	const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
	const total = query.data?.pages[0]?.total;
	const shown = rows.find((it) => it.id === file);
	const kind = buckets.data?.find((it) => it.name === bucket)?.kind;

	const forget = () => client.invalidateQueries({ queryKey: keys.of(project).files(bucket) });
	const upload = async (files: readonly File[]) => {
		const folder = prefix?.includes("/") ? prefix.slice(0, prefix.lastIndexOf("/") + 1) : "";
		const started = files.map((each) => {
			const stop = new AbortController();
			const key = uploads++;
			const change = (more: Partial<Upload>) =>
				setRunning((old) => old.map((it) => (it.key === key ? { ...it, ...more } : it)));
			const path = `${folder}${each.webkitRelativePath || each.name}`;
			const done = () =>
				uploadFile(project, bucket, path, each, (part) => change({ part }), stop.signal).then(
					() => setRunning((old) => old.filter((it) => it.key !== key)),
					(error) => {
						const problem = asProblem(error);
						change({
							error: [problem.detail ?? problem.title, problem.request_id]
								.filter(Boolean)
								.join(" · "),
						});
					},
				);
			return { entry: { key, name: path, part: 0, stop: () => stop.abort() }, done };
		});
		setRunning((old) => [...old, ...started.map(({ entry }) => entry)]);
		// Three at a time, as a browser keeps few connections to one host.
		const queue = [...started];
		const worker = async () => {
			for (let next = queue.shift(); next; next = queue.shift()) await next.done();
		};
		await Promise.all([worker(), worker(), worker()]);
		await forget();
		reset.current?.();
	};
	const remove = useMutation({
		mutationFn: async (ids: readonly string[]) => {
			for (const id of ids) await deleteFile(project, id);
			return ids.length;
		},
		onSuccess: (count) => {
			tellDone(count === 1 ? "The file was deleted." : `${count} files were deleted.`);
			setSelected(new Set());
			if (file) void navigate({ search: { prefix } });
		},
		onError: tellProblem,
		onSettled: () => void forget(),
	});
	const ask = async (ids: readonly string[]) => {
		const yes = await confirm({
			title: ids.length === 1 ? "Delete this file?" : `Delete ${ids.length} files?`,
			body: "Deleted for good. A file that a record holds is kept.",
			action: "Delete",
			danger: true,
		});
		if (yes) remove.mutate(ids);
	};
	const drag = {
		onDragEnter: (event: DragEvent) => {
			if (event.dataTransfer.types.includes("Files")) setOver((n) => n + 1);
		},
		onDragLeave: () => setOver((n) => Math.max(0, n - 1)),
		onDragOver: (event: DragEvent) => event.preventDefault(),
		onDrop: (event: DragEvent) => {
			event.preventDefault();
			setOver(0);
			void upload([...event.dataTransfer.files]);
		},
	};
	const columns: Column<StoredFile>[] = [
		{
			id: "path",
			header: "Path",
			size: 340,
			cell: (it) => (
				<Group gap="xs" wrap="nowrap">
					{isPicture(it.content_type) ? (
						<Image
							src={bytesOf(project, it.id)}
							w={26}
							h={26}
							radius={4}
							fit="cover"
							alt=""
							loading="lazy"
						/>
					) : (
						<Kind type={it.content_type} />
					)}
					<Text span size="sm" truncate title={it.path}>
						{it.path}
					</Text>
				</Group>
			),
		},
		{ id: "size", header: "Size", size: 90, align: "right", cell: (it) => sizeText(it.size_bytes) },
		{ id: "type", header: "Type", size: 150, cell: (it) => it.content_type },
		{ id: "updated_at", header: "Changed", size: 130, cell: (it) => <Ago time={it.updated_at} /> },
	];
	return (
		<Page
			title={bucket}
			full
			beside={
				<Breadcrumbs>
					<LinkText to="/projects/$project/files" params={{ project }} size="sm">
						All buckets
					</LinkText>
				</Breadcrumbs>
			}
			description={
				kind === "attachments"
					? "Attachments that no record holds are collected after a day."
					: undefined
			}
			actions={
				!query.error && (
					<FileButton onChange={(files) => void upload(files)} multiple resetRef={reset}>
						{(props) => (
							<Button {...props} leftSection={<IconUpload size={16} />}>
								Upload
							</Button>
						)}
					</FileButton>
				)
			}
		>
			<PartError error={query.error} part="files" retry={() => void query.refetch()} />
			{!query.error && (
				<div
					{...drag}
					style={{
						position: "relative",
						display: "flex",
						flexDirection: "column",
						gap: 12,
						flex: 1,
						minHeight: 0,
					}}
				>
					<Group gap="xs" justify="space-between">
						<form
							noValidate
							onSubmit={(event) => {
								event.preventDefault();
								void navigate({ search: { prefix: words || undefined }, replace: true });
							}}
						>
							<TextInput
								aria-label="Paths that begin with"
								placeholder="Paths that begin with…"
								leftSection={<IconSearch size={15} />}
								rightSection={
									prefix && (
										<CloseButton
											size="sm"
											aria-label="All paths"
											onClick={() => {
												setWords("");
												void navigate({ search: {}, replace: true });
											}}
										/>
									)
								}
								w={300}
								value={words}
								onChange={(event) => setWords(event.currentTarget.value)}
							/>
						</form>
						{selected.size > 0 ? (
							<Button
								size="compact-sm"
								variant="light"
								color="red"
								leftSection={<IconTrash size={14} />}
								loading={remove.isPending}
								onClick={() => void ask([...selected])}
							>
								Delete {selected.size}
							</Button>
						) : (
							total !== undefined && (
								<Text size="sm" c="dimmed" role="status">
									{total.toLocaleString("en")} {total === 1 ? "file" : "files"}
								</Text>
							)
						)}
					</Group>
					{running.length > 0 && (
						<Paper withBorder p="sm">
							<Stack gap={6}>
								{running.map((each) => (
									<Group key={each.key} gap="sm" wrap="nowrap">
										<Text
											size="sm"
											truncate
											style={{ flex: 1 }}
											c={each.error ? "var(--mantine-color-error)" : undefined}
										>
											{each.name}
											{each.error ? `: ${each.error}` : ""}
										</Text>
										{!each.error && (
											<Progress
												value={each.part * 100}
												w={140}
												size="sm"
												aria-label={`Upload of ${each.name}`}
											/>
										)}
										<CloseButton
											size="sm"
											aria-label={each.error ? `Forget ${each.name}` : `Stop ${each.name}`}
											onClick={() => {
												each.stop();
												setRunning((old) => old.filter((it) => it.key !== each.key));
											}}
										/>
									</Group>
								))}
							</Stack>
						</Paper>
					)}
					<DataTable
						label={`Files of ${bucket}`}
						fill
						columns={columns}
						rows={rows}
						rowId={(it) => it.id}
						selected={selected}
						onSelect={setSelected}
						loading={query.isPending}
						onOpen={(it) => void navigate({ search: { prefix, file: it.id } })}
						openLabel={(it) => `Open ${it.path}`}
						onEnd={() => {
							if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
						}}
						empty={
							<Empty icon={<IconFile />} title={prefix ? "No path begins so" : "No file yet"}>
								{!prefix && "Drop files here, or use the button above."}
							</Empty>
						}
					/>
					{over > 0 && (
						<Overlay
							radius="md"
							backgroundOpacity={0.8}
							color="var(--galley-chosen)"
							center
							style={{
								pointerEvents: "none",
								border: "2px dashed var(--mantine-primary-color-filled)",
							}}
						>
							<Text fw={600}>Drop to upload into {bucket}</Text>
						</Overlay>
					)}
				</div>
			)}
			<Drawer
				opened={file !== undefined && shown !== undefined}
				onClose={() => void navigate({ search: { prefix } })}
				position="right"
				size={480}
				title={
					<Text fw={620} truncate maw={380}>
						{shown?.path}
					</Text>
				}
				closeButtonProps={{ "aria-label": "Close" }}
			>
				{shown && <Detail project={project} file={shown} remove={() => void ask([shown.id])} />}
			</Drawer>
		</Page>
	);
}

function Detail({
	project,
	file,
	remove,
}: {
	project: string;
	file: StoredFile;
	remove: () => void;
}) {
	return (
		<Stack>
			{isPicture(file.content_type) && (
				<Anchor href={bytesOf(project, file.id)} target="_blank" rel="noreferrer">
					<Image
						src={bytesOf(project, file.id)}
						alt={file.path}
						radius="md"
						mah={360}
						fit="contain"
					/>
				</Anchor>
			)}
			<Text size="sm">
				{file.content_type} · {sizeText(file.size_bytes)}
			</Text>
			<div>
				<Text size="xs" c="dimmed">
					id
				</Text>
				<CopyText value={file.id} label="Copy the id" />
			</div>
			<div>
				<Text size="xs" c="dimmed">
					SHA-256
				</Text>
				<CopyText value={file.sha256} label="Copy the digest" />
			</div>
			<div>
				<Text size="xs" c="dimmed">
					Uploaded by
				</Text>
				{file.uploader ? (
					<LinkText
						to="/projects/$project/users"
						params={{ project }}
						search={{ record: file.uploader }}
						size="sm"
					>
						{file.uploader}
					</LinkText>
				) : (
					<Text size="sm">an operator or a key</Text>
				)}
			</div>
			<Group gap="xs">
				<Button
					component="a"
					href={bytesOf(project, file.id)}
					download={file.path.split("/").at(-1)}
					variant="default"
					leftSection={<IconDownload size={16} />}
				>
					Download
				</Button>
				<ActionIcon
					variant="subtle"
					color="red"
					size={36}
					aria-label="Delete the file"
					onClick={remove}
				>
					<IconTrash size={17} />
				</ActionIcon>
			</Group>
		</Stack>
	);
}
