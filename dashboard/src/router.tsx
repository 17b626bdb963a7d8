// All pages and their addresses. Each page is loaded when it is first visited.

import type { QueryClient } from "@tanstack/react-query";
import {
	createRootRouteWithContext,
	createRoute,
	createRouter,
	lazyRouteComponent,
	redirect,
} from "@tanstack/react-router";
import { sessionQuery } from "./api/admin";
import { queryText } from "./api/client";
import { Broken, Missing } from "./layouts/Broken";
import { Shell } from "./layouts/Shell";
import { client } from "./store";

/** What is not in an address need not be named by who links to it. */
type Optional = { [name: string]: string | undefined };
const search =
	<N extends string>(...names: N[]) =>
	(given: Record<string, unknown>): Partial<Record<N, string>> => {
		const read: Optional = {};
		for (const name of names) {
			const value = given[name];
			if (typeof value === "string" && value !== "") read[name] = value;
		}
		return read as Partial<Record<N, string>>;
	};

/** The pages of the router. */
const root = createRootRouteWithContext<{ client: QueryClient }>()({
	notFoundComponent: Missing,
	errorComponent: Broken,
});

const setup = createRoute({
	getParentRoute: () => root,
	path: "/setup",
	validateSearch: search("token"),
	component: lazyRouteComponent(() => import("./pages/SetUp"), "SetUp"),
});

const signIn = createRoute({
	getParentRoute: () => root,
	path: "/sign-in",
	validateSearch: search("to"),
	component: lazyRouteComponent(() => import("./pages/SignIn"), "SignIn"),
});

const shell = createRoute({
	getParentRoute: () => root,
	id: "shell",
	component: Shell,
	beforeLoad: async ({ context, location }) => {
		const operator = await context.client.ensureQueryData(sessionQuery);
		if (!operator) {
			const to = location.href === "/" ? undefined : location.href;
			throw redirect({ to: "/sign-in", search: { to } });
		}
	},
});

const projects = createRoute({
	getParentRoute: () => shell,
	path: "/",
	component: lazyRouteComponent(() => import("./pages/Projects"), "Projects"),
});

const operators = createRoute({
	getParentRoute: () => shell,
	path: "/operators",
	component: lazyRouteComponent(() => import("./pages/Operators"), "Operators"),
});

const requests = createRoute({
	getParentRoute: () => shell,
	path: "/requests",
	validateSearch: search("project", "status"),
	component: lazyRouteComponent(() => import("./pages/Requests"), "InstanceRequests"),
});

const audit = createRoute({
	getParentRoute: () => shell,
	path: "/audit",
	component: lazyRouteComponent(() => import("./pages/Audit"), "InstanceAudit"),
});

const project = createRoute({ getParentRoute: () => shell, path: "/projects/$project" });

const overview = createRoute({
	getParentRoute: () => project,
	path: "/",
	component: lazyRouteComponent(() => import("./pages/Collections"), "Collections"),
});

const newCollection = createRoute({
	getParentRoute: () => project,
	path: "/new-collection",
	component: lazyRouteComponent(() => import("./pages/NewCollection"), "NewCollection"),
});

const collection = createRoute({
	getParentRoute: () => project,
	path: "/collections/$collection",
	component: lazyRouteComponent(() => import("./pages/CollectionPage"), "CollectionPage"),
});

/**
 * What a grid of records keeps in its address, so that it can be sent to somebody. `record` is the one in the drawer,
 * `new` for one to be made.
 */
const grid = search("filter", "sort", "record");

const records = createRoute({
	getParentRoute: () => project,
	path: "/records/$collection",
	validateSearch: grid,
	component: lazyRouteComponent(() => import("./pages/Records"), "Records"),
});

const users = createRoute({
	getParentRoute: () => project,
	path: "/users",
	validateSearch: grid,
	component: lazyRouteComponent(() => import("./pages/Users"), "Users"),
});

const transfer = createRoute({
	getParentRoute: () => project,
	path: "/users/transfer",
	component: lazyRouteComponent(() => import("./pages/Transfer"), "Transfer"),
});

const teams = createRoute({
	getParentRoute: () => project,
	path: "/teams",
	validateSearch: search("team"),
	component: lazyRouteComponent(() => import("./pages/Teams"), "Teams"),
});

const files = createRoute({
	getParentRoute: () => project,
	path: "/files",
	component: lazyRouteComponent(() => import("./pages/Buckets"), "Buckets"),
});

