//! The request log: what is kept, in which order, and what never is.

use crate::kit::{Kit, On, bearer, get, send};
use gate::{QueryInput, RequestsQuery};
use serde_json::{Value, json};
use std::time::Duration;

async fn list(kit: &Kit, query: &str) -> Vec<Value> {
    let query = RequestsQuery::read(QueryInput::parse(query).unwrap()).unwrap();
    let page = kit.gate.list_requests(&query).await.unwrap();
    page.items
        .iter()
        .map(|r| serde_json::to_value(r).unwrap())
        .collect()
}

#[actix_web::test]
async fn requests_are_kept_without_secrets_and_found_again() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit.app().await;
    let key = kit.key("shop", &["*"]).await;
    send(&app, bearer(get("/p/shop/v1/probe?secret=hunter2"), &key)).await;
    send(&app, get("/p/shop/v1/nothing")).await;
    send(&app, get("/healthz")).await;
    kit.gate.request_log().unwrap().flush().await;
    let all = list(&kit, "").await;
    assert_eq!(
        all.iter()
            .map(|r| r["path"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["/healthz", "/v1/nothing", "/v1/probe"]
    );
    assert_eq!(
        (&all[1]["project"], &all[1]["status"], &all[1]["code"]),
        (&json!("shop"), &json!(404), &json!("route_not_found"))
    );
    assert!(all[2]["actor"].as_str().unwrap().starts_with("key:"));
    let text = serde_json::to_string(&all).unwrap();
    assert!(!text.contains("hunter2") && !text.contains(&key), "{text}");
    assert_eq!(list(&kit, "project=shop&status=4xx").await.len(), 1);
    assert_eq!(list(&kit, "status=200").await.len(), 2);
    assert!(RequestsQuery::read(QueryInput::parse("status=9xx").unwrap()).is_err());
    for (query, want) in [
        ("limit=1&count=exact", Some(3)),
        ("limit=1&count=exact&status=4xx", Some(1)),
        ("limit=1", None),
    ] {
        let query = RequestsQuery::read(QueryInput::parse(query).unwrap()).unwrap();
        let page = kit.gate.list_requests(&query).await.unwrap();
        assert_eq!((page.items.len(), page.total), (1, want));
    }
}

#[actix_web::test]
async fn a_flood_leaves_room_for_errors_and_old_entries_go() {
    let kit = Kit::new(On::Sqlite).await;
    kit.project("shop").await;
    let app = kit
        .app_with(
            &kit.gate,
            gate::GateConfig {
                limits: gate::LimitsConfig {
                    requests_per_second: 0,
                    credential_requests_per_second: 0,
                    ..Default::default()
                },
                ..Default::default()
            },
        )
        .await;
    for _ in 0..300 {
        send(&app, get("/healthz")).await;
    }
    for _ in 0..100 {
        send(&app, get("/p/shop/v1/nothing")).await;
    }
    let log = kit.gate.request_log().unwrap();
    log.flush().await;
    let count = async |query: &str| list(&kit, query).await.len();
    assert_eq!(
        (
            count("status=200&limit=1000").await,
            count("status=404&limit=1000").await
        ),
        (150, 50)
    );
    kit.later(Duration::from_secs(8 * 86_400));
    log.prune(kit.clock.now()).await.unwrap();
    assert_eq!(count("limit=1000").await, 0);
}
