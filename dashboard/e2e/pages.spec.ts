// Every page on a desk and on a phone, in light and in dark: it renders, axe finds nothing grave, a picture is kept.

import { accessible, expect, picture, test } from "./fixtures";

const pages: [name: string, path: string, heading: string][] = [
	["projects", "/dashboard/", "Projects"],
	["operators", "/dashboard/operators", "Operators"],
	["instance-requests", "/dashboard/requests", "Request log"],
	["instance-audit", "/dashboard/audit", "Audit log"],
	["collections", "/dashboard/projects/shop", "Collections"],
	["new-collection", "/dashboard/projects/shop/new-collection", "New collection"],
	["collection", "/dashboard/projects/shop/collections/products", "products"],
	["records", "/dashboard/projects/shop/records/products", "products"],
	["records-empty", "/dashboard/projects/shop/records/wishes", "wishes"],
	["users", "/dashboard/projects/shop/users", "Users"],
	["users-transfer", "/dashboard/projects/shop/users/transfer", "Import and export"],
	["teams", "/dashboard/projects/shop/teams", "Teams"],
	["files", "/dashboard/projects/shop/files", "Files"],
	["push", "/dashboard/projects/shop/push", "Push"],
	["messages", "/dashboard/projects/shop/push/messages", "Push"],
	["inbox", "/dashboard/projects/shop/push/inbox", "Push"],
	["mails", "/dashboard/projects/shop/mails", "Mails"],
	["mail-queue", "/dashboard/projects/shop/mails/queue", "Mails"],
	["mail-templates", "/dashboard/projects/shop/mails/templates", "Mails"],
	["api", "/dashboard/projects/shop/api", "API"],
	["keys", "/dashboard/projects/shop/keys", "Keys"],
	["project-requests", "/dashboard/projects/shop/requests", "Request log"],
	["project-audit", "/dashboard/projects/shop/audit", "Audit log"],
	["settings", "/dashboard/projects/shop/settings", "Settings"],
	["settings-sign-in", "/dashboard/projects/shop/settings/sign-in", "Settings"],
	["settings-providers", "/dashboard/projects/shop/settings/providers", "Settings"],
	["settings-safety", "/dashboard/projects/shop/settings/safety", "Settings"],
	["settings-hooks", "/dashboard/projects/shop/settings/hooks", "Settings"],
	["settings-mail", "/dashboard/projects/shop/settings/mail", "Settings"],
	["settings-phone", "/dashboard/projects/shop/settings/phone", "Settings"],
];

const sizes = { desk: { width: 1360, height: 860 }, phone: { width: 390, height: 844 } };

test.describe.configure({ mode: "parallel" });

for (const size of ["desk", "phone"] as const) {
	test(`every page, ${size}`, async ({ app }) => {
		test.setTimeout(480_000);
		await app.setViewportSize(sizes[size]);
		for (const [name, path, heading] of pages) {
			await test.step(name, async () => {
				await app.emulateMedia({ colorScheme: "light" });
				await app.goto(path);
				await expect(app.getByRole("heading", { name: heading, level: 1 })).toBeVisible();
				await picture(app, `${name}-light-${size}`);
				// Colours are the same on a phone: what else there is differs, and is looked at in both.
				await accessible(app, size === "phone" ? "structure" : undefined);
				const wide = await app.evaluate(
					() => document.documentElement.scrollWidth - document.documentElement.clientWidth,
				);
				expect.soft(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
				await app.emulateMedia({ colorScheme: "dark" });
				await expect(app.locator("html")).toHaveAttribute("data-mantine-color-scheme", "dark");
				await picture(app, `${name}-dark-${size}`);
				if (size === "desk") await accessible(app, "colours");
			});
		}
	});
}
