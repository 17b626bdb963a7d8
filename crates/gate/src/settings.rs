//! A project's own settings: kept versioned in its database, read from memory, applied at once.

mod auth;
mod brand;
mod captcha;
mod email_domains;
mod hooks;
mod lockout;
mod mail;
mod passkeys;
mod passwords;
mod phone;
mod second_factor;
mod sessions;
mod sign_in;
mod social;

pub use auth::{AuthSettings, SigningAlgorithm};
pub use brand::Brand;
pub use captcha::{CaptchaPlace, CaptchaProvider, CaptchaSettings};
pub use email_domains::EmailDomains;
pub use hooks::{Hook, HookName, Hooks, PreviousSecret};
pub use lockout::Lockout;
pub use mail::{MailSettings, MailTls, SmtpSettings};
pub use passkeys::PasskeySettings;
pub use passwords::{CharacterClass, PasswordPolicy};
pub use phone::{PhoneSettings, PhoneTwilio, PhoneWebhook};
pub use second_factor::{SecondFactor, SecondFactorPolicy};
pub use sessions::{AnonymousSettings, SameSite, SessionSettings};
pub use sign_in::SignInMethods;
pub use social::{SocialEndpoints, SocialKind, SocialProvider, SocialSettings};

use crate::egress::Egress;
use crate::{Input, Problem};
use kernel::FieldError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Arc, PoisonError, RwLock};

/// The settings' row, for which their secrets are sealed.
pub(crate) const SETTINGS_PLACE: &str = "_settings/1";
/// Origins of a CORS allow-list at most.
const ORIGINS_MAX: usize = 100;

/// What a project's owner decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectSettings)]
pub struct Settings {
    /// Origins whose pages may call the project, exactly as browsers send them: `https://shop.example`.
    pub cors_origins: Vec<String>,
    /// Whether strangers may create accounts.
    pub sign_up: SignUp,
    /// Whether who signs up with an address and a password must show by a mail that the address is theirs before there
    /// is an account. With it, sign-up tells nobody whether an address has an account: it answers 202 in any case, and
    /// the mail tells the rest. Names to sign in with are public, and a taken one is told as ever.
    pub confirm_email: bool,
    /// By which ways users sign in.
    pub sign_in: SignInMethods,
    /// Whether refusals by rules are explained to callers. Never turn this on where real users are.
    pub development: bool,
    /// How pages and mails look.
    pub brand: Brand,
    /// How mails leave.
    pub mail: MailSettings,
    /// Whether users may make teams. Keys and operators always may.
    pub user_teams: bool,
    /// How codes reach telephones.
    pub phone: PhoneSettings,
    /// How pages of the project's own origin hold sessions.
    pub sessions: SessionSettings,
    /// What becomes of users without an identity.
    pub anonymous: AnonymousSettings,
    /// What is demanded of passwords.
    pub passwords: PasswordPolicy,
    /// How many wrong guesses are borne.
    pub lockout: Lockout,
    /// From which domains addresses are taken.
    pub email_domains: EmailDomains,
    /// Proof that a person asks; null: none is demanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub captcha: Option<CaptchaSettings>,
    /// Whether users are told by mail that somebody signed in from a device and network that they had not used in the
    /// last 90 days.
    pub new_device_mail: bool,
    /// Webhooks that are asked before something is done.
    pub hooks: Hooks,
    /// For whom passkeys are made.
    pub passkeys: PasskeySettings,
    /// Who is asked for a second factor.
    pub second_factor: SecondFactor,
    /// By whose accounts users sign in.
    pub social: SocialSettings,
    /// How the project's own tokens are made.
    pub auth: AuthSettings,
}

/// Whether strangers may create accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Anybody may.
    #[default]
    Open,
    /// Only who was invited may.
    InviteOnly,
    /// Only operators and keys create accounts.
    Closed,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cors_origins: Vec::new(),
            sign_up: SignUp::Open,
            confirm_email: false,
            sign_in: SignInMethods::default(),
            development: false,
            brand: Brand::default(),
            mail: MailSettings::default(),
            user_teams: false,
            phone: PhoneSettings::default(),
            sessions: SessionSettings::default(),
            anonymous: AnonymousSettings::default(),
            passwords: PasswordPolicy::default(),
            lockout: Lockout::default(),
            email_domains: EmailDomains::default(),
            captcha: None,
            new_device_mail: false,
            hooks: Hooks::default(),
            passkeys: PasskeySettings::default(),
            second_factor: SecondFactor::default(),
            social: SocialSettings::default(),
            auth: AuthSettings::default(),
        }
    }
}

/// What reading a patch needs beside it.
pub(crate) struct Patching<'a> {
    /// Judges the addresses of servers.
    pub(crate) egress: &'a Egress,
    /// Seals a secret for the settings' row.
    pub(crate) seal: &'a dyn Fn(&str) -> Result<String, Problem>,
}