const bucket = createRoute({
	getParentRoute: () => project,
	path: "/files/$bucket",
	validateSearch: search("prefix", "file"),
	component: lazyRouteComponent(() => import("./pages/Bucket"), "BucketPage"),
});

const push = createRoute({
	getParentRoute: () => project,
	path: "/push",
	// What the form is filled with at first.
	validateSearch: search("user", "title", "body", "url"),
	component: lazyRouteComponent(() => import("./pages/Compose"), "Compose"),
});

const messages = createRoute({
	getParentRoute: () => project,
	path: "/push/messages",
	validateSearch: search("message"),
	component: lazyRouteComponent(() => import("./pages/Messages"), "Messages"),
});

const inbox = createRoute({
	getParentRoute: () => project,
	path: "/push/inbox",
	component: lazyRouteComponent(() => import("./pages/Inbox"), "Inbox"),
});

const mails = createRoute({
	getParentRoute: () => project,
	path: "/mails",
	validateSearch: search("mail"),
	component: lazyRouteComponent(() => import("./pages/Mails"), "CaughtMails"),
});

const mailQueue = createRoute({
	getParentRoute: () => project,
	path: "/mails/queue",
	validateSearch: search("mail", "status"),
	component: lazyRouteComponent(() => import("./pages/Mails"), "MailQueue"),
});

const templates = createRoute({
	getParentRoute: () => project,
	path: "/mails/templates",
	validateSearch: search("name", "language"),
	component: lazyRouteComponent(() => import("./pages/Templates"), "Templates"),
});

const projectRequests = createRoute({
	getParentRoute: () => project,
	path: "/requests",
	validateSearch: search("status"),
	component: lazyRouteComponent(() => import("./pages/Requests"), "ProjectRequests"),
});

const projectAudit = createRoute({
	getParentRoute: () => project,
	path: "/audit",
	component: lazyRouteComponent(() => import("./pages/Audit"), "ProjectAudit"),
});

const api = createRoute({
	getParentRoute: () => project,
	path: "/api",
	component: lazyRouteComponent(() => import("./pages/Api"), "Api"),
});

const settings = createRoute({
	getParentRoute: () => project,
	path: "/settings",
	component: lazyRouteComponent(() => import("./pages/Settings"), "Settings"),
});

const signInSettings = createRoute({
	getParentRoute: () => project,
	path: "/settings/sign-in",
	component: lazyRouteComponent(() => import("./pages/SignInSettings"), "SignInSettings"),
});

const providers = createRoute({
	getParentRoute: () => project,
	path: "/settings/providers",
	component: lazyRouteComponent(() => import("./pages/ProviderSettings"), "ProviderSettings"),
});

const safety = createRoute({
	getParentRoute: () => project,
	path: "/settings/safety",
	component: lazyRouteComponent(() => import("./pages/SafetySettings"), "SafetySettings"),
});

const hooks = createRoute({
	getParentRoute: () => project,
	path: "/settings/hooks",
	component: lazyRouteComponent(() => import("./pages/HookSettings"), "HookSettings"),
});

const mailSettings = createRoute({
	getParentRoute: () => project,
	path: "/settings/mail",
	component: lazyRouteComponent(() => import("./pages/MailSettings"), "MailSettings"),
});

const phoneSettings = createRoute({
	getParentRoute: () => project,
	path: "/settings/phone",
	component: lazyRouteComponent(() => import("./pages/PhoneSettings"), "PhoneSettings"),
});

const projectKeys = createRoute({
	getParentRoute: () => project,
	path: "/keys",
	component: lazyRouteComponent(() => import("./pages/Keys"), "Keys"),
});

const tree = root.addChildren([
	setup,
	signIn,
	shell.addChildren([
		projects,
		operators,
		requests,
		audit,
		project.addChildren([
			overview,
			newCollection,
			collection,
			records,
			users,
			transfer,
			teams,
			files,
			bucket,
			push,
			messages,
			inbox,
			mails,
			mailQueue,
			templates,
			projectRequests,
			projectAudit,
			api,
			settings,
			signInSettings,
			providers,
			safety,
			hooks,
			mailSettings,
			phoneSettings,
			projectKeys,
		]),
	]),
]);

export const router = createRouter({
	routeTree: tree,
	basepath: "/dashboard",
	context: { client },
	// Every parameter is a text: `status=404` stays as it is written.
	parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
	stringifySearch: (search) => queryText(search as Record<string, string | undefined>),
	defaultPreload: "intent",
	defaultPreloadStaleTime: 0,
	scrollRestoration: true,
});

declare module "@tanstack/react-router" {
	interface Register {
		router: typeof router;
	}
}
