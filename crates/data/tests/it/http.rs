//! The routes: what of a request reaches the service, and what of its answers reaches the wire.

use crate::kit::{Kit, U, add_user, anon, both, every_type, key, now, u};
use actix_web::dev::Service;
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpMessage};
use data::Asker;
use gate::{Access, Place, Problem};
use serde_json::{Value as Json, json};
use std::rc::Rc;
use utoipa_actix_web::AppExt;

both!(
    records_over_http,
    conditions_and_preferences,
    retries_over_http,
    pages_over_http
);

pub struct Reply {
    pub status: u16,
    pub etag: Option<String>,
    pub location: Option<String>,
    /// What of `Prefer` was done.
    pub applied: Option<String>,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or(Json::Null)
    }

    pub fn fails(&self) -> (u16, String) {
        (
            self.status,
            self.json()["code"].as_str().unwrap_or_default().to_owned(),
        )
    }
}

pub async fn call(
    kit: &Kit,
    asker: &Asker,
    method: &str,
    path: &str,
    body: Option<Json>,
    headers: &[(&str, &str)],
) -> Reply {
    let access = Rc::new(Access {
        place: Place::Project,
        project: Some(kit.project.clone()),
        on_own_host: false,
        who: Ok(asker.who.clone()),
        now: now(),
        request_id: "request".to_owned(),
        network: "192.0.2.1".to_owned(),
    });
    let service = actix_web::web::Data::new(kit.data.clone());
    let (app, _) = App::new()
        .app_data(service)
        .into_utoipa_app()
        .configure(data::configure)
        .split_for_parts();
    let app = app.wrap_fn(move |request, service| {
        request.extensions_mut().insert(access.clone());
        service.call(request)
    });
    let app = init_service(app).await;
    let mut request = TestRequest::default()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(path);
    for header in headers {
        request = request.append_header(*header);
    }
    if let Some(body) = body {
        request = request.set_json(body);
    }
    let mut response = call_service(&app, request.to_request()).await;
    let problem = response.response().extensions().get::<Problem>().cloned();
    if let Some(problem) = problem {
        let (request, _) = response.into_parts();
        response = actix_web::dev::ServiceResponse::new(request, problem.render("request"));
    }
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map(|v| v.to_str().unwrap().to_owned())
    };
    let (location, applied) = (header("location"), header("preference-applied"));
    let (status, etag, kind) = (
        response.status().as_u16(),
        header("etag"),
        header("content-type"),
    );
    let text = String::from_utf8(read_body(response).await.to_vec()).unwrap();
    let want = if status >= 400 {
        "application/problem+json"
    } else {
        "application/json"
    };
    assert!(
        text.is_empty() || kind.as_deref() == Some(want),
        "{status} {kind:?} {text}"
    );
    Reply {
        status,
        etag,
        location,
        applied,
        text,
    }
}

