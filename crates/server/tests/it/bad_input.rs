//! Bad input gets the documented problem: never a 5xx, never an effect, never a word of the database.

use crate::kit::{Answer, ENGINES, Server};
use serde_json::json;

fn check(answer: &Answer, status: u16, code: &str) {
    assert_eq!(
        (answer.status, answer.code()),
        (status, code),
        "{:?}",
        answer.body
    );
    assert_eq!(answer.kind, "application/problem+json");
    let text = answer.body.to_string().to_lowercase();
    for word in [
        "sqlite",
        "postgres",
        "select ",
        "insert ",
        "syntax error",
        "panicked",
        "/root",
        ".rs:",
    ] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(
        answer.body["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
}

#[tokio::test]
async fn every_kind_of_bad_input_is_refused_without_effect() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        server.project("blog").await;
        let (_, user) = server.user("shop", "u@example.com").await;
        let (_, stranger) = server.user("blog", "w@example.com").await;
        let notes = "/p/shop/v1/records/notes";
        let raw = |body: String| {
            user.request("POST", notes)
                .header("content-type", "application/json")
                .body(body)
        };

        let deep = format!("{{\"text\":{}1{}}}", "[".repeat(33), "]".repeat(33));
        check(&user.send(raw(deep)).await, 400, "invalid_json");
        check(
            &user.send(raw("[".repeat(100_000))).await,
            400,
            "invalid_json",
        );
        check(
            &user
                .send(raw("{\"text\":\"a\",\"text\":\"b\"}".to_owned()))
                .await,
            400,
            "invalid_json",
        );
        check(&user.send(raw("[]".to_owned())).await, 400, "invalid_json");
        check(
            &user.send(raw("{\"text\":\"a\\u0000\"}".to_owned())).await,
            400,
            "invalid_json",
        );
        check(
            &user
                .send(raw(format!("{{\"text\":\"{}\"}}", "x".repeat(2_000_000))))
                .await,
            413,
            "body_too_large",
        );
        check(
            &user
                .send(raw("{}".to_owned()).header("content-encoding", "gzip"))
                .await,
            415,
            "unsupported_media_type",
        );
        check(
            &user
                .send(
                    user.request("POST", notes)
                        .header("content-type", "text/plain")
                        .body("{}"),
                )
                .await,
            415,
            "unsupported_media_type",
        );
        check(
            &user.post(notes, json!({"text": "a", "nothing": 1})).await,
            400,
            "unknown_field",
        );
        check(
            &user
                .post(
                    notes,
                    json!({"text": "a", "created_at": "2026-01-01T00:00:00Z"}),
                )
                .await,
            400,
            "readonly_field",
        );
        check(
            &user.post(notes, json!({"text": 5})).await,
            422,
            "validation_failed",
        );
        check(
            &user
                .post(notes, json!({"id": "role:admin", "text": "a"}))
                .await,
            422,
            "validation_failed",
        );
        check(
            &stranger.post(notes, json!({"text": "a"})).await,
            401,
            "unauthenticated",
        );
        check(
            &server.as_("nonsense").get(notes).await,
            401,
            "unauthenticated",
        );
        check(
            &user
                .get(&format!("{notes}?filter=text%20%3D%3D%20%27a"))
                .await,
            400,
            "invalid_filter",
        );
        check(
            &user
                .get(&format!("{notes}?filter=nothing%20%3D%3D%201"))
                .await,
            400,
            "invalid_filter",
        );
        check(
            &user
                .get(&format!("{notes}?filter={}", "(".repeat(3_000)))
                .await,
            400,
            "invalid_filter",
        );
        check(
            &user
                .get(&format!("{notes}?sort=text%22%7C%7Cpg_sleep(3)%7C%7C%22"))
                .await,
            400,
            "invalid_sort",
        );
        check(
            &user.get(&format!("{notes}?limit=0")).await,
            400,
            "invalid_parameter",
        );
        check(
            &user.get(&format!("{notes}?cursor=AAAA")).await,
            400,
            "invalid_cursor",
        );
        check(
            &user.get(&format!("{notes}?wrong=1")).await,
            400,
            "invalid_parameter",
        );
        check(
            &user.get("/p/shop/v1/records/nothing").await,
            404,
            "collection_not_found",
        );
        for name in [
            "_changes",
            "sqlite_master",
            "_sessions",
            "pg_class",
            "_collections",
        ] {
            check(
                &user.get(&format!("/p/shop/v1/records/{name}")).await,
                404,
                "collection_not_found",
            );
        }
        check(
            &user.get(&format!("{notes}/not-an-id")).await,
            404,
            "record_not_found",
        );
        check(
            &server
                .operator()
                .await
                .get("/p/shop/admin/v1/projects")
                .await,
            404,
            "route_not_found",
        );
        check(
            &user.get("/p/nothing/v1/records/notes").await,
            404,
            "project_not_found",
        );
        check(
            &user
                .send(raw("{\"text\":\"a\"}".to_owned()).header("idempotency-key", "short"))
                .await,
            400,
            "invalid_idempotency_key",
        );
        let key = server.key("shop", &["*"]);
        check(
            &server
                .as_(&key)
                .post(
                    "/p/shop/v1/collections",
                    json!({"name": "x\";drop table users;--"}),
                )
                .await,
            422,
            "validation_failed",
        );

        let all = server.as_(&key).get(&format!("{notes}?count=exact")).await;
        assert_eq!(
            all.body["total"], 0,
            "nothing of it had an effect: {:?}",
            all.body
        );
    }
}
