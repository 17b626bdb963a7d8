//! From where users sign in: a network, and a device in it, kept as keyed hashes for 90 days. A sign-in from elsewhere
//! is told by mail, if the project wants that; from a known network its user is not locked out by others.

use crate::Accounts;
use crate::error::Error;
use crate::links::Secret;
use crate::mail::template::SignInPlace;
use crate::mail::{Template, Wish};
use crate::model::OneTime;
use crate::ports::UserRow;
use crate::rows::{self, Which, mails, places, session, tokens};
use crate::service::Ask;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use gate::Project;
use secrecy::ExposeSecret;
use std::time::Duration;
use store::WriteTx;
use uuid::Uuid;

/// How long a place is known.
pub(crate) const KNOWN: Duration = Duration::from_secs(90 * 86_400);

/// Parts of a user agent by which devices are known to people; of several the first.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
];
const PROGRAMS: [(&str, &str); 8] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// Characters of a name that a client gave itself.
const OWN_NAME_CHARS: usize = 40;

/// What people call a device: `Firefox, Windows`, or what the client calls itself, without its version.
pub(crate) fn device_name(agent: Option<&str>) -> String {
    let agent = agent.unwrap_or_default();
    let of = |known: &[(&str, &'static str)]| {
        let found = known.iter().find(|(part, _)| agent.contains(part));
        found.map(|(_, name)| *name)
    };
    match (of(&PROGRAMS), of(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => {
            let own = agent.split(['/', ' ', '(']).next().unwrap_or_default();
            match own {
                "" => "?".to_owned(),
                own => own.chars().take(OWN_NAME_CHARS).collect(),
            }
        }
    }
}

/// The mark of a network.
pub(crate) fn network(project: &Project, network: &str) -> String {
    mark(project, &["network", network])
}

/// A sign-in, as its user reads it.
pub(crate) fn described(row: &session::Model) -> SignInPlace {
    let time = row.created_at.to_offset(time::UtcOffset::UTC);
    SignInPlace {
        time: format!(
            "{}-{:02}-{:02} {:02}:{:02} UTC",
            time.year(),
            u8::from(time.month()),
            time.day(),
            time.hour(),
            time.minute()
        ),
        device: match &row.device {
            Some(name) => name.clone(),
            None => device_name(row.user_agent.as_deref()),
        },
        network: row.network.clone(),
    }
}

fn device(project: &Project, row: &session::Model) -> String {
    let device = device_name(row.user_agent.as_deref());
    mark(project, &["device", &device, &row.network])
}

fn mark(project: &Project, parts: &[&str]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &project.derive_key("places"));
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    B64.encode(&context.sign().as_ref()[..16])
}

impl Accounts {
    /// Notes from where a user signs in, in the transaction that begins the session, and writes the mail about a place
    /// that is not known. Whether there is such a mail is answered, so that it is sent after the commit.
    pub(crate) async fn note_place(
        &self,
        ask: &Ask,
        tx: &WriteTx,
        user: &UserRow,
        row: &session::Model,
    ) -> Result<bool, Error> {
        let place = device(&ask.project, row);
        let is_known = places::is_known(tx, user.id, &place, ask.now.minus(KNOWN)).await?;
        let is_first = !is_known && !places::has_any(tx, user.id).await?;
        let anywhere = places::ANYWHERE.to_owned();
        for place in [place, network(&ask.project, &row.network), anywhere] {
            let row = places::Model {
                user_id: user.id,
                place,
                seen_at: ask.now.time(),
            };
            places::note(tx, row).await?;
        }
        let wanted = ask.project.settings().new_device_mail && !is_known && !is_first;
        let Some(email) = user.email.clone().filter(|_| wanted) else {
            return Ok(false);
        };
        let wish = Wish {
            template: Template::NewDevice,
            recipient: email,
            subject_id: Some(row.id),
            language: ask.language,
        };
        mails::insert(tx, self.inner.mail(wish, ask.now)).await?;
        Ok(true)
    }
}

impl Accounts {
    /// Ends the session that a mail told of, and forgets the place that it came from.
    pub(crate) async fn confirm_end_session(&self, ask: &Ask, form: OneTime) -> Result<(), Error> {
        let hash = Secret::brought(form.token.expose_secret()).hash(None);
        let (this, of, now) = (self.clone(), ask.clone(), ask.now);
        let end = async move |tx: &WriteTx| -> Result<Vec<Uuid>, Error> {
            let purpose = [Template::NewDevice.as_str()];
            let token = tokens::consume(tx, &hash, &purpose, now).await?;
            let token = token.ok_or(Error::InvalidToken)?;
            let user = this.demand_state(&of, tx, &token).await?;
            let session = token.change_id.unwrap_or_default();
            if let Some(row) = rows::session(tx, session).await? {
                let project = &of.project;
                for place in [device(project, &row), network(project, &row.network)] {
                    places::forget(tx, user.id, &place).await?;
                }
            }
            Ok(rows::end_sessions(tx, user.id, Which::One(session), now).await?)
        };
        let ended = ask.project.db.write(end).await?;
        self.ended(&ask.project, &ended);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::device_name;

    #[test]
    fn devices_have_names() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
                "Firefox, Linux",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
                "Safari, iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36",
                "Chrome, Android",
            ),
            ("shop-app/3.2 (build 7)", "shop-app"),
            ("", "?"),
        ] {
            assert_eq!(device_name(Some(agent)), name);
        }
        assert_eq!(device_name(None), "?");
    }
}
