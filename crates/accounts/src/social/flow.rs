//! A browser on its way: sent to a provider with a state, and back to the app with a ticket.
//!
//! The state binds the way to this browser (by a cookie), project, provider, target and app; the provider's code is
//! bound to our verifier, the ticket to the app's. Nobody is signed in by coming back: that is what the ticket is for.

use super::provider::{Asked, Code};
use super::{Proven, ticket_place};
use crate::Accounts;
use crate::error::Error;
use crate::model::social::{Back, Start};
use crate::rows::social::{self as rows, state, ticket};
use crate::service::Ask;
use gate::Project;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;
use store::WriteTx;

/// How long a browser may be away.
pub(crate) const AWAY: Duration = Duration::from_secs(600);
/// How long a ticket is good.
pub(crate) const TICKET: Duration = Duration::from_secs(60);
/// What the cookies begin with. Browsers take such ones over TLS only, for this host and no other.
const COOKIE: &str = "__Host-galley_social_";
/// What a provider may say of its refusal (RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6). Anything
/// else is not repeated.
const REFUSALS: [&str; 8] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
];

/// A browser that leaves.
pub(crate) struct Departure {
    /// Where to.
    pub(crate) location: String,
    /// What it takes along; nothing where it must begin at another address first.
    pub(crate) cookie: Option<Cookie>,
}

/// What a browser holds while it is away.
pub(crate) struct Cookie {
    pub(crate) name: String,
    pub(crate) value: String,
    /// Whether it must come along when another site posts the answer.
    pub(crate) is_for_posts: bool,
}

/// What is kept for us while a browser is away.
#[derive(Serialize, Deserialize)]
struct Secrets {
    verifier: String,
    nonce: String,
}

/// Where a provider sends browsers back to, whatever host was asked: it is registered there.
pub(crate) fn callback(project: &Project, provider: &str) -> String {
    format!("{}/v1/auth/social/{provider}/callback", project.issuer)
}

/// Where browsers begin.
pub(crate) fn start(project: &Project, provider: &str) -> String {
    format!("{}/v1/auth/social/{provider}/start", project.issuer)
}

/// The name of the cookie of a state.
pub(crate) fn cookie_name(state: &str) -> String {
    let hash = gate::token_hash(state);
    format!("{COOKIE}{}", hash.get(..16).unwrap_or_default())
}

fn state_place(hash: &str) -> String {
    format!("_social_states/{hash}")
}

impl Accounts {
    /// Sends a browser to a provider. One that begins at a host of the project's own is sent to the issuer's first,
    /// because that is where it comes back to, and what it holds is for one host alone.
    pub(crate) async fn depart(
        &self,
        ask: &Ask,
        id: &str,
        form: Start,
    ) -> Result<Departure, Error> {
        let provider = self.provider(&ask.project, id)?;
        if form.is_on_own_host {
            let location = beginning(&ask.project, id, &form);
            return Ok(Departure {
                location,
                cookie: None,
            });
        }
        if !ask
            .project
            .settings()
            .social
            .redirect_addresses
            .contains(&form.redirect_to)
        {
            return Err(Error::NotARedirect);
        }
        let at = self.endpoints(&provider, ask.now).await?;
        let (state, cookie) = (gate::new_token("gs_")?, gate::new_token("")?);
        let secrets = Secrets {
            verifier: gate::new_token("")?,
            nonce: gate::new_token("")?,
        };
        let location = provider.departure(
            &at,
            &Asked {
                redirect_uri: &callback(&ask.project, id),
                state: &state,
                nonce: &secrets.nonce,
                verifier: &secrets.verifier,
            },
        )?;
        let hash = gate::token_hash(&state);
        let plain = serde_json::to_vec(&secrets).map_err(|_| Error::Sealed("a state"))?;
        let row = state::Model {
            provider: id.to_owned(),
            cookie_hash: gate::token_hash(&cookie),
            redirect_to: form.redirect_to,
            challenge: form.challenge,
            secrets: ask.project.seal(&state_place(&hash), &plain)?,
            created_at: ask.now.time(),
            expires_at: ask.now.plus(AWAY).time(),
            hash,
        };
        let keep = async move |tx: &WriteTx| -> Result<(), Error> {
            Ok(rows::insert_state(tx, row.clone()).await?)
        };
        ask.project.db.write(keep).await?;
        Ok(Departure {
            location,
            cookie: Some(Cookie {
                name: cookie_name(&state),
                value: cookie,
                is_for_posts: provider.preset.is_form_post,
            }),
        })
    }

