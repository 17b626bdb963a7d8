//! Sends one mail by SMTP (RFC 5321), by the project's server or the instance's, to an address that was judged.

use super::template::Rendered;
use crate::config::{MailConfig, SmtpTls};
use gate::egress::{Egress, EgressError, MailHost};
use gate::{MailTls, Project};
use kernel::Stamp;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;
use uuid::Uuid;

/// How long one step of the conversation may take.
const STEP_TIME: Duration = Duration::from_secs(10);
/// How long a mail may take in all.
const MAIL_TIME: Duration = Duration::from_secs(40);

/// Why a mail was not taken. The words are stable and hold nothing that a server said, but for its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It would not be taken at another time either.
    Final(String),
    /// It may be taken later.
    Passing(String),
}

/// Where mails leave, and in whose name.
pub(crate) struct Route {
    host: MailHost,
    tls: SmtpTls,
    credentials: Option<Credentials>,
    ca: Option<Vec<u8>>,
    from: Mailbox,
    reply_to: Option<Mailbox>,
}

/// A mail on its way.
pub(crate) struct Letter<'a> {
    pub(crate) id: Uuid,
    pub(crate) to: &'a str,
    pub(crate) mail: &'a Rendered,
    pub(crate) at: Stamp,
    /// How often it was tried, so that the addresses of a server have their turns.
    pub(crate) attempts: usize,
}

/// An address as mail servers take it: its domain in ASCII (RFC 5890).
fn address(text: &str) -> Option<Address> {
    let (local, domain) = text.trim().rsplit_once('@')?;
    let domain = url::Host::parse(domain).ok()?.to_string();
    Address::new(local, domain).ok()
}

fn mailbox(name: &str, text: &str) -> Option<Mailbox> {
    let plain = name.chars().filter(|c| !c.is_control()).collect::<String>();
    Some(Mailbox::new(
        Some(plain).filter(|name| !name.is_empty()),
        address(text)?,
    ))
}

impl Route {
    /// The project's own server, else the instance's; none where neither is set.
    pub(crate) fn of(
        project: &Project,
        config: &MailConfig,
        egress: &Egress,
    ) -> Result<Option<Self>, Failure> {
        let passing = |word: &str| Failure::Passing(word.to_owned());
        let settings = project.settings();
        let (brand, mail) = (&settings.brand, &settings.mail);
        let name = [&mail.from_name, &brand.name, &project.name];
        let name = name.into_iter().find(|name| !name.is_empty());
        let name = name.map_or("", String::as_str);
        let reply_to = mailbox("", &mail.reply_to);
        if let Some(smtp) = &mail.smtp {
            let host = egress.check_mail_host(&smtp.host, smtp.port);
            let password = project.mail_password();
            let password = password.map_err(|_| passing("password_unreadable"))?;
            return Ok(Some(Self {
                host: host.map_err(|_| passing("not_public"))?,
                tls: match smtp.tls {
                    MailTls::Starttls => SmtpTls::Starttls,
                    MailTls::Implicit => SmtpTls::Implicit,
                },
                credentials: credentials(&smtp.username, password.unwrap_or_default()),
                ca: None,
                from: mailbox(name, &mail.from).ok_or_else(|| passing("bad_sender"))?,
                reply_to,
            }));
        }
        if config.smtp_host.is_empty() {
            return Ok(None);
        }
        let ca = match &*config.smtp_ca_file {
            "" => None,
            path => Some(std::fs::read(path).map_err(|_| passing("ca_file_unreadable"))?),
        };
        Ok(Some(Self {
            host: MailHost::trusted(&config.smtp_host, config.smtp_port),
            tls: config.smtp_tls,
            credentials: credentials(&config.smtp_username, config.smtp_password.clone()),
            ca,
            // Whoever owns a project does not choose in whose name the instance's server speaks.
            from: mailbox(name, &config.from).ok_or_else(|| passing("bad_sender"))?,
            reply_to,
        }))
    }

    /// Hands a mail to the server.
    pub(crate) async fn send(&self, egress: &Egress, letter: Letter<'_>) -> Result<(), Failure> {
        let message = self.message(&letter)?;
        let sending = async {
            let found = egress.mail_addresses(&self.host).await;
            let found = found.map_err(|e| unreachable_by(&e))?;
            let ip = found[letter.attempts % found.len()];
            // The name is for the certificate; the connection goes to the address that was judged.
            let mut transport =
                AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(ip.to_string())
                    .port(self.host.port())
                    .tls(self.tls()?)
                    .timeout(Some(STEP_TIME));
            if let Some(credentials) = &self.credentials {
                transport = transport.credentials(credentials.clone());
            }
            let sent = transport.build().send(message).await;
            sent.map(drop).map_err(|e| meaning(&e))
        };
        let done = tokio::time::timeout(MAIL_TIME, sending).await;
        done.unwrap_or_else(|_| Err(Failure::Passing("timeout".to_owned())))
    }

