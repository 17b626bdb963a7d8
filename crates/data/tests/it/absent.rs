//! Fields that a caller may not know of do not exist: the same bytes as for what is nowhere, in every position.

use crate::http::{Reply, call};
use crate::kit::{Kit, U, V, add_user, both, key, query_string, u, v};
use data::Asker;
use serde_json::{Value as Json, json};

both!(
    hidden_names_do_not_exist_in_any_position,
    fields_that_are_not_the_callers_are_not_written,
    what_has_moved_out_of_view_is_told_without_its_contents,
);

pub const NOWHERE: &str = "01990000-0000-7000-8000-0000000000ff";

pub async fn send(kit: &Kit, asker: &Asker, method: &str, path: &str, body: Option<Json>) -> Reply {
    let reply = call(kit, asker, method, path, body, &[]).await;
    assert!(reply.status < 500, "{method} {path}: {}", reply.text);
    reply
}

/// Fields of several types that exist for keys only, beside some that everybody knows.
async fn vault(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("boxes", json!([{"name": "label", "type": "text"}, {"name": "secret", "type": "text", "hidden": true}]))
        .await;
    let mut fields = vec![
        json!({"name": "title", "type": "text"}),
        json!({"name": "meta", "type": "json"}),
        json!({"name": "box", "type": "relation", "collection": "boxes"}),
    ];
    for (name, kind) in HIDDEN {
        let mut field = kind.parse::<Json>().unwrap();
        (field["name"], field["hidden"]) = (json!(name), json!(true));
        fields.push(field);
    }
    kit.open("things", json!(fields)).await;
    let place = kit
        .made("boxes", json!({"label": "b", "secret": "m"}))
        .await;
    kit.made(
        "things",
        json!({"title": "t", "box": place, "hid_text": "m", "hid_n": 1}),
    )
    .await;
}

