//! The operations of push, each as thin as its verb.

use crate::assets::{CLIENT, WORKER};
use crate::model::{DeviceForm, Draft};
use crate::service::Ask;
use crate::views::{
    DeviceIn, DevicePage, DeviceView, MessageIn, MessageView, PushConfigView, PushInboxPage,
    PushMessagePage,
};
use crate::{Push, can};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use gate::openapi::{Problems, ReadProblems};
use gate::wire::ListParams;
use gate::{
    Body, Caller, Idempotent, InProject, ListQuery, NoIdempotency, Permission, Problem, QueryInput,
    Who,
};
use kernel::{Code, parse_id};
use store::{Answer, Claim};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// Adds the operations to a project's routes. They need [`Push`] as the app's data.
pub fn configure_project(config: &mut ServiceConfig<'_>) {
    config
        .service(get_push_config)
        .service(get_push_worker)
        .service(get_push_client);
    config
        .service(register_device)
        .service(list_devices)
        .service(remove_device);
    config
        .service(send_push_message)
        .service(list_push_messages)
        .service(get_push_message)
        .service(cancel_push_message)
        .service(list_push_inbox);
}

impl Ask {
    fn new<P: Permission<Place = InProject>>(caller: &Caller<P>) -> Result<Self, Problem> {
        Ok(Self {
            project: caller.project()?.clone(),
            who: caller.who().clone(),
            now: caller.now(),
        })
    }
}

fn claim<P: Permission>(
    caller: &Caller<P>,
    key: &Idempotent,
    request: &HttpRequest,
    body: &[u8],
) -> Result<Option<Claim>, Problem> {
    let (method, path) = (request.method().as_str(), request.path());
    key.claim(
        caller.who(),
        method,
        path,
        request.query_string(),
        body,
        None,
    )
}

fn answered(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or_default();
    HttpResponse::build(status)
        .content_type("application/json")
        .body(answer.body.unwrap_or_default())
}

fn id_of(path: &Path<String>) -> Result<Uuid, Problem> {
    parse_id(path).ok_or_else(|| Code::InvalidId.into())
}

/// What the list of devices takes: users see their own, so `user` is there for the others alone.
fn device_query(request: &HttpRequest, who: &Who) -> Result<(Option<Uuid>, ListQuery), Problem> {
    let mut query = QueryInput::parse(request.query_string())?;
    let list = ListQuery::read_some(&mut query);
    let text = match who {
        Who::User(_) => None,
        _ => query.take("user"),
    };
    let user = text.as_deref().map(parse_id);
    if user == Some(None) {
        query.fault("user", "This must be a user's id.");
    }
    query.finish()?;
    Ok((user.flatten(), list))
}

/// What a page needs to subscribe
///
/// The project's public key, made at the first call.
#[utoipa::path(operation_id = "get_push_config", tag = "push", security(()), responses((status = 200, description = "The public key", body = PushConfigView), ReadProblems))]
#[get("/v1/push/config")]
async fn get_push_config(
    caller: Caller<can::PushOpen>,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let key = push.public_key(caller.project()?, caller.now()).await?;
    Ok(HttpResponse::Ok().json(PushConfigView {
        vapid_public_key: key,
    }))
}

/// The service worker
///
/// Register it as it is on the project's own host. A page of another origin keeps a worker of one line that imports it:
/// `importScripts('https://api.example.com/v1/push/sw.js')`.
#[utoipa::path(operation_id = "get_push_worker", tag = "push", security(()), responses((status = 200, description = "The script", body = String, content_type = "text/javascript"), (status = 304, description = "The caller has it"), ReadProblems))]
#[get("/v1/push/sw.js")]
async fn get_push_worker(_caller: Caller<can::PushOpen>, request: HttpRequest) -> HttpResponse {
    WORKER.answer(&request)
}

/// A small client
///
/// An ES module with `registerPush` and `unregisterPush`.
#[utoipa::path(operation_id = "get_push_client", tag = "push", security(()), responses((status = 200, description = "The script", body = String, content_type = "text/javascript"), (status = 304, description = "The caller has it"), ReadProblems))]
#[get("/v1/push/client.js")]
async fn get_push_client(_caller: Caller<can::PushOpen>, request: HttpRequest) -> HttpResponse {
    CLIENT.answer(&request)
}

/// Registers a device
///
/// To be called at each start of the app: it tells that the device is still there. The device is bound to the session
/// of the access token, and gets nothing after it ended. 201 when the device is new, 200 when it was known; one that
/// was another user's is the caller's from now on. A user has at most 100.
#[utoipa::path(operation_id = "register_device", tag = "push", request_body = DeviceIn, responses((status = 201, description = "It is new", body = DeviceView), (status = 200, description = "It was known", body = DeviceView), Problems))]
#[post("/v1/push/devices")]
async fn register_device(
    caller: Caller<can::DevicesRegister>,
    key: Idempotent,
    body: Body,
    request: HttpRequest,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let claim = claim(&caller, &key, &request, &body.bytes)?;
    let form = DeviceForm::parse(body.input(), push.egress())?;
    let answer = push.register(&Ask::new(&caller)?, form, claim).await?;
    Ok(answered(answer))
}