    fn tls(&self) -> Result<Tls, Failure> {
        let bad = |_| Failure::Passing("tls_unavailable".to_owned());
        let mut parameters = TlsParameters::builder(self.host.host().to_owned());
        if let Some(pem) = &self.ca {
            parameters = parameters.add_root_certificate(Certificate::from_pem(pem).map_err(bad)?);
        }
        Ok(match self.tls {
            SmtpTls::None => Tls::None,
            SmtpTls::Starttls => Tls::Required(parameters.build_rustls().map_err(bad)?),
            SmtpTls::Implicit => Tls::Wrapper(parameters.build_rustls().map_err(bad)?),
        })
    }

    fn message(&self, letter: &Letter<'_>) -> Result<Message, Failure> {
        let unfit = |word: &str| Failure::Final(word.to_owned());
        let to = mailbox("", letter.to).ok_or_else(|| unfit("bad_recipient"))?;
        // The same after a crash, so that who has it already can tell.
        let id = format!("<{}@{}>", letter.id, self.from.email.domain());
        let mut builder = Message::builder()
            .message_id(Some(id))
            .date(letter.at.time().into())
            .from(self.from.clone())
            .to(to)
            .subject(letter.mail.subject.clone())
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let parts =
            MultiPart::alternative_plain_html(letter.mail.text.clone(), letter.mail.html.clone());
        builder.multipart(parts).map_err(|_| unfit("bad_mail"))
    }
}

fn credentials(username: &str, password: String) -> Option<Credentials> {
    (!username.is_empty()).then(|| Credentials::new(username.to_owned(), password))
}

fn unreachable_by(error: &EgressError) -> Failure {
    Failure::Passing(match error {
        EgressError::NotPublic => "not_public".to_owned(),
        _ => "name_unknown".to_owned(),
    })
}

/// What a failure means for the mail. A server that wants another user or password wants it of us, not of the mail.
fn meaning(error: &SmtpError) -> Failure {
    if let Some(code) = error.status() {
        let number = u16::from(code);
        let word = format!("smtp_{number}");
        let is_ours = matches!(number, 502 | 503 | 504 | 530 | 534 | 535 | 538);
        return if error.is_permanent() && !is_ours {
            Failure::Final(word)
        } else {
            Failure::Passing(word)
        };
    }
    let word = if error.is_tls() {
        "tls_failed"
    } else if error.is_timeout() {
        "timeout"
    } else if error.is_client() {
        "server_cannot"
    } else {
        "no_connection"
    };
    Failure::Passing(word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str) -> Route {
        Route {
            host: MailHost::trusted("relay", 25),
            tls: SmtpTls::None,
            credentials: None,
            ca: None,
            from: mailbox(name, "shop@example.com").unwrap(),
            reply_to: None,
        }
    }

    fn formatted(name: &str, to: &str, subject: &str) -> Option<String> {
        let mail = Rendered {
            subject: subject.to_owned(),
            html: "<p>é\r\nBcc: html@example.com</p>".to_owned(),
            text: ".\r\nBcc: text@example.com".to_owned(),
        };
        let letter = Letter {
            id: Uuid::from_u128(1),
            to,
            mail: &mail,
            at: Stamp::parse("2026-01-02T03:04:05Z").unwrap(),
            attempts: 0,
        };
        let message = route(name).message(&letter).ok()?;
        assert_eq!(message.envelope().to().len(), 1, "{to}");
        Some(String::from_utf8(message.formatted()).unwrap())
    }

    /// The lines of the headers, before the first empty one.
    fn headers(mail: &str) -> Vec<&str> {
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        head.split("\r\n").collect()
    }

    #[test]
    fn no_value_adds_a_header_or_a_recipient() {
        for evil in [
            "a\r\nBcc: x@example.com",
            "a\nBcc: x@example.com",
            "a\r\n\r\nBcc: x@example.com",
            "é\r\nBcc: x@example.com",
            "\u{2028}Bcc: x@example.com",
        ] {
            for mail in [
                formatted(evil, "ada@example.com", "s"),
                formatted("n", "ada@example.com", evil),
            ] {
                let mail = mail.unwrap();
                let bad = |line: &&str| line.to_ascii_lowercase().starts_with("bcc");
                assert!(!headers(&mail).iter().any(bad), "{mail}");
            }
        }
        for to in [
            "ada@example.com\r\nBcc: x@example.com",
            "ada@example.com, x@example.com",
            "ada@example.com>\r\nRCPT TO:<x@example.com",
            "<ada@example.com>",
            "a b@example.com",
            "ada",
        ] {
            assert!(formatted("n", to, "s").is_none(), "{to}");
        }
    }

    #[test]
    fn a_domain_of_another_alphabet_is_sent_in_ascii() {
        let mail = formatted("n", "ada@exämple.org", "s").unwrap();
        assert!(
            headers(&mail).contains(&"To: ada@xn--exmple-cua.org"),
            "{mail}"
        );
    }

    #[test]
    fn a_mail_says_that_no_person_wrote_it_and_keeps_its_id() {
        let mail = formatted("Ada & Söhne", "ada@example.com", "Grüße").unwrap();
        let headers = headers(&mail);
        assert!(
            headers.contains(&"Auto-Submitted: auto-generated"),
            "{mail}"
        );
        let id = "Message-ID: <00000000-0000-0000-0000-000000000001@example.com>";
        assert!(headers.contains(&id), "{mail}");
    }
}
