//! Operations on a project's settings.

use crate::openapi::{Problems, ReadProblems};
use crate::settings::Settings;
use crate::views::Versioned;
use crate::wire::{HookSecretView, ProjectSettingsPatch};
use crate::{Body, Caller, Gate, HookName, NoIdempotency, Problem, can};
use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_MATCH};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, patch, post};
use kernel::Code;

/// Gets the project's settings
#[utoipa::path(operation_id = "get_settings", tag = "settings", responses((status = 200, description = "The settings", body = Settings, headers(("ETag" = String, description = "The version"))), ReadProblems))]
#[get("/v1/settings")]
pub(super) async fn get_settings(
    caller: Caller<can::SettingsRead>,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    Ok(tagged(&gate.get_settings(caller.project()?)))
}

/// Changes the project's settings
///
/// What is absent stays. Applied at once, within a second on other nodes.
#[utoipa::path(operation_id = "update_settings", tag = "settings", params(("If-Match" = Option<String>, Header, description = "The version that is meant to be changed")), request_body = ProjectSettingsPatch, responses((status = 200, description = "The settings", body = Settings, headers(("ETag" = String, description = "The version"))), Problems))]
#[patch("/v1/settings")]
pub(super) async fn update_settings(
    caller: Caller<can::SettingsWrite>,
    _once: NoIdempotency,
    request: HttpRequest,
    body: Body,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let if_match = request
        .headers()
        .get(IF_MATCH)
        .map(|v| v.to_str().unwrap_or_default());
    let settings = gate
        .update_settings(caller.project()?, &caller.by(), if_match, body.input())
        .await?;
    Ok(tagged(&settings))
}

/// Makes a new secret for a webhook
///
/// It is shown this once. Calls are signed with the one before too, for 24 hours.
#[utoipa::path(operation_id = "make_hook_secret", tag = "settings", params(("hook" = String, Path, description = "`before_sign_up` or `on_token`")), responses((status = 201, description = "The secret", body = HookSecretView), Problems))]
#[post("/v1/settings/hooks/{hook}/secret")]
pub(super) async fn make_hook_secret(
    caller: Caller<can::SettingsWrite>,
    _once: NoIdempotency,
    hook: Path<String>,
    gate: Data<Gate>,
) -> Result<HttpResponse, Problem> {
    let name = HookName::parse(&hook).ok_or(Code::HookNotFound)?;
    let secret = gate
        .make_hook_secret(caller.project()?, &caller.by(), name)
        .await?;
    Ok(HttpResponse::Created()
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(HookSecretView { secret }))
}

fn tagged(settings: &Versioned<Settings>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, format!("\"{}\"", settings.version)))
        .json(&settings.value)
}
