//! Project keys: what they may, where, and until when.

use crate::kit::{Kit, bearer, code, get, input, send};
use crate::on_both;
use gate::{GateConfig, ListQuery, Reach};
use kernel::Code;
use serde_json::json;
use std::time::Duration;

on_both! {
    async fn keys_work_in_their_project_with_their_scopes_until_their_end(kit: Kit) {
        kit.project("shop").await;
        kit.project("blog").await;
        let app = kit.app().await;
        let ask = async |path: &str, key: &str| send(&app, bearer(get(path), key)).await;
        let key = kit.key("shop", &["probe.*"]).await;
        assert!(key.len() == 46 && key.starts_with("gk_"));
        assert_eq!(ask("/p/shop/v1/probe", &key).await.status, 200);
        assert_eq!(ask("/p/blog/v1/probe", &key).await.code(), "unauthenticated");
        assert_eq!(ask("/p/blog/v1/open", &key).await.status, 401, "a key that is not good here is not nobody");
        assert_eq!(ask("/healthz", &key).await.status, 401, "the instance takes no keys");
        assert_eq!(ask("/p/shop/v1/settings", &key).await.code(), "permission_denied");
        assert_eq!(ask("/p/shop/v1/probe", "gk_wrong").await.status, 401);
        let in_query = send(&app, get(&format!("/p/shop/v1/probe?key={key}&access_token={key}"))).await;
        assert_eq!(in_query.status, 401);
        let end = kit.clock.now().plus(Duration::from_secs(60));
        let (_, short) = kit.key_until("shop", &["*"], Some(end)).await;
        assert_eq!(ask("/p/shop/v1/probe", &short).await.status, 200);
        kit.later(Duration::from_secs(60));
        assert_eq!(ask("/p/shop/v1/probe", &short).await.status, 401);
        let (id, revoked) = kit.key_until("shop", &["probe.read"], None).await;
        assert_eq!(ask("/p/shop/v1/probe", &revoked).await.status, 200);
        assert_eq!(code(kit.gate.delete_key(&Reach::Everything, &kit.by(), "blog", id).await), Some(Code::KeyNotFound));
        kit.gate.delete_key(&Reach::Everything, &kit.by(), "shop", id).await.unwrap();
        assert_eq!(ask("/p/shop/v1/probe", &revoked).await.status, 401);
    }

    async fn lists_show_no_keys_and_the_use_of_each(kit: Kit) {
        kit.project("shop").await;
        let app = kit.app().await;
        let (id, key) = kit.key_until("shop", &["probe.read"], None).await;
        send(&app, bearer(get("/p/shop/v1/probe"), &key)).await;
        let list = kit.gate.list_keys(&Reach::Everything, "shop", &ListQuery { count: true, ..ListQuery::default() }).await.unwrap();
        let text = serde_json::to_string(&list).unwrap();
        assert!(!text.contains(&key) && !text.contains("hash"), "{text}");
        assert_eq!((list.items[0].id, list.total), (id, Some(1)));
        assert!(list.items[0].last_used_at.is_some());
    }
}

#[actix_web::test]
async fn bad_keys_are_refused_with_all_faults() {
    let kit = Kit::new(crate::kit::On::Sqlite).await;
    let read = |body| kit.gate.read_key(input(body), kit.clock.now());
    let faults = |body| {
        read(body)
            .unwrap_err()
            .field_errors()
            .iter()
            .map(|e| format!("{} {}", e.path, e.code))
            .collect::<Vec<_>>()
    };
    let bad = json!({"name": "", "scopes": ["probe.read", "nope.read", "probe"], "expires_at": "2020-01-01T00:00:00Z"});
    assert_eq!(
        faults(bad),
        [
            "/name too_short",
            "/scopes/1 unknown_scope",
            "/scopes/2 unknown_scope",
            "/expires_at not_a_future_time"
        ]
    );
    assert_eq!(
        faults(json!({"name": "x", "scopes": []})),
        ["/scopes required"]
    );
    assert_eq!(
        code(read(json!({"name": "x", "scopes": ["*"], "admin": true}))),
        Some(Code::UnknownField)
    );
}

#[actix_web::test]
async fn a_revoked_key_ends_on_other_nodes_within_a_second() {
    let kit = Kit::new(crate::kit::On::Postgres).await;
    kit.project("shop").await;
    let other = kit.another(GateConfig::default(), Vec::new()).await;
    let app = kit.app_with(&other, GateConfig::default()).await;
    let (id, key) = kit.key_until("shop", &["*"], None).await;
    assert_eq!(
        send(&app, bearer(get("/p/shop/v1/probe"), &key))
            .await
            .status,
        200
    );
    kit.gate
        .delete_key(&Reach::Everything, &kit.by(), "shop", id)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(
        send(&app, bearer(get("/p/shop/v1/probe"), &key))
            .await
            .status,
        401
    );
    kit.end().await;
}
