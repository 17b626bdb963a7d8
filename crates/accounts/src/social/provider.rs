//! One provider of a project: where a browser is sent, how a code becomes tokens, and how the person is read.

use super::documents::{AGAIN, BELIEVED};
use super::endpoints::Endpoints;
use super::id_token::{self, Expected, Issuer, Refusal};
use super::person::{self, Person};
use super::presets::{Preset, Showing, preset};
use super::wire::{self, Answer, Credential};
use super::{apple, pkce};
use crate::Accounts;
use crate::error::Error;
use gate::{Project, SocialKind, SocialProvider};
use kernel::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// What a provider's own API calls a code that is wrong, used or out of date.
const BAD_CODE: [&str; 2] = ["invalid_grant", "bad_verification_code"];
/// What is taken from where more about the person is, if the `id_token` does not say it.
const ABOUT: [&str; 3] = ["name", "preferred_username", "picture"];

/// A provider of a project, and what is known of its kind.
pub(crate) struct Provider {
    pub(crate) settings: SocialProvider,
    pub(crate) preset: Preset,
    secret: Option<String>,
}

/// What was asked for when a browser was sent away.
pub(crate) struct Asked<'a> {
    pub(crate) redirect_uri: &'a str,
    pub(crate) state: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) verifier: &'a str,
}

/// A code, with what it was asked for.
pub(crate) struct Code<'a> {
    pub(crate) code: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) redirect_uri: &'a str,
    /// The app that asked: one of the provider's clients.
    pub(crate) client: &'a str,
}

/// Tokens of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    /// In seconds since 1970; none where the provider does not say it.
    pub(crate) expires_at: Option<i64>,
    /// What they are good for, separated by spaces.
    pub(crate) scope: Option<String>,
    /// The app that they were given to.
    pub(crate) client: String,
}

/// How a client shows who it is: in the header, and in the form.
type Shown<'a> = (Credential<'a>, Vec<(&'static str, String)>);

/// What a provider gave for a code.
pub(crate) struct Grant {
    pub(crate) tokens: Tokens,
    id_token: Option<String>,
}

impl Provider {
    /// Whether this app may bring what the provider gave it.
    pub(crate) fn has_client(&self, client: &str) -> bool {
        self.clients().contains(&client)
    }

    fn clients(&self) -> Vec<&str> {
        let more = self.settings.audiences.iter().map(String::as_str);
        std::iter::once(self.settings.client_id.as_str())
            .chain(more)
            .collect()
    }

    /// Where a browser is sent.
    pub(crate) fn departure(
        &self,
        endpoints: &Endpoints,
        asked: &Asked<'_>,
    ) -> Result<String, Error> {
        let odd = |_| Error::ProviderFailed("an odd authorization endpoint".to_owned());
        let mut url = url::Url::parse(&endpoints.authorization).map_err(odd)?;
        let scopes = if self.settings.scopes.is_empty() {
            self.preset.scopes.join(" ")
        } else {
            self.settings.scopes.join(" ")
        };
        let challenge = pkce::challenge(asked.verifier).ok_or(Error::Crypto)?;
        let mut pairs = url.query_pairs_mut();
        pairs
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", asked.redirect_uri)
            .append_pair("scope", &scopes)
            .append_pair("state", asked.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if endpoints.jwks.is_some() && self.preset.fixed.is_none() {
            pairs.append_pair("nonce", asked.nonce);
        }
        for (name, value) in self.preset.parameters {
            pairs.append_pair(name, value);
        }
        drop(pairs);
        Ok(url.into())
    }

    /// How the client shows who it is: in the header or in the form.
    fn shown<'a>(
        &'a self,
        endpoints: &Endpoints,
        client: &'a str,
        now: Stamp,
    ) -> Result<Shown<'a>, Error> {
        let id = ("client_id", client.to_owned());
        let is_own = client == self.settings.client_id;
        Ok(match (&self.secret, endpoints.showing) {
            (Some(pem), Showing::Apple) => {
                let secret = apple::secret(&self.settings, client, pem, now)?;
                (Credential::None, vec![id, ("client_secret", secret)])
            }
            (Some(secret), Showing::Form) if is_own => (
                Credential::None,
                vec![id, ("client_secret", secret.clone())],
            ),
            (Some(secret), Showing::Basic) if is_own => {
                (Credential::Basic(client, secret), Vec::new())
            }
            // A native app has no secret (RFC 8252, section 8.5): its proof is the verifier.
            _ => (Credential::None, vec![id]),
        })
    }
}

impl Accounts {
    /// The project's provider of this id.
    pub(crate) fn provider(&self, project: &Project, id: &str) -> Result<Provider, Error> {
        let settings = project.settings();
        let settings = settings
            .social
            .provider(id)
            .ok_or(Error::NoSuchProvider)?
            .clone();
        Ok(Provider {
            secret: project.client_secret(&settings)?,
            preset: preset(settings.kind),
            settings,
        })
    }

