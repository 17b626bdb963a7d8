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
}
