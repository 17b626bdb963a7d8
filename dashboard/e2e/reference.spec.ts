// The reading page of a project's API, under the policy that the server sends with it.

import { expect, picture, test } from "./fixtures";

test("the reference shows the project's document and asks nobody else", async ({
	page,
	faults: _,
}) => {
	test.setTimeout(120_000);
	await page.goto("/p/shop/v1/docs");
	await expect(page.getByRole("heading", { name: /Film shop|Galley/ }).first()).toBeVisible({
		timeout: 30_000,
	});
	await picture(page, "reference");
	await page.getByRole("button", { name: "records" }).first().click();
	await page.getByText("Lists products.").first().click();
	await expect(page.getByText("/v1/records/products").first()).toBeVisible();
	await picture(page, "reference-operation");
	await page.setViewportSize({ width: 390, height: 844 });
	await page.emulateMedia({ colorScheme: "dark" });
	await page.reload();
	await expect(page.getByRole("heading", { name: /Film shop|Galley/ }).first()).toBeVisible({
		timeout: 30_000,
	});
	await picture(page, "reference-phone");
});
