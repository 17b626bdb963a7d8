//! The schema's routes, and the document that live collections make.

use crate::http::call;
use crate::kit::{Kit, anon, both, every_type, key, u};
use serde_json::{Value as Json, json};

both!(
    the_schema_over_http,
    batches_over_http,
    the_document_tells_what_fields_take,
    the_document_names_everything,
);

async fn the_schema_over_http(kit: &Kit) {
    let definition = json!({"name": "posts", "fields": every_type(), "template": "owner"});
    for nobody in [anon(), u()] {
        let refused = call(
            kit,
            &nobody,
            "POST",
            "/v1/collections",
            Some(definition.clone()),
            &[],
        )
        .await;
        assert!(matches!(refused.status, 401 | 403));
        assert!(matches!(
            call(kit, &nobody, "GET", "/v1/collections", None, &[])
                .await
                .status,
            401 | 403
        ));
    }
    let retry = [("Idempotency-Key", "0123456789abcdef")];
    let made = call(
        kit,
        &key(),
        "POST",
        "/v1/collections",
        Some(definition.clone()),
        &retry,
    )
    .await;
    assert_eq!(made.status, 201);
    assert_eq!(
        call(
            kit,
            &key(),
            "POST",
            "/v1/collections",
            Some(definition.clone()),
            &retry
        )
        .await
        .text,
        made.text
    );
    assert_eq!(
        call(
            kit,
            &key(),
            "POST",
            "/v1/collections",
            Some(definition),
            &[]
        )
        .await
        .fails(),
        (409, "collection_taken".into())
    );
    assert_eq!(
        call(kit, &key(), "GET", "/v1/collections/posts", None, &[])
            .await
            .json(),
        made.json()
    );
    let list = call(kit, &key(), "GET", "/v1/collections", None, &[])
        .await
        .json();
    assert_eq!(
        (list["items"][0].clone(), &list["next_cursor"]),
        (made.json(), &Json::Null)
    );
    let patch = async |body: Json| {
        call(
            kit,
            &key(),
            "PATCH",
            "/v1/collections/posts",
            Some(body),
            &[],
        )
        .await
    };
    assert_eq!(
        patch(json!({"rules": {"list": "true"}})).await.json()["rules"]["list"],
        "true"
    );
    assert_eq!(
        patch(json!({"rules": {"list": "nothing"}})).await.fails(),
        (422, "invalid_rule".into())
    );
    assert_eq!(
        patch(json!({"names": "other"})).await.fails(),
        (400, "unknown_field".into())
    );
    kit.made("posts", json!({"title": "a"})).await;
    let drop = |more: Json| {
        let mut body = json!({"fields": {"drop": ["title"]}});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(
        patch(drop(json!({}))).await.fails(),
        (409, "confirmation_required".into())
    );
    let plan = patch(drop(json!({"dry_run": true}))).await.json();
    assert_eq!(plan["losses"][0]["confirm"], "drop:title");
    let get = async |path: &str| call(kit, &key(), "GET", path, None, &[]).await;
    let versions = "/v1/collections/posts/versions";
    let page = get(&format!("{versions}?limit=1&count=exact")).await.json();
    assert_eq!(
        (&page["total"], &page["items"][0]["action"]),
        (&json!(2), &json!("collection.update"))
    );
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = get(&format!("{versions}?cursor={cursor}")).await.json();
    assert_eq!(
        (
            rest["items"].as_array().unwrap().len(),
            &rest["next_cursor"]
        ),
        (1, &Json::Null)
    );
    let first = &rest["items"][0]["version"];
    let whole = get(&format!("{versions}/{first}")).await.json();
    assert_eq!(
        (&whole["before"], &whole["definition"]["name"]),
        (&Json::Null, &json!("posts"))
    );
    for (path, fails) in [
        (
            "/v1/collections/posts/versions/x",
            (404, "version_not_found"),
        ),
        (
            "/v1/collections/posts/versions/0",
            (404, "version_not_found"),
        ),
        (
            "/v1/collections/nothing/versions",
            (404, "collection_not_found"),
        ),
        (
            "/v1/collections/posts/versions?limit=0",
            (400, "invalid_parameter"),
        ),
        (
            "/v1/collections/posts/versions?cursor=x",
            (400, "invalid_cursor"),
        ),
    ] {
        assert_eq!(get(path).await.fails(), (fails.0, fails.1.into()), "{path}");
    }
    assert_eq!(
        call(kit, &key(), "DELETE", "/v1/collections/users", None, &[])
            .await
            .fails(),
        (409, "referenced".into())
    );
    let delete = async |query: &str| {
        let path = format!("/v1/collections/posts{query}");
        call(kit, &key(), "DELETE", &path, None, &[]).await
    };
    assert_eq!(
        delete("").await.fails(),
        (409, "confirmation_required".into())
    );
    assert_eq!(
        delete("?sure=true").await.fails(),
        (400, "invalid_parameter".into())
    );
    assert_eq!(delete("?confirm=delete:posts").await.status, 204);
    assert_eq!(
        call(kit, &key(), "GET", "/v1/collections/posts", None, &[])
            .await
            .fails(),
        (404, "collection_not_found".into())
    );
}

/// What a field takes, by its type and its options, and on the way as a change.
async fn the_document_tells_what_fields_take(kit: &Kit) {
    let fields = json!([
        {"name": "state", "type": "select", "values": ["new", "old"]},
        {"name": "poster", "type": "file", "bucket": "posters"},
        {"name": "stock", "type": "number", "format": "integer", "min": 0, "required": true},
        {"name": "total", "type": "number", "required": true, "read_only": true},
        {"name": "code", "type": "text", "required": true, "write_once": true, "default": {"expression": "state"}}
    ]);
    kit.open("products", fields).await;
    let schema = kit.data.schema(&kit.project).await.unwrap();
    let (_, schemas) = data::openapi::document(&schema, &std::collections::BTreeSet::new());
    let create = &schemas["ProductCreate"];
    assert_eq!(create["required"], json!(["stock"]));
    assert_eq!(
        create["properties"]["state"]["enum"],
        json!(["new", "old", null])
    );
    assert_eq!(create["properties"]["poster"]["format"], "uuid");
    let patch = schemas["ProductPatch"]["properties"].as_object().unwrap();
    assert_eq!(patch.get("code"), None, "it can be set only once");
    let stock = patch["stock"]["anyOf"].as_array().unwrap();
    assert_eq!(
        stock[0],
        json!({"type": "integer", "format": "int64", "minimum": 0})
    );
    assert_eq!(
        stock[1]["properties"]["increment"],
        json!({"type": "integer", "format": "int64"})
    );
    assert_eq!(
        patch["state"]["anyOf"][1]["required"],
        json!(["set_if_absent"])
    );
    let expand = &schemas["Product"]["properties"]["expand"]["properties"];
    assert!(expand["poster"].is_object() && expand.get("state").is_none());
    // A relation to many is a list of ids, and a page where it is expanded.
    let kinds = |min: u32| json!({"name": format!("kinds{min}"), "type": "relation", "collection": "products", "multiple": true, "min_items": min, "max_items": 9});
    kit.open("boxes", json!([kinds(0), kinds(1)])).await;
    let schema = kit.data.schema(&kit.project).await.unwrap();
    let (paths, schemas) = data::openapi::document(&schema, &std::collections::BTreeSet::new());
    let ids = json!({"type": "array", "items": {"type": "string", "format": "uuid"}, "uniqueItems": true, "minItems": 0, "maxItems": 9});
    let create = &schemas["BoxCreate"];
    assert_eq!(
        (&create["required"], &create["properties"]["kinds0"]),
        (&json!(["kinds1"]), &ids)
    );
    assert_eq!(schemas["Box"]["properties"]["kinds0"], ids);
    let patch = &schemas["BoxPatch"]["properties"]["kinds0"]["anyOf"];
    assert_eq!(patch[0], ids);
    assert_eq!(patch[1]["properties"]["append"]["items"]["format"], "uuid");
    assert_eq!(patch[2]["required"], json!(["remove"]));
    let page = json!({"$ref": "#/components/schemas/ProductPage"});
    let expand = &schemas["Box"]["properties"]["expand"]["properties"];
    assert_eq!(expand["kinds0"]["anyOf"][0], page);
    let options = &schemas["BoxExpand"]["properties"]["kinds0"]["anyOf"][1];
    assert_eq!(
        options,
        &json!({"$ref": "#/components/schemas/ProductRelated"})
    );
    let back = &schemas["Product"]["properties"]["expand"]["properties"]["boxes_via_kinds0"];
    assert_eq!(
        back["anyOf"][0],
        json!({"$ref": "#/components/schemas/BoxPage"})
    );
    assert!(schemas["ProductCreate"]["properties"]["boxes_via_kinds0"].is_object());
    assert_eq!(create["properties"].get("expand"), None);
    assert!(paths.contains_key("/v1/records/boxes"));
}

/// A batch over the wire: its answer, its preference, its retries.
async fn batches_over_http(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let one =
        json!({"operations": [{"op": "create", "collection": "posts", "data": {"stock": 1}}]});
    let send = async |body: Json, headers: &[(&str, &str)]| {
        call(kit, &key(), "POST", "/v1/batch", Some(body), headers).await
    };
    let done = send(one.clone(), &[]).await;
    assert_eq!((done.status, done.etag.as_deref()), (200, None));
    assert_eq!(done.json()["results"][0]["record"]["stock"], 1);
    let minimal = send(one.clone(), &[("prefer", "return=minimal")]).await;
    assert_eq!((minimal.status, minimal.text.as_str()), (204, ""));
    let retried = ("idempotency-key", "k-0123456789abcdef");
    let first = send(one.clone(), &[retried]).await;
    assert_eq!(send(one, &[retried]).await.text, first.text);
    assert_eq!(kit.list(&key(), "posts", &[]).await.unwrap().len(), 3);
    assert_eq!(
        send(json!({}), &[]).await.fails(),
        (422, "validation_failed".into())
    );
    assert_eq!(
        send(json!({"operations": [], "x": 1}), &[]).await.fails(),
        (400, "unknown_field".into())
    );
    let large = json!({"operations": [{"op": "create", "collection": "posts", "data": {"title": "x".repeat(1_100_000)}}]});
    assert_eq!(
        send(large, &[]).await.fails(),
        (413, "body_too_large".into())
    );
}

/// Every collection has its schemas and operations under names of its own, and what the document says is there.
async fn the_document_names_everything(kit: &Kit) {
    for name in ["posts", "post", "categories", "status", "settings", "a"] {
        kit.open(name, every_type()).await;
    }
    let schema = kit.data.schema(&kit.project).await.unwrap();
    let taken = ["list_settings", "create_setting", "Setting"]
        .map(String::from)
        .into();
    let (paths, schemas) = data::openapi::document(&schema, &taken);
    assert_eq!(paths.len(), 7 * 6);
    let mut ids = std::collections::HashSet::new();
    for operations in paths.values() {
        for (_, operation) in operations
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "parameters")
        {
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{operation}"
            );
        }
    }
    assert_eq!(ids.len(), 7 * 10);
    assert!(
        !ids.contains("list_settings")
            && ids.contains("list_categories")
            && ids.contains("create_category"),
        "{ids:?}"
    );
    assert_eq!(schemas.len(), 7 * 11);
    let text = serde_json::to_string(&paths).unwrap() + &serde_json::to_string(&schemas).unwrap();
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(name == "Problem" || schemas.contains_key(name), "{name}");
    }
    let made = kit
        .create(&key(), "categories", json!({"title": "a"}))
        .await
        .unwrap();
    let named = schemas["Category"]["properties"].as_object().unwrap();
    assert!(
        made.as_object()
            .unwrap()
            .keys()
            .all(|k| named.contains_key(k))
    );
}
