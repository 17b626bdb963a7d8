// Shows the document that stands beside this page. Nothing here or in the viewer may ask another host for anything.

const root = location.pathname.replace(/\/docs(\/.*)?$/, "");

Scalar.createApiReference("#reference", {
	url: `${root}/openapi.json`,
	withDefaultFonts: false,
	telemetry: false,
	agent: { disabled: true },
	mcp: { disabled: true },
	hideClientButton: true,
	showDeveloperTools: "never",
	persistAuth: false,
	authentication: { preferredSecurityScheme: "bearer" },
	theme: "default",
	defaultOpenAllTags: false,
	metaData: { title: "API reference" },
	servers: [{ url: location.origin + root.replace(/\/v1$/, ""), description: "This server" }],
});
