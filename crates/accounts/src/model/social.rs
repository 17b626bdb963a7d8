//! What apps and providers send about a sign-in at a provider.

use crate::social::flow::posted_name;
use crate::social::is_challenge;
use gate::{Input, Problem, QueryInput};
use kernel::{Code, FieldError};
use secrecy::SecretString;
use serde_json::{Map, Value};

/// Characters of a provider's id at most.
const PROVIDER_CHARS_MAX: usize = 39;
/// Characters of a code, a token or an address at most.
const LONG_CHARS_MAX: usize = 16_384;
/// Characters of anything else at most.
const SHORT_CHARS_MAX: usize = 255;
/// What of a user only a provider, the server or an operator says.
const NOT_THEIRS: [&str; 9] = [
    "id",
    "email",
    "verified",
    "username",
    "phone",
    "phone_verified",
    "disabled",
    "anonymous",
    "roles",
];

/// A browser that is to be sent away.
#[derive(Debug)]
pub struct Start {
    /// Where it goes in the end.
    pub redirect_to: String,
    /// The app's challenge (RFC 7636).
    pub challenge: String,
    /// Whether it begins at a host of the project's own, and not at the issuer's.
    pub is_on_own_host: bool,
}

impl Start {
    /// Reads `redirect_to`, `code_challenge` and `code_challenge_method`.
    pub fn parse(mut query: QueryInput, is_on_own_host: bool) -> Result<Self, Problem> {
        let redirect_to = query.take("redirect_to").unwrap_or_default();
        if redirect_to.is_empty() {
            query.fault("redirect_to", "This is required.");
        }
        let challenge = query.take("code_challenge").unwrap_or_default();
        if !is_challenge(&challenge) {
            query.fault(
                "code_challenge",
                "This must be the SHA-256 of a code verifier, in base64url.",
            );
        }
        if query
            .take("code_challenge_method")
            .is_some_and(|method| method != "S256")
        {
            query.fault("code_challenge_method", "This must be \"S256\".");
        }
        query.finish()?;
        Ok(Self {
            redirect_to,
            challenge,
            is_on_own_host,
        })
    }
}

/// What a provider sends back by way of a browser. It sends more, which is nothing to us.
#[derive(Debug, Default)]
pub struct Back {
    /// The state that the browser left with.
    pub state: Option<String>,
    /// What tokens are given for.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub issuer: Option<String>,
    /// How the person is called, which Apple tells here.
    pub name: Option<String>,
}

impl Back {
    /// Reads a query string or a form. What stands there twice is nothing.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        let one = |name: &str| {
            let mut all = pairs
                .iter()
                .filter(|(n, v)| n == name && v.len() <= LONG_CHARS_MAX);
            let first = all.next().map(|(_, value)| value.clone());
            first.filter(|_| all.next().is_none())
        };
        Self {
            state: one("state"),
            code: one("code"),
            error: one("error"),
            issuer: one("iss"),
            name: one("user").as_deref().and_then(posted_name),
        }
    }
}

/// Somebody who is known elsewhere.
#[derive(Debug)]
pub struct SocialIn {
    /// What shows it.
    pub shown: Shown,
    /// The developer's own fields, for somebody new.
    pub profile: Map<String, Value>,
}

/// What shows that a provider knows somebody.
#[derive(Debug)]
pub enum Shown {
    /// What a browser came back with.
    Ticket {
        /// The ticket.
        ticket: SecretString,
        /// The verifier of the challenge that the browser left with.
        verifier: SecretString,
    },
    /// A code that a native app got itself.
    Code(CodeIn),
    /// A token that a native app got from the provider's library.
    IdToken {
        /// The provider's id.
        provider: String,
        /// The token.
        id_token: SecretString,
        /// What the app gave the provider, or what it gave the digest of.
        nonce: SecretString,
    },
}

/// A code that a native app got itself.
#[derive(Debug)]
pub struct CodeIn {
    /// The provider's id.
    pub provider: String,
    /// The code.
    pub code: SecretString,
    /// The verifier of the challenge that the code was asked for with.
    pub verifier: SecretString,
    /// The address that the code was sent to.
    pub redirect_uri: String,
    /// The app, if it is not the one that the provider's settings name first.
    pub client_id: Option<String>,
    /// What the app gave the provider, if it did.
    pub nonce: Option<SecretString>,
}

impl SocialIn {
    /// Reads one of the three, and `profile`.
    pub fn parse(mut input: Input) -> Result<Self, Problem> {
        let profile = profile(&mut input)?;
        let shown = Shown::read(&mut input);
        input.finish()?;
        Ok(Self { shown, profile })
    }

    /// Reads one of the three for a user that is there.
    pub fn parse_link(mut input: Input) -> Result<Self, Problem> {
        let shown = Shown::read(&mut input);
        input.finish()?;
        Ok(Self {
            shown,
            profile: Map::new(),
        })
    }
}

