//! A person across all services: given all that is kept of it, and erased from all of them.

use crate::kit::{Client, ENGINES, Server, unique};
use serde_json::{Value, json};

const PASSWORD: &str = "a-long-password";

async fn made(client: &Client, path: &str, body: Value) -> Value {
    let made = client.post(&format!("/p/shop/v1{path}"), body).await;
    assert!(made.status < 300, "{path} {:?}", made.body);
    made.body
}

async fn get(client: &Client, path: &str) -> Value {
    let got = client.get(&format!("/p/shop/v1{path}")).await;
    assert_eq!(got.status, 200, "{path} {:?}", got.body);
    got.body
}

/// Letters go with their owner, reports about somebody stay without; and there is a bucket to send files to.
async fn prepare(key: &Client) {
    let owner = |on_delete: &str| json!({"name": "owner", "type": "relation", "collection": "users", "on_delete": on_delete});
    let file = json!({"name": "scan", "type": "file", "bucket": "scans"});
    let bucket = |name: &str, kind: &str| json!({"name": name, "kind": kind, "rules": {"create": "auth.id != null", "view": "true"}});
    made(key, "/buckets", bucket("scans", "attachments")).await;
    made(key, "/buckets", bucket("drops", "files")).await;
    let rules = json!({"list": "owner == auth.id", "view": "owner == auth.id", "create": "owner == auth.id"});
    let letters = json!({"name": "letters", "rules": rules, "fields": [owner("cascade"), file]});
    made(key, "/collections", letters).await;
    let reports = json!({"name": "reports", "fields": [owner("set_null")]});
    made(key, "/collections", reports).await;
}

/// A user with something in every service.
async fn somebody(server: &Server, key: &Client) -> (String, Client) {
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let signed = made(&server.as_(""), "/auth/sign-up", body).await;
    let user = server.as_(signed["access_token"].as_str().unwrap());
    let id = signed["user"]["id"].as_str().unwrap().to_owned();
    let mut files = Vec::new();
    for path in ["scans/a.txt", "drops/b.txt"] {
        let request = user.request("PUT", &format!("/p/shop/v1/files/{path}"));
        let put = user.send(request.body("some bytes")).await;
        assert_eq!(put.status, 201, "{:?}", put.body);
        files.push(put.id());
    }
    let letter = json!({"owner": id, "scan": files[0]});
    made(&user, "/records/letters", letter).await;
    made(key, "/records/reports", json!({"owner": id})).await;
    let endpoint = format!("https://push.example/{}", unique());
    let keys = json!({"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"});
    let device = json!({"kind": "web", "subscription": {"endpoint": endpoint, "keys": keys}});
    made(&user, "/push/devices", device).await;
    (id, user)
}

/// What is left of it.
async fn demand_gone(key: &Client, id: &str) {
    let items = async |path: &str| get(key, path).await["items"].clone();
    assert_eq!(items("/records/letters").await, json!([]));
    assert_eq!(items("/records/reports").await[0]["owner"], Value::Null);
    assert_eq!(items("/buckets/scans/files").await, json!([]));
    assert_eq!(items("/buckets/drops/files").await, json!([]));
    assert_eq!(items("/push/devices").await, json!([]));
    let mails = items("/mails").await;
    let mails = mails.as_array().unwrap();
    assert!(
        mails
            .iter()
            .all(|mail| mail["recipient"] != "ada@example.com")
    );
    for path in [format!("/users/{id}"), format!("/records/users/{id}")] {
        let gone = key.get(&format!("/p/shop/v1{path}")).await;
        assert_eq!(gone.status, 404, "{path}");
    }
}

#[tokio::test]
async fn who_asks_for_it_is_given_everything_and_erased() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        let key = server.as_(&server.key("shop", &["*"]));
        prepare(&key).await;
        let (id, user) = somebody(&server, &key).await;
        let (_, other) = server.user("shop", "bob@example.com").await;
        let all = get(&user, "/users/me/export").await;
        assert_eq!(all["user"]["email"], "ada@example.com");
        let count = |part: &Value| part.as_array().map(Vec::len);
        assert_eq!(count(&all["records"]["letters"]), Some(1), "{all:#}");
        // What rules keep from it is not told here either.
        assert_eq!(all["records"]["reports"], Value::Null);
        assert_eq!(
            (count(&all["files"]), count(&all["devices"])),
            (Some(2), Some(1))
        );
        let theirs = get(&other, "/users/me/export").await;
        assert_eq!(
            (count(&theirs["files"]), count(&theirs["devices"])),
            (Some(0), Some(0))
        );
        let erase = user.request("DELETE", "/p/shop/v1/users/me");
        let erased = user
            .send(erase.json(&json!({"current_password": PASSWORD})))
            .await;
        assert_eq!(erased.status, 204, "{:?}", erased.body);
        assert_eq!(user.get("/p/shop/v1/users/me").await.status, 401);
        demand_gone(&key, &id).await;
        assert_eq!(other.get("/p/shop/v1/users/me").await.status, 200);
    }
}

