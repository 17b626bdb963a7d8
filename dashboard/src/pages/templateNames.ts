// What people call the mails and languages that the API names.

export const TEMPLATES: Record<string, string> = {
	verify: "Verify an address",
	reset: "New password",
	change_email_old: "Another address, to the old one",
	change_email_new: "Another address, to the new one",
	code: "Code to sign in",
	magic_link: "Link to sign in",
	invite: "Invitation",
	team_invite: "Invitation to a team",
	new_device: "Sign-in from another device",
	security_notice: "Something about the account's safety changed",
	linked: "Another way to sign in was added",
	account_exists: "There is an account already",
};

export const LANGUAGES: Record<string, string> = {
	en: "English",
	de: "German",
	es: "Spanish",
	fr: "French",
	pt: "Portuguese",
	zh: "Chinese",
	ja: "Japanese",
};

/** What can stand in a template between two braces. */
export const VARIABLES = ["project", "email", "new_email", "link", "code", "minutes", "color"];