impl Shown {
    /// A verifier that is absent is a wrong one, and is told as such later.
    fn read(input: &mut Input) -> Self {
        let ticket = input.optional_text("ticket", 1, LONG_CHARS_MAX);
        let code = input.optional_text("code", 1, LONG_CHARS_MAX);
        let id_token = input.optional_text("id_token", 1, LONG_CHARS_MAX);
        let verifier = |input: &mut Input| -> SecretString {
            let text = input.optional_text("code_verifier", 0, SHORT_CHARS_MAX);
            text.unwrap_or_default().into()
        };
        match (ticket, code, id_token) {
            (Some(ticket), None, None) => Self::Ticket {
                ticket: ticket.into(),
                verifier: verifier(input),
            },
            (None, Some(code), None) => Self::Code(CodeIn {
                provider: input.text("provider", 1, PROVIDER_CHARS_MAX),
                code: code.into(),
                verifier: verifier(input),
                redirect_uri: input.text("redirect_uri", 1, LONG_CHARS_MAX),
                client_id: input.optional_text("client_id", 1, SHORT_CHARS_MAX),
                nonce: input
                    .optional_text("nonce", 1, SHORT_CHARS_MAX)
                    .map(Into::into),
            }),
            (None, None, Some(id_token)) => Self::IdToken {
                provider: input.text("provider", 1, PROVIDER_CHARS_MAX),
                id_token: id_token.into(),
                nonce: input.text("nonce", 1, SHORT_CHARS_MAX).into(),
            },
            (ticket, code, id_token) => {
                let count = [&ticket, &code, &id_token]
                    .iter()
                    .filter(|one| one.is_some())
                    .count();
                let code = if count == 0 { "required" } else { "too_many" };
                input.fault(
                    "ticket",
                    code,
                    "One of ticket, code and id_token is needed.",
                );
                Self::Ticket {
                    ticket: String::new().into(),
                    verifier: String::new().into(),
                }
            }
        }
    }
}

/// The developer's own fields. Who somebody is comes from the provider and from nowhere else.
fn profile(input: &mut Input) -> Result<Map<String, Value>, Problem> {
    let profile = match input.take("profile") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(profile)) => profile,
        Some(_) => {
            input.fault("profile", "not_an_object", "This must be an object.");
            Map::new()
        }
    };
    let bad: Vec<FieldError> = profile
        .keys()
        .filter(|name| NOT_THEIRS.contains(&name.as_str()))
        .map(|name| FieldError {
            path: format!("/profile/{name}"),
            code: "readonly_field",
            message: "The provider says this, or the server.".to_owned(),
        })
        .collect();
    if bad.is_empty() {
        Ok(profile)
    } else {
        Err(Problem::new(Code::ReadonlyField).errors(bad))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(value: Value) -> Input {
        Input::new(value.as_object().cloned().unwrap())
    }

    #[test]
    fn a_browser_leaves_with_a_digest_and_nothing_plain() {
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let parse = |text: &str| Start::parse(QueryInput::parse(text).unwrap(), false);
        let good = format!("redirect_to=https%3A%2F%2Fa.example%2F&code_challenge={challenge}");
        assert_eq!(parse(&good).unwrap().redirect_to, "https://a.example/");
        assert!(parse(&format!("{good}&code_challenge_method=S256")).is_ok());
        for bad in [
            String::new(),
            "redirect_to=x".to_owned(),
            format!("code_challenge={challenge}"),
            format!("{good}&code_challenge_method=plain"),
            format!("{good}&state=mine"),
            format!("{good}&redirect_to=https%3A%2F%2Fb.example%2F"),
            "redirect_to=x&code_challenge=short".to_owned(),
        ] {
            let code = parse(&bad).map(drop).unwrap_err().code();
            assert_eq!(code, Code::InvalidParameter, "{bad}");
        }
    }

    #[test]
    fn what_stands_twice_is_nothing() {
        let back = Back::read("state=a&code=b&state=c&iss=d&scope=e&scope=f");
        assert_eq!((back.state, back.code.as_deref()), (None, Some("b")));
        assert_eq!((back.issuer.as_deref(), back.error), (Some("d"), None));
    }

    #[test]
    fn one_thing_is_shown_and_a_profile_says_nothing_of_who_it_is() {
        let ticket = json!({"ticket": "t", "code_verifier": "v", "profile": {"name": "Ada"}});
        assert!(matches!(
            SocialIn::parse(input(ticket)).unwrap().shown,
            Shown::Ticket { .. }
        ));
        let code = json!({"provider": "p", "code": "c", "redirect_uri": "r"});
        assert!(matches!(
            SocialIn::parse(input(code)).unwrap().shown,
            Shown::Code(_)
        ));
        let cases = [
            (json!({}), Code::ValidationFailed),
            (json!({"ticket": "t", "code": "c"}), Code::ValidationFailed),
            (
                json!({"id_token": "t", "provider": "p"}),
                Code::ValidationFailed,
            ),
            (
                json!({"ticket": "t", "email": "victim@example.com"}),
                Code::UnknownField,
            ),
            (
                json!({"ticket": "t", "profile": {"email": "victim@example.com", "verified": true}}),
                Code::ReadonlyField,
            ),
            (
                json!({"ticket": "t", "profile": {"roles": ["admin"]}}),
                Code::ReadonlyField,
            ),
            (
                json!({"ticket": "t", "createData": {"email": "victim@example.com"}}),
                Code::UnknownField,
            ),
        ];
        for (value, want) in cases {
            assert_eq!(
                SocialIn::parse(input(value.clone()))
                    .map(drop)
                    .unwrap_err()
                    .code(),
                want,
                "{value}"
            );
        }
    }
}
