//! The pages that links in mails lead to: plain HTML that works without any script, in the reader's language and the
//! project's colours. To open one does nothing, because scanners of mail open all links; its button does.

use crate::error::Error;
use crate::language::Language;
use crate::mail::template::escaped;
use crate::mail::{PageText, PageTexts, texts};
use crate::model::{OneTime, Reset, SignUpConfirmation};
use crate::service::Ask;
use crate::{Accounts, can, jobs};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Data, Form, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use gate::{Caller, Input, Problem};
use kernel::Code;
use serde::Deserialize;
use serde_json::{Map, Value};

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

const STYLE: &str = "body{margin:0;padding:10vh 16px;background:#f4f5f7;color:#1b1f24;font:16px/1.5 system-ui,sans-serif}\
main{max-width:400px;margin:0 auto;padding:32px;background:#fff;border-radius:8px}\
img{display:block;max-width:160px;max-height:64px;margin:0 0 24px}h1{margin:0 0 16px;font-size:22px}\
label{display:block;margin:16px 0 4px}input{box-sizing:border-box;width:100%;padding:10px;font:inherit;border:1px solid #8c959f;border-radius:6px}\
button{margin:24px 0 0;padding:12px 20px;border:0;border-radius:6px;background:var(--c);color:#fff;font:inherit;cursor:pointer}\
a{color:var(--c)}.fault{color:#b3261e}";

/// Adds the pages to a project's routes. They need [`Accounts`] as the app's data.
pub fn configure_pages(config: &mut ServiceConfig) {
    config.service(show_page).service(act_on_page);
    crate::routes::social::configure_callback(config);
}

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Verify,
    Reset,
    ChangeEmail,
    MagicLink,
    Invite,
    EndSession,
    SignUp,
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "verify" => Some(Self::Verify),
            "reset" => Some(Self::Reset),
            "change-email" => Some(Self::ChangeEmail),
            "magic-link" => Some(Self::MagicLink),
            "invite" => Some(Self::Invite),
            "end-session" => Some(Self::EndSession),
            "sign-up" => Some(Self::SignUp),
            _ => None,
        }
    }

    /// What the secrets are good for that it takes.
    fn purposes(self) -> &'static [&'static str] {
        match self {
            Self::Verify => &["verify"],
            Self::Reset => &["reset"],
            Self::ChangeEmail => &["change_email_old", "change_email_new"],
            Self::MagicLink => &["magic_link"],
            Self::Invite => &["invite"],
            Self::EndSession => &["new_device"],
            Self::SignUp => &[crate::sign_ups::PURPOSE],
        }
    }

    fn text(self, texts: &PageTexts) -> &PageText {
        match self {
            Self::Verify => &texts.verify,
            Self::Reset => &texts.reset,
            Self::ChangeEmail => &texts.change_email,
            Self::MagicLink => &texts.magic_link,
            Self::Invite => &texts.invite,
            Self::EndSession => &texts.end_session,
            Self::SignUp => &texts.sign_up,
        }
    }
}

/// What stands behind the question mark.
#[derive(Deserialize)]
struct Opened {
    #[serde(default)]
    token: String,
}

/// What the button sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    token: String,
    new_password: Option<String>,
    password: Option<String>,
}

/// What a page says.
enum Say<'a> {
    /// It asks for the button, after a fault if there was one.
    Ask(Kind, &'a str, Option<&'a str>),
    /// It tells how things are.
    Tell(&'a str, &'a str),
}

#[get("/v1/auth/pages/{page}")]
async fn show_page(
    caller: Caller<can::AuthUse>,
    page: Path<String>,
    query: Query<Opened>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let kind = Kind::parse(&page).ok_or(Code::RouteNotFound)?;
    let ask = Ask::new(&caller, &request)?;
    Ok(accounts.page(&ask, kind, &query.token).await?)
}

#[post("/v1/auth/pages/{page}")]
async fn act_on_page(
    caller: Caller<can::AuthUse>,
    page: Path<String>,
    form: Form<Sent>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let kind = Kind::parse(&page).ok_or(Code::RouteNotFound)?;
    demand_own_page(&request)?;
    let ask = Ask::new(&caller, &request)?;
    Ok(accounts.press(&ask, kind, form.into_inner()).await?)
}

