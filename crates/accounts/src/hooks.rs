//! The project's own webhooks: what is asked before somebody signs up, and before a token is signed. They are asked
//! outside of any transaction.

use crate::Accounts;
use crate::error::Error;
use crate::model::users;
use crate::newcomers::Added;
use crate::ports::{NewUser, UserRow};
use crate::rows::session;
use crate::service::Ask;
use gate::egress::EgressError;
use gate::{Hook, HookName, Input, webhook};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Bytes of the claims that a hook adds to a token at most, as JSON.
const CLAIMS_BYTES_MAX: usize = 2_048;
/// Characters of a refusal's message that are shown.
const MESSAGE_CHARS_MAX: usize = 500;
/// Claims that are ours or the standard's (RFC 7519, RFC 9068, OpenID Connect): no hook writes them.
const RESERVED: [&str; 27] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "typ",
    "sid",
    "aal",
    "amr",
    "acr",
    "azp",
    "act",
    "cnf",
    "scope",
    "client_id",
    "auth_time",
    "nonce",
    "at_hash",
    "c_hash",
    "roles",
    "claims",
    "groups",
    "entitlements",
    "impersonator",
    "epoch",
];

/// What a hook answers before somebody signs up. An empty answer lets pass.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Consent {
    /// Why not, for whoever signs up.
    refuse: Option<String>,
    /// The developer's own fields, written as an operator would.
    profile: Map<String, Value>,
    /// The newcomer's roles.
    roles: Option<Value>,
    /// Its claims, which stand in its tokens and before rules.
    claims: Option<Value>,
}

/// What a hook answers before a token is signed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Claims {
    claims: Map<String, Value>,
}

/// The claims that a project's hook adds to a token, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extra(pub(crate) Map<String, Value>);

impl Accounts {
    /// Asks the project whether somebody may sign up, and gives what it adds: fields of the profile, roles and claims.
    /// Without a good answer nobody may; roles or claims that no user could have make it a bad one.
    pub(crate) async fn ask_before_sign_up(
        &self,
        ask: &Ask,
        user: &NewUser,
        method: &'static str,
    ) -> Result<Added, Error> {
        let settings = ask.project.settings();
        let Some(hook) = &settings.hooks.before_sign_up else {
            return Ok(Added::default());
        };
        let data = json!({
            "user": {
                "id": user.id,
                "email": user.email,
                "username": user.username,
                "phone": user.phone,
                "verified": user.verified,
                "phone_verified": user.phone_verified,
                "anonymous": user.anonymous,
                "profile": user.profile,
            },
            "method": method,
            "network": ask.network,
            "user_agent": ask.user_agent,
        });
        let answer = self.ask_hook(ask, HookName::BeforeSignUp, hook, data).await;
        match answer.and_then(|body| consent(&body)) {
            Ok(Ok(added)) => Ok(added),
            Ok(Err(message)) => {
                let shown = message.chars().filter(|c| !c.is_control());
                Err(Error::SignUpRefused(
                    shown.take(MESSAGE_CHARS_MAX).collect(),
                ))
            }
            Err(why) => {
                tracing::warn!(project = %ask.project.id, hook = "before_sign_up", why, "a hook failed");
                Err(Error::HookFailed)
            }
        }
    }

    /// Asks the project what to add to a token. Where its hook is optional, a token without it is better than none.
    pub(crate) async fn ask_on_token(
        &self,
        ask: &Ask,
        user: &UserRow,
        session: &session::Model,
    ) -> Result<Extra, Error> {
        let settings = ask.project.settings();
        let Some(hook) = &settings.hooks.on_token else {
            return Ok(Extra::default());
        };
        let methods: Vec<&str> = session.methods.split(' ').collect();
        let data = json!({
            "user": user.view,
            "session": {"id": session.id, "methods": methods, "level": session.level},
        });
        let answer = self.ask_hook(ask, HookName::OnToken, hook, data).await;
        match answer.and_then(|body| checked(read::<Claims>(&body)?.claims)) {
            Ok(extra) => Ok(extra),
            Err(why) => {
                tracing::warn!(project = %ask.project.id, hook = "on_token", why, "a hook failed");
                match hook.optional {
                    true => Ok(Extra::default()),
                    false => Err(Error::HookFailed),
                }
            }
        }
    }