    /// Gives a code for tokens.
    pub(crate) async fn exchange(
        &self,
        of: &Provider,
        at: &Endpoints,
        code: &Code<'_>,
        now: Stamp,
    ) -> Result<Grant, Error> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.code),
            ("redirect_uri", code.redirect_uri),
            ("code_verifier", code.verifier),
        ];
        self.ask_grant(of, at, code.client, &form, now).await
    }

    /// Gives a refresh token for others.
    pub(crate) async fn renew(
        &self,
        of: &Provider,
        tokens: &Tokens,
        refresh_token: &str,
        now: Stamp,
    ) -> Result<Tokens, Error> {
        let at = self.endpoints(of, now).await?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token),
        ];
        let next = self
            .ask_grant(of, &at, &tokens.client, &form, now)
            .await?
            .tokens;
        // Many give no other one, and the old one stays good (RFC 6749, section 6).
        Ok(Tokens {
            refresh_token: next.refresh_token.or(Some(refresh_token.to_owned())),
            scope: next.scope.or(tokens.scope.clone()),
            ..next
        })
    }

    async fn ask_grant(
        &self,
        of: &Provider,
        at: &Endpoints,
        client: &str,
        form: &[(&str, &str)],
        now: Stamp,
    ) -> Result<Grant, Error> {
        let (who, own) = of.shown(at, client, now)?;
        let own = own.iter().map(|(name, value)| (*name, value.as_str()));
        let form: Vec<(&str, &str)> = form.iter().copied().chain(own).collect();
        let Answer { status, body } = wire::post(&self.inner.egress, &at.token, who, &form).await?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        // Some say what is wrong with status 200.
        let Some(access_token) = text("access_token").filter(|_| status == 200) else {
            let error = text("error").unwrap_or_default();
            if BAD_CODE.contains(&error.as_str()) {
                return Err(Error::InvalidToken);
            }
            let said: String = error
                .chars()
                .filter(char::is_ascii_graphic)
                .take(60)
                .collect();
            let provider = &of.settings.id;
            return Err(Error::ProviderFailed(format!(
                "{provider}: no tokens, status {status} {said:?}"
            )));
        };
        let lives = body
            .get("expires_in")
            .and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()));
        Ok(Grant {
            tokens: Tokens {
                access_token,
                refresh_token: text("refresh_token"),
                expires_at: lives.map(|s| now.plus(Duration::from_secs(s)).unix_seconds()),
                scope: match body.get("scope") {
                    Some(Value::Array(all)) => {
                        let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                        Some(words.join(" "))
                    }
                    _ => text("scope"),
                },
                client: client.to_owned(),
            },
            id_token: text("id_token"),
        })
    }

    /// Who the tokens of a code are about.
    pub(crate) async fn read_person(
        &self,
        of: &Provider,
        at: &Endpoints,
        grant: &Grant,
        nonce: Option<&str>,
        now: Stamp,
    ) -> Result<Person, Error> {
        let failed = |what: &str| Error::ProviderFailed(format!("{}: {what}", of.settings.id));
        let kind = of.settings.kind;
        if of.preset.fixed.is_some() {
            return self.asked_person(of, at, &grant.tokens).await;
        }
        let id_token = grant
            .id_token
            .as_deref()
            .ok_or_else(|| failed("no id_token"))?;
        let audience = [grant.tokens.client.as_str()];
        let mut claims = self.claims_of(at, id_token, &audience, nonce, now).await?;
        let lacks_mail = !claims.contains_key("email");
        if let Some(about) = at.about.as_deref().filter(|_| lacks_mail) {
            let more = self.about(about, &grant.tokens.access_token).await?;
            // Otherwise somebody else's profile could be slipped in (section 5.3.4).
            if more.get("sub").is_none() || more.get("sub") != claims.get("sub") {
                return Err(failed("the profile is somebody else's"));
            }
            // An address and its proof belong together.
            for name in ["email", "email_verified"].iter().chain(&ABOUT) {
                let (old, new) = (claims.contains_key(*name), more.get(*name));
                if let Some(value) = new.filter(|_| !old || name.starts_with("email")) {
                    claims.insert((*name).to_owned(), value.clone());
                }
            }
        }
        person::of_claims(kind, &claims).ok_or_else(|| failed("an odd profile"))
    }

    /// Who an `id_token` of a native app is about.
    pub(crate) async fn tell_person(
        &self,
        of: &Provider,
        id_token: &str,
        nonce: &str,
        now: Stamp,
    ) -> Result<Person, Error> {
        let at = self.endpoints(of, now).await?;
        let claims = self
            .claims_of(&at, id_token, &of.clients(), Some(nonce), now)
            .await?;
        person::of_claims(of.settings.kind, &claims).ok_or(Error::InvalidToken)
    }

    /// The claims of an `id_token`. A key that is not known may be new.
    async fn claims_of(
        &self,
        at: &Endpoints,
        token: &str,
        audiences: &[&str],
        nonce: Option<&str>,
        now: Stamp,
    ) -> Result<Map<String, Value>, Error> {
        let jwks = at.jwks.as_deref().ok_or(Error::InvalidToken)?;
        let expected = Expected {
            issuer: &at.issuer,
            audiences,
            nonce,
        };
        let (egress, documents) = (&self.inner.egress, &self.inner.documents);
        let keys = documents.get(egress, jwks, BELIEVED, now).await?;
        let mut result = id_token::verify(token, &keys, &expected, now);
        if result == Err(Refusal::UnknownKey) {
            let newer = documents.get(egress, jwks, AGAIN, now).await?;
            result = id_token::verify(token, &newer, &expected, now);
        }
        result.map_err(|why| {
            tracing::debug!(?why, "id_token refused");
            Error::InvalidToken
        })
    }

    async fn about(&self, address: &str, token: &str) -> Result<Value, Error> {
        let answer = wire::get(&self.inner.egress, address, Credential::Bearer(token)).await?;
        match answer.status {
            200 => Ok(answer.body),
            status => Err(Error::ProviderFailed(format!("{address}: status {status}"))),
        }
    }

    /// Who the tokens of a provider without `id_token`s are about.
    async fn asked_person(
        &self,
        of: &Provider,
        at: &Endpoints,
        tokens: &Tokens,
    ) -> Result<Person, Error> {
        let failed = || Error::ProviderFailed(format!("{}: an odd profile", of.settings.id));
        let mut address = at.about.clone().ok_or_else(failed)?;
        let kind = of.settings.kind;
        if let (SocialKind::Facebook, Some(secret)) = (kind, &of.secret) {
            // Apps that demand it take no token without it: a stolen one alone is then worth nothing.
            let proof = secret_proof(secret, &tokens.access_token);
            address = format!("{address}&appsecret_proof={proof}");
        }
        let answer = self.about(&address, &tokens.access_token).await?;
        let mails = match kind {
            // Whoever did not agree to show addresses has no list of them.
            SocialKind::Github => self
                .about(&format!("{address}/emails"), &tokens.access_token)
                .await
                .ok(),
            _ => None,
        };
        let issuer = match &at.issuer {
            Issuer::Named(names) => names.first().ok_or_else(failed)?,
            Issuer::Tenant(..) => return Err(failed()),
        };
        person::of_answer(kind, issuer, &answer, mails.as_ref()).ok_or_else(failed)
    }
}