/// Refuses a button on a page of somebody else's. Without a referrer browsers send `Origin: null`, so it is not that
/// header that tells.
fn demand_own_page(request: &HttpRequest) -> Result<(), Problem> {
    let site = request.headers().get(SEC_FETCH_SITE);
    match site.map(header::HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Code::CrossOrigin.into()),
    }
}

impl Accounts {
    async fn page(&self, ask: &Ask, kind: Kind, token: &str) -> Result<HttpResponse, Error> {
        let is_good = match kind {
            Kind::SignUp => self.begun_with(ask, token).await?.is_some(),
            _ => self.is_good(ask, kind.purposes(), token).await?,
        };
        if !is_good {
            return bad_link(ask);
        }
        render(ask, StatusCode::OK, &Say::Ask(kind, token, None))
    }

    /// Does what the button asks for, and tells how it went.
    async fn press(&self, ask: &Ask, kind: Kind, sent: Sent) -> Result<HttpResponse, Error> {
        let words = &texts(ask.language).pages;
        let text = kind.text(words);
        let once = || OneTime {
            token: sent.token.clone().into(),
        };
        let done = match kind {
            Kind::MagicLink => match self.exchange_link(ask, &once()).await {
                Ok(ticket) => return Ok(to_app(ask, &ticket)),
                Err(error) => Err(error),
            },
            Kind::Verify => {
                let done = self.confirm_verification(ask, once()).await;
                done.map(|()| &text.done)
            }
            Kind::SignUp => {
                let form = SignUpConfirmation {
                    token: sent.token.clone().into(),
                    password: sent.password.clone().unwrap_or_default().into(),
                };
                let done = self.settle_sign_up(ask, form).await;
                done.map(|()| &text.done)
            }
            Kind::EndSession => {
                let done = self.confirm_end_session(ask, once()).await;
                done.map(|()| &text.done)
            }
            Kind::ChangeEmail => {
                let done = self.confirm_email_change(ask, once()).await;
                done.map(|is_done| if is_done { &text.done } else { &text.half })
            }
            Kind::Reset | Kind::Invite => {
                let new = sent.new_password.clone().unwrap_or_default();
                let member = |name: &str, text: &str| (name.to_owned(), Value::from(text));
                let members = [member("token", &sent.token), member("new_password", &new)];
                let object: Map<String, Value> = members.into_iter().collect();
                match Reset::parse(Input::new(object)) {
                    Ok(form) if kind == Kind::Invite => {
                        let done = self.take_invitation(ask, form).await;
                        done.map(|()| &text.done)
                    }
                    Ok(form) => self.confirm_reset(ask, form).await.map(|()| &text.done),
                    Err(problem) => Err(problem.into()),
                }
            }
        };
        let fault = match done {
            Ok(done) => return render(ask, StatusCode::OK, &Say::Tell(&text.title, done)),
            Err(Error::InvalidToken) => return bad_link(ask),
            Err(Error::Problem(problem)) => match problem.code() {
                Code::ValidationFailed => {
                    let fault = problem.field_errors().first().map(|fault| fault.code);
                    let least = ask.project.settings().passwords.length_min;
                    // The words are about 8 characters, as long as a project does not want more.
                    let short = words.password_short.replace('8', &least.to_string());
                    let told = match fault {
                        Some("too_long") => words.password_long.clone(),
                        Some("too_short" | "required") => short,
                        Some("wrong") => words.password_wrong.clone(),
                        _ => words.password_weak.clone(),
                    };
                    (StatusCode::UNPROCESSABLE_ENTITY, told)
                }
                Code::RateLimited => (StatusCode::TOO_MANY_REQUESTS, words.busy.clone()),
                Code::IdentityTaken => (StatusCode::CONFLICT, words.taken.clone()),
                _ => return Err(problem.into()),
            },
            Err(other) => return Err(other),
        };
        let (status, fault) = fault;
        render(ask, status, &Say::Ask(kind, &sent.token, Some(&fault)))
    }
}

/// Leads back to the app. What it signs in with stands behind the `#`, which no server and no referrer gets.
fn to_app(ask: &Ask, ticket: &str) -> HttpResponse {
    let settings = ask.project.settings();
    let app = &settings.brand.app_url;
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("{app}#token={ticket}")))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// Says that a link is not good any more.
pub(crate) fn bad_link(ask: &Ask) -> Result<HttpResponse, Error> {
    let text = &texts(ask.language).pages.bad_link;
    let say = Say::Tell(&text.title, &text.lead);
    render(ask, StatusCode::BAD_REQUEST, &say)
}