    /// What a hook answered, or why that is no good answer: for the log, never for callers.
    async fn ask_hook(
        &self,
        ask: &Ask,
        name: HookName,
        hook: &Hook,
        data: Value,
    ) -> Result<Vec<u8>, String> {
        let target = self.inner.egress.check(&hook.url);
        let keys = ask.project.hook_keys(name, ask.now);
        let keys = keys.map_err(|problem| problem.to_string())?;
        let body = json!({"type": name.as_str(), "timestamp": ask.now, "data": data});
        let call = webhook::Call {
            target: target.map_err(|refused| refused.to_string())?,
            keys: &keys,
            id: self.inner.ids.new_id(),
            now: ask.now,
            body: body.to_string().into_bytes(),
        };
        let answer = webhook::ask(&self.inner.egress, call).await;
        let answer = answer.map_err(|error: EgressError| error.to_string())?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("it answered {}", answer.status));
        }
        answer.body.map_err(|error| error.to_string())
    }
}

/// An answer; an empty one says nothing.
fn read<T: Default + for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T, String> {
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    // As an object first: a list would be read as the members in their order.
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    serde_json::from_value(Value::Object(object)).map_err(|e| e.to_string())
}

/// What a hook's answer adds, or why it refuses.
fn consent(body: &[u8]) -> Result<Result<Added, String>, String> {
    let consent = read::<Consent>(body)?;
    if let Some(message) = consent.refuse {
        return Ok(Err(message));
    }
    let given = [("roles", consent.roles), ("claims", consent.claims)];
    let given = given
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let mut input = Input::new(given.collect());
    let granted = users::granted(&mut input);
    input.finish().map_err(|problem| {
        let faults = problem.field_errors().iter();
        let faults: Vec<String> = faults
            .map(|f| format!("{}: {}", f.path, f.message))
            .collect();
        faults.join(" ")
    })?;
    Ok(Ok(Added {
        profile: consent.profile,
        granted,
    }))
}

fn checked(claims: Map<String, Value>) -> Result<Extra, String> {
    if let Some(name) = claims.keys().find(|name| RESERVED.contains(&name.as_str())) {
        return Err(format!("the claim {name} is not a hook's to write"));
    }
    let bytes = serde_json::to_vec(&claims)
        .map_err(|e| e.to_string())?
        .len();
    if bytes > CLAIMS_BYTES_MAX {
        return Err(format!("{bytes} bytes of claims are too many"));
    }
    Ok(Extra(claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_writes_no_claim_of_ours_and_not_too_many() {
        let claims = |value: Value| checked(value.as_object().cloned().unwrap());
        assert!(claims(json!({"plan": "gold", "tenant": {"id": 7}})).is_ok());
        for name in RESERVED {
            assert!(claims(json!({name: 1})).is_err(), "{name}");
        }
        assert!(claims(json!({"x": "y".repeat(2_040)})).is_ok());
        assert!(claims(json!({"x": "y".repeat(2_041)})).is_err());
    }

    #[test]
    fn an_answer_that_is_not_understood_is_none() {
        assert!(read::<Consent>(b"").is_ok() && read::<Consent>(b"{}").is_ok());
        for bad in [
            &b"x"[..],
            b"[]",
            br#"{"allow": true}"#,
            br#"{"refuse": 1}"#,
            br#"{"profile": []}"#,
            br#"{"roles": "admin"}"#,
            br#"{"roles": ["not a role"]}"#,
            br#"{"roles": [1]}"#,
            br#"{"claims": []}"#,
            br#"{"claims": {"teams": {}}}"#,
        ] {
            assert!(consent(bad).is_err(), "{bad:?}");
        }
        let good = consent(br#"{"roles": ["editor"], "claims": {"plan": "gold"}}"#);
        let granted = good.unwrap().unwrap().granted;
        assert_eq!(granted.roles, ["editor"]);
        assert_eq!(granted.claims["plan"], "gold");
    }
}
