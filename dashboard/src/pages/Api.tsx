// How a frontend reaches the project.

import { Button, Group, Paper, SegmentedControl, Select, Stack, Text, Title } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { root } from "../api/client";
import { useCollections } from "../api/schema";
import { CopyText, Snippet } from "../ui/Copy";
import { Page } from "../ui/Page";
import { ProblemAlert } from "../ui/Problem";
import { snippets } from "./snippets";

const route = getRouteApi("/shell/projects/$project/api");

export function Api() {
	const { project } = route.useParams();
	const collections = useCollections(project);
	const [name, setName] = useState<string | null>(null);
	const [language, setLanguage] = useState("curl");
	const base = `${location.origin}${root(project)}`;
	const collection =
		collections.data?.find((it) => it.name === name) ??
		collections.data?.find((it) => it.kind === "table");
	// The page is a part of the server that may be missing from it.
	const docs = useQuery({
		queryKey: ["docs", project],
		queryFn: async () => (await fetch(`${root(project)}/v1/docs`, { method: "HEAD" })).ok,
		staleTime: Number.POSITIVE_INFINITY,
	});
	return (
		<Page
			title="API"
			description="Every collection has an API the moment it is made, described by the project's own OpenAPI 3.1 document."
			actions={
				<>
					<Button
						component="a"
						variant="default"
						href={`${root(project)}/v1/openapi.json`}
						target="_blank"
						rel="noreferrer"
						rightSection={<IconExternalLink size={15} />}
					>
						OpenAPI document
					</Button>
					{docs.data && (
						<Button
							component="a"
							href={`${root(project)}/v1/docs`}
							target="_blank"
							rel="noreferrer"
							rightSection={<IconExternalLink size={15} />}
						>
							Read and try it
						</Button>
					)}
				</>
			}
		>
			<Paper withBorder p="md">
				<Text size="xs" c="dimmed">
					The project's root
				</Text>
				<CopyText value={base} label="Copy the address" />
			</Paper>
			<ProblemAlert error={collections.error} retry={() => void collections.refetch()} />
			<Group gap="sm">
				<SegmentedControl
					aria-label="Language"
					value={language}
					onChange={setLanguage}
					data={[
						{ value: "curl", label: "curl" },
						{ value: "typescript", label: "TypeScript" },
					]}
				/>
				<Select
					aria-label="Collection"
					data={collections.data?.filter((it) => it.kind === "table").map((it) => it.name) ?? []}
					value={collection?.name ?? null}
					onChange={setName}
					allowDeselect={false}
					placeholder="No collection yet"
				/>
			</Group>
			<Stack gap="lg">
				{snippets(base, collection).map((snippet) => (
					<section key={snippet.title}>
						<Title order={2} mb="xs">
							{snippet.title}
						</Title>
						<Snippet
							label={snippet.title}
							code={language === "curl" ? snippet.curl : snippet.typescript}
						/>
					</section>
				))}
			</Stack>
		</Page>
	);
}
