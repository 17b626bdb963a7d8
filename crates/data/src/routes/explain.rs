//! Why a rule answers as it does, over HTTP.

use super::records::asker;
use crate::can;
use crate::explain::{Act, ExplainIn, ExplanationView};
use crate::service::Data;
use actix_web::web::{self, Path};
use actix_web::{HttpRequest, HttpResponse, post};
use gate::{Body, Caller, Problem};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config.service(explain_rule);
}

/// An act to be explained. It is not done.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `ExplainIn::parse` reads")]
#[schema(as = RuleExplain)]
struct ExplainBody {
    /// The act.
    action: Act,
    /// The record: with `view`, `update` and `delete`; with `list`, to ask whether the list shows it.
    #[schema(required = false, nullable = false)]
    record: Option<uuid::Uuid>,
    /// What `create` or `update` would write.
    #[schema(required = false, nullable = false, value_type = Object, additional_properties = true)]
    data: Option<serde_json::Value>,
    /// The filter of a list.
    #[schema(required = false, nullable = false, max_length = 3_500)]
    filter: Option<String>,
    /// Values for the filter's `params`.
    #[schema(required = false, nullable = false, value_type = Object, additional_properties = true)]
    params: Option<serde_json::Value>,
    /// The sort of a list.
    #[schema(required = false, nullable = false)]
    sort: Option<String>,
    /// Who acts; absent for the caller itself. For keys and operators.
    #[schema(required = false, nullable = false)]
    r#as: Option<ActorBody>,
}

/// Somebody to whom rules are to be explained.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `ExplainIn::parse` reads")]
#[schema(as = RuleActor)]
struct ActorBody {
    /// Nobody is signed in.
    #[schema(required = false, nullable = false)]
    anonymous: Option<bool>,
    /// The user's id; absent for one who is made up.
    #[schema(required = false, nullable = false)]
    user: Option<uuid::Uuid>,
    /// The user's roles.
    #[schema(required = false)]
    roles: Vec<String>,
    /// The ids of the user's teams.
    #[schema(required = false)]
    teams: Vec<String>,
    /// Custom claims.
    #[schema(required = false, nullable = false, value_type = Object, additional_properties = true)]
    claims: Option<serde_json::Value>,
    /// Whether the address was verified; absent for what is stored.
    #[schema(required = false, nullable = false)]
    verified: Option<bool>,
    /// The strength of the sign-in: 1 for one factor, 2 for two.
    #[schema(required = false, nullable = false, minimum = 1, maximum = 2)]
    level: Option<i64>,
}

/// Says what a collection's rules answer to an act, and why: the rules in the order in which they are asked, the clause
/// that failed, and the values that it saw. Nothing is written.
///
/// Keys and operators ask about anybody. Users and strangers ask about themselves, while the project's settings say
/// `development`, and are shown only values that they could read.
#[utoipa::path(tag = "collections", params(("collection" = String, Path)), request_body = ExplainBody, responses((status = 200, description = "What the rules answer, and why", body = ExplanationView), gate::openapi::Problems))]
#[post("/v1/collections/{collection}/explain")]
async fn explain_rule(
    caller: Caller<can::RulesExplain>,
    data: web::Data<Data>,
    name: Path<String>,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Problem> {
    let (asker, input) = (asker(&caller, &request), ExplainIn::parse(body.input())?);
    let explained = data
        .explain(caller.project()?, &asker, &name, input)
        .await?;
    Ok(HttpResponse::Ok().json(explained))
}