    /// Takes a browser that came back, and tells where it goes: to the app, with a ticket or with an error. Only a
    /// browser that we did not send, or not this one, or not to this provider, is refused here.
    pub(crate) async fn come_back(
        &self,
        ask: &Ask,
        id: &str,
        back: &Back,
        cookie: Option<&str>,
    ) -> Result<String, Error> {
        let (state, cookie) = back
            .state
            .as_deref()
            .zip(cookie)
            .ok_or(Error::InvalidToken)?;
        let (hash, cookie_hash) = (gate::token_hash(state), gate::token_hash(cookie));
        let (provider, now) = (id.to_owned(), ask.now);
        let consume = async move |tx: &WriteTx| -> Result<Option<state::Model>, Error> {
            Ok(rows::consume_state(tx, &hash, &provider, &cookie_hash, now).await?)
        };
        let row = ask
            .project
            .db
            .write(consume)
            .await?
            .ok_or(Error::InvalidToken)?;
        let result = match (&back.error, &back.code) {
            (Some(error), _) => Err(REFUSALS.into_iter().find(|one| one == error)),
            (None, Some(code)) => self.arrive(ask, &row, code, back).await.map_err(|error| {
                // What a provider does wrong is told to the app in one word, and here in full.
                tracing::warn!(%error, project = %ask.project.id, provider = id, "a sign-in at a provider failed");
                None
            }),
            (None, None) => Err(None),
        };
        Ok(match result {
            Ok(ticket) => with_parameter(&row.redirect_to, "ticket", &ticket),
            Err(error) => with_parameter(
                &row.redirect_to,
                "error",
                error.unwrap_or("provider_failed"),
            ),
        })
    }

    /// Gives the code for who it is about, and that for a ticket.
    async fn arrive(
        &self,
        ask: &Ask,
        row: &state::Model,
        code: &str,
        back: &Back,
    ) -> Result<String, Error> {
        let provider = self.provider(&ask.project, &row.provider)?;
        let plain = ask.project.open(&state_place(&row.hash), &row.secrets)?;
        let secrets: Secrets =
            serde_json::from_slice(&plain).map_err(|_| Error::Sealed("a state"))?;
        let at = self.endpoints(&provider, ask.now).await?;
        // Who answers must be who was asked, where it says who it is (RFC 9207).
        if back.issuer.as_deref().is_some_and(|iss| !at.issuer.is(iss)) {
            return Err(Error::ProviderFailed(format!(
                "{}: another issuer answered",
                row.provider
            )));
        }
        let code = Code {
            code,
            verifier: &secrets.verifier,
            redirect_uri: &callback(&ask.project, &row.provider),
            client: &provider.settings.client_id,
        };
        let grant = self.exchange(&provider, &at, &code, ask.now).await?;
        let person = self
            .read_person(&provider, &at, &grant, Some(&secrets.nonce), ask.now)
            .await?;
        let proven = Proven::new(
            &provider,
            person.called(back.name.as_deref()),
            Some(grant.tokens),
        );
        self.ticket(ask, &row.challenge, &proven).await
    }

    /// A ticket for the app whose challenge this is.
    async fn ticket(&self, ask: &Ask, challenge: &str, proven: &Proven) -> Result<String, Error> {
        let ticket = gate::new_token("gt_")?;
        let hash = gate::token_hash(&ticket);
        let plain = serde_json::to_vec(proven).map_err(|_| Error::Sealed("a ticket"))?;
        let row = ticket::Model {
            challenge: challenge.to_owned(),
            content: ask.project.seal(&ticket_place(&hash), &plain)?,
            expires_at: ask.now.plus(TICKET).time(),
            hash,
        };
        let keep = async move |tx: &WriteTx| -> Result<(), Error> {
            Ok(rows::insert_ticket(tx, row.clone()).await?)
        };
        ask.project.db.write(keep).await?;
        Ok(ticket)
    }
}

/// Where a browser begins, with what it brought.
fn beginning(project: &Project, provider: &str, form: &Start) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let query = pairs
        .append_pair("redirect_to", &form.redirect_to)
        .append_pair("code_challenge", &form.challenge)
        .finish();
    format!("{}?{query}", start(project, provider))
}

/// An address that may hold parameters already, with one more. Both words are ours, and need no coding.
fn with_parameter(address: &str, name: &str, value: &str) -> String {
    let sign = if address.contains('?') { '&' } else { '?' };
    format!("{address}{sign}{name}={value}")
}

/// The name in what Apple posts when somebody signs in for the first time.
pub(crate) fn posted_name(user: &str) -> Option<String> {
    let user: Value = serde_json::from_str(user).ok()?;
    let part = |name: &str| {
        user.pointer(&format!("/name/{name}"))
            .and_then(Value::as_str)
    };
    let parts: Vec<&str> = [part("firstName"), part("lastName")]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_added_to_any_address() {
        assert_eq!(
            with_parameter("https://a.example/in", "ticket", "t"),
            "https://a.example/in?ticket=t"
        );
        assert_eq!(
            with_parameter("com.example:/in?a=b", "error", "e"),
            "com.example:/in?a=b&error=e"
        );
    }

    #[test]
    fn a_name_is_read_from_what_is_posted() {
        let user =
            r#"{"name": {"firstName": "Ada", "lastName": "Lovelace"}, "email": "x@example.com"}"#;
        assert_eq!(posted_name(user).as_deref(), Some("Ada Lovelace"));
        for none in ["", "{}", "[]", r#"{"name": 7}"#] {
            assert_eq!(posted_name(none), None);
        }
    }

    #[test]
    fn each_way_has_a_cookie_of_its_own() {
        assert_ne!(cookie_name("a"), cookie_name("b"));
        assert_eq!(cookie_name("a").len(), COOKIE.len() + 16);
    }
}
