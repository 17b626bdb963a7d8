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
    /// Reads one's own accounts elsewhere.
    IdentitiesRead = "identities.read", InProject, Holders::Users;
    /// Links and unlinks one's own accounts elsewhere.
    IdentitiesLink = "identities.link", InProject, Holders::Users;
    /// Reads the tokens of users at providers, for the use of their API.
    IdentitiesToken = "identities.token", InProject, Holders::Granted;
    /// Changes the keys that sign access tokens.
    SigningKeysRotate = "signing_keys.rotate", InProject, Holders::Granted;
}
