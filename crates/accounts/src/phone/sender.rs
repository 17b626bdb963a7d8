//! Hands one message for a telephone to whoever sends it: a server of the project's own, or an API in the form of
//! Twilio's.

use crate::mail::template::Rendered;
use crate::mail::transport::Failure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gate::egress::{Egress, HeaderMap, HeaderName, HeaderValue, Method, Outgoing, Target};
use gate::webhook::{self, Key};
use gate::{PhoneTwilio, Project};
use kernel::Stamp;
use serde_json::json;
use uuid::Uuid;

/// Who sends.
pub(crate) enum Sender {
    /// A server that is told each message, signed by the scheme of Standard Webhooks.
    Webhook(Target, Box<Key>),
    /// `POST {base}/2010-04-01/Accounts/{sid}/Messages.json`, with the account and its token as basic authentication.
    Twilio(Target, PhoneTwilio, String),
}

/// A message on its way.
pub(crate) struct Message<'a> {
    pub(crate) id: Uuid,
    /// What it is for: `phone_code` or `phone_change`.
    pub(crate) purpose: &'a str,
    pub(crate) language: &'a str,
    pub(crate) to: &'a str,
    /// The code is its subject.
    pub(crate) content: &'a Rendered,
    pub(crate) at: Stamp,
}

impl Sender {
    /// The project's; none where it has none.
    pub(crate) fn of(project: &Project, egress: &Egress) -> Result<Option<Self>, Failure> {
        let passing = |word: &str| Failure::Passing(word.to_owned());
        let settings = project.settings();
        let opened = |sealed: Option<&String>| {
            let opened = sealed.and_then(|sealed| project.open_setting(sealed).ok());
            opened.ok_or_else(|| passing("secret_unreadable"))
        };
        let target = |url: &str| egress.check(url).map_err(|_| passing("not_public"));
        if let Some(webhook) = &settings.phone.webhook {
            let secret = opened(webhook.secret.as_ref())?;
            let key = Key::parse(&secret).ok_or(passing("secret_unreadable"))?;
            return Ok(Some(Self::Webhook(target(&webhook.url)?, Box::new(key))));
        }
        let Some(twilio) = &settings.phone.twilio else {
            return Ok(None);
        };
        let url = format!(
            "{}/2010-04-01/Accounts/{}/Messages.json",
            twilio.base_url.trim_end_matches('/'),
            twilio.account_sid
        );
        let token = opened(twilio.auth_token.as_ref())?;
        Ok(Some(Self::Twilio(target(&url)?, twilio.clone(), token)))
    }

    /// Sends it once.
    pub(crate) async fn send(&self, egress: &Egress, message: Message<'_>) -> Result<(), Failure> {
        let unfit = |_| Failure::Final("bad_message".to_owned());
        let (target, headers, body) = match self {
            Self::Webhook(target, key) => {
                let body = json!({
                    "type": "phone.message",
                    "timestamp": message.at,
                    "data": {
                        "to": message.to,
                        "text": message.content.text,
                        "code": message.content.subject,
                        "purpose": message.purpose,
                        "language": message.language,
                    },
                });
                let body = body.to_string().into_bytes();
                let id = message.id.to_string();
                let keys = std::slice::from_ref(&**key);
                let headers = webhook::headers(keys, &id, message.at, &body);
                (
                    target,
                    headers.map_err(|_| Failure::Final("bad_message".to_owned()))?,
                    body,
                )
            }
            Self::Twilio(target, twilio, token) => {
                let login = STANDARD.encode(format!("{}:{token}", twilio.account_sid));
                let login = HeaderValue::from_str(&format!("Basic {login}")).map_err(unfit)?;
                let mut headers = HeaderMap::new();
                headers.insert(HeaderName::from_static("authorization"), login);
                let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
                headers.insert(HeaderName::from_static("content-type"), kind);
                let body = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair("To", message.to)
                    .append_pair("From", &twilio.from)
                    .append_pair("Body", &message.content.text)
                    .finish();
                (target, headers, body.into_bytes())
            }
        };
        let request = Outgoing {
            target: target.clone(),
            method: Method::POST,
            headers,
            body,
        };
        match egress.send(request).await {
            Ok(answer) => meaning(answer.status),
            // What went wrong on the way could tell what is in our network.
            Err(_) => Err(Failure::Passing("no_answer".to_owned())),
        }
    }
}

/// What a status means for the message. Who wants another secret or fewer messages wants it of us, not of the message.
fn meaning(status: u16) -> Result<(), Failure> {
    let word = format!("http_{status}");
    match status {
        200..300 => Ok(()),
        401 | 403 | 404 | 408 | 410 | 425 | 429 => Err(Failure::Passing(word)),
        400..500 => Err(Failure::Final(word)),
        _ => Err(Failure::Passing(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_the_message_is_at_fault() {
        for (status, want) in [
            (200, None),
            (204, None),
            (400, Some(true)),
            (422, Some(true)),
        ] {
            let final_ = meaning(status)
                .err()
                .map(|f| matches!(f, Failure::Final(_)));
            assert_eq!(final_, want, "{status}");
        }
        for status in [302, 401, 404, 429, 500, 503] {
            let is_final = matches!(meaning(status), Err(Failure::Final(_)));
            assert!(meaning(status).is_err() && !is_final, "{status}");
        }
    }
}
