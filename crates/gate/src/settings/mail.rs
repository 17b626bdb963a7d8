//! How a project's mails leave: by whose server, and in whose name.

use super::brand::merge;
use super::{Patching, close, part};
use crate::{Input, Problem};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Bytes of an address at most (RFC 5321).
const ADDRESS_BYTES_MAX: usize = 254;
/// Characters of a name, of a user or of a password at most.
const TEXT_CHARS_MAX: usize = 255;

/// How mails leave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectMail)]
pub struct MailSettings {
    /// The sender's address, for a mail server of the project's own. The instance's server speaks in the instance's name.
    pub from: String,
    /// The sender's name; empty: the brand's.
    pub from_name: String,
    /// Where answers go; empty: to the sender.
    pub reply_to: String,
    /// The project's own mail server; null: the instance's, and where that has none, the development inbox.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub smtp: Option<SmtpSettings>,
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectSmtp)]
pub struct SmtpSettings {
    /// Its public name or address.
    pub host: String,
    /// 25, 465, 587 or 2525.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// Whom to sign in as; empty: nobody.
    #[serde(default)]
    pub username: String,
    /// Sealed at rest and in no answer. It goes with its server: another host needs it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only, nullable = false)]
    pub password: Option<String>,
}

/// How a connection to a mail server is protected. Without protection none of a project's leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// Plain at first and then encrypted, or not at all (RFC 3207): port 587.
    #[default]
    Starttls,
    /// Encrypted from the first byte (RFC 8314): port 465.
    Implicit,
}

impl MailSettings {
    /// Merges the members that are there; null resets one. Faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        let address = |text: &str| is_address(text).then_some(());
        merge(input, "from", ADDRESS_BYTES_MAX, &mut self.from, address);
        merge(
            input,
            "reply_to",
            ADDRESS_BYTES_MAX,
            &mut self.reply_to,
            address,
        );
        merge(
            input,
            "from_name",
            TEXT_CHARS_MAX,
            &mut self.from_name,
            |text| (!text.contains(char::is_control)).then_some(()),
        );
        match input.take("smtp") {
            None => {}
            Some(Value::Null) => self.smtp = None,
            Some(other) => {
                // Put back, so that it is read as any member that is an object.
                let mut holder = Input::new([("smtp".to_owned(), other)].into_iter().collect());
                let read = part(&mut holder, "smtp");
                holder
                    .faults()
                    .into_iter()
                    .for_each(|fault| input.push(fault));
                if let Some(mut smtp) = read {
                    self.smtp = SmtpSettings::read(self.smtp, &mut smtp, with)?;
                    close(input, "smtp", smtp);
                }
            }
        }
        if self.smtp.is_some() && self.from.is_empty() {
            input.fault(
                "from",
                "required",
                "A server of your own needs a sender's address.",
            );
        }
        Ok(self)
    }
}

impl SmtpSettings {
    fn read(
        before: Option<Self>,
        input: &mut Input,
        with: &Patching<'_>,
    ) -> Result<Option<Self>, Problem> {
        let host = input.optional_text("host", 1, 253);
        let mut next = before.clone().unwrap_or(Self {
            host: String::new(),
            port: 587,
            tls: MailTls::Starttls,
            username: String::new(),
            password: None,
        });
        next.host = host.unwrap_or(next.host);
        match input
            .take("port")
            .map(|value| value.as_u64().and_then(|n| u16::try_from(n).ok()))
        {
            None => {}
            Some(Some(port)) => next.port = port,
            Some(None) => input.fault("port", "not_a_port", "This must be a port."),
        }
        match input.optional_text("tls", 0, 10).as_deref() {
            None => {}
            Some("starttls") => next.tls = MailTls::Starttls,
            Some("implicit") => next.tls = MailTls::Implicit,
            Some(_) => input.fault(
                "tls",
                "not_a_choice",
                "This must be \"starttls\" or \"implicit\".",
            ),
        }
        merge(
            input,
            "username",
            TEXT_CHARS_MAX,
            &mut next.username,
            |text| (!text.contains(char::is_control)).then_some(()),
        );
        // Whoever may change the settings must not learn the password by naming a server of his own.
        if before.is_some_and(|b| b.host != next.host || b.port != next.port) {
            next.password = None;
        }
        match input.take("password") {
            None => {}
            Some(Value::Null) => next.password = None,
            Some(Value::String(text)) if text.chars().count() <= TEXT_CHARS_MAX => {
                next.password = Some((with.seal)(&text)?);
            }
            Some(_) => input.fault(
                "password",
                "not_a_text",
                "This must be a text of at most 255 characters.",
            ),
        }
        if next.host.is_empty() {
            input.fault("host", "required", "This is required.");
        } else if let Err(refused) = with.egress.check_mail_host(&next.host, next.port) {
            let name = if refused.code() == "bad_port" {
                "port"
            } else {
                "host"
            };
            let message = match name {
                "port" => "Only the ports 25, 465, 587 and 2525 are allowed.".to_owned(),
                _ => refused.to_string(),
            };
            input.fault(name, refused.code(), message);
        }
        Ok(Some(next))
    }
}

