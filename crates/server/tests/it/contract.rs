//! The contract: every operation of both documents is walked as nobody, without its permission, with another project's
//! credentials, and in the other place; and every answer, errors included, is validated against the document.

mod document;

use crate::kit::{Answer, Client, ENGINES, Server};
use document::{Document, Operation};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Values for path parameters, and a body for each operation that takes one.
struct Samples {
    path: BTreeMap<&'static str, String>,
    refresh_token: String,
    setup_token: String,
}

impl Samples {
    fn path(&self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        // A path parameter means different things at different addresses.
        let special = [
            ("/admin/v1/projects/", "project"),
            ("/admin/v1/operators/", "operator"),
            ("/v1/auth/sessions/", "session"),
            ("/v1/records/", "record"),
            ("/v1/collections/", "collection"),
        ];
        for (start, name) in special {
            if path.starts_with(start) {
                path = path
                    .replace("{id}", &self.path[name])
                    .replace("{collection}", &self.path[name]);
            }
        }
        path = path.replace("{key_id}", &self.path["key"]);
        assert!(!path.contains('{'), "no sample for {path}");
        path
    }

    fn body(&self, operation: &Operation) -> Option<Value> {
        operation.definition.get("requestBody")?;
        Some(match operation.id.as_str() {
            "create_collection" => {
                json!({"name": "fresh", "fields": [{"name": "a", "type": "text"}]})
            }
            "update_collection" => {
                json!({"rules": {"list": "true"}, "fields": {"add": [{"name": format!("f{}", crate::kit::unique()), "type": "select", "values": ["a", "b"], "default": "a"}]}, "indexes": {"add": []}})
            }
            "write_batch" => json!({"operations": [
                {"op": "create", "collection": "notes", "data": {"text": crate::kit::unique()}},
                {"op": "upsert", "collection": "notes", "id": "01990000-0000-7000-8000-00000000ba7c", "data": {"text": crate::kit::unique()}},
                {"op": "update", "collection": "notes", "id": "01990000-0000-7000-8000-00000000ba7c", "data": {"text": {"set_if_absent": "x"}}},
                {"op": "delete", "collection": "notes", "id": "01990000-0000-7000-8000-00000000ba7c"}
            ]}),
            "sign_up" => json!({"email": "another@example.com", "password": "a-long-password"}),
            "sign_in_password" => {
                json!({"identity": "u@example.com", "password": "a-long-password"})
            }
            "refresh_session" => json!({"refresh_token": self.refresh_token}),
            "change_password" => {
                json!({"current_password": "a-long-password", "new_password": "another-password"})
            }
            "update_settings" => json!({"cors_origins": ["https://shop.example"]}),
            "create_post" => {
                json!({"owner": self.path["user"], "title": "a title", "score": 1.5, "open": true})
            }
            "update_post" => json!({"title": "another"}),
            "query_posts" => {
                json!({"sort": "-created_at", "limit": 5, "expand": {"owner": {"fields": ["id"]}}})
            }
            "query_notes" | "query_users" => json!({"limit": 5, "count": "exact"}),
            "create_note" => json!({"text": "a fresh note"}),
            "update_note" => json!({"text": "a changed note"}),
            "create_user" | "update_user" => json!({}),
            "create_setup" => {
                json!({"token": self.setup_token, "email": "x@example.com", "password": "a-long-password"})
            }
            "create_session" => {
                json!({"email": crate::kit::OPERATOR.0, "password": crate::kit::OPERATOR.1})
            }
            "create_project" => json!({"id": "fresh", "name": "Fresh"}),
            "update_project" => json!({"name": "Renamed"}),
            "create_project_key" => json!({"name": "a key", "scopes": ["records.read"]}),
            "create_operator" => {
                json!({"email": "second@example.com", "password": "a-long-password", "role": "owner"})
            }
            other => panic!("no sample body for {other}: add one"),
        })
    }
}