/// Lists devices
///
/// Users see their own; keys and operators all of them.
#[utoipa::path(operation_id = "list_devices", tag = "push", params(ListParams, ("user" = Option<Uuid>, Query, description = "Keys and operators: only this user's")), responses((status = 200, description = "A page of devices", body = DevicePage), ReadProblems))]
#[get("/v1/push/devices")]
async fn list_devices(
    caller: Caller<can::DevicesRead>,
    request: HttpRequest,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let (user, query) = device_query(&request, caller.who())?;
    let page = push.list_devices(&Ask::new(&caller)?, user, &query).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Removes a device
///
/// What waits for it is not sent.
#[utoipa::path(operation_id = "remove_device", tag = "push", params(("id" = Uuid, Path, description = "The device")), responses((status = 204, description = "Removed"), Problems))]
#[delete("/v1/push/devices/{id}")]
async fn remove_device(
    caller: Caller<can::DevicesRemove>,
    _once: NoIdempotency,
    id: Path<String>,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    push.remove_device(&Ask::new(&caller)?, id_of(&id)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sends a message
///
/// It is queued: 202 says that it is kept and will be sent. A device that cannot be reached is tried again until the
/// message's time is over, but for at least a minute. The rendered notification has at most 3,052 bytes.
#[utoipa::path(operation_id = "send_push_message", tag = "push", request_body = MessageIn, responses((status = 202, description = "Queued", body = MessageView), Problems))]
#[post("/v1/push/messages")]
async fn send_push_message(
    caller: Caller<can::MessagesSend>,
    key: Idempotent,
    body: Body,
    request: HttpRequest,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let claim = claim(&caller, &key, &request, &body.bytes)?;
    let draft = Draft::parse(body.input())?;
    let answer = push.send(&Ask::new(&caller)?, draft, claim).await?;
    Ok(answered(answer))
}

/// Lists messages
///
/// The newest first. They are kept for 30 days after they are done, unless the server is set otherwise.
#[utoipa::path(operation_id = "list_push_messages", tag = "push", params(ListParams), responses((status = 200, description = "A page of messages", body = PushMessagePage), ReadProblems))]
#[get("/v1/push/messages")]
async fn list_push_messages(
    caller: Caller<can::MessagesRead>,
    query: ListQuery,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let page = push.list_messages(&Ask::new(&caller)?, &query).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Reads a message
///
/// With what became of it so far, device by device.
#[utoipa::path(operation_id = "get_push_message", tag = "push", params(("id" = Uuid, Path, description = "The message")), responses((status = 200, description = "The message", body = MessageView), ReadProblems))]
#[get("/v1/push/messages/{id}")]
async fn get_push_message(
    caller: Caller<can::MessagesRead>,
    id: Path<String>,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller)?;
    let message = push.get_message(&ask, id_of(&id)?).await?;
    Ok(HttpResponse::Ok().json(message))
}

/// Cancels a message
///
/// What was not sent yet is not sent any more; what is being sent at this moment may arrive, and is counted so. Doing
/// it again changes nothing. 409 `message_done` when nothing is left to cancel.
#[utoipa::path(operation_id = "cancel_push_message", tag = "push", params(("id" = Uuid, Path, description = "The message")), responses((status = 200, description = "The message", body = MessageView), Problems))]
#[post("/v1/push/messages/{id}/cancel")]
async fn cancel_push_message(
    caller: Caller<can::MessagesSend>,
    _once: NoIdempotency,
    id: Path<String>,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let ask = Ask::new(&caller)?;
    let message = push.cancel_message(&ask, id_of(&id)?).await?;
    Ok(HttpResponse::Ok().json(message))
}

/// Lists the development inbox
///
/// What was delivered, or would have been, as it was rendered, the newest first: kept while the project is in
/// development, at most 1,000 entries for 7 days. Users without a device are there too.
#[utoipa::path(operation_id = "list_push_inbox", tag = "push", params(ListParams), responses((status = 200, description = "A page of entries", body = PushInboxPage), ReadProblems))]
#[get("/v1/push/inbox")]
async fn list_push_inbox(
    caller: Caller<can::MessagesRead>,
    query: ListQuery,
    push: Data<Push>,
) -> Result<HttpResponse, Problem> {
    let page = push.list_inbox(&Ask::new(&caller)?, &query).await?;
    Ok(HttpResponse::Ok().json(page))
}
