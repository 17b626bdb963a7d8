// Users that come from elsewhere, and all users to take along.

import {
	Alert,
	Breadcrumbs,
	Button,
	FileButton,
	Group,
	Paper,
	Progress,
	Radio,
	Stack,
	Switch,
	Table,
	Text,
	Title,
} from "@mantine/core";
import { IconDownload, IconFileUpload } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { keys } from "../api/keys";
import { pointer } from "../api/problem";
import {
	type Entry,
	entriesOf,
	exportAddress,
	importUsers,
	isList,
	type Match,
	type Report,
} from "../api/transfer";
import { LinkText } from "../ui/links";
import { Page } from "../ui/Page";
import { ProblemAlert, tellDone } from "../ui/Problem";

const route = getRouteApi("/shell/projects/$project/users/transfer");

/** What was read of a file. */
interface Users {
	name: string;
	entries: Entry[];
	isList: boolean;
}

/** Faults that are shown: who has more mends these first. */
const SHOWN_MAX = 100;

export function Transfer() {
	const { project } = route.useParams();
	return (
		<Page
			title="Import and export"
			beside={
				<Breadcrumbs>
					<LinkText to="/projects/$project/users" params={{ project }} size="sm">
						All users
					</LinkText>
				</Breadcrumbs>
			}
		>
			<Import project={project} />
			<Export project={project} />
		</Page>
	);
}

function Import({ project }: { project: string }) {
	const client = useQueryClient();
	const reset = useRef<() => void>(null);
	const [match, setMatch] = useState<Match>("id");
	const [file, setFile] = useState<Users>();
	const [report, setReport] = useState<Report>();
	const send = useMutation({
		mutationFn: ({ entries, by, dry }: { entries: Entry[]; by: Match; dry: boolean }) =>
			importUsers(project, entries, { dry_run: dry, match: by }, setReport),
		onSuccess: async (done) => {
			if (done.isDry) return;
			await client.invalidateQueries({ queryKey: keys.of(project).records("users") });
			tellDone(`${users(done.created)} made.`);
		},
	});
	const read = useMutation({
		mutationFn: async (chosen: File) => {
			const text = await chosen.text();
			return { name: chosen.name, entries: entriesOf(text), isList: isList(text) };
		},
		onSuccess: (it) => {
			setFile(it);
			check(it.entries, match);
		},
	});
	const check = (entries: Entry[], by: Match) => {
		setReport(undefined);
		if (entries.length > 0) send.mutate({ entries, by, dry: true });
	};
	const choose = (chosen: File | null) => {
		if (!chosen) return;
		setFile(undefined);
		setReport(undefined);
		send.reset();
		read.mutate(chosen);
		// The same file may be chosen again, once it was mended.
		reset.current?.();
	};
	const isChecked = report?.isDry === true && report.done === report.total && !send.isPending;
	return (
		<Paper withBorder p="md" component="section" aria-label="Import">
			<Title order={2}>Import</Title>
			<Text size="sm" c="dimmed" mt={2} maw={640}>
				A file with a JSON object a line (NDJSON), or a JSON list. Each has an <code>email</code>, a{" "}
				<code>username</code> or a <code>phone</code>, and may have <code>id</code>,{" "}
				<code>verified</code>, <code>roles</code>, <code>claims</code>, <code>profile</code> and{" "}
				<code>password_hash</code>: bcrypt, scrypt, Argon2, PBKDF2 and Firebase’s are taken as they
				are. It is checked first; nothing is written before you say so.
			</Text>
			<Stack gap="md" mt="md" maw={760}>
				<Radio.Group
					label="Who is there already stays as it is, and is known by"
					value={match}
					onChange={(value) => {
						setMatch(value as Match);
						if (file) check(file.entries, value as Match);
					}}
				>
					<Group mt="xs">
						<Radio value="id" label="The id" disabled={send.isPending} />
						<Radio value="email" label="The e-mail address" disabled={send.isPending} />
					</Group>
				</Radio.Group>
				<Group>
					<FileButton onChange={choose} accept=".json,.ndjson,.jsonl,.txt" resetRef={reset}>
						{(props) => (
							<Button
								{...props}
								variant={file ? "default" : "filled"}
								disabled={send.isPending}
								leftSection={<IconFileUpload size={16} />}
							>
								{file ? "Choose another file" : "Choose a file"}
							</Button>
						)}
					</FileButton>
					{file && (
						<Text size="sm">
							{file.name}: {users(file.entries.length)}
						</Text>
					)}
				</Group>
				{read.error && (
					<Alert color="red" title="This file is no JSON" role="alert">
						{read.error.message}
					</Alert>
				)}
				<ProblemAlert error={send.error}>
					{report && <Text size="sm">What came before it is told below.</Text>}
				</ProblemAlert>
				{send.isPending && file && (
					<Progress
						aria-label={send.variables.dry ? "Checked so far" : "Imported so far"}
						value={(100 * (report?.done ?? 0)) / file.entries.length}
						animated
					/>
				)}
				{report && <Told report={report} unit={file?.isList ? "Place" : "Line"} />}
				{isChecked && file && (
					<Group justify="flex-end">
						<Button
							disabled={report.created === 0}
							onClick={() => send.mutate({ entries: file.entries, by: match, dry: false })}
						>
							Import {users(report.created)}
						</Button>
					</Group>
				)}
			</Stack>
		</Paper>
	);
}