/// Operations that end what others need come last; those of one rank keep the document's order.
fn rank(operation: &Operation) -> u8 {
    match operation.id.as_str() {
        // Its answers are of the schema that the document tells no more.
        "update_collection" => 4,
        "suspend_project" => 6,
        "resume_project" => 7,
        "change_password" => 9,
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

/// A sample of everything that path parameters name. `record` is set per collection by the walk.
async fn samples(server: &Server) -> (Samples, Client) {
    let operator = server.operator().await;
    let signed = server
        .as_("")
        .post(
            "/p/shop/v1/auth/sign-up",
            json!({"email": "u@example.com", "password": "a-long-password"}),
        )
        .await;
    let user = server.as_(signed.body["access_token"].as_str().unwrap());
    let first = user.get("/p/shop/v1/auth/sessions").await;
    let again = json!({"identity": "u@example.com", "password": "a-long-password"});
    server
        .as_("")
        .post("/p/shop/v1/auth/sign-in/password", again)
        .await;
    let sessions = user.get("/p/shop/v1/auth/sessions").await;
    let second = sessions.body["items"].as_array().unwrap().iter();
    let mut second = second.filter(|s| s["id"] != first.body["items"][0]["id"]);
    let second = second.next().expect("a second session")["id"].clone();
    let operators = operator.get("/admin/v1/operators").await;
    let keys = operator
        .post(
            "/admin/v1/projects/shop/keys",
            json!({"name": "to be deleted", "scopes": ["records.read"]}),
        )
        .await;
    let id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let path = BTreeMap::from([
        ("project", "shop".to_owned()),
        ("operator", id(&operators.body["items"][0]["id"])),
        ("session", id(&second)),
        ("collection", "notes".to_owned()),
        ("key", id(&keys.body["id"])),
        ("user", id(&signed.body["user"]["id"])),
        ("record", String::new()),
    ]);
    (
        Samples {
            path,
            refresh_token: id(&signed.body["refresh_token"]),
            setup_token: "x".repeat(43),
        },
        user,
    )
}

#[tokio::test]
async fn every_operation_keeps_the_contract() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        server.project("blog").await;
        let project = Document::read(&server, "/p/shop", "/p/shop/v1/openapi.json").await;
        let instance = Document::read(&server, "", "/admin/v1/openapi.json").await;
        let (mut samples, user) = samples(&server).await;
        let key = server.as_(&server.key("shop", &["*"]));
        refused(&server, &project, &instance, &mut samples, &user, &key).await;
        allowed(&server, &project, &instance, &mut samples, &user, &key).await;
    }
}

/// A record of the collection that the operation is about.
async fn set_record(samples: &mut Samples, key: &Client, operation: &Operation) {
    if !operation.path.starts_with("/v1/records/") || !operation.path.ends_with("{id}") {
        return;
    }
    let collection = operation.path.split('/').nth(3).unwrap();
    let body = match collection {
        "posts" => json!({"owner": samples.path["user"], "title": "a post"}),
        "notes" => json!({"text": crate::kit::unique()}),
        _ => json!({}),
    };
    let made = key
        .post(&format!("/p/shop/v1/records/{collection}"), body)
        .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    samples.path.insert("record", made.id());
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
        set_record(samples, key, operation).await;
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
        set_record(samples, key, operation).await;
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
        set_record(samples, key, operation).await;
        if operation.id == "delete_operator" {
            samples.path.insert("operator", second_operator.clone());
        }
        if operation.id == "sign_out_everywhere" {
            // The sign-out before it ended the first session.
            continue;
        }
        if operation.id == "delete_collection" {
            samples.path.insert("collection", "fresh".to_owned());
        }
        let by_user =
            operation.path.starts_with("/v1/auth/") || operation.path.starts_with("/v1/users/");
        let client = match () {
            () if operation.public
                && !operation.path.starts_with("/v1/records/")
                && operation.id != "write_batch" =>
            {
                &server.as_("")
            }
            () if document.prefix.is_empty() => &operator,
            () if by_user => user,
            () => key,
        };
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