const HIDDEN: [(&str, &str); 8] = [
    ("hid_text", r#"{"type": "text"}"#),
    ("hid_n", r#"{"type": "number", "format": "integer"}"#),
    ("hid_bool", r#"{"type": "bool"}"#),
    ("hid_json", r#"{"type": "json"}"#),
    (
        "hid_list",
        r#"{"type": "select", "values": ["a"], "multiple": true}"#,
    ),
    ("hid_box", r#"{"type": "relation", "collection": "boxes"}"#),
    ("hid_geo", r#"{"type": "geo"}"#),
    ("hid_due", r#"{"type": "datetime"}"#),
];

const FILTERS: [&str; 26] = [
    "NAME == 'm'",
    "NAME.matches_like('m%')",
    "!(NAME > 'm')",
    "title == 't' || NAME == 'm'",
    "title == 't' && !(NAME == 'm')",
    "title == 'x' ? NAME == 'm' : true",
    "NAME == null",
    "has(NAME)",
    "size(NAME) > 3",
    "NAME.contains('m')",
    "lower(NAME) == 'm'",
    "'m' in NAME",
    "NAME in ['m']",
    "NAME in params.list",
    "NAME == params.p",
    "NAME > 3",
    "NAME + 1 > 3",
    "NAME",
    "json(NAME, 'a') == 'x'",
    "distance(NAME, point(1, 1)) < 5",
    "within(NAME, box(0, 0, 1, 1))",
    "NAME.getFullYear() == 2026",
    "record.NAME == 'm'",
    "NAME.label == 'x'",
    "collection('things').exists(t, t.NAME == 'm')",
    "box.things_via_box.exists(t, t.NAME == 'm')",
];

async fn hidden_names_do_not_exist_in_any_position(kit: &Kit) {
    vault(kit).await;
    let before = kit.dump(&["things", "boxes"]).await;
    let filters = FILTERS.map(str::to_owned);
    let sorts = ["NAME", "-NAME", "title,-NAME", "box.NAME", "meta.NAME"];
    let measures = [
        "min(NAME)",
        "max(NAME)",
        "sum(NAME)",
        "count(NAME)",
        "count(distinct NAME)",
    ];
    let mut asks: Vec<(&str, String, Option<Json>)> = Vec::new();
    let list = |query: &[(&str, &str)]| format!("/v1/records/things?{}", query_string(query));
    let params = json!({"p": "m", "list": ["m"]});
    for filter in &filters {
        if !filter.contains("params.list") {
            asks.push(("GET", list(&[("filter", filter), ("params.p", "m")]), None));
        }
        let body = |more: Json| {
            let mut body = json!({"filter": filter, "params": params});
            body.as_object_mut()
                .unwrap()
                .extend(crate::kit::object(more));
            Some(body)
        };
        for (path, more) in [
            ("query", json!({})),
            ("aggregate", json!({"measures": {"n": "count()"}})),
            ("update", json!({"set": {"title": "x"}})),
            ("delete", json!({})),
        ] {
            asks.push(("POST", format!("/v1/records/things/{path}"), body(more)));
        }
        let inner = json!({"expand": {"things_via_box": {"filter": filter, "params": params}}});
        asks.push(("POST", "/v1/records/boxes/query".to_owned(), Some(inner)));
    }
    for sort in sorts {
        asks.push(("GET", list(&[("sort", sort)]), None));
        asks.push((
            "POST",
            "/v1/records/things/query".to_owned(),
            Some(json!({"sort": sort})),
        ));
    }
    for of in measures {
        let body = json!({"measures": {"n": of}});
        asks.push((
            "POST",
            "/v1/records/things/aggregate".to_owned(),
            Some(body),
        ));
    }
    for group in ["NAME", "box.NAME"] {
        let body = json!({"group_by": [group], "measures": {"n": "count()"}});
        asks.push((
            "POST",
            "/v1/records/things/aggregate".to_owned(),
            Some(body),
        ));
    }
    for text in [
        "NAME",
        "box.things_via_NAME",
        "box(fields:NAME)",
        "things_via_NAME",
    ] {
        asks.push(("GET", list(&[("expand", text)]), None));
    }
    asks.push(("GET", list(&[("fields", "title,NAME")]), None));
    asks.push((
        "POST",
        "/v1/records/things".to_owned(),
        Some(json!({"NAME": "m"})),
    ));
    for (n, (method, path, body)) in asks.into_iter().enumerate() {
        let mut told = Vec::new();
        // Each time another of those that are hidden, beside the one that is nowhere.
        for name in [HIDDEN[n % 8].0, "hid_none"] {
            let body = body
                .clone()
                .map(|b| b.to_string().replace("NAME", name).parse().unwrap());
            let path = path.replace("NAME", name);
            let reply = send(kit, &u(), method, &path, body).await;
            assert_eq!(reply.status, 400, "{method} {path}: {}", reply.text);
            // The place of a fault counts characters: all names but one are as long as each other.
            let text = reply.text.replace(name, "NAME");
            told.push(text.replace(|c: char| c.is_ascii_digit(), ""));
        }
        let last = told.last().cloned();
        assert!(
            told.iter().all(|t| Some(t) == last.as_ref()),
            "{method} {path} {told:#?}"
        );
    }
    assert_eq!(kit.dump(&["things", "boxes"]).await, before);
    // A filter is a text and nothing else.
    for filter in [
        json!(["hid_text"]),
        json!({"hid_text": "m"}),
        json!(1),
        json!(true),
    ] {
        let body = Some(json!({"filter": filter}));
        for path in ["query", "update", "delete", "aggregate"] {
            let reply = send(
                kit,
                &u(),
                "POST",
                &format!("/v1/records/things/{path}"),
                body.clone(),
            )
            .await;
            assert!(
                matches!(reply.status, 400 | 422),
                "{path} {filter} {}",
                reply.text
            );
        }
    }
    assert_eq!(kit.dump(&["things", "boxes"]).await, before);
}

/// Whatever way a record is written: names that are not the caller's are refused, and nothing is done.
async fn fields_that_are_not_the_callers_are_not_written(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("lists", json!([{"name": "label", "type": "text"}]))
        .await;
    let fields = json!([
        {"name": "title", "type": "text"},
        {"name": "owner", "type": "text", "read_only": true},
        {"name": "secret", "type": "text", "hidden": true},
        {"name": "grade", "type": "text", "write": null},
        {"name": "list", "type": "relation", "collection": "lists"}
    ]);
    kit.open("notes", fields).await;
    let id = kit.made("notes", json!({"title": "t", "owner": "o"})).await;
    let before = kit.dump(&["notes", "lists"]).await;
    for name in [
        "project_id",
        "created_at",
        "updated_at",
        "_version",
        "verified",
        "role",
        "is_admin",
        "password_hash",
        "token_key",
        "owner",
        "secret",
        "grade",
        "Title",
        "Role",
        "profile.role",
        "title.x",
        "title ",
        "$set",
        "__proto__",
        "constructor",
        "",
        "rowid",
        "xmin",
        "expand",
        "record",
    ] {
        let data = json!({"title": "x", name: "y"});
        let op = |op: &str, id: &str| {
            Some(json!({"operations": [{"op": op, "collection": "notes", "id": id, "data": data}]}))
        };
        let record = format!("/v1/records/notes/{id}");
        for (method, path, body) in [
            ("POST", "/v1/records/notes", Some(data.clone())),
            ("PUT", record.as_str(), Some(data.clone())),
            ("PATCH", record.as_str(), Some(data.clone())),
            (
                "PATCH",
                record.as_str(),
                Some(json!({name: {"set_if_absent": "y"}})),
            ),
            (
                "POST",
                "/v1/records/notes/update",
                Some(json!({"filter": "true", "set": data})),
            ),
            ("POST", "/v1/batch", op("create", NOWHERE)),
            ("POST", "/v1/batch", op("update", &id)),
            ("POST", "/v1/batch", op("upsert", &id)),
            (
                "POST",
                "/v1/records/lists",
                Some(json!({"label": "l", "notes_via_list": [data]})),
            ),
        ] {
            let reply = send(kit, &u(), method, path, body.clone()).await;
            let (status, code) = reply.fails();
            assert!(
                status == 400 && matches!(code.as_str(), "readonly_field" | "unknown_field"),
                "{method} {path} {name:?}: {}",
                reply.text
            );
        }
    }
    // What is right may not hide what is wrong within it.
    for data in [
        json!({"title": {"x": 1}}),
        json!({"title": ["a"]}),
        json!({"title": {"$ne": 1}}),
    ] {
        for (method, path) in [
            ("POST", "/v1/records/notes".to_owned()),
            ("PATCH", format!("/v1/records/notes/{id}")),
        ] {
            assert_eq!(
                send(kit, &u(), method, &path, Some(data.clone()))
                    .await
                    .status,
                422,
                "{data}"
            );
        }
    }
    assert_eq!(kit.dump(&["notes", "lists"]).await, before);
}

/// A reader of changes is told that a record is gone, and nothing of what it became after.
async fn what_has_moved_out_of_view_is_told_without_its_contents(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "text", "type": "text"},
        {"name": "owner", "type": "relation", "collection": "users"}
    ]);
    kit.collection(json!({"name": "notes", "fields": fields, "template": "owner"}))
        .await;
    let id = kit.made("notes", json!({"text": "seen", "owner": U})).await;
    let since = kit.place().await;
    for change in [
        json!({"owner": V}),
        json!({"text": "unseen"}),
        json!({"text": "unseen too"}),
    ] {
        kit.merge(&key(), "notes", &id, change).await.unwrap();
    }
    kit.stamped().await;
    let path = format!("/v1/changes?since={since}&collections=notes");
    let reply = send(kit, &u(), "GET", &path, None).await;
    let items = reply.json()["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 1, "{items}");
    assert_eq!(
        (&items[0]["id"], items[0].get("record")),
        (&json!(id), None),
        "{items}"
    );
    assert!(!reply.text.contains("unseen"), "{}", reply.text);
    let theirs = send(kit, &v(), "GET", &path, None).await;
    assert!(theirs.text.contains("unseen too"), "{}", theirs.text);
}
