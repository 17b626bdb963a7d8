//! The operations' part of a project's API document: stable ids, and every one with its errors and its lock.

use actix_web::App;
use serde_json::json;
use utoipa_actix_web::AppExt;

#[test]
fn every_operation_has_its_id_its_errors_and_its_lock() {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .configure(push::configure_project)
        .split_for_parts();
    gate::openapi::complete(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    let mut found = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item
            .as_object()
            .unwrap()
            .values()
            .filter(|v| v["operationId"].is_string())
        {
            let is_open = operation["security"] == json!([{}]);
            found.push((operation["operationId"].as_str().unwrap(), is_open));
            for status in ["400", "401", "403", "429", "500", "503"] {
                let body = &operation["responses"][status]["content"]["application/problem+json"];
                assert!(body.is_object(), "{} {status}", operation["operationId"]);
            }
        }
    }
    found.sort_unstable();
    let want = [
        ("cancel_push_message", false),
        ("get_push_client", true),
        ("get_push_config", true),
        ("get_push_message", false),
        ("get_push_worker", true),
        ("list_devices", false),
        ("list_push_inbox", false),
        ("list_push_messages", false),
        ("register_device", false),
        ("remove_device", false),
        ("send_push_message", false),
    ];
    assert_eq!(found, want);
    // Every schema that is named is there.
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}