/// Whether mail can be sent in the name of this address, as far as its form tells.
fn is_address(text: &str) -> bool {
    let plain = |c: char| !c.is_control() && !c.is_whitespace() && !"<>()[],;:\\\"".contains(c);
    text.len() <= ADDRESS_BYTES_MAX
        && text.chars().all(plain)
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && domain.contains('.') && !domain.contains('@')
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::{Egress, EgressConfig};
    use serde_json::json;

    fn patch(before: MailSettings, value: Value) -> (MailSettings, Vec<String>) {
        let egress = Egress::new(&EgressConfig::default());
        let seal = |plain: &str| Ok(format!("sealed {plain}"));
        let with = Patching {
            egress: &egress,
            seal: &seal,
        };
        let mut input = Input::new(value.as_object().cloned().unwrap());
        let after = before.patch(&mut input, &with).unwrap();
        (after, input.faults().into_iter().map(|f| f.path).collect())
    }

    fn good() -> MailSettings {
        let value = json!({"from": "shop@example.com", "smtp": {"host": "smtp.example.com", "username": "u", "password": "p"}});
        let (settings, faults) = patch(MailSettings::default(), value);
        assert_eq!(faults, Vec::<String>::new());
        settings
    }

    #[test]
    fn a_password_is_sealed_and_stays_with_its_server() {
        let password = |s: &MailSettings| s.smtp.as_ref().unwrap().password.clone();
        assert_eq!(password(&good()), Some("sealed p".to_owned()));
        let (same, _) = patch(
            good(),
            json!({"from_name": "Shop", "smtp": {"tls": "implicit"}}),
        );
        assert_eq!(password(&same), Some("sealed p".to_owned()));
        let (other, faults) = patch(good(), json!({"smtp": {"host": "smtp.evil.example"}}));
        assert_eq!((password(&other), faults.len()), (None, 0));
        let (port, _) = patch(good(), json!({"smtp": {"port": 25}}));
        assert_eq!(password(&port), None);
        assert_eq!(patch(good(), json!({"smtp": null})).0.smtp, None);
    }

    #[test]
    fn what_cannot_be_sent_by_is_refused() {
        for (value, path) in [
            (json!({"from": "a@b.co\r\nBcc: x@y.z"}), "/from"),
            (json!({"from": "nobody"}), "/from"),
            (json!({"from_name": "a\nb"}), "/from_name"),
            (json!({"smtp": {"host": "127.0.0.1"}}), "/smtp/host"),
            (json!({"smtp": {"host": "localhost"}}), "/smtp/host"),
            (json!({"smtp": {"port": 22}}), "/smtp/port"),
            (json!({"smtp": {"port": "x"}}), "/smtp/port"),
            (json!({"smtp": {"tls": "none"}}), "/smtp/tls"),
            (json!({"smtp": {"odd": 1}}), "/smtp/odd"),
            (json!({"smtp": "x"}), "/smtp"),
            (json!({"from": null}), "/from"),
        ] {
            let (_, faults) = patch(good(), value.clone());
            assert!(faults.contains(&path.to_owned()), "{value} {faults:?}");
        }
    }
}