impl Settings {
    /// Merges the members that are there; faults are noted in `input`.
    pub(crate) fn patch(mut self, input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        if let Some(origins) = input.optional_texts("cors_origins") {
            if origins.len() > ORIGINS_MAX {
                input.fault(
                    "cors_origins",
                    "too_many",
                    format!("At most {ORIGINS_MAX} origins are allowed."),
                );
            }
            for (i, origin) in origins.iter().enumerate().filter(|(_, o)| !is_origin(o)) {
                let message = format!(
                    "{origin:?} is no origin: it needs a form such as https://shop.example, in lower case, without a path."
                );
                input.push(FieldError {
                    path: format!("/cors_origins/{i}"),
                    code: "not_an_origin",
                    message,
                });
            }
            self.cors_origins = origins;
        }
        match input.optional_text("sign_up", 0, 20).as_deref() {
            None => {}
            Some("open") => self.sign_up = SignUp::Open,
            Some("invite_only") => self.sign_up = SignUp::InviteOnly,
            Some("closed") => self.sign_up = SignUp::Closed,
            Some(_) => input.fault(
                "sign_up",
                "not_a_choice",
                "This must be \"open\", \"invite_only\" or \"closed\".",
            ),
        }
        self.development = input
            .optional_bool("development")
            .unwrap_or(self.development);
        self.user_teams = input.optional_bool("user_teams").unwrap_or(self.user_teams);
        if let Some(mut methods) = part(input, "sign_in") {
            self.sign_in = self.sign_in.patch(&mut methods);
            close(input, "sign_in", methods);
        }
        if let Some(mut brand) = part(input, "brand") {
            self.brand = self.brand.patch(&mut brand);
            close(input, "brand", brand);
        }
        if let Some(mut mail) = part(input, "mail") {
            self.mail = self.mail.patch(&mut mail, with)?;
            close(input, "mail", mail);
        }
        if let Some(mut phone) = part(input, "phone") {
            self.phone = self.phone.patch(&mut phone, with)?;
            close(input, "phone", phone);
        }
        if let Some(mut sessions) = part(input, "sessions") {
            self.sessions = self.sessions.patch(&mut sessions);
            close(input, "sessions", sessions);
        }
        if let Some(mut anonymous) = part(input, "anonymous") {
            self.anonymous = self.anonymous.patch(&mut anonymous);
            close(input, "anonymous", anonymous);
        }
        self = self.patch_policies(input, with)?;
        if let Some(mut passkeys) = part(input, "passkeys") {
            self.passkeys = self.passkeys.patch(&mut passkeys);
            close(input, "passkeys", passkeys);
        }
        if let Some(mut second_factor) = part(input, "second_factor") {
            self.second_factor = self.second_factor.patch(&mut second_factor);
            close(input, "second_factor", second_factor);
        }
        if let Some(mut social) = part(input, "social") {
            self.social = self.social.patch(&mut social, with)?;
            close(input, "social", social);
        }
        if let Some(mut auth) = part(input, "auth") {
            self.auth = self.auth.patch(&mut auth);
            close(input, "auth", auth);
        }
        if self.sign_in.magic_link && self.brand.app_url.is_empty() {
            input.push(FieldError {
                path: "/sign_in/magic_link".to_owned(),
                code: "needs_app_url",
                message: "Sign-in links end at brand.app_url, which is not set.".to_owned(),
            });
        }
        Ok(self)
    }

    fn patch_policies(mut self, input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        if let Some(mut passwords) = part(input, "passwords") {
            self.passwords = self.passwords.patch(&mut passwords);
            close(input, "passwords", passwords);
        }
        if let Some(mut lockout) = part(input, "lockout") {
            self.lockout = self.lockout.patch(&mut lockout);
            close(input, "lockout", lockout);
        }
        if let Some(mut domains) = part(input, "email_domains") {
            self.email_domains = self.email_domains.patch(&mut domains);
            close(input, "email_domains", domains);
        }
        if let Some(mut hooks) = part(input, "hooks") {
            self.hooks = self.hooks.patch(&mut hooks, with)?;
            close(input, "hooks", hooks);
        }
        self.confirm_email = input
            .optional_bool("confirm_email")
            .unwrap_or(self.confirm_email);
        self.new_device_mail = input
            .optional_bool("new_device_mail")
            .unwrap_or(self.new_device_mail);
        match input.take("captcha") {
            None => {}
            Some(Value::Null) => self.captcha = None,
            Some(other) => {
                let mut holder = Input::new([("captcha".to_owned(), other)].into_iter().collect());
                if let Some(mut captcha) = part(&mut holder, "captcha") {
                    let before = self.captcha.take();
                    self.captcha = Some(CaptchaSettings::read(before, &mut captcha, with)?);
                    close(&mut holder, "captcha", captcha);
                }
                holder.faults().into_iter().for_each(|f| input.push(f));
            }
        }
        Ok(self)
    }

