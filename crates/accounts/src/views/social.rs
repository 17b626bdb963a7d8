//! The wire types of accounts elsewhere, and of our own keys.

use crate::keys::SigningKey;
use crate::rows::identities;
use crate::social::ProviderToken;
use crate::social::flow;
use crate::views::SessionKind;
use gate::Project;
use kernel::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

/// Somebody who is known elsewhere: one of three.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes a body, which the model reads")]
pub(crate) enum SocialSignInIn {
    /// What a browser came back with.
    Ticket(SocialTicketIn),
    /// A code that a native app got itself.
    Code(SocialCodeIn),
    /// A token that a native app got from the provider's library.
    IdToken(SocialIdTokenIn),
}

/// What a browser came back with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a body, which the model reads")]
pub(crate) struct SocialTicketIn {
    /// The ticket; good once and for a minute.
    #[schema(max_length = 16384)]
    ticket: String,
    /// The verifier of the challenge that the browser left with (RFC 7636): 43 to 128 characters.
    #[schema(max_length = 255, nullable = false)]
    code_verifier: Option<String>,
    /// The developer's own fields of the `users` collection, for somebody new.
    #[schema(value_type = Option<Object>)]
    profile: Option<Map<String, Value>>,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    session: Option<SessionKind>,
}

/// A code that a native app got itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a body, which the model reads")]
pub(crate) struct SocialCodeIn {
    /// The provider's id.
    #[schema(max_length = 39)]
    provider: String,
    /// The code.
    #[schema(max_length = 16384)]
    code: String,
    /// The verifier of the challenge that the code was asked for with (RFC 7636): 43 to 128 characters.
    #[schema(max_length = 255, nullable = false)]
    code_verifier: Option<String>,
    /// The address that the code was sent to: one of the project's `social.redirect_addresses`.
    #[schema(max_length = 16384)]
    redirect_uri: String,
    /// The app, if it is one of the provider's `audiences`.
    #[schema(max_length = 255)]
    client_id: Option<String>,
    /// What the app gave the provider, if it did.
    #[schema(max_length = 255)]
    nonce: Option<String>,
    /// The developer's own fields of the `users` collection, for somebody new.
    #[schema(value_type = Option<Object>)]
    profile: Option<Map<String, Value>>,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    session: Option<SessionKind>,
}

/// A token that a native app got from the provider's library.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a body, which the model reads")]
pub(crate) struct SocialIdTokenIn {
    /// The provider's id.
    #[schema(max_length = 39)]
    provider: String,
    /// The token.
    #[schema(max_length = 16384)]
    id_token: String,
    /// What the app gave the provider, or what it gave the SHA-256 of, in hexadecimal digits.
    #[schema(max_length = 255)]
    nonce: String,
    /// The developer's own fields of the `users` collection, for somebody new.
    #[schema(value_type = Option<Object>)]
    profile: Option<Map<String, Value>>,
    /// What the device is called; else a name is made of what the browser says it is.
    #[schema(max_length = 100)]
    device: Option<String>,
    /// How the session is handed over; else as the project's settings say.
    session: Option<SessionKind>,
}

/// An account elsewhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Identity)]
pub struct IdentityView {
    /// The identity.
    pub id: Uuid,
    /// The provider's id.
    pub provider: String,
    /// Who says who the person is.
    pub issuer: String,
    /// How it names the person.
    pub subject: String,
    /// The address that it told last.
    pub email: Option<String>,
    /// Whether it had verified that.
    pub email_verified: bool,
    /// How the person is called there.
    pub name: Option<String>,
    /// Where a picture is.
    pub picture: Option<String>,
    /// When it was linked.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// When it was last shown.
    #[schema(value_type = String, format = DateTime)]
    pub used_at: Option<Stamp>,
}

impl IdentityView {
    pub(crate) fn new(row: identities::Model) -> Self {
        Self {
            id: row.id,
            provider: row.provider,
            issuer: row.issuer,
            subject: row.subject,
            email: row.email,
            email_verified: row.email_verified,
            name: row.name,
            picture: row.picture,
            created_at: Stamp::from_time(row.created_at),
            used_at: Stamp::from_time(row.used_at),
        }
    }
}

/// The accounts elsewhere of a user, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdentitiesView {
    /// The identities.
    pub items: Vec<IdentityView>,
    /// Always null: there is one page.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl IdentitiesView {
    pub(crate) fn new(rows: Vec<identities::Model>) -> Self {
        Self {
            items: rows.into_iter().map(IdentityView::new).collect(),
            next_cursor: None,
        }
    }
}

/// A token of a provider, for its API.
#[derive(Serialize, ToSchema)]
pub struct ProviderTokenView {
    /// The token.
    pub access_token: String,
    /// Until when it is good; null where the provider does not say.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    pub expires_at: Option<Stamp>,
    /// What it is good for, separated by spaces; null where the provider does not say.
    #[schema(required = true)]
    pub scope: Option<String>,
}

impl From<ProviderToken> for ProviderTokenView {
    fn from(it: ProviderToken) -> Self {
        Self {
            access_token: it.access_token,
            expires_at: it.expires_at,
            scope: it.scope,
        }
    }
}

/// A provider that an app may offer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SocialMethod)]
pub struct SocialMethodView {
    /// Its id.
    pub id: String,
    /// What it is: `google`, `apple`, `oidc` and so on.
    pub kind: &'static str,
    /// What people read on its button.
    pub name: String,
    /// Where a browser begins, with `redirect_to`, `code_challenge` and `code_challenge_method=S256`.
    pub start_url: String,
}

impl SocialMethodView {
    pub(crate) fn all(project: &Project) -> Vec<Self> {
        let settings = project.settings();
        let one = |provider: &gate::SocialProvider| Self {
            id: provider.id.clone(),
            kind: provider.kind.as_str(),
            name: match &*provider.name {
                "" => provider.kind.name().to_owned(),
                own => own.to_owned(),
            },
            start_url: flow::start(project, &provider.id),
        };
        settings.social.providers.iter().map(one).collect()
    }
}

/// How keys are changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes a body, which the model reads")]
pub(crate) struct RotateIn {
    /// Whether the next key signs at once, and not a day after it was published. Verifiers that keep the keys and do not
    /// look again for one that is new to them refuse tokens meanwhile.
    #[schema(default = false, nullable = false)]
    at_once: Option<bool>,
    /// Whether the keys before are dropped with all tokens that they signed, because one has leaked. The next key signs at
    /// once then. Users stay signed in: their next refresh gives a token of the new key.
    #[schema(default = false, nullable = false)]
    revoke: Option<bool>,
}

/// A key that signs access tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigningKey)]
pub struct SigningKeyView {
    /// Its name in the key set and in tokens.
    pub kid: String,
    /// `ES256` or `EdDSA`.
    pub algorithm: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Stamp,
    /// Since when, or from when on, it signs.
    #[schema(value_type = String, format = DateTime)]
    pub signs_at: Stamp,
}

impl SigningKeyView {
    pub(crate) fn new(key: &SigningKey) -> Self {
        Self {
            kid: key.kid.clone(),
            algorithm: crate::keys::name(key.algorithm),
            created_at: key.created_at,
            signs_at: key.signs_at,
        }
    }
}
