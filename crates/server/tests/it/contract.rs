//! The contract: every operation of both documents is walked as nobody, without its permission, with another project's
//! credentials, and in the other place; and every answer, errors included, is validated against the document.

mod document;
pub mod factors;
mod mail;
mod people;
mod policies;
mod samples;
mod social;
mod ways;

use crate::kit::{Answer, Client, ENGINES, Server};
use crate::social::Provider;
use document::{Document, Operation};
use samples::{Samples, device, message, put_file, samples, set_subject};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Operations that end what others need come last; those of one rank keep the document's order.
fn rank(operation: &Operation) -> u8 {
    match operation.id.as_str() {
        // Its answers are of the schema that the document tells no more.
        "update_collection" => 4,
        "suspend_project" => 6,
        "resume_project" => 7,
        "erase_me" => 8,
        "change_password" | "sign_out_elsewhere" => 9,
        "end_session" => 8,
        "sign_out" | "sign_out_everywhere" | "delete_session" => 10,
        _ if operation.method == "DELETE" => 5,
        _ => 0,
    }
}

async fn call(
    client: &Client,
    document: &Document,
    samples: &Samples,
    operation: &Operation,
) -> Answer {
    let request = client.request(
        &operation.method,
        &format!("{}{}", document.prefix, samples.path(operation)),
    );
    let answer = match samples.body(operation) {
        Some(body) => client.send(request.json(&body)).await,
        None => client.send(request).await,
    };
    document.validate(operation, &answer);
    answer
}

#[tokio::test]
async fn every_operation_keeps_the_contract() {
    for engine in ENGINES {
        let provider = Provider::start();
        let server = Server::fresh_with(engine, |command| provider.allow(command));
        server.project("shop").await;
        server.project("blog").await;
        let project = Document::read(&server, "/p/shop", "/p/shop/v1/openapi.json").await;
        let instance = Document::read(&server, "", "/admin/v1/openapi.json").await;
        let (mut samples, user) = samples(&server).await;
        social::settle(&server, &provider, &mut samples).await;
        let key = server.as_(&server.key("shop", &["*"]));
        refused(&server, &project, &instance, &mut samples, &user, &key).await;
        allowed(&server, &project, &instance, &mut samples, &user, &key).await;
    }
}

/// As nobody, without the permission, with another project's credentials, in the other place.
async fn refused(
    server: &Server,
    project: &Document,
    instance: &Document,
    samples: &mut Samples,
    user: &Client,
    key: &Client,
) {
    let operator = server.operator().await;
    let (_, other_user) = server.user("blog", "w@example.com").await;
    let other_key = server.as_(&server.key("blog", &["*"]));
    let mut permissions: BTreeMap<String, String> = BTreeMap::new();
    for operation in &project.operations {
        set_subject(samples, user, key, operation).await;
        let elsewhere = operator.request(&operation.method, &samples.path(operation));
        let elsewhere = operator.send(elsewhere.json(&json!({}))).await;
        assert_eq!(
            (elsewhere.status, elsewhere.code()),
            (404, "route_not_found"),
            "{} at the instance",
            operation.path
        );
        if !operation.public {
            assert_eq!(
                call(&server.as_(""), project, samples, operation)
                    .await
                    .status,
                401,
                "{} as nobody",
                operation.id
            );
        }
        for stranger in [&other_user, &other_key] {
            assert_eq!(
                call(stranger, project, samples, operation).await.status,
                401,
                "{} with another project's credential",
                operation.id
            );
        }
        let narrow = if operation.path == "/v1/audit" {
            "settings.read"
        } else {
            "audit.read"
        };
        let narrow = server.as_(&server.key("shop", &[narrow]));
        let without = call(&narrow, project, samples, operation).await;
        if operation.public && without.status != 403 {
            // Open to everyone, whatever the credential.
            continue;
        }
        assert_eq!(
            (without.status, without.code()),
            (403, "permission_denied"),
            "{} without its permission",
            operation.id
        );
        let permission = without.body["detail"]
            .as_str()
            .unwrap()
            .trim_start_matches("This needs the permission ")
            .trim_end_matches('.')
            .to_owned();
        permissions.insert(operation.id.clone(), permission);
    }
    let all: BTreeSet<&String> = permissions.values().collect();
    for operation in &project.operations {
        let Some(own) = permissions.get(&operation.id) else {
            continue;
        };
        set_subject(samples, user, key, operation).await;
        let but: Vec<&str> = all
            .iter()
            .filter(|p| **p != own)
            .map(|p| p.as_str())
            .collect();
        let but = server.as_(&server.key("shop", &but));
        let answer = call(&but, project, samples, operation).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "permission_denied"),
            "{} with all permissions but {own}",
            operation.id
        );
    }
    for operation in &instance.operations {
        let elsewhere = operator.request(
            &operation.method,
            &format!("/p/shop{}", samples.path(operation)),
        );
        let elsewhere = operator.send(elsewhere.json(&json!({}))).await;
        assert_eq!(
            (elsewhere.status, elsewhere.code()),
            (404, "route_not_found"),
            "{} in a project",
            operation.path
        );
        if operation.public {
            continue;
        }
        for nobody in [&server.as_(""), user, key] {
            assert_eq!(
                call(nobody, instance, samples, operation).await.status,
                401,
                "{} without an operator",
                operation.id
            );
        }
    }
    member(server, instance, samples, &operator).await;
    strange_ids(server, project, samples, key).await;
}