const users = (count: number) => `${count.toLocaleString("en")} ${count === 1 ? "user" : "users"}`;

/** What came, or would come, of each. */
function Told({ report, unit }: { report: Report; unit: string }) {
	const { isDry, created, existing, failed } = report;
	const counts: [label: string, count: number, color?: string][] = [
		[isDry ? "to be made" : "made", created],
		["there already", existing],
		[isDry ? "with faults, left out" : "left out", failed.length, "red"],
	];
	return (
		<Stack gap="sm" role="status" aria-label={isDry ? "What would come of it" : "What came of it"}>
			<Group gap="xl">
				{counts.map(([label, count, color]) => (
					<div key={label}>
						<Text fw={620} size="xl" c={count > 0 ? color : undefined}>
							{count.toLocaleString("en")}
						</Text>
						<Text size="sm" c="dimmed">
							{label}
						</Text>
					</div>
				))}
			</Group>
			{failed.length > 0 && (
				<Table.ScrollContainer minWidth={420}>
					<Table aria-label="Faults" verticalSpacing={6}>
						<Table.Thead>
							<Table.Tr>
								<Table.Th w={80}>{unit}</Table.Th>
								<Table.Th w={160}>Where</Table.Th>
								<Table.Th>What is wrong</Table.Th>
							</Table.Tr>
						</Table.Thead>
						<Table.Tbody>
							{failed.slice(0, SHOWN_MAX).flatMap(({ place, faults }) =>
								faults.map(({ path, message }) => (
									<Table.Tr key={`${place} ${path} ${message}`}>
										<Table.Td>{place}</Table.Td>
										<Table.Td ff="monospace">{pointer(path).slice(1).join(".")}</Table.Td>
										<Table.Td>{message}</Table.Td>
									</Table.Tr>
								)),
							)}
						</Table.Tbody>
					</Table>
				</Table.ScrollContainer>
			)}
			{failed.length > SHOWN_MAX && (
				<Text size="sm" c="dimmed">
					And {users(failed.length - SHOWN_MAX)} more.
				</Text>
			)}
		</Stack>
	);
}

function Export({ project }: { project: string }) {
	const [hashes, setHashes] = useState(false);
	return (
		<Paper withBorder p="md" component="section" aria-label="Export">
			<Title order={2}>Export</Title>
			<Text size="sm" c="dimmed" mt={2} maw={640}>
				All users, a JSON object a line, as an import takes them. The audit log tells that it was
				made.
			</Text>
			<Stack gap="md" mt="md" maw={560}>
				<Switch
					label="With the hashes of their passwords"
					description="So that they sign in elsewhere with the passwords they have. Whoever has the file can try to guess them."
					checked={hashes}
					onChange={({ currentTarget }) => setHashes(currentTarget.checked)}
				/>
				<Group>
					<Button
						component="a"
						href={exportAddress(project, hashes)}
						download={`${project}-users.ndjson`}
						variant="default"
						leftSection={<IconDownload size={16} />}
					>
						Download
					</Button>
				</Group>
			</Stack>
		</Paper>
	);
}