async fn records_over_http(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let made = call(
        kit,
        &anon(),
        "POST",
        "/v1/records/posts",
        Some(json!({"title": "a", "stock": 1})),
        &[],
    )
    .await;
    assert_eq!((made.status, made.etag.as_deref()), (201, Some("\"1\"")));
    let path = format!("/v1/records/posts/{}", made.json()["id"].as_str().unwrap());
    let got = call(kit, &anon(), "GET", &path, None, &[]).await;
    assert_eq!(
        (got.status, got.etag.as_deref(), &got.text),
        (200, Some("\"1\""), &made.text)
    );
    let merged = call(kit, &anon(), "PATCH", &path, Some(json!({"stock": 2})), &[]).await;
    assert_eq!(
        (merged.status, merged.etag.as_deref()),
        (200, Some("\"2\""))
    );
    // The tag is the version whatever the projection, and absent with an expansion.
    let some = call(
        kit,
        &anon(),
        "GET",
        &format!("{path}?fields=stock"),
        None,
        &[],
    )
    .await;
    assert_eq!(
        (some.etag.as_deref(), some.text.as_str()),
        (Some("\"2\""), "{\"stock\":2}")
    );
    let more = call(
        kit,
        &anon(),
        "GET",
        &format!("{path}?expand=owner"),
        None,
        &[],
    )
    .await;
    assert_eq!((more.status, more.etag), (200, None));
    let gone = call(kit, &anon(), "DELETE", &path, None, &[]).await;
    assert_eq!((gone.status, gone.text.as_str()), (204, ""));
    for method in ["GET", "PATCH", "DELETE"] {
        let body = (method == "PATCH").then(|| json!({}));
        assert_eq!(
            call(kit, &anon(), method, &path, body, &[]).await.fails(),
            (404, "record_not_found".into())
        );
    }
    for path in [
        "/v1/records/_collections",
        "/v1/records/sqlite_master",
        "/v1/records/pg_class",
        "/v1/records/posts%22",
        "/v1/records/%00",
    ] {
        assert_eq!(
            call(kit, &key(), "GET", path, None, &[]).await.fails(),
            (404, "collection_not_found".into()),
            "{path}"
        );
    }
    kit.rules("posts", json!({"create": null})).await.unwrap();
    assert_eq!(
        call(kit, &u(), "POST", "/v1/records/posts", Some(json!({})), &[])
            .await
            .fails(),
        (403, "rule_denied".into())
    );
    let bad = call(
        kit,
        &key(),
        "POST",
        "/v1/records/posts",
        Some(json!({"stock": "x", "price": true})),
        &[],
    )
    .await;
    assert_eq!(bad.status, 422);
    assert_eq!(bad.json()["errors"].as_array().unwrap().len(), 2);
    // A key needs the permission, whatever rules say.
    let reader = crate::kit::asker(gate::Who::Key {
        id: U,
        scopes: std::sync::Arc::from(vec!["records.read".to_owned()]),
    });
    assert_eq!(
        call(
            kit,
            &reader,
            "POST",
            "/v1/records/posts",
            Some(json!({})),
            &[]
        )
        .await
        .fails(),
        (403, "permission_denied".into())
    );
    assert_eq!(
        call(kit, &reader, "GET", "/v1/records/posts", None, &[])
            .await
            .status,
        200
    );
}

async fn conditions_and_preferences(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({})).await;
    let path = format!("/v1/records/posts/{id}");
    let merge = async |headers: &[(&str, &str)]| {
        call(
            kit,
            &anon(),
            "PATCH",
            &path,
            Some(json!({"stock": 1})),
            headers,
        )
        .await
    };
    for tag in [
        "\"2\"", "1", "W/\"1\"", "\"x\"", "", "\"\"", "\"1", "\"01x\"",
    ] {
        assert_eq!(
            merge(&[("If-Match", tag)]).await.fails(),
            (412, "precondition_failed".into()),
            "{tag}"
        );
    }
    assert_eq!(merge(&[("If-Match", "\"9\", \"1\"")]).await.status, 200);
    assert_eq!(
        merge(&[("If-Match", "\"9\""), ("If-Match", "\"2\"")])
            .await
            .status,
        200
    );
    assert_eq!(merge(&[("If-Match", "*")]).await.status, 200);
    let minimal = merge(&[("Prefer", "respond-async, return=minimal")]).await;
    assert_eq!(
        (
            minimal.status,
            minimal.etag.as_deref(),
            minimal.text.as_str()
        ),
        (204, Some("\"5\""), "")
    );
    let made = call(
        kit,
        &anon(),
        "POST",
        "/v1/records/posts",
        Some(json!({})),
        &[("Prefer", "return=minimal")],
    )
    .await;
    assert_eq!((made.status, made.text.as_str()), (201, ""));
    assert_eq!(made.applied.as_deref(), Some("return=minimal"));
    let made = made.location.unwrap();
    let made = made.strip_prefix("posts/").unwrap();
    assert!(kit.get(&anon(), "posts", made).await.is_ok());
    assert_eq!(
        call(
            kit,
            &anon(),
            "DELETE",
            &path,
            None,
            &[("If-Match", "\"1\"")]
        )
        .await
        .status,
        412
    );
    assert_eq!(
        call(
            kit,
            &anon(),
            "DELETE",
            &path,
            None,
            &[("If-Match", "\"5\"")]
        )
        .await
        .status,
        204
    );
}