/// What an operator who only views one project may do at the instance; everything else is refused.
const MEMBER_MAY: [&str; 5] = [
    "get_session",
    "delete_session",
    "list_projects",
    "get_project",
    "list_project_keys",
];

async fn member(server: &Server, instance: &Document, samples: &Samples, operator: &Client) {
    let person = json!({"email": "viewer@example.com", "password": "a-long-password", "projects": {"shop": "viewer"}});
    let made = operator.post("/admin/v1/operators", person).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let session = server
        .as_("")
        .post(
            "/admin/v1/session",
            json!({"email": "viewer@example.com", "password": "a-long-password"}),
        )
        .await;
    let viewer = server.as_(session.body["token"].as_str().unwrap());
    for operation in instance
        .operations
        .iter()
        .filter(|o| !o.public && !MEMBER_MAY.contains(&o.id.as_str()))
    {
        let answer = call(&viewer, instance, samples, operation).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "permission_denied"),
            "{} as a viewer",
            operation.id
        );
    }
    // The secrets in mails are good: whoever reads them becomes their user.
    let mail = "/p/shop/v1/mails/01990000-0000-7000-8000-00000000dead";
    assert_eq!(viewer.get(mail).await.status, 403);
    assert_eq!(viewer.get("/p/shop/v1/mails").await.status, 200);
    let unseen = viewer.get("/admin/v1/projects/blog").await;
    assert_eq!(
        unseen.status, 404,
        "a project that the operator has no role in"
    );
    let made = viewer
        .post("/p/shop/v1/collections", json!({"name": "mine"}))
        .await;
    assert_eq!(made.status, 403, "{:?}", made.body);
    assert_eq!(
        viewer.get("/p/blog/v1/collections").await.status,
        403,
        "no role there"
    );
}

