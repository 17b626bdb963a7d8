//! Webhooks that are asked before something is done, each with a secret that its calls are signed with.

use super::{Patching, close, part};
use crate::{Input, Problem, webhook};
use kernel::Stamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Webhooks that are asked before something is done. Each answers within 3 seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectHooks)]
pub struct Hooks {
    /// Asked before somebody signs up, whatever the way; null: nobody is. Without a good answer nobody signs up. It
    /// answers `{}`, or `{"refuse": "why not"}`, or what the new user is to have: `profile` (fields of `users`),
    /// `roles` and `claims`, as a key could give them. What no user could have is a bad answer: 503 `hook_failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub before_sign_up: Option<Hook>,
    /// Asked before an access token is signed; null: nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub on_token: Option<Hook>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectHook)]
pub struct Hook {
    /// Its public https address.
    pub url: String,
    /// Whether things go on without it when it does not answer well. Only of `on_token`.
    #[serde(default)]
    pub optional: bool,
    /// `whsec_` and the base64 of 24 to 64 bytes (Standard Webhooks). Sealed at rest and in no answer. It goes with its
    /// origin: another one has another. `POST /v1/settings/hooks/{hook}/secret` makes one, and shows it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only, nullable = false)]
    pub secret: Option<String>,
    /// The secret before, with which calls are signed too for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub previous: Option<PreviousSecret>,
}

/// A secret that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousSecret {
    /// Sealed at rest and in no answer.
    pub secret: String,
    /// Until when calls are signed with it.
    pub until: Stamp,
}

/// The names of the webhooks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookName {
    /// Before somebody signs up.
    BeforeSignUp,
    /// Before an access token is signed.
    OnToken,
}

impl HookName {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::BeforeSignUp, Self::OnToken];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BeforeSignUp => "before_sign_up",
            Self::OnToken => "on_token",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

impl Hooks {
    /// The hook of that name, if there is one.
    #[must_use]
    pub fn get(&self, name: HookName) -> Option<&Hook> {
        match name {
            HookName::BeforeSignUp => self.before_sign_up.as_ref(),
            HookName::OnToken => self.on_token.as_ref(),
        }
    }

    pub(crate) fn get_mut(&mut self, name: HookName) -> &mut Option<Hook> {
        match name {
            HookName::BeforeSignUp => &mut self.before_sign_up,
            HookName::OnToken => &mut self.on_token,
        }
    }

    /// Merges the members that are there; null removes a hook. Faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input, with: &Patching<'_>) -> Result<Self, Problem> {
        for name in HookName::ALL {
            let hook = self.get_mut(name);
            match input.take(name.as_str()) {
                None => {}
                Some(Value::Null) => *hook = None,
                Some(other) => {
                    let mut holder =
                        Input::new([(name.as_str().to_owned(), other)].into_iter().collect());
                    if let Some(mut member) = part(&mut holder, name.as_str()) {
                        *hook = Some(Hook::read(hook.take(), name, &mut member, with)?);
                        close(&mut holder, name.as_str(), member);
                    }
                    holder.faults().into_iter().for_each(|f| input.push(f));
                }
            }
        }
        Ok(self)
    }
}

impl Hook {
    fn read(
        before: Option<Self>,
        name: HookName,
        input: &mut Input,
        with: &Patching<'_>,
    ) -> Result<Self, Problem> {
        let url = match (input.optional_text("url", 1, usize::MAX), &before) {
            (None, Some(hook)) => hook.url.clone(),
            (None, None) => input.text("url", 1, usize::MAX),
            (Some(url), _) => url,
        };
        let target = with.egress.check(&url);
        if let Err(refused) = &target
            && !url.is_empty()
        {
            input.fault("url", refused.code(), refused.to_string());
        }
        let is_optional = input.optional_bool("optional");
        if is_optional == Some(true) && name == HookName::BeforeSignUp {
            let message = "Nobody signs up without this hook's consent.";
            input.fault("optional", "not_a_choice", message);
        }
        let origin = |url: &str| with.egress.check(url).map(|target| target.origin()).ok();
        // Whoever may change the settings must not learn the secret by naming a server of his own.
        let kept = before.filter(|hook| origin(&hook.url) == origin(&url));
        let mut hook = Self {
            url: target.map_or(url, |target| target.url().to_owned()),
            optional: is_optional.unwrap_or(kept.as_ref().is_some_and(|hook| hook.optional)),
            previous: kept.as_ref().and_then(|hook| hook.previous.clone()),
            secret: kept.and_then(|hook| hook.secret),
        };
        if let Some(secret) = input.optional_text("secret", 1, 200) {
            if webhook::Key::parse(&secret).is_none() {
                let message = "This must be whsec_ and the base64 of 24 to 64 bytes.";
                input.fault("secret", "bad_form", message);
            }
            hook.secret = Some((with.seal)(&secret)?);
        }
        if hook.secret.is_none() {
            // No call is unsigned. Nobody knows this one; the owner asks for another, which is shown.
            hook.secret = Some((with.seal)(&webhook::new_secret()?)?);
        }
        Ok(hook)
    }
}