/// HMAC-SHA256 of the token under the app's secret, in hexadecimal digits.
fn secret_proof(secret: &str, token: &str) -> String {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, token.as_bytes());
    tag.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    pub(in crate::social) fn provider(settings: Value) -> Provider {
        let settings: SocialProvider = serde_json::from_value(settings).unwrap();
        Provider {
            preset: preset(settings.kind),
            settings,
            secret: Some("s".to_owned()),
        }
    }

    pub(in crate::social) fn document(issuer: &str) -> Value {
        json!({"issuer": issuer, "authorization_endpoint": "https://a.example/auth?x=1", "token_endpoint": "https://a.example/token", "jwks_uri": "https://a.example/keys"})
    }

    #[test]
    fn a_browser_leaves_with_a_challenge_always() {
        let own = provider(
            json!({"id": "a", "kind": "oidc", "client_id": "c d", "issuer": "https://a.example"}),
        );
        let at = Endpoints::published(&own, "https://a.example", &document("https://a.example"))
            .unwrap();
        let asked = Asked {
            redirect_uri: "https://g.example/cb",
            state: "st",
            nonce: "no",
            verifier: &"v".repeat(43),
        };
        let url = url::Url::parse(&own.departure(&at, &asked).unwrap()).unwrap();
        let pairs: std::collections::HashMap<String, String> =
            url.query_pairs().into_owned().collect();
        assert_eq!(
            (pairs["x"].as_str(), pairs["client_id"].as_str()),
            ("1", "c d")
        );
        assert_eq!(pairs["code_challenge_method"], "S256");
        assert_eq!(
            pairs["code_challenge"],
            pkce::challenge(asked.verifier).unwrap()
        );
        assert_eq!(
            (pairs["nonce"].as_str(), pairs["scope"].as_str()),
            ("no", "openid email profile")
        );
    }

    #[test]
    fn a_secret_goes_to_the_token_endpoint_for_its_own_client_alone() {
        let github =
            provider(json!({"id": "g", "kind": "github", "client_id": "c", "audiences": ["ios"]}));
        let at = Endpoints::fixed(&github).unwrap();
        let now = Stamp::parse("2026-01-02T03:04:05Z").unwrap();
        let form = |client| github.shown(&at, client, now).unwrap().1;
        assert_eq!(form("c").len(), 2);
        assert_eq!(form("ios"), [("client_id", "ios".to_owned())]);
        assert!(github.has_client("ios") && !github.has_client("other"));
        let own = provider(
            json!({"id": "g", "kind": "github", "client_id": "c", "issuer": "https://git.example/"}),
        );
        let at = Endpoints::fixed(&own).unwrap();
        assert_eq!(
            at.authorization,
            "https://git.example/login/oauth/authorize"
        );
        assert_eq!(
            at.issuer,
            Issuer::Named(vec!["https://git.example".to_owned()])
        );
    }
}
