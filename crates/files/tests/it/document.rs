//! The operations' part of a project's API document: stable ids, and every one with its errors.

use actix_web::App;
use utoipa_actix_web::AppExt;

#[test]
fn every_operation_has_its_id_and_its_errors() {
    let (_, mut document) = App::new()
        .into_utoipa_app()
        .configure(files::configure_project)
        .split_for_parts();
    gate::openapi::complete(&mut document);
    let document = serde_json::to_value(&document).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(!path.contains(':'), "{path}");
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            found.push(id);
            for response in operation["responses"].as_object().unwrap().values() {
                assert!(response["description"].is_string(), "{id}");
            }
            for status in ["400", "401", "403", "404", "429", "500", "503"] {
                let body = &operation["responses"][status]["content"]["application/problem+json"];
                assert!(body.is_object(), "{id} {status}");
            }
        }
    }
    found.sort_unstable();
    let want = [
        "create_bucket",
        "delete_bucket",
        "delete_file",
        "delete_file_by_id",
        "get_bucket",
        "get_bytes",
        "get_bytes_by_id",
        "get_file",
        "head_bytes",
        "head_bytes_by_id",
        "list_buckets",
        "list_files",
        "put_bytes",
        "update_bucket",
    ];
    assert_eq!(found, want);
    let put = &document["paths"]["/v1/files/{bucket}/{path}"]["put"];
    let body = &put["requestBody"]["content"]["application/octet-stream"]["schema"];
    let name = body["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
    let bytes = &document["components"]["schemas"][name];
    assert_eq!(
        (&bytes["type"], &bytes["format"]),
        (&"string".into(), &"binary".into())
    );
    for schema in document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(
            !schema.contains("View") && !schema.contains("files"),
            "{schema}"
        );
    }
}