#[tokio::test]
async fn an_operator_removes_as_much() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let operator = server.operator().await;
        prepare(&key).await;
        let (id, user) = somebody(&server, &key).await;
        let gone = operator.delete(&format!("/p/shop/v1/users/{id}")).await;
        assert_eq!(gone.status, 204, "{:?}", gone.body);
        assert_eq!(user.get("/p/shop/v1/users/me").await.status, 401);
        demand_gone(&key, &id).await;
    }
}

#[tokio::test]
async fn users_are_administered_beside_their_records() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let body = json!({"email": "Ada@example.com", "username": "ada", "password": PASSWORD, "verified": true});
        let user = made(&key, "/users", body).await;
        made(&key, "/users", json!({"username": "bob"})).await;
        let id = user["id"].as_str().unwrap();
        let record = get(&key, &format!("/records/users/{id}")).await;
        assert_eq!(
            (&record["email"], &record["verified"]),
            (&user["email"], &json!(true))
        );
        let page = get(&key, "/users?limit=1&count=exact").await;
        assert_eq!(
            (&page["total"], &page["items"][0]["username"]),
            (&json!(2), &json!("bob"))
        );
        let cursor = page["next_cursor"].as_str().unwrap();
        let next = get(&key, &format!("/users?limit=1&cursor={cursor}")).await;
        assert_eq!(
            (&next["items"][0]["id"], &next["next_cursor"]),
            (&user["id"], &Value::Null)
        );
        for (query, want) in [
            ("search=ADA", 1),
            ("search=xyz", 0),
            ("verified=true", 1),
            ("verified=false&disabled=false", 1),
            ("anonymous=true", 0),
        ] {
            let found = get(&key, &format!("/users?{query}")).await;
            assert_eq!(found["items"].as_array().unwrap().len(), want, "{query}");
        }
        let patch = json!({"disabled": true, "roles": ["editor"]});
        let changed = key.patch(&format!("/p/shop/v1/users/{id}"), patch).await;
        assert_eq!(changed.status, 200, "{:?}", changed.body);
        let record = get(&key, &format!("/records/users/{id}")).await;
        assert_eq!(record["disabled"], true);
        let taken = key
            .post("/p/shop/v1/users", json!({"username": "ADA"}))
            .await;
        assert_eq!((taken.status, taken.code()), (409, "identity_taken"));
        // Rules read what was given.
        let rules = json!({"list": "'editor' in auth.roles", "view": "auth.claims.plan == 'pro'"});
        made(
            &key,
            "/collections",
            json!({"name": "drafts", "fields": [{"name": "a", "type": "text"}], "rules": rules}),
        )
        .await;
        let draft = made(&key, "/records/drafts", json!({"a": "x"})).await;
        let patch = json!({"disabled": false, "claims": {"plan": "pro"}});
        key.patch(&format!("/p/shop/v1/users/{id}"), patch).await;
        let body = json!({"identity": "ada@example.com", "password": PASSWORD});
        let signed = made(&server.as_(""), "/auth/sign-in/password", body).await;
        let ada = server.as_(signed["access_token"].as_str().unwrap());
        assert_eq!(
            get(&ada, "/records/drafts").await["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        get(
            &ada,
            &format!("/records/drafts/{}", draft["id"].as_str().unwrap()),
        )
        .await;
        let none = json!({"roles": [], "claims": {}});
        key.patch(&format!("/p/shop/v1/users/{id}"), none).await;
        assert_eq!(get(&ada, "/records/drafts").await["items"], json!([]));
    }
}

#[tokio::test]
async fn rules_know_teams_and_the_roles_in_them() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let (id, user) = server.user("shop", "u@example.com").await;
        let (other, _) = server.user("shop", "o@example.com").await;
        let team = made(&key, "/teams", json!({"name": "Engines", "owner": other})).await;
        let team = team["id"].as_str().unwrap();
        let field = json!({"name": "team", "type": "uuid"});
        let rules =
            json!({"list": "team in auth.teams", "view": "team in auth.claims.teams.admin"});
        made(
            &key,
            "/collections",
            json!({"name": "plans", "fields": [field], "rules": rules}),
        )
        .await;
        let plan = made(&key, "/records/plans", json!({"team": team})).await;
        let plan = format!("/p/shop/v1/records/plans/{}", plan["id"].as_str().unwrap());
        let seen = async || {
            let list = get(&user, "/records/plans").await["items"]
                .as_array()
                .unwrap()
                .len();
            (list, user.get(&plan).await.status)
        };
        assert_eq!(seen().await, (0, 404));
        let member = format!("/p/shop/v1/teams/{team}/members/{id}");
        let put = async |role: &str| {
            let put = key.request("PUT", &member).json(&json!({ "role": role }));
            assert_eq!(key.send(put).await.status, 200);
        };
        put("member").await;
        assert_eq!(seen().await, (1, 404));
        put("admin").await;
        assert_eq!(seen().await, (1, 200));
        assert_eq!(key.delete(&member).await.status, 204);
        assert_eq!(seen().await, (0, 404));
    }
}
