//! What all ways to sign in have in common on the wire: how the device is called, and whether the session is told as
//! tokens or kept in cookies.

use super::{SECRET, USER_AGENT_MAX};
use crate::door::Entered;
use crate::error::Error;
use crate::service::{Ask, SignedIn};
use crate::sign_ups::SignedUp;
use crate::views::{CookieSessionView, EnteredView};
use crate::{Accounts, device, model, pages};
use actix_web::cookie::time::Duration;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use gate::{Caller, InProject, Input, OwnPage, Permission, Problem};

impl Ask {
    pub(crate) fn new<P: Permission<Place = InProject>>(
        caller: &Caller<P>,
        request: &HttpRequest,
    ) -> Result<Self, Problem> {
        let agent = request
            .headers()
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self {
            project: caller.project()?.clone(),
            now: caller.now(),
            actor: caller.who().actor(),
            is_trusted: caller.who().passes_rules(),
            user_agent: agent.map(|text| {
                text.chars()
                    .filter(|c| !c.is_control())
                    .take(USER_AGENT_MAX)
                    .collect()
            }),
            network: caller.network().to_owned(),
            language: pages::language(request),
            device: agent.and_then(device::name),
            claims: None,
            in_cookies: false,
            replaces: None,
        })
    }

    /// Takes what every sign-in may bring out of its body: `device`, and `session`, which is `tokens` or `cookie`.
    pub(crate) fn entering<P: Permission<Place = InProject>>(
        caller: &Caller<P>,
        request: &HttpRequest,
        input: &mut Input,
    ) -> Result<Self, Problem> {
        let mut ask = Self::new(caller, request)?;
        ask.device = model::device(input).or(ask.device);
        ask.in_cookies = match input.optional_text("session", 0, 20).as_deref() {
            None => ask.project.settings().sessions.cookie && own_page(request).is_some(),
            Some("tokens") => false,
            // Else a page of anybody could sign its reader in as somebody else.
            Some("cookie") if own_page(request).is_none() => return Err(Error::NoOwnPage.into()),
            Some("cookie") => true,
            Some(_) => {
                let message = "This must be \"tokens\" or \"cookie\".";
                input.fault("session", "not_a_choice", message);
                false
            }
        };
        let page = own_page(request).filter(|_| ask.in_cookies);
        ask.replaces = page.and_then(|page| page.refresh_token);
        Ok(ask)
    }
}

impl Ask {
    /// Somebody whose session goes on under another id, in cookies if it was in cookies.
    pub(crate) fn going_on<P: Permission<Place = InProject>>(
        caller: &Caller<P>,
        request: &HttpRequest,
    ) -> Result<Self, Problem> {
        let mut ask = Self::new(caller, request)?;
        let has_bearer = request.headers().contains_key(header::AUTHORIZATION);
        let cookie = own_page(request).and_then(|page| page.refresh_token);
        ask.in_cookies = !has_bearer && cookie.is_some();
        Ok(ask)
    }

    /// Somebody who wants new tokens, and the refresh token of its cookie where it sends none.
    pub(crate) fn renewing<P: Permission<Place = InProject>>(
        caller: &Caller<P>,
        request: &HttpRequest,
        input: &Input,
    ) -> Result<(Self, Option<String>), Problem> {
        let mut ask = Self::new(caller, request)?;
        let cookie = own_page(request).and_then(|page| page.refresh_token);
        let cookie = cookie.filter(|_| !input.has("refresh_token"));
        ask.in_cookies = cookie.is_some();
        Ok((ask, cookie))
    }
}

/// What a page of the own origin brought, if one asks.
pub(super) fn own_page(request: &HttpRequest) -> Option<OwnPage> {
    request.extensions().get::<OwnPage>().cloned()
}

impl Accounts {
    /// The answer to whoever came to the door: 200, or 201 where somebody is new.
    pub(super) fn entered(&self, ask: &Ask, status: StatusCode, entered: Entered) -> HttpResponse {
        match entered {
            Entered::In(signed_in) => self.let_have(ask, status, signed_in),
            due @ Entered::Factor(_) => HttpResponse::build(status)
                .insert_header(SECRET)
                .json(EnteredView::from(due)),
        }
    }

    /// The answer to whoever signed up: 202 where a mail is to be answered first, the same for all.
    pub(super) fn signed_up(&self, ask: &Ask, done: SignedUp) -> HttpResponse {
        match done {
            SignedUp::At(entered) => self.entered(ask, StatusCode::CREATED, entered),
            SignedUp::Waits => HttpResponse::Accepted().finish(),
        }
    }

    /// The session's tokens, or its cookies.
    pub(super) fn let_have(&self, ask: &Ask, status: StatusCode, it: SignedIn) -> HttpResponse {
        let mut response = HttpResponse::build(status);
        response.insert_header(SECRET);
        if !ask.in_cookies {
            return response.json(EnteredView::from(Entered::In(it)));
        }
        let (tokens, days) = ([&*it.access_token, &it.refresh_token], 86_400);
        let kept = self.inner.config.session_idle_days.saturating_mul(days);
        let ages = [it.expires_in, kept];
        let settings = ask.project.settings();
        for cookie in gate::session_cookies(&ask.project.id, &settings, tokens, ages) {
            response.cookie(cookie);
        }
        response.json(CookieSessionView::from(it))
    }
}

/// The answer to who signed out: 204, and a page of the own origin loses its cookies.
pub(super) fn left(ask: &Ask, request: &HttpRequest) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if own_page(request).is_some() {
        let settings = ask.project.settings();
        for mut cookie in gate::session_cookies(&ask.project.id, &settings, ["", ""], [0, 0]) {
            cookie.set_max_age(Duration::ZERO);
            response.cookie(cookie);
        }
    }
    response.finish()
}
