//! The operations of keys and operators on users, and those by which a user takes all that is its own away.

use super::{SECRET, id};
use crate::model::import::{IMPORT_MAX, ImportQuery, ImportRow};
use crate::model::users::{
    EraseForm, ImpersonateForm, InviteForm, UserForm, UserPatchForm, UsersFilter,
};
use crate::service::Ask;
use crate::views::import::{ImportUserIn, ImportedView};
use crate::views::users::{
    EraseIn, ImpersonateIn, ImpersonatedView, InviteIn, ManagedSessionsView, ManagedUserDetailView,
    ManagedUserIn, ManagedUserPage, ManagedUserPatch,
};
use crate::{Accounts, can};
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use aws_lc_rs::hmac;
use futures_util::{Stream, stream};
use gate::openapi::{Problems, ReadProblems};
use gate::wire::ListParams;
use gate::{
    Body, Caller, Holders, Idempotent, InProject, Lines, ListQuery, NoIdempotency, Permission,
    Problem, QueryInput,
};
use kernel::Code;
use store::Claim;
use utoipa_actix_web::service_config::ServiceConfig;

/// After the routes of `/v1/users/me`: an id takes every word.
pub(super) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(export_me)
        .service(erase_me)
        .service(export_users)
        .service(import_users)
        .service(invite_user);
    config
        .service(create_user_account)
        .service(list_user_accounts)
        .service(get_user_account)
        .service(update_user_account)
        .service(delete_user_account);
    config
        .service(list_user_sessions)
        .service(end_user_sessions)
        .service(impersonate_user);
}

fn users_query(request: &HttpRequest) -> Result<(UsersFilter, ListQuery), Problem> {
    let mut query = QueryInput::parse(request.query_string())?;
    let list = ListQuery::read_some(&mut query);
    let filter = UsersFilter::read(&mut query);
    query.finish()?;
    Ok((filter, list))
}

/// Whether an export is to have hashes, which needs a permission of its own.
fn with_hashes(caller: &Caller<can::UsersExport>, request: &HttpRequest) -> Result<bool, Problem> {
    let mut query = QueryInput::parse(request.query_string())?;
    let asked = query.take("hashes");
    if asked
        .as_deref()
        .is_some_and(|text| text != "true" && text != "false")
    {
        query.fault("hashes", "This must be true or false.");
    }
    query.finish()?;
    let wanted = asked.as_deref() == Some("true");
    let name = can::UsersReadHashes::NAME;
    if wanted && !caller.who().may(name, Holders::Granted) {
        let why = format!("This needs the permission {name}.");
        return Err(Problem::new(Code::PermissionDenied).detail(why));
    }
    Ok(wanted)
}

/// All users, a line each. What goes wrong half-way breaks the answer off, so that nobody takes it for whole.
fn lines(
    accounts: Accounts,
    ask: Ask,
    with_hashes: bool,
) -> impl Stream<Item = Result<Bytes, Problem>> {
    let begin = Some(None);
    stream::try_unfold(begin, move |at: Option<Option<String>>| {
        let (accounts, ask) = (accounts.clone(), ask.clone());
        async move {
            let Some(cursor) = at else { return Ok(None) };
            let (users, next) = accounts.export_users(&ask, cursor, with_hashes).await?;
            let mut text = Vec::new();
            for user in users {
                serde_json::to_writer(&mut text, &user).map_err(Problem::internal)?;
                text.push(b'\n');
            }
            Ok(Some((Bytes::from(text), next.map(Some))))
        }
    })
}

/// What is claimed by an idempotency key. A body may hold a password, so its hash is a keyed one: nobody who sees what is
/// kept can try passwords against it.
fn claim<P: Permission<Place = InProject>>(
    caller: &Caller<P>,
    key: &Idempotent,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Option<Claim>, Problem> {
    let secret = caller.project()?.derive_key("idempotency");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), body);
    let (method, path) = (request.method().as_str(), request.path());
    let query = request.query_string();
    key.claim(caller.who(), method, path, query, tag.as_ref(), None)
}

