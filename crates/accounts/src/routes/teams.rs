//! The operations on teams. Users act by their role in the team; keys and operators act in all.

use super::id;
use crate::model::teams::{NewTeam, TeamInvite, TeamName, TeamRole, TeamTransfer};
use crate::service::Ask;
use crate::teams::Acting;
use crate::views::teams::{
    InvitationView, InvitationsView, MemberView, MyInvitationsView, TeamIn, TeamInviteIn,
    TeamMemberPage, TeamPage, TeamPatch, TeamRoleIn, TeamTransferIn, TeamView,
};
use crate::{Accounts, can};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use gate::openapi::{Problems, ReadProblems};
use gate::wire::ListParams;
use gate::{Body, Caller, ListQuery, NoIdempotency, Problem, QueryInput};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(create_team)
        .service(list_teams)
        .service(get_team)
        .service(update_team)
        .service(delete_team)
        .service(transfer_team);
    config
        .service(list_team_members)
        .service(put_team_member)
        .service(remove_team_member);
    config
        .service(invite_to_team)
        .service(list_team_invitations)
        .service(revoke_team_invitation)
        .service(list_my_team_invitations)
        .service(accept_team_invitation)
        .service(decline_team_invitation);
}

/// The page that is asked for, and of whom.
fn team_query(request: &HttpRequest) -> Result<(Option<Uuid>, ListQuery), Problem> {
    let mut query = QueryInput::parse(request.query_string())?;
    let list = ListQuery::read_some(&mut query);
    let user = query.take("user").map(|text| kernel::parse_id(&text));
    if user == Some(None) {
        query.fault("user", "This must be an id.");
    }
    query.finish()?;
    Ok((user.flatten(), list))
}

/// Makes a team
///
/// A user owns what it makes, where the project's settings allow it with `user_teams`; else 403 `teams_closed`. A key or
/// an operator names the first owner.
#[utoipa::path(operation_id = "create_team", tag = "teams", request_body = TeamIn, responses((status = 201, description = "The team", body = TeamView), Problems))]
#[post("/v1/teams")]
async fn create_team(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = NewTeam::parse(body.input(), caller.who().passes_rules())?;
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.create_team(&ask, acting, form).await?;
    Ok(HttpResponse::Created().json(view))
}