/// A record's id of another project, and one that is nowhere, read the same.
async fn strange_ids(server: &Server, project: &Document, samples: &mut Samples, key: &Client) {
    let blog = server.as_(&server.key("blog", &["*"]));
    let theirs = blog
        .post("/p/blog/v1/records/notes", json!({"text": "theirs"}))
        .await
        .id();
    for operation in project
        .operations
        .iter()
        .filter(|o| o.path.starts_with("/v1/records/") && o.path.ends_with("{id}"))
        // A record is made under an id that another project has, as under any that is free here.
        .filter(|o| o.method != "PUT")
    {
        let mut answers = Vec::new();
        for id in [&theirs, &"01990000-0000-7000-8000-00000000dead".to_owned()] {
            samples.path.insert("record", id.clone());
            let mut answer = call(key, project, samples, operation).await;
            assert_eq!(
                answer.status, 404,
                "{} with another project's id",
                operation.id
            );
            answer.body.as_object_mut().unwrap().remove("request_id");
            answers.push(answer.body);
        }
        assert_eq!(answers.first(), answers.last());
    }
    blog.post("/p/blog/v1/buckets", json!({"name": "pictures"}))
        .await;
    let file = put_file(&blog, "blog").await;
    let message = blog.post("/p/blog/v1/push/messages", message()).await.id();
    let (_, other) = server.user("blog", "d@example.com").await;
    let device = other.post("/p/blog/v1/push/devices", device()).await.id();
    for operation in &project.operations {
        let (kind, theirs) = match operation.path.as_str() {
            "/v1/files/{id}" | "/v1/buckets/{bucket}/files/{id}" => ("file", &file),
            "/v1/push/devices/{id}" => ("device", &device),
            path if path.starts_with("/v1/push/messages/{id}") => ("message", &message),
            _ => continue,
        };
        samples.path.insert("bucket", "pictures".to_owned());
        let mut answers = Vec::new();
        for id in [theirs, &"01990000-0000-7000-8000-00000000dead".to_owned()] {
            samples.path.insert(kind, id.clone());
            let mut answer = call(key, project, samples, operation).await;
            assert_eq!(answer.status, 404, "{} of another project", operation.id);
            answer.body.as_object_mut().unwrap().remove("request_id");
            answers.push(answer.body);
        }
        assert_eq!(answers.first(), answers.last());
    }
    assert_eq!(
        blog.get(&format!("/p/blog/v1/records/notes/{theirs}"))
            .await
            .status,
        200,
        "unhurt"
    );
}

/// Every operation succeeds once for whoever may, so that its success is validated too.
async fn allowed(
    server: &Server,
    project: &Document,
    instance: &Document,
    samples: &mut Samples,
    user: &Client,
    key: &Client,
) {
    let operator = server.operator().await;
    let mut walk: Vec<(&Document, &Operation)> = project
        .operations
        .iter()
        .map(|o| (project, o))
        .chain(instance.operations.iter().map(|o| (instance, o)))
        .collect();
    walk.sort_by_key(|(_, operation)| rank(operation));
    let mut uncovered = Vec::new();
    let mut second_operator = String::new();
    for (document, operation) in walk {
        set_subject(samples, user, key, operation).await;
        if operation.id == "delete_operator" {
            samples.path.insert("operator", second_operator.clone());
        }
        // The sign-out before it ended the first session; the other one leads away, where tests of its own follow it.
        if ["sign_out_everywhere", "start_social_sign_in"].contains(&operation.id.as_str()) {
            continue;
        }
        if operation.id == "delete_collection" {
            samples.path.insert("collection", "fresh".to_owned());
        }
        let by_user = [
            "/v1/auth/",
            "/v1/users/me",
            "/v1/team-invitations",
            "/v1/push/devices",
        ]
        .iter()
        .any(|start| operation.path.starts_with(start));
        let fresh = match operation.id.as_str() {
            "erase_me" => people::fresh(key).await,
            _ => user.clone(),
        };
        let nobody = ways::nobody(server, samples, operation);
        let client = match () {
            () if operation.id == "erase_me" => &fresh,
            () if ways::is_by_key(operation) => key,
            () if operation.public
                && !operation.path.starts_with("/v1/records/")
                && !operation.path.starts_with("/v1/files/")
                && !operation.path.starts_with("/v1/buckets/")
                && operation.id != "write_batch" =>
            {
                &server.as_("")
            }
            () if document.prefix.is_empty() => &operator,
            () if social::is_for_keys(operation) => key,
            () if social::is_recent(operation) => &social::again(server).await,
            () if by_user => user,
            () => key,
        };
        let client = nobody.as_ref().unwrap_or(client);
        let answer = call(client, document, samples, operation).await;
        if operation.id == "create_operator" {
            second_operator = answer.id();
        }
        if !(200..300).contains(&answer.status) {
            uncovered.push(format!(
                "{}: {} {}",
                operation.id, answer.status, answer.body
            ));
        }
    }
    // The set-up was done at the command line, so that its operation is refused here; its success has a test of its own.
    uncovered.retain(|line| !line.starts_with("create_setup: "));
    assert!(
        uncovered.is_empty(),
        "these never succeeded:\n{}",
        uncovered.join("\n")
    );
}
