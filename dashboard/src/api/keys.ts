// The one scheme of query keys: the place first, so that a whole project can be forgotten at once.

export const keys = {
	session: ["session"] as const,
	projects: ["projects"] as const,
	operators: ["operators"] as const,
	instanceAudit: ["audit"] as const,
	requests: (filter: object) => ["requests", filter] as const,

	project: (id: string) => ["project", id] as const,
	of: (id: string) => ({
		detail: ["project", id, "detail"] as const,
		keys: ["project", id, "keys"] as const,
		settings: ["project", id, "settings"] as const,
		audit: ["project", id, "audit"] as const,
		collections: ["project", id, "collections"] as const,
		records: (collection: string) => ["project", id, "records", collection] as const,
		list: (collection: string, query: object) =>
			["project", id, "records", collection, "list", query] as const,
		record: (collection: string, record: string) =>
			["project", id, "records", collection, "one", record] as const,
		buckets: ["project", id, "buckets"] as const,
		files: (bucket: string) => ["project", id, "files", bucket] as const,
		push: ["project", id, "push"] as const,
		messages: ["project", id, "push", "messages"] as const,
		message: (message: string) => ["project", id, "push", "messages", message] as const,
		inbox: ["project", id, "push", "inbox"] as const,
		accounts: ["project", id, "accounts"] as const,
		account: (user: string) => ["project", id, "accounts", user] as const,
		teams: ["project", id, "teams"] as const,
		team: (team: string) => ["project", id, "teams", team] as const,
		mails: ["project", id, "mails"] as const,
		mail: (mail: string) => ["project", id, "mails", "one", mail] as const,
		templates: ["project", id, "mail-templates"] as const,
		devices: ["project", id, "push", "devices"] as const,
	}),
};