/// Makes a user
///
/// With or without a password, which the project's policy judges, verified as it is said; nobody is signed in by it, and no mail is sent. 409
/// `identity_taken` where another account has one of its identities. A retry with the same `Idempotency-Key` makes no
/// second one, and is told how the first stands.
#[utoipa::path(operation_id = "create_user_account", tag = "users", params(("Idempotency-Key" = Option<String>, Header, description = "16 to 128 characters; makes a retry safe for 24 hours.")), request_body = ManagedUserIn, responses((status = 201, description = "The user", body = ManagedUserDetailView), Problems))]
#[post("/v1/users")]
async fn create_user_account(
    caller: Caller<can::UsersWrite>,
    key: Idempotent,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let claim = claim(&caller, &key, &request, &body.bytes)?;
    let form = UserForm::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let view = accounts
        .create_user(&ask, &caller.by(), form, claim)
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Lists users
///
/// Those with the highest ids, which are the newest, first.
#[utoipa::path(operation_id = "list_user_accounts", tag = "users", params(ListParams, ("search" = Option<String>, Query, description = "Only those with this in their e-mail address, username or telephone number, in any case"), ("disabled" = Option<bool>, Query, description = "Only those who may not, or may, sign in"), ("verified" = Option<bool>, Query, description = "Only those whose address was, or was not, verified"), ("anonymous" = Option<bool>, Query, description = "Only those without, or with, an identity")), responses((status = 200, description = "A page of users", body = ManagedUserPage), ReadProblems))]
#[get("/v1/users")]
async fn list_user_accounts(
    caller: Caller<can::UsersRead>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (filter, query) = users_query(&request)?;
    let ask = Ask::new(&caller, &request)?;
    let page = accounts.list_users(&ask, &filter, &query).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Reads a user
#[utoipa::path(operation_id = "get_user_account", tag = "users", params(("id" = Uuid, Path, description = "The user")), responses((status = 200, description = "The user", body = ManagedUserDetailView), ReadProblems))]
#[get("/v1/users/{id}")]
async fn get_user_account(
    caller: Caller<can::UsersRead>,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.get_user(&ask, id(&path)?).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Changes a user
///
/// What is absent stays; null removes, but no name or number that is the last to sign in with: 409 `last_way_in`. A password is
/// judged by the project's policy. It acts within a second on all its sessions; another password, and being disabled,
/// end them.
#[utoipa::path(operation_id = "update_user_account", tag = "users", params(("id" = Uuid, Path, description = "The user")), request_body = ManagedUserPatch, responses((status = 200, description = "The user", body = ManagedUserDetailView), Problems))]
#[patch("/v1/users/{id}")]
async fn update_user_account(
    caller: Caller<can::UsersWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (user, form) = (id(&path)?, UserPatchForm::parse(body.object)?);
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.update_user(&ask, &caller.by(), user, form).await?;
    Ok(HttpResponse::Ok().json(view))
}

/// Deletes a user
///
/// With all that is kept of it, across all services: its record as relations to it say, credentials, sessions, teams'
/// places, devices, and files that no record holds. 409 `referenced` where records that must name it keep it.
#[utoipa::path(operation_id = "delete_user_account", tag = "users", params(("id" = Uuid, Path, description = "The user")), responses((status = 204, description = "Deleted"), Problems))]
#[delete("/v1/users/{id}")]
async fn delete_user_account(
    caller: Caller<can::UsersWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    accounts.erase_user(&ask, &caller.by(), id(&path)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists a user's sessions
///
/// Those that are neither ended nor expired, the newest first.
#[utoipa::path(operation_id = "list_user_sessions", tag = "users", params(("id" = Uuid, Path, description = "The user")), responses((status = 200, description = "The sessions", body = ManagedSessionsView), ReadProblems))]
#[get("/v1/users/{id}/sessions")]
async fn list_user_sessions(
    caller: Caller<can::UsersRead>,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let rows = accounts.user_sessions(&ask, id(&path)?).await?;
    let items = rows.into_iter().map(Into::into).collect();
    let next_cursor = None;
    Ok(HttpResponse::Ok().json(ManagedSessionsView { items, next_cursor }))
}

/// Ends all sessions of a user
#[utoipa::path(operation_id = "end_user_sessions", tag = "users", params(("id" = Uuid, Path, description = "The user")), responses((status = 204, description = "Ended"), Problems))]
#[post("/v1/users/{id}/sessions/end")]
async fn end_user_sessions(
    caller: Caller<can::UsersWrite>,
    _once: NoIdempotency,
    path: Path<String>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let (by, user) = (caller.by(), id(&path)?);
    accounts.end_user_sessions(&ask, &by, user).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Acts as a user
///
/// Begins a session of 15 minutes that cannot be refreshed. The audit log, the user's list of sessions and the token's
/// claim `act` name who acts. Nothing by which the user signs in can be changed in it: 403.
#[utoipa::path(operation_id = "impersonate_user", tag = "users", params(("id" = Uuid, Path, description = "The user")), request_body = ImpersonateIn, responses((status = 200, description = "The session", body = ImpersonatedView), Problems))]
#[post("/v1/users/{id}/impersonate")]
async fn impersonate_user(
    caller: Caller<can::UsersImpersonate>,
    _once: NoIdempotency,
    path: Path<String>,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let (user, form) = (id(&path)?, ImpersonateForm::parse(body.input())?);
    let ask = Ask::new(&caller, &request)?;
    let view = accounts.impersonate(&ask, &caller.by(), user, form).await?;
    Ok(HttpResponse::Ok().insert_header(SECRET).json(view))
}

/// Invites somebody
///
/// Makes an account without a password and sends its reader a link to set one, good once and for seven days. Who was
/// invited and has not come yet is given what is said now, and another link, which replaces the first. 409
/// `identity_taken` where the address has an account that is in use.
#[utoipa::path(operation_id = "invite_user", tag = "users", params(("Idempotency-Key" = Option<String>, Header, description = "16 to 128 characters; makes a retry safe for 24 hours.")), request_body = InviteIn, responses((status = 201, description = "The user", body = ManagedUserDetailView), Problems))]
#[post("/v1/users/invite")]
async fn invite_user(
    caller: Caller<can::UsersWrite>,
    key: Idempotent,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let claim = claim(&caller, &key, &request, &body.bytes)?;
    let form = InviteForm::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    let view = accounts
        .invite_user(&ask, &caller.by(), form, claim)
        .await?;
    Ok(HttpResponse::Created().json(view))
}

/// Imports users
///
/// Up to 1,000, as a JSON list or as `application/x-ndjson`, an object a line. Each is made by itself: what is wrong with
/// one is told and nothing of it is written. One that is there already, by `match`, stays as it is, so that an import
/// can be sent again. Hashes of bcrypt, scrypt, Argon2, PBKDF2 and Firebase are taken as they are, unless they cost too
/// much to verify.
#[utoipa::path(operation_id = "import_users", tag = "users", params(("dry_run" = Option<bool>, Query, description = "Only tell what would come of it"), ("match" = Option<String>, Query, description = "By what a user is there already: `id`, or `email`")), request_body(content((Vec<ImportUserIn> = "application/json"), (String = "application/x-ndjson"))), responses((status = 200, description = "What came of each", body = ImportedView), Problems))]
#[post("/v1/users/import")]
async fn import_users(
    caller: Caller<can::UsersImport>,
    _once: NoIdempotency,
    body: Lines<IMPORT_MAX>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let query = ImportQuery::parse(request.query_string())?;
    let rows = body.items.into_iter().map(|item| ImportRow::parse(item?));
    let rows = rows.collect();
    let (ask, by) = (Ask::new(&caller, &request)?, caller.by());
    let done = accounts.import_users(&ask, &by, rows, query).await?;
    Ok(HttpResponse::Ok().json(done))
}

/// Exports all users
///
/// As `application/x-ndjson`, an object a line, which an import takes but for its times and `anonymous`. Hashes of
/// passwords come with `hashes=true`, which needs the permission `users.read_hashes` too.
#[utoipa::path(operation_id = "export_users", tag = "users", params(("hashes" = Option<bool>, Query, description = "Whether hashes of passwords come along")), responses((status = 200, description = "The users", body = String, content_type = "application/x-ndjson"), ReadProblems))]
#[get("/v1/users/export")]
async fn export_users(
    caller: Caller<can::UsersExport>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let hashes = with_hashes(&caller, &request)?;
    let ask = Ask::new(&caller, &request)?;
    accounts.note_export(&ask, &caller.by(), hashes).await?;
    let all = lines(accounts.get_ref().clone(), ask, hashes);
    Ok(HttpResponse::Ok()
        .insert_header(SECRET)
        .insert_header((header::CONTENT_TYPE, "application/x-ndjson"))
        .streaming(all))
}

/// Exports all that is kept of oneself
///
/// One JSON document: the user, its sessions with their devices, teams, accounts elsewhere (without their tokens), passkeys
/// and second factors (without their secrets), the records that name it and that it may read, its files and
/// devices.
#[utoipa::path(operation_id = "export_me", tag = "users", responses((status = 200, description = "All that is kept", body = Object), ReadProblems))]
#[get("/v1/users/me/export")]
async fn export_me(
    caller: Caller<can::UsersExportMe>,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller, &request)?;
    let all = accounts.export_person(&ask, caller.user()?).await?;
    Ok(HttpResponse::Ok().insert_header(SECRET).json(all))
}

/// Erases oneself
///
/// With all that is kept of one, across all services. It needs a credential that was shown less than five minutes ago,
/// else 403 `reauth_required`, and the password where there is one. That mails went to an address which was never
/// verified is kept for seven days, without what they said: the address may be somebody else's, who is not to be flooded.
#[utoipa::path(operation_id = "erase_me", tag = "users", request_body = EraseIn, responses((status = 204, description = "Erased"), Problems))]
#[delete("/v1/users/me")]
async fn erase_me(
    caller: Caller<can::UsersEraseMe>,
    _once: NoIdempotency,
    body: Body,
    request: HttpRequest,
    accounts: Data<Accounts>,
) -> Result<HttpResponse, Problem> {
    let form = EraseForm::parse(body.input())?;
    let ask = Ask::new(&caller, &request)?;
    accounts.erase_me(&ask, caller.user()?, form).await?;
    Ok(HttpResponse::NoContent().finish())
}
