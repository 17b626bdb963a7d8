//! Who may ask why, and what is kept from them.

use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, asker, both, code, key, u, v};
use gate::{Settings, Who};
use kernel::Code;
use serde_json::{Value as Json, json};
use std::sync::Arc;
use uuid::Uuid;

both!(
    only_keys_and_operators_may_ask,
    in_development_everybody_may_ask_about_themselves,
    values_that_cannot_be_read_are_kept,
    what_cannot_be_viewed_is_absent,
    refused_writes_say_why_in_development,
    explanations_over_http
);

fn scoped(scopes: &[&str], operator: bool) -> data::Asker {
    let scopes: Arc<[String]> = scopes.iter().map(|s| (*s).to_owned()).collect();
    let id = Uuid::from_u128(9);
    asker(if operator {
        Who::Operator { id, scopes }
    } else {
        Who::Key { id, scopes }
    })
}

fn develop(kit: &Kit, development: bool) {
    kit.project.set_for_tests(Settings {
        development,
        ..Settings::default()
    });
}

async fn notes(kit: &Kit) {
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, Some("v@example.com")).await;
    kit.open("teams", json!([{"name": "lead", "type": "relation", "collection": "users"}, {"name": "code", "type": "text"}])).await;
    let fields = json!([
        {"name": "title", "type": "text"},
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "team", "type": "relation", "collection": "teams"},
        {"name": "secret", "type": "text", "hidden": true}
    ]);
    kit.open("notes", fields).await;
}

async fn only_keys_and_operators_may_ask(kit: &Kit) {
    notes(kit).await;
    let body = json!({"action": "create", "data": {}});
    let ask = async |asker: &data::Asker| kit.try_explain(asker, "notes", body.clone()).await;
    assert_eq!(code(ask(&anon()).await), Code::Unauthenticated);
    assert_eq!(code(ask(&u()).await), Code::PermissionDenied);
    // Not even that there is no such collection.
    assert_eq!(
        code(kit.try_explain(&u(), "nothing", body.clone()).await),
        Code::PermissionDenied
    );
    for operator in [false, true] {
        assert!(
            ask(&scoped(&["collections.read", "records.read"], operator))
                .await
                .is_ok()
        );
        assert!(ask(&scoped(&["*"], operator)).await.is_ok());
        // Who may not read records reads none by way of their rules.
        assert_eq!(
            code(ask(&scoped(&["collections.read"], operator)).await),
            Code::PermissionDenied
        );
    }
}

async fn in_development_everybody_may_ask_about_themselves(kit: &Kit) {
    notes(kit).await;
    kit.rules(
        "notes",
        json!({"create": "owner == auth.id", "list": "title == 'x'"}),
    )
    .await
    .unwrap();
    develop(kit, true);
    for (asker, answer, id) in [(u(), "false", json!(U)), (anon(), "unknown", Json::Null)] {
        let told = kit
            .try_explain(
                &asker,
                "notes",
                json!({"action": "create", "data": {"owner": V}}),
            )
            .await
            .unwrap();
        assert_eq!((&told["status"], &told["user"]), (&json!(403), &id));
        assert_eq!(told["checks"][0]["clause"]["answer"], answer);
        assert_eq!(
            told["checks"][0]["clause"]["values"],
            json!([{"name": "owner", "value": V}, {"name": "auth.id", "value": id}])
        );
        // Neither what the database is asked nor about anybody else.
        let told = kit
            .try_explain(&asker, "notes", json!({"action": "list"}))
            .await
            .unwrap();
        assert!(told.get("sql").is_none() && told.get("plan").is_none());
        for who in [
            json!({"user": V}),
            json!({"user": U}),
            json!({"anonymous": true}),
            json!({"roles": ["admin"]}),
            json!({}),
        ] {
            let got = kit
                .try_explain(&asker, "notes", json!({"action": "list", "as": who}))
                .await;
            assert_eq!(code(got), Code::PermissionDenied, "{who}");
        }
    }
    develop(kit, false);
    assert_eq!(
        code(
            kit.try_explain(&u(), "notes", json!({"action": "list"}))
                .await
        ),
        Code::PermissionDenied
    );
}

