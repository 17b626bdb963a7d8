// The records of a collection.

import { Button } from "@mantine/core";
import { IconPlus, IconTable } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { LinkButton } from "../ui/links";
import { RecordGrid } from "./RecordGrid";

const route = getRouteApi("/shell/projects/$project/records/$collection");

export function Records() {
	const { project, collection } = route.useParams();
	const search = route.useSearch();
	const navigate = route.useNavigate();
	return (
		<RecordGrid
			key={`${project} ${collection}`}
			project={project}
			name={collection}
			title={collection}
			search={search}
			setSearch={(change) =>
				void navigate({ search: (old) => ({ ...old, ...change }), replace: !("record" in change) })
			}
			icon={<IconTable />}
			actions={
				<>
					<LinkButton
						variant="default"
						to="/projects/$project/collections/$collection"
						params={{ project, collection }}
					>
						Fields and rules
					</LinkButton>
					<Button
						leftSection={<IconPlus size={16} />}
						onClick={() => void navigate({ search: (old) => ({ ...old, record: "new" }) })}
					>
						New record
					</Button>
				</>
			}
		/>
	);
}
