//! The operations of operators on mails: what became of them, the development inbox, and the templates.

use crate::error::Error;
use crate::language::Language;
use crate::mail::Template;
use crate::mail::template::Source;
use crate::views::{
    MailPage, MailPreviewView, MailTemplateIn, MailTemplateView, MailTemplatesView, MailView,
};
use crate::{Accounts, can};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put};
use gate::openapi::{Problems, ReadProblems};
use gate::wire::ListParams;
use gate::{Body, Caller, Input, ListQuery, NoIdempotency, Problem, QueryInput};
use kernel::Code;
use utoipa_actix_web::service_config::ServiceConfig;

/// What a mail's status can be.
const STATUSES: [&str; 5] = ["queued", "sent", "caught", "failed", "dropped"];

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(list_mails)
        .service(get_mail)
        .service(clear_mails);
    config
        .service(list_mail_templates)
        .service(get_mail_template)
        .service(put_mail_template)
        .service(reset_mail_template)
        .service(preview_mail_template);
}

fn mail_query(request: &HttpRequest) -> Result<(Option<String>, ListQuery), Problem> {
    let mut query = QueryInput::parse(request.query_string())?;
    let list = ListQuery::read_some(&mut query);
    let status = query.take("status");
    if status.as_deref().is_some_and(|s| !STATUSES.contains(&s)) {
        query.fault("status", "There is no such status.");
    }
    query.finish()?;
    Ok((status, list))
}

/// Which template a path names.
fn which(path: &(String, String)) -> Result<(Template, Language), Problem> {
    let found = Template::parse(&path.0).zip(Language::parse(&path.1));
    found.ok_or_else(|| Error::NoSuchTemplate.into())
}

/// Reads the three parts of a template, with all faults at once.
fn source(mut input: Input) -> Result<Source, Problem> {
    let source = Source {
        subject: input.text("subject", 1, 300),
        html: input.text("html", 0, usize::MAX),
        text: input.text("text", 0, usize::MAX),
    };
    source.faults().into_iter().for_each(|f| input.push(f));
    input.finish().map(|()| source)
}

/// Lists mails
///
/// The newest first, with what became of each; they are kept for seven days after they are done. Where neither the
/// project nor the instance has a mail server, they are `caught` in the development inbox.
#[utoipa::path(operation_id = "list_mails", tag = "mail", params(ListParams, ("status" = Option<String>, Query, description = "Only those of this status")), responses((status = 200, description = "A page of mails", body = MailPage), ReadProblems))]
#[get("/v1/mails")]
async fn list_mails(
    caller: Caller<can::MailsRead>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (status, query) = mail_query(&request)?;
    let page = accounts
        .list_mails(caller.project()?, status.as_deref(), &query)
        .await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Reads a mail
///
/// With what it says while it is in the development inbox: the secrets in it are good, so this needs a permission of its
/// own. What was sent is not kept.
#[utoipa::path(operation_id = "get_mail", tag = "mail", params(("id" = uuid::Uuid, Path, description = "The mail")), responses((status = 200, description = "The mail", body = MailView), ReadProblems))]
#[get("/v1/mails/{id}")]
async fn get_mail(
    caller: Caller<can::MailsOpen>,
    id: Path<String>,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let id = kernel::parse_id(&id).ok_or(Code::InvalidId)?;
    let mail = accounts.get_mail(caller.project()?, id).await?;
    Ok(HttpResponse::Ok().json(mail))
}

/// Empties the development inbox
#[utoipa::path(operation_id = "clear_mails", tag = "mail", responses((status = 204, description = "Emptied"), Problems))]
#[delete("/v1/mails")]
async fn clear_mails(
    caller: Caller<can::MailsClear>,
    _once: NoIdempotency,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    accounts.clear_mails(caller.project()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the templates of mails
///
/// Each in each language: the project's own where it has one, else the built-in one.
#[utoipa::path(operation_id = "list_mail_templates", tag = "mail", responses((status = 200, description = "The templates", body = MailTemplatesView), ReadProblems))]
#[get("/v1/mail-templates")]
async fn list_mail_templates(
    caller: Caller<can::MailTemplatesRead>,
    _once: NoIdempotency,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let items = accounts.list_templates(caller.project()?).await?;
    Ok(HttpResponse::Ok().json(MailTemplatesView {
        items,
        next_cursor: None,
    }))
}

/// Reads a template in one language
#[utoipa::path(operation_id = "get_mail_template", tag = "mail", params(("name" = String, Path, description = "The template"), ("language" = String, Path, description = "The language")), responses((status = 200, description = "The template", body = MailTemplateView), ReadProblems))]
#[get("/v1/mail-templates/{name}/{language}")]
async fn get_mail_template(
    caller: Caller<can::MailTemplatesRead>,
    path: Path<(String, String)>,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let which = which(&path)?;
    let view = accounts.get_template(caller.project()?, which).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Writes a template in one language
///
/// `{{ name }}` stands for a variable, and nothing else has a meaning. 422 names what does not parse, with its line.
#[utoipa::path(operation_id = "put_mail_template", tag = "mail", params(("name" = String, Path, description = "The template"), ("language" = String, Path, description = "The language")), request_body = MailTemplateIn, responses((status = 200, description = "The template", body = MailTemplateView), Problems))]
#[put("/v1/mail-templates/{name}/{language}")]
async fn put_mail_template(
    caller: Caller<can::MailTemplatesWrite>,
    _once: NoIdempotency,
    path: Path<(String, String)>,
    body: Body,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (which, source) = (which(&path)?, source(body.input())?);
    let view = accounts
        .put_template(caller.project()?, &caller.by(), which, source)
        .await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Goes back to the built-in template
#[utoipa::path(operation_id = "reset_mail_template", tag = "mail", params(("name" = String, Path, description = "The template"), ("language" = String, Path, description = "The language")), responses((status = 204, description = "The built-in one is used"), Problems))]
#[delete("/v1/mail-templates/{name}/{language}")]
async fn reset_mail_template(
    caller: Caller<can::MailTemplatesWrite>,
    _once: NoIdempotency,
    path: Path<(String, String)>,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let which = which(&path)?;
    accounts
        .reset_template(caller.project()?, &caller.by(), which)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Shows a template with made-up values
///
/// Nothing is kept and nothing is sent. Show the HTML in a sandbox.
#[utoipa::path(operation_id = "preview_mail_template", tag = "mail", params(("name" = String, Path, description = "The template"), ("language" = String, Path, description = "The language")), request_body = MailTemplateIn, responses((status = 200, description = "The mail as it would be", body = MailPreviewView), Problems))]
#[post("/v1/mail-templates/{name}/{language}/preview")]
async fn preview_mail_template(
    caller: Caller<can::MailTemplatesRead>,
    _once: NoIdempotency,
    path: Path<(String, String)>,
    body: Body,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ((template, _), source) = (which(&path)?, source(body.input())?);
    let mail = accounts.preview(caller.project()?, template, &source);
    Ok(HttpResponse::Ok().json(MailPreviewView { mail }))
}