async fn values_that_cannot_be_read_are_kept(kit: &Kit) {
    notes(kit).await;
    kit.rules("users", json!({"view": "true"})).await.unwrap();
    develop(kit, true);
    let team = kit
        .made("teams", json!({"lead": V, "code": "sesame"}))
        .await;
    let id = kit
        .made(
            "notes",
            json!({"secret": "sesame", "team": team, "title": "a"}),
        )
        .await;
    let seen = async |asker: &data::Asker, name: &str, body: Json| -> Json {
        let told = kit.try_explain(asker, name, body).await.unwrap();
        told["checks"][0]["clause"]["values"].clone()
    };
    let cases = [
        (
            "secret == title",
            json!([{"name": "secret"}, {"name": "title", "value": "a"}]),
        ),
        (
            "record.secret == record.title",
            json!([{"name": "record.secret"}, {"name": "record.title", "value": "a"}]),
        ),
        (
            "next.secret == next.title",
            json!([{"name": "next.secret"}, {"name": "next.title", "value": "a"}]),
        ),
        (
            "lower(secret) == title",
            json!([{"name": "secret"}, {"name": "title", "value": "a"}]),
        ),
        (
            "team.code == title",
            json!([{"name": "team.code"}, {"name": "title", "value": "a"}]),
        ),
        (
            "team.lead == auth.id",
            json!([{"name": "team.lead"}, {"name": "auth.id", "value": U}]),
        ),
        (
            "size(collection('teams')) == 7",
            json!([{"name": "size(collection('teams'))"}]),
        ),
        (
            "(secret == 'x' ? secret : title) == 'b'",
            json!([{"name": "secret == 'x' ? secret : title"}]),
        ),
    ];
    for (rule, want) in cases {
        kit.rules("notes", json!({"update": rule})).await.unwrap();
        let body = json!({"action": "update", "record": id, "data": {}});
        assert_eq!(seen(&u(), "notes", body.clone()).await, want, "{rule}");
        let text = kit
            .try_explain(&u(), "notes", body.clone())
            .await
            .unwrap()
            .to_string();
        assert!(!text.contains("sesame"), "{text}");
        // A key reads them all.
        let mut body = body;
        body["as"] = json!({"user": U});
        let values = seen(&key(), "notes", body).await;
        assert!(
            values
                .as_array()
                .unwrap()
                .iter()
                .all(|v| v.get("value").is_some()),
            "{values}"
        );
    }
    // A field's own read rule: another's address.
    kit.rules("users", json!({"update": "email == 'x'"}))
        .await
        .unwrap();
    for (asker, want) in [
        (u(), json!([{"name": "email", "value": "u@example.com"}])),
        (v(), json!([{"name": "email"}])),
    ] {
        let body = json!({"action": "update", "record": U, "data": {}});
        assert_eq!(seen(&asker, "users", body).await, want);
    }
    // A hidden field cannot be written, nor looked for, as ever.
    let got = kit
        .try_explain(
            &u(),
            "notes",
            json!({"action": "create", "data": {"secret": "x"}}),
        )
        .await;
    assert_eq!(code(got), Code::UnknownField);
    let got = kit
        .try_explain(
            &u(),
            "notes",
            json!({"action": "list", "filter": "secret == 'x'"}),
        )
        .await;
    assert_eq!(code(got), Code::InvalidFilter);
}

async fn what_cannot_be_viewed_is_absent(kit: &Kit) {
    notes(kit).await;
    kit.rules("notes", json!({"view": "owner == auth.id", "list": "owner == auth.id", "update": "owner == auth.id", "delete": "true"})).await.unwrap();
    develop(kit, true);
    let theirs = kit.made("notes", json!({"owner": V})).await;
    let nowhere = "01990000-0000-7000-8000-0000000000ff";
    for act in ["view", "update", "delete", "list"] {
        let ask = async |id: &str| {
            let path = "/v1/collections/notes/explain";
            call(
                kit,
                &u(),
                "POST",
                path,
                Some(json!({"action": act, "record": id})),
                &[],
            )
            .await
        };
        let (there, absent) = (ask(&theirs).await, ask(nowhere).await);
        assert_eq!(there.fails(), (404, "record_not_found".to_owned()));
        assert_eq!(there.text, absent.text, "{act}");
        assert_eq!(
            kit.try_explain(&v(), "notes", json!({"action": act, "record": theirs}))
                .await
                .unwrap()["allowed"],
            true
        );
    }
}