    /// As they are shown: without what is sealed in them.
    #[must_use]
    pub fn shown(&self) -> Self {
        let mut shown = self.clone();
        if let Some(smtp) = &mut shown.mail.smtp {
            smtp.password = None;
        }
        if let Some(webhook) = &mut shown.phone.webhook {
            webhook.secret = None;
        }
        if let Some(twilio) = &mut shown.phone.twilio {
            twilio.auth_token = None;
        }
        if let Some(captcha) = &mut shown.captcha {
            captcha.secret = None;
        }
        for name in HookName::ALL {
            if let Some(hook) = shown.hooks.get_mut(name) {
                (hook.secret, hook.previous) = (None, None);
            }
        }
        for provider in &mut shown.social.providers {
            provider.client_secret = None;
        }
        shown
    }

    /// Whether pages of this origin may call the project.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.cors_origins.iter().any(|o| o == origin)
    }
}

/// A whole number within bounds, or what it was when it is absent or null.
fn number(input: &mut Input, name: &str, (min, max): (u32, u32), now: u32) -> u32 {
    let read = match input.take(name) {
        None | Some(Value::Null) => return now,
        Some(value) => value.as_u64().and_then(|n| u32::try_from(n).ok()),
    };
    read.filter(|n| (min..=max).contains(n)).unwrap_or_else(|| {
        let message = format!("This must be a whole number from {min} to {max}.");
        input.fault(name, "out_of_range", message);
        now
    })
}

/// A member that is an object, to be read by itself; none when it is absent or null.
fn part(input: &mut Input, name: &str) -> Option<Input> {
    match input.take(name) {
        None | Some(Value::Null) => None,
        Some(Value::Object(object)) => Some(Input::new(object)),
        Some(_) => {
            input.fault(name, "not_an_object", "This must be an object.");
            None
        }
    }
}

/// Notes the faults of a member that was read by itself, and what of it was not read.
fn close(input: &mut Input, name: &str, mut part: Input) {
    for unknown in part.rest().keys() {
        part.fault(unknown, "unknown_field", "There is no such field.");
    }
    for fault in part.faults() {
        input.push(FieldError {
            path: format!("/{name}{}", fault.path),
            ..fault
        });
    }
}

/// Whether a text is an origin as browsers write it: scheme, host, and a port that is not the scheme's own.
fn is_origin(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !rest.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let named = host.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    });
    let v6 = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .is_some_and(|h| h.parse::<std::net::Ipv6Addr>().is_ok());
    let port_fits = port.is_none_or(|p| {
        let default = if scheme == "https" { 443 } else { 80 };
        p.parse::<u16>()
            .is_ok_and(|n| n != 0 && n != default && n.to_string() == p)
    });
    matches!(scheme, "http" | "https") && text.len() <= 300 && (named || v6) && port_fits
}

/// The settings in memory, shared by all handles of a project.
#[derive(Default)]
pub(crate) struct SettingsCell(RwLock<(i64, Arc<Settings>)>);

impl SettingsCell {
    /// The version, 0 before the first change, and the settings.
    pub(crate) fn get(&self) -> (i64, Arc<Settings>) {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes a version that was read or written, unless a newer one is there already.
    pub(crate) fn set(&self, version: i64, settings: Settings) {
        let mut cell = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if version > cell.0 {
            *cell = (version, Arc::new(settings));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn origins_are_exact() {
        for good in [
            "https://shop.example",
            "http://localhost:5173",
            "http://127.0.0.1:3000",
            "https://[::1]:8443",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "*",
            "null",
            "",
            "https://",
            "shop.example",
            "https://Shop.example",
            "https://shop.example/",
            "https://shop.example:443",
            "http://x:80",
            "https://*.example",
            "ftp://x",
            "https://a@b",
            "https://x:070",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }

    #[test]
    fn a_patch_merges_and_names_every_fault() {
        let input = |v: serde_json::Value| Input::new(v.as_object().cloned().unwrap());
        let egress = Egress::new(&crate::egress::EgressConfig::default());
        let seal = |plain: &str| Ok(format!("sealed {plain}"));
        let with = Patching {
            egress: &egress,
            seal: &seal,
        };
        let mut some = input(json!({"sign_up": "closed"}));
        let settings = Settings {
            development: true,
            ..Settings::default()
        }
        .patch(&mut some, &with)
        .unwrap();
        assert!(
            some.finish().is_ok() && settings.development && settings.sign_up == SignUp::Closed
        );
        let mut bad = input(
            json!({"cors_origins": ["https://a.b", "*"], "sign_up": "maybe", "development": 1}),
        );
        let _ = settings.patch(&mut bad, &with);
        let paths: Vec<String> = bad
            .finish()
            .unwrap_err()
            .field_errors()
            .iter()
            .map(|e| e.path.clone())
            .collect();
        assert_eq!(paths, ["/cors_origins/1", "/sign_up", "/development"]);
    }
}