/// Lists teams
///
/// The newest first: those that the user is in, or for keys and operators all, or those of one `user`.
#[utoipa::path(operation_id = "list_teams", tag = "teams", params(ListParams, ("user" = Option<Uuid>, Query, description = "Only those of this user; for keys and operators")), responses((status = 200, description = "A page of teams", body = TeamPage), ReadProblems))]
#[get("/v1/teams")]
async fn list_teams(
    caller: Caller<can::TeamsRead>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (user, query) = team_query(&request)?;
    let ask = Ask::new(&caller, &request)?;
    let acting = Acting::of(caller.who())?;
    let page = accounts.list_teams(&ask, acting, user, &query).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Reads a team
#[utoipa::path(operation_id = "get_team", tag = "teams", params(("id" = Uuid, Path, description = "The team")), responses((status = 200, description = "The team", body = TeamView), ReadProblems))]
#[get("/v1/teams/{id}")]
async fn get_team(
    caller: Caller<can::TeamsRead>,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let acting = Acting::of(caller.who())?;
    let view = accounts.get_team(&ask, acting, id(&path)?).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Renames a team
///
/// Its owners and admins may.
#[utoipa::path(operation_id = "update_team", tag = "teams", params(("id" = Uuid, Path, description = "The team")), request_body = TeamPatch, responses((status = 200, description = "The team", body = TeamView), Problems))]
#[patch("/v1/teams/{id}")]
async fn update_team(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (team, form) = (id(&path)?, TeamName::parse(body.input())?);
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.rename_team(&ask, acting, team, form).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Deletes a team
///
/// Its owners may. Its members are in it no more; records that name it stay.
#[utoipa::path(operation_id = "delete_team", tag = "teams", params(("id" = Uuid, Path, description = "The team")), responses((status = 204, description = "Deleted"), Problems))]
#[delete("/v1/teams/{id}")]
async fn delete_team(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    accounts.delete_team(&ask, acting, id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives a team to a member
///
/// Who owned it is an admin then.
#[utoipa::path(operation_id = "transfer_team", tag = "teams", params(("id" = Uuid, Path, description = "The team")), request_body = TeamTransferIn, responses((status = 200, description = "The team", body = TeamView), Problems))]
#[post("/v1/teams/{id}/transfer")]
async fn transfer_team(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (team, form) = (id(&path)?, TeamTransfer::parse(body.input())?);
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.transfer_team(&ask, acting, team, form).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Lists the members of a team
///
/// In the order of their ids.
#[utoipa::path(operation_id = "list_team_members", tag = "teams", params(("id" = Uuid, Path, description = "The team"), ListParams), responses((status = 200, description = "A page of members", body = TeamMemberPage), ReadProblems))]
#[get("/v1/teams/{id}/members")]
async fn list_team_members(
    caller: Caller<can::TeamsRead>,
    path: Path<String>,
    query: ListQuery,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let (acting, team) = (Acting::of(caller.who())?, id(&path)?);
    let page = accounts.list_members(&ask, acting, team, &query).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Gives a member a role
///
/// Owners may give any, admins any but `owner` and `admin`. Keys and operators make somebody a member by it, too. 409
/// `last_owner` where the team would have no owner left.
#[utoipa::path(operation_id = "put_team_member", tag = "teams", params(("id" = Uuid, Path, description = "The team"), ("user" = Uuid, Path, description = "The user")), request_body = TeamRoleIn, responses((status = 200, description = "The member", body = MemberView), Problems))]
#[put("/v1/teams/{id}/members/{user}")]
async fn put_team_member(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    path: Path<(String, String)>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (which, form) = ((id(&path.0)?, id(&path.1)?), TeamRole::parse(body.input())?);
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.put_member(&ask, acting, which, form).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Removes a member, or leaves
///
/// Everybody may leave but the last owner: 409 `last_owner`. Owners may remove anybody, admins whoever is neither owner
/// nor admin.
#[utoipa::path(operation_id = "remove_team_member", tag = "teams", params(("id" = Uuid, Path, description = "The team"), ("user" = Uuid, Path, description = "The user")), responses((status = 204, description = "Removed"), Problems))]
#[delete("/v1/teams/{id}/members/{user}")]
async fn remove_team_member(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    path: Path<(String, String)>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let which = (id(&path.0)?, id(&path.1)?);
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    accounts.remove_member(&ask, acting, which).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks an address to join
///
/// A mail says so, and whoever signs in with this address, verified, finds the invitation for a week. A later one
/// replaces it. Whether the address has an account is not told.
#[utoipa::path(operation_id = "invite_to_team", tag = "teams", params(("id" = Uuid, Path, description = "The team")), request_body = TeamInviteIn, responses((status = 201, description = "The invitation", body = InvitationView), Problems))]
#[post("/v1/teams/{id}/invitations")]
async fn invite_to_team(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (team, form) = (id(&path)?, TeamInvite::parse(body.input())?);
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.invite_to_team(&ask, acting, team, form).await?;
    Ok(HttpResponse::Created().json(view))
}

/// Lists whom a team asks to join
///
/// For its owners and admins.
#[utoipa::path(operation_id = "list_team_invitations", tag = "teams", params(("id" = Uuid, Path, description = "The team")), responses((status = 200, description = "The invitations", body = InvitationsView), ReadProblems))]
#[get("/v1/teams/{id}/invitations")]
async fn list_team_invitations(
    caller: Caller<can::TeamsRead>,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let (acting, team) = (Acting::of(caller.who())?, id(&path)?);
    let items = accounts.list_invitations(&ask, acting, team).await?;
    let next_cursor = None;
    Ok(HttpResponse::Ok().json(InvitationsView { items, next_cursor }))
}

/// Takes an invitation back
#[utoipa::path(operation_id = "revoke_team_invitation", tag = "teams", params(("id" = Uuid, Path, description = "The team"), ("invitation" = Uuid, Path, description = "The invitation")), responses((status = 204, description = "Taken back"), Problems))]
#[delete("/v1/teams/{id}/invitations/{invitation}")]
async fn revoke_team_invitation(
    caller: Caller<can::TeamsWrite>,
    _once: NoIdempotency,
    path: Path<(String, String)>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let which = (id(&path.0)?, id(&path.1)?);
    let acting = (Acting::of(caller.who())?, &caller.by());
    let ask = Ask::new(&caller, &request)?;
    accounts.revoke_invitation(&ask, acting, which).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists the teams that ask one to join
///
/// Those that asked at the user's verified address.
#[utoipa::path(operation_id = "list_my_team_invitations", tag = "teams", responses((status = 200, description = "The invitations", body = MyInvitationsView), ReadProblems))]
#[get("/v1/team-invitations")]
async fn list_my_team_invitations(
    caller: Caller<can::TeamsJoin>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let items = accounts.my_invitations(&ask, caller.user()?.id).await?;
    let next_cursor = None;
    Ok(HttpResponse::Ok().json(MyInvitationsView { items, next_cursor }))
}

/// Joins a team that asked
#[utoipa::path(operation_id = "accept_team_invitation", tag = "teams", params(("id" = Uuid, Path, description = "The invitation")), responses((status = 200, description = "The team", body = TeamView), Problems))]
#[post("/v1/team-invitations/{id}/accept")]
async fn accept_team_invitation(
    caller: Caller<can::TeamsJoin>,
    _once: NoIdempotency,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let user = caller.user()?.id;
    let view = accounts.accept_invitation(&ask, user, id(&path)?).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Says no to a team that asked
#[utoipa::path(operation_id = "decline_team_invitation", tag = "teams", params(("id" = Uuid, Path, description = "The invitation")), responses((status = 204, description = "Declined"), Problems))]
#[post("/v1/team-invitations/{id}/decline")]
async fn decline_team_invitation(
    caller: Caller<can::TeamsJoin>,
    _once: NoIdempotency,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let user = caller.user()?.id;
    accounts.decline_invitation(&ask, user, id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}