async fn explanations_over_http(kit: &Kit) {
    notes(kit).await;
    kit.rules("notes", json!({"create": "owner == auth.id"}))
        .await
        .unwrap();
    let path = "/v1/collections/notes/explain";
    let body = json!({"action": "create", "data": {"owner": V}, "as": {"user": U}});
    let reply = call(kit, &key(), "POST", path, Some(body.clone()), &[]).await;
    assert_eq!(
        (reply.status, &reply.json()["checks"][0]["clause"]["text"]),
        (200, &json!("owner == auth.id"))
    );
    for (asker, status, want) in [
        (anon(), 401, "unauthenticated"),
        (u(), 403, "permission_denied"),
        (
            scoped(&["records.read", "records.write"], false),
            403,
            "permission_denied",
        ),
        (
            scoped(&["collections.write"], true),
            403,
            "permission_denied",
        ),
    ] {
        let reply = call(kit, &asker, "POST", path, Some(body.clone()), &[]).await;
        assert_eq!(reply.fails(), (status, want.to_owned()));
    }
    let reply = call(kit, &key(), "POST", path, Some(json!({"action": "x"})), &[]).await;
    assert_eq!(reply.fails(), (422, "validation_failed".to_owned()));
}

async fn refused_writes_say_why_in_development(kit: &Kit) {
    notes(kit).await;
    kit.rules("notes", json!({"create": "owner == auth.id", "update": "title == null || secret == title", "delete": null}))
        .await
        .unwrap();
    let id = kit
        .made("notes", json!({"title": "a", "secret": "sesame"}))
        .await;
    let refused = async |asker: &data::Asker| -> Vec<Option<String>> {
        let mut hints = Vec::new();
        for (method, path, body) in [
            (
                "POST",
                "/v1/records/notes".to_owned(),
                Some(json!({"owner": V})),
            ),
            (
                "PATCH",
                format!("/v1/records/notes/{id}"),
                Some(json!({"title": "b"})),
            ),
            ("DELETE", format!("/v1/records/notes/{id}"), None),
        ] {
            let reply = call(kit, asker, method, &path, body, &[]).await;
            assert_eq!(reply.fails(), (403, "rule_denied".to_owned()));
            assert!(!reply.text.contains("sesame"), "{}", reply.text);
            hints.push(
                reply
                    .json()
                    .get("hint")
                    .map(|h| h.as_str().unwrap().to_owned()),
            );
        }
        hints
    };
    assert_eq!(refused(&u()).await, [None, None, None]);
    develop(kit, true);
    let says = |text: &str| Some(text.to_owned());
    assert_eq!(
        refused(&u()).await,
        [
            says("In the rule create, characters 0 to 16, this is not true: owner == auth.id"),
            says("In the rule update, characters 0 to 13, this is not true: title == null"),
            says("The rule delete is null: only keys and operators pass."),
        ]
    );
    let stranger = refused(&anon()).await.remove(0);
    assert_eq!(
        stranger,
        says("In the rule create, characters 0 to 16, this is unknown: owner == auth.id")
    );
    // What cannot be viewed is absent still, without a word.
    kit.rules("notes", json!({"view": null, "update": "owner == auth.id"}))
        .await
        .unwrap();
    let path = format!("/v1/records/notes/{id}");
    let reply = call(kit, &u(), "PATCH", &path, Some(json!({"title": "b"})), &[]).await;
    let absent = call(
        kit,
        &u(),
        "PATCH",
        "/v1/records/notes/01990000-0000-7000-8000-0000000000ff",
        Some(json!({"title": "b"})),
        &[],
    )
    .await;
    assert_eq!((reply.status, &reply.text), (404, &absent.text));
}