async fn retries_over_http(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("posts", every_type()).await;
    let post = async |key: &str, body: Json| {
        call(
            kit,
            &u(),
            "POST",
            "/v1/records/posts",
            Some(body),
            &[("Idempotency-Key", key)],
        )
        .await
    };
    let first = post("0123456789abcdef", json!({"title": "a"})).await;
    let again = post("0123456789abcdef", json!({"title": "a"})).await;
    assert_eq!(
        (first.status, &first.text, &first.etag),
        (again.status, &again.text, &again.etag)
    );
    assert_eq!(
        post("0123456789abcdef", json!({"title": "b"}))
            .await
            .fails(),
        (422, "idempotency_mismatch".into())
    );
    assert_eq!(
        post("short", json!({})).await.fails(),
        (400, "invalid_idempotency_key".into())
    );
    assert_eq!(kit.list(&key(), "posts", &[]).await.unwrap().len(), 1);
    let path = format!("/v1/records/posts/{}", first.json()["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(
            call(
                kit,
                &u(),
                "DELETE",
                &path,
                None,
                &[("Idempotency-Key", "0123456789abcdee")]
            )
            .await
            .status,
            204
        );
    }
}

async fn pages_over_http(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let empty = call(
        kit,
        &anon(),
        "GET",
        "/v1/records/posts?count=exact",
        None,
        &[],
    )
    .await;
    assert_eq!(empty.text, r#"{"items":[],"next_cursor":null,"total":0}"#);
    for n in 0..3 {
        kit.made("posts", json!({"stock": n, "title": "a b+c&d"}))
            .await;
    }
    let query =
        "filter=title%20%3D%3D%20params.t&params.t=a+b%2Bc%26d&sort=-stock&fields=stock&limit=2";
    let first = call(
        kit,
        &anon(),
        "GET",
        &format!("/v1/records/posts?{query}"),
        None,
        &[],
    )
    .await
    .json();
    assert_eq!(first["items"], json!([{"stock": 2}, {"stock": 1}]));
    assert_eq!(first.get("total"), None);
    let next = first["next_cursor"].as_str().unwrap();
    let second = call(
        kit,
        &anon(),
        "GET",
        &format!("/v1/records/posts?{query}&cursor={next}"),
        None,
        &[],
    )
    .await
    .json();
    assert_eq!(
        second,
        json!({"items": [{"stock": 0}], "next_cursor": null})
    );
    for (query, want) in [
        ("limit=0", "invalid_parameter"),
        ("filter=x", "invalid_filter"),
        ("sort=x", "invalid_sort"),
        ("cursor=x", "invalid_cursor"),
        ("x=1", "invalid_parameter"),
        ("fields=%22", "invalid_parameter"),
        ("filter=%ff%fe", "invalid_filter"),
    ] {
        assert_eq!(
            call(
                kit,
                &anon(),
                "GET",
                &format!("/v1/records/posts?{query}"),
                None,
                &[]
            )
            .await
            .fails(),
            (400, want.into()),
            "{query}"
        );
    }
    // A fault of a filter says where it is in words for people and in numbers for programs, of characters.
    for (filter, offset, length) in [("title == 'ä' && nothing > 1", 16, 7), ("title == ", 0, 0)] {
        let body = json!({"filter": filter});
        let path = "/v1/records/posts/query";
        let told = call(kit, &anon(), "POST", path, Some(body), &[])
            .await
            .json();
        let detail = told["detail"].as_str().unwrap();
        let place = (
            told["offset"].as_u64().unwrap(),
            told["length"].as_u64().unwrap(),
        );
        let words = format!("(characters {} to {})", place.0, place.0 + place.1);
        assert!(detail.ends_with(&words), "{told}");
        if length > 0 {
            assert_eq!(place, (offset, length), "{told}");
        }
    }
}