/// The origin of an address that was checked when it was saved.
fn origin(address: &str) -> String {
    let url = url::Url::parse(address);
    url.map(|url| url.origin().ascii_serialization())
        .unwrap_or_default()
}

fn render(ask: &Ask, status: StatusCode, say: &Say<'_>) -> Result<HttpResponse, Error> {
    let settings = ask.project.settings();
    let brand = &settings.brand;
    let nonce = gate::new_token("")?;
    let pictures = match &*brand.logo_url {
        "" => "'none'".to_owned(),
        logo => origin(logo),
    };
    // The button of a sign-in link ends at the app, and browsers judge that too.
    let forms = match (say, &*brand.app_url) {
        (Say::Ask(Kind::MagicLink, ..), app) if !app.is_empty() => {
            format!("'self' {}", origin(app))
        }
        _ => "'self'".to_owned(),
    };
    let policy = format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; img-src {pictures}; form-action {forms}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let html = html(ask, &nonce, say);
    let mut response = HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_LANGUAGE, ask.language.as_str()))
        .append_header((header::VARY, "Accept-Language"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header((ROBOTS, "noindex"))
        .body(html);
    response.extensions_mut().insert(gate::Page);
    Ok(response)
}

fn html(ask: &Ask, nonce: &str, say: &Say<'_>) -> String {
    let settings = ask.project.settings();
    let brand = &settings.brand;
    let words = &texts(ask.language).pages;
    let name = jobs::name_of(&ask.project);
    let (title, main) = match say {
        Say::Tell(title, text) => (*title, format!("<p>{}</p>", escaped(text))),
        Say::Ask(kind, token, fault) => {
            let text = kind.text(words);
            (&*text.title, form(*kind, text, words, token, *fault))
        }
    };
    let logo = match &*brand.logo_url {
        "" => String::new(),
        logo => format!("<img src=\"{}\" alt=\"\">", escaped(logo)),
    };
    let back = match &*brand.app_url {
        "" => String::new(),
        app => {
            let label = words.back.replace("{{ project }}", &name);
            format!(
                "<p><a href=\"{}\">{}</a></p>",
                escaped(app),
                escaped(&label)
            )
        }
    };
    let (lang, color) = (ask.language.as_str(), brand.color());
    let (title, name) = (escaped(title), escaped(&name));
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title} – {name}</title>\
         <style nonce=\"{nonce}\">:root{{--c:{color}}}{STYLE}</style></head>\n\
         <body><main>{logo}<p>{name}</p><h1>{title}</h1>{main}{back}</main></body>\n</html>\n"
    )
}

/// The form has no `action`: it goes where the page is, whatever prefix it is below.
fn form(
    kind: Kind,
    text: &PageText,
    words: &PageTexts,
    token: &str,
    fault: Option<&str>,
) -> String {
    let fault = match fault {
        None => String::new(),
        Some(fault) => format!("<p class=\"fault\" role=\"alert\">{}</p>", escaped(fault)),
    };
    let password = match kind {
        Kind::Reset | Kind::Invite => format!(
            "<label for=\"p\">{}</label><input id=\"p\" name=\"new_password\" type=\"password\" \
             autocomplete=\"new-password\" required minlength=\"8\" maxlength=\"512\">",
            escaped(&words.new_password)
        ),
        Kind::SignUp => format!(
            "<label for=\"p\">{}</label><input id=\"p\" name=\"password\" type=\"password\" \
             autocomplete=\"current-password\" required maxlength=\"512\">",
            escaped(&words.password)
        ),
        _ => String::new(),
    };
    format!(
        "<p>{}</p>{fault}<form method=\"post\"><input type=\"hidden\" name=\"token\" value=\"{}\">{password}\
         <button type=\"submit\">{}</button></form>",
        escaped(&text.lead),
        escaped(token),
        escaped(&text.button)
    )
}

/// The language that a request likes best.
pub(crate) fn language(request: &HttpRequest) -> Language {
    let header = request.headers().get(header::ACCEPT_LANGUAGE);
    Language::negotiate(header.and_then(|v| v.to_str().ok()).unwrap_or_default())
}
