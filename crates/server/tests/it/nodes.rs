//! Two nodes on one PostgreSQL: what one changes, the other follows at once, as far as clients can tell.

use crate::kit::{Client, Engine, Server};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long nodes may believe what they have read, when no news come.
const BELIEVED: Duration = Duration::from_secs(1);
/// Sooner than that only the news can tell: each reading is young when its round begins.
const SOON: Duration = Duration::from_millis(600);
const ROUNDS: usize = 4;

/// How long the status stays away.
async fn until(client: &Client, path: &str, status: u16) -> Duration {
    let start = Instant::now();
    while client.get(path).await.status != status {
        let waited = start.elapsed();
        assert!(
            waited < 10 * BELIEVED,
            "{path} is not {status} on the other node"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

/// A busy machine may be late in a round, and not in all of them.
fn soon(what: &str, rounds: &[Duration]) {
    assert!(rounds.iter().any(|took| *took < SOON), "{what}: {rounds:?}");
}

#[actix_web::test]
async fn what_ends_here_ends_there() {
    let here = Server::fresh(Engine::Postgres);
    let there = here.node();
    let operator = here.operator().await;
    here.project("shop").await;
    let (mut sessions, mut keys, mut rules, mut projects) = (vec![], vec![], vec![], vec![]);
    let mut leaks = vec![];
    for round in 0..ROUNDS {
        let (_, user) = here.user("shop", &format!("l{round}@example.com")).await;
        let same = there.as_(&user.token);
        assert_eq!(same.get("/p/shop/v1/users/me").await.status, 200);
        let revoked = operator
            .post("/p/shop/v1/auth/keys/rotate", json!({"revoke": true}))
            .await;
        assert_eq!(revoked.status, 200);
        leaks.push(until(&same, "/p/shop/v1/users/me", 401).await);

        let (_, user) = here.user("shop", &format!("u{round}@example.com")).await;
        let same = there.as_(&user.token);
        assert_eq!(same.get("/p/shop/v1/users/me").await.status, 200);
        let out = user.post("/p/shop/v1/auth/sign-out", json!({})).await;
        assert_eq!(out.status, 204);
        sessions.push(until(&same, "/p/shop/v1/users/me", 401).await);

        let made = operator
            .post(
                "/admin/v1/projects/shop/keys",
                json!({"name": "k", "scopes": ["records.read"]}),
            )
            .await;
        let key = there.as_(made.body["key"].as_str().unwrap());
        assert_eq!(key.get("/p/shop/v1/records/posts").await.status, 200);
        let gone = operator
            .delete(&format!("/admin/v1/projects/shop/keys/{}", made.id()))
            .await;
        assert_eq!(gone.status, 204);
        keys.push(until(&key, "/p/shop/v1/records/posts", 401).await);

        let nobody = there.as_("");
        assert_eq!(nobody.get("/p/shop/v1/records/notes").await.status, 200);
        let closed = operator
            .patch(
                "/p/shop/v1/collections/notes",
                json!({"rules": {"list": null}}),
            )
            .await;
        assert_eq!(closed.status, 200);
        rules.push(until(&nobody, "/p/shop/v1/records/notes", 403).await);
        let opened = operator
            .patch(
                "/p/shop/v1/collections/notes",
                json!({"rules": {"list": "true"}}),
            )
            .await;
        assert_eq!(opened.status, 200);
        until(&nobody, "/p/shop/v1/records/notes", 200).await;

        let stopped = operator
            .post("/admin/v1/projects/shop/suspend", json!({}))
            .await;
        assert_eq!(stopped.status, 200);
        projects.push(until(&nobody, "/p/shop/v1/records/notes", 503).await);
        operator
            .post("/admin/v1/projects/shop/resume", json!({}))
            .await;
        until(&nobody, "/p/shop/v1/records/notes", 200).await;
    }
    for (what, rounds) in [
        ("signing key", leaks),
        ("session", sessions),
        ("key", keys),
        ("rule", rules),
        ("project", projects),
    ] {
        soon(what, &rounds);
    }
}
