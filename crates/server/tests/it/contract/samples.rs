//! What the contract test sends: values for path parameters, bodies, and what each operation is about.

use super::document::Operation;
use crate::kit::{Client, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Values for path parameters, and a body for each operation that takes one.
pub struct Samples {
    pub path: BTreeMap<&'static str, String>,
    pub refresh_token: String,
    pub setup_token: String,
}

impl Samples {
    pub fn path(&self, operation: &Operation) -> String {
        let mut path = operation.path.clone();
        path = super::social::path(self, operation, path);
        // A path parameter means different things at different addresses.
        let special = [
            ("/admin/v1/projects/", "project"),
            ("/admin/v1/operators/", "operator"),
            ("/v1/auth/sessions/", "session"),
            ("/v1/auth/passkeys/", "passkey"),
            ("/v1/users/", "person"),
            ("/v1/records/", "record"),
            ("/v1/collections/", "collection"),
            ("/v1/buckets/", "file"),
            ("/v1/files/", "file"),
            ("/v1/push/devices/", "device"),
            ("/v1/push/messages/", "message"),
            ("/v1/mails/", "mail"),
            ("/v1/users/", "person"),
            ("/v1/teams/", "team"),
            ("/v1/team-invitations/", "invitation"),
        ];
        for (start, name) in special {
            if path.starts_with(start) {
                path = path
                    .replace("{id}", &self.path[name])
                    .replace("{collection}", &self.path[name]);
            }
        }
        if operation.id == "list_changes" {
            path.push_str("?since=0");
        }
        path = path.replace("{hook}", "on_token");
        path = path.replace("{key_id}", &self.path["key"]);
        path = path.replace("{bucket}", &self.path["bucket"]);
        path = path.replace("{user}", &self.path["person"]);
        path = path.replace("{invitation}", &self.path["invitation"]);
        path = path.replace("{version}", "1000000");
        path = path.replace("{path}", "a.txt");
        path = path.replace("{name}/{language}", "verify/de");
        assert!(!path.contains('{'), "no sample for {path}");
        path
    }

    pub fn body(&self, operation: &Operation) -> Option<Value> {
        operation.definition.get("requestBody")?;
        Some(match operation.id.as_str() {
            "create_collection" => {
                json!({"name": "fresh", "fields": [{"name": "a", "type": "text"}]})
            }
            "update_collection" => {
                json!({"rules": {"list": "true"}, "fields": {"add": [{"name": format!("f{}", crate::kit::unique()), "type": "select", "values": ["a", "b"], "default": "a"}], "change": {"text": {"max": 400}}, "drop": []}, "indexes": {"add": [], "drop": []}, "confirm": [], "dry_run": false})
            }
            "write_batch" => json!({"operations": [
                {"op": "create", "collection": "notes", "data": {"text": crate::kit::unique()}},
                {"op": "upsert", "collection": "notes", "id": "01990000-0000-7000-8000-00000000ba7c", "data": {"text": crate::kit::unique()}},
                {"op": "update", "collection": "notes", "id": "01990000-0000-7000-8000-00000000ba7c", "data": {"text": {"set_if_absent": "x"}}},
                {"op": "delete", "collection": "notes", "id": "01990000-0000-7000-8000-00000000ba7c"}
            ]}),
            "explain_rule" => {
                json!({"action": "list", "as": {"anonymous": true}, "sort": "-text"})
            }
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
            "aggregate_posts" => {
                json!({"group_by": ["open", "owner.id"], "measures": {"n": "count()", "sum": "sum(score)"}, "sort": "-n"})
            }
            "aggregate_notes" | "aggregate_users" => json!({"measures": {"n": "count()"}}),
            "update_many_posts" => {
                json!({"filter": "title == 'none'", "set": {"score": {"increment": 1}}})
            }
            "update_many_notes" => {
                json!({"filter": "text == params.t", "params": {"t": "none"}, "set": {"text": "x"}, "limit": 5})
            }
            "update_many_users" => json!({"filter": "disabled", "set": {}}),
            "delete_many_posts" | "delete_many_notes" | "delete_many_users" => {
                json!({"filter": "created_at > now"})
            }
            "upsert_post" => json!({"owner": self.path["user"], "title": "put", "score": 2.5}),
            "upsert_note" => json!({"text": "a note that was put"}),
            "upsert_user" => json!({}),
            "create_note" => json!({"text": "a fresh note"}),
            "update_note" => json!({"text": "a changed note"}),
            "create_user" | "update_user" => json!({}),
            "create_bucket" => json!({"name": format!("b{}", crate::kit::unique())}),
            "update_bucket" => json!({"limits": {"size_bytes_max": 1_000_000}}),
            "put_bytes" => json!({"any": "bytes"}),
            "register_device" => device(),
            "send_push_message" => message(),
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
            other => super::mail::body(self, other)
                .or_else(|| super::people::body(self, other))
                .or_else(|| super::ways::body(self, other))
                .or_else(|| super::factors::body(self, other))
                .or_else(|| super::social::body(self, other))
                .unwrap_or_else(|| panic!("no sample body for {other}: add one")),
        })
    }
}

/// A device whose push service is nowhere. Its key is that of RFC 8291, appendix A.
pub fn device() -> Value {
    let endpoint = format!("https://push.example/{}", crate::kit::unique());
    let keys = json!({"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"});
    json!({"kind": "web", "subscription": {"endpoint": endpoint, "keys": keys}})
}

pub fn message() -> Value {
    json!({"to": {"all": true}, "title": "Hello", "body": "there"})
}

/// A sample of everything that path parameters name. `record` is set per collection by the walk.
pub async fn samples(server: &Server) -> (Samples, Client) {
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
        ("bucket", "pictures".to_owned()),
        ("file", String::new()),
        ("device", String::new()),
        ("message", String::new()),
        ("mail", "01990000-0000-7000-8000-00000000dead".to_owned()),
        ("secret", "x".to_owned()),
        ("person", String::new()),
        ("team", String::new()),
        ("invitation", String::new()),
        ("challenge", String::new()),
        ("passkey", "01990000-0000-7000-8000-00000000dead".to_owned()),
        ("factor", String::new()),
        ("person", "01990000-0000-7000-8000-00000000dead".to_owned()),
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

/// What the operation is about, made afresh: the operation before may have removed it.
pub async fn set_subject(
    samples: &mut Samples,
    user: &Client,
    key: &Client,
    operation: &Operation,
) {
    set_record(samples, key, operation).await;
    super::mail::set(samples, key, operation).await;
    super::people::set(samples, key, operation).await;
    super::ways::set(samples, user, key, operation).await;
    super::policies::set(samples, key, operation).await;
    super::factors::set(samples, user, key, operation).await;
    super::social::set(samples, key, operation).await;
    let id = &operation.id;
    let bucket = if id == "delete_bucket" {
        "empty"
    } else {
        "pictures"
    };
    samples.path.insert("bucket", bucket.to_owned());
    if operation.path.starts_with("/v1/buckets/") || operation.path.starts_with("/v1/files/") {
        key.post("/p/shop/v1/buckets", json!({"name": bucket}))
            .await;
    }
    if operation.path.starts_with("/v1/files/") || id == "get_file" {
        samples.path.insert("file", put_file(key, "shop").await);
    }
    if operation.path == "/v1/push/devices/{id}" {
        let made = user.post("/p/shop/v1/push/devices", device()).await;
        samples.path.insert("device", made.id());
    }
    if operation.path.starts_with("/v1/push/messages/{id}") {
        let made = key.post("/p/shop/v1/push/messages", message()).await;
        assert_eq!(made.status, 202, "{:?}", made.body);
        samples.path.insert("message", made.id());
    }
}

/// The id of a file in the bucket `pictures` of a project.
pub async fn put_file(key: &Client, project: &str) -> String {
    let path = format!("/p/{project}/v1/files/pictures/a.txt");
    let put = key.send(key.request("PUT", &path).body("some bytes")).await;
    assert!(put.status < 300, "{:?}", put.body);
    put.id()
}

/// A record of the collection that the operation is about.
pub async fn set_record(samples: &mut Samples, key: &Client, operation: &Operation) {
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
