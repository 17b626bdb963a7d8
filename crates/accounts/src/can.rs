//! The permissions of accounts: what strangers may do to get in, and what users may do to their own account.

use gate::{Holders, InProject};

gate::permissions! {
    /// Signs up, signs in and refreshes.
    AuthUse = "auth.use", InProject, Holders::Everyone;
    /// Reads the public keys that verify access tokens.
    JwksRead = "jwks.read", InProject, Holders::Everyone;
    /// Reads one's own user.
    UsersMe = "users.me", InProject, Holders::Users;
    /// Reads one's own sessions.
    SessionsRead = "sessions.read", InProject, Holders::Users;
    /// Ends one's own sessions.
    SessionsEnd = "sessions.end", InProject, Holders::Users;
    /// Changes one's own password.
    PasswordChange = "password.change", InProject, Holders::Users;
    /// Asks for another address of one's own account.
    EmailChange = "email.change", InProject, Holders::Users;
    /// Changes one's own name to sign in with.
    UsernameChange = "username.change", InProject, Holders::Users;
    /// Gives oneself an identity.
    IdentityPromote = "identity.promote", InProject, Holders::Users;
    /// Changes one's own telephone number.
    PhoneChange = "phone.change", InProject, Holders::Users;
    /// Names one's own sessions.
    SessionsRename = "sessions.rename", InProject, Holders::Users;
    /// Lets somebody in by the word of the project's own identity system.
    AuthMint = "auth.mint", InProject, Holders::Granted;
    /// Reads by what one proves who one is.
    FactorsRead = "factors.read", InProject, Holders::Users;
    /// Changes one's own second factors, and proves again who one is.
    FactorsWrite = "factors.write", InProject, Holders::Users;
    /// Removes the second factors and passkeys of a user who lost them.
    FactorsReset = "factors.reset", InProject, Holders::Granted;
    /// Makes, names and removes one's own passkeys.
    PasskeysWrite = "passkeys.write", InProject, Holders::Users;
    /// Reads which mails were sent, and what became of them.
    MailsRead = "mails.read", InProject, Holders::Granted;
    /// Reads what the mails of the development inbox say: the secrets in them are good.
    MailsOpen = "mails.open", InProject, Holders::Granted;
    /// Empties the development inbox.
    MailsClear = "mails.clear", InProject, Holders::Granted;
    /// Reads the templates of mails.
    MailTemplatesRead = "mail_templates.read", InProject, Holders::Granted;
    /// Changes the templates of mails.
    MailTemplatesWrite = "mail_templates.write", InProject, Holders::Granted;
    /// Reads teams: of users those that they are in.
    TeamsRead = "teams.read", InProject, Holders::Users;
    /// Makes teams and sees to them: users as far as their role goes.
    TeamsWrite = "teams.write", InProject, Holders::Users;
    /// Joins teams that ask one to.
    TeamsJoin = "teams.join", InProject, Holders::Users;
    /// Reads users.
    UsersRead = "users.read", InProject, Holders::Granted;
    /// Makes, changes, disables, invites and deletes users, and ends their sessions.
    UsersWrite = "users.write", InProject, Holders::Granted;
    /// Imports users, with hashes of their passwords.
    UsersImport = "users.import", InProject, Holders::Granted;
    /// Exports all users.
    UsersExport = "users.export", InProject, Holders::Granted;
    /// Exports the hashes of passwords, beside the users.
    UsersReadHashes = "users.read_hashes", InProject, Holders::Granted;
    /// Acts as a user.
    UsersImpersonate = "users.impersonate", InProject, Holders::Granted;
    /// Reads all that is kept of oneself.
    UsersExportMe = "users.export_me", InProject, Holders::Users;
    /// Erases oneself.
    UsersEraseMe = "users.erase_me", InProject, Holders::Users;
    /// Reads one's own accounts elsewhere.
    IdentitiesRead = "identities.read", InProject, Holders::Users;
    /// Links and unlinks one's own accounts elsewhere.
    IdentitiesLink = "identities.link", InProject, Holders::Users;
    /// Reads the tokens of users at providers, for the use of their API.
    IdentitiesToken = "identities.token", InProject, Holders::Granted;
    /// Changes the keys that sign access tokens.
    SigningKeysRotate = "signing_keys.rotate", InProject, Holders::Granted;
}
