//! One record: made, read, merged, deleted, and every way in which that is refused.

use crate::kit::{Kit, anon, at, both, code, every_type, faults, key, u};
use kernel::Code;
use serde_json::json;

both!(
    a_record_lives,
    names_that_cannot_be_written,
    bad_values_are_told_at_once,
    required_and_default,
    null_is_not_absent,
    shapes_of_one_record,
);

async fn a_record_lives(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let made = kit.create(&anon(), "posts", json!({"title": "Ä", "stock": 3, "price": 1.5, "open": true, "due": "2026-02-01T02:00:00.1234567+02:00"})).await.unwrap();
    let id = made["id"].as_str().unwrap();
    let want = json!({
        "id": id, "title": "Ä", "stock": 3, "price": 1.5, "open": true, "due": "2026-02-01T00:00:00.123456Z", "owner": null,
        "created_at": "2026-03-01T12:00:00.123456Z", "updated_at": "2026-03-01T12:00:00.123456Z", "_version": 1
    });
    assert_eq!(made, want);
    let order: Vec<&String> = made.as_object().unwrap().keys().collect();
    assert_eq!(
        order,
        [
            "id",
            "title",
            "stock",
            "price",
            "open",
            "due",
            "owner",
            "created_at",
            "updated_at",
            "_version"
        ]
    );
    assert_eq!(kit.get(&anon(), "posts", id).await.unwrap(), want);
    assert_eq!(
        kit.get(&anon(), "posts", &id.to_uppercase()).await.unwrap(),
        want
    );
    let later = at(anon(), "2026-03-02T00:00:00Z");
    let merged = kit
        .merge(&later, "posts", id, json!({"stock": 4}))
        .await
        .unwrap();
    assert_eq!(
        (&merged["stock"], &merged["_version"], &merged["title"]),
        (&json!(4), &json!(2), &json!("Ä"))
    );
    assert_eq!(
        (&merged["created_at"], &merged["updated_at"]),
        (&want["created_at"], &json!("2026-03-02T00:00:00.000000Z"))
    );
    assert_eq!(kit.get(&anon(), "posts", id).await.unwrap(), merged);
    kit.delete(&anon(), "posts", id).await.unwrap();
    assert_eq!(
        code(kit.get(&anon(), "posts", id).await),
        Code::RecordNotFound
    );
    assert_eq!(
        code(kit.delete(&anon(), "posts", id).await),
        Code::RecordNotFound
    );
    assert_eq!(
        code(kit.merge(&anon(), "posts", id, json!({})).await),
        Code::RecordNotFound
    );
    for nonsense in [
        "",
        "x",
        "../x",
        "role:admin",
        "00000000-0000-0000-0000-000000000000",
        &"a".repeat(1_000),
    ] {
        assert_eq!(
            code(kit.get(&anon(), "posts", nonsense).await),
            Code::RecordNotFound
        );
        assert_eq!(
            code(kit.merge(&anon(), "posts", nonsense, json!({})).await),
            Code::RecordNotFound
        );
        assert_eq!(
            code(kit.delete(&anon(), "posts", nonsense).await),
            Code::RecordNotFound
        );
    }
}

async fn names_that_cannot_be_written(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "a", "type": "text"}, {"name": "secret", "type": "text", "hidden": true}]),
    )
    .await;
    let bad = json!({"a": "x", "secret": "s", "nothing": 1, "created_at": "2026-01-01T00:00:00Z", "_version": 3, "A": 1, "a.b": 1, "__proto__": 1});
    let paths = [
        "/A",
        "/__proto__",
        "/_version",
        "/a.b",
        "/created_at",
        "/nothing",
        "/secret",
    ]
    .map(String::from)
    .to_vec();
    assert_eq!(
        faults(kit.create(&anon(), "posts", bad.clone()).await),
        (Code::UnknownField, paths.clone())
    );
    let id = kit.made("posts", json!({"a": "x", "secret": "s"})).await;
    assert_eq!(
        faults(kit.merge(&u(), "posts", &id, bad).await),
        (Code::UnknownField, paths)
    );
    assert_eq!(
        faults(
            kit.merge(&u(), "posts", &id, json!({"id": id, "updated_at": null}))
                .await
        ),
        (
            Code::ReadonlyField,
            vec!["/id".into(), "/updated_at".into()]
        )
    );
    // O2: a hidden field is an unknown one, word for word.
    let told = async |name: &str| {
        kit.create(&anon(), "posts", json!({name: "x"}))
            .await
            .unwrap_err()
    };
    let (hidden, unknown) = (told("secret").await, told("nought").await);
    assert_eq!(
        format!("{hidden:?}").replace("secret", "nought"),
        format!("{unknown:?}")
    );
    assert!(
        kit.get(&anon(), "posts", &id)
            .await
            .unwrap()
            .get("secret")
            .is_none()
    );
    assert_eq!(kit.get(&key(), "posts", &id).await.unwrap()["secret"], "s");
    assert!(
        kit.merge(&anon(), "posts", &id, json!({"a": "y"}))
            .await
            .unwrap()
            .get("secret")
            .is_none()
    );
    assert_eq!(
        kit.merge(&key(), "posts", &id, json!({"secret": "t"}))
            .await
            .unwrap()["secret"],
        "t"
    );
}

async fn bad_values_are_told_at_once(kit: &Kit) {
    let mut fields = every_type();
    fields[0]["min"] = json!(2);
    fields[0]["max"] = json!(4);
    fields[1]["min"] = json!(0);
    fields[1]["max"] = json!(9);
    kit.open("posts", fields).await;
    let all = ["/due", "/open", "/owner", "/price", "/stock", "/title"]
        .map(String::from)
        .to_vec();
    let bad = json!({"title": 1, "stock": 1.0, "price": "1", "open": 1, "due": "2026-02-30T00:00:00Z", "owner": "x"});
    assert_eq!(
        faults(kit.create(&anon(), "posts", bad.clone()).await),
        (Code::ValidationFailed, all.clone())
    );
    let id = kit.made("posts", json!({"title": "ab"})).await;
    assert_eq!(
        faults(kit.merge(&anon(), "posts", &id, bad).await),
        (Code::ValidationFailed, all)
    );
    let cases = [
        ("title", json!("a")),
        ("title", json!("abcde")),
        ("title", json!("äöüßx")),
        ("title", json!("a\u{0}b")),
        ("title", json!([])),
        ("stock", json!(-1)),
        ("stock", json!(10)),
        ("stock", json!(9_007_199_254_740_992_i64)),
        ("stock", json!(-9_007_199_254_740_992_i64)),
        ("stock", json!(u64::MAX)),
        ("due", json!("2026-01-01")),
        ("due", json!("2026-01-01 00:00:00Z")),
        ("due", json!("0000-12-31T23:59:59Z")),
        ("due", json!("9999-12-31T23:59:59-01:00")),
        ("due", json!(0)),
        ("open", json!("true")),
        ("owner", json!({"id": "x"})),
    ];
    for (name, value) in cases {
        assert_eq!(
            faults(kit.create(&anon(), "posts", json!({name: value})).await),
            (Code::ValidationFailed, vec![format!("/{name}")]),
            "{name} {value}"
        );
    }
    kit.create(&anon(), "posts", json!({"title": "äöüß", "stock": 9}))
        .await
        .unwrap();
}

async fn required_and_default(kit: &Kit) {
    let fields = json!([
        {"name": "a", "type": "text", "required": true},
        {"name": "b", "type": "bool", "required": true, "default": true},
        {"name": "c", "type": "number", "required": true},
        {"name": "d", "type": "text", "default": "d"}
    ]);
    kit.open("posts", fields).await;
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({"b": null})).await),
        (
            Code::ValidationFailed,
            vec!["/a".into(), "/b".into(), "/c".into()]
        )
    );
    let made = kit
        .create(&anon(), "posts", json!({"a": "", "c": 0}))
        .await
        .unwrap();
    assert_eq!(
        (&made["a"], &made["b"], &made["d"]),
        (&json!(""), &json!(true), &json!("d"))
    );
    let nothing = kit
        .create(&anon(), "posts", json!({"a": "", "c": 0, "d": null}))
        .await
        .unwrap();
    assert_eq!(
        nothing["d"],
        json!(null),
        "null is a value, not the absence of one"
    );
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        faults(
            kit.merge(
                &anon(),
                "posts",
                id,
                json!({"a": null, "c": null, "d": null})
            )
            .await
        ),
        (Code::ValidationFailed, vec!["/a".into(), "/c".into()])
    );
}

async fn null_is_not_absent(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({"title": "t", "stock": 1, "price": 1.5, "open": true, "due": "2026-01-01T00:00:00Z"})).await;
    let merged = kit
        .merge(&anon(), "posts", &id, json!({"title": null, "open": null}))
        .await
        .unwrap();
    assert_eq!(
        (
            &merged["title"],
            &merged["open"],
            &merged["stock"],
            &merged["price"]
        ),
        (&json!(null), &json!(null), &json!(1), &json!(1.5))
    );
    let merged = kit
        .merge(
            &anon(),
            "posts",
            &id,
            json!({"stock": null, "price": null, "due": null, "owner": null}),
        )
        .await
        .unwrap();
    assert_eq!(
        (
            &merged["stock"],
            &merged["price"],
            &merged["due"],
            &merged["_version"]
        ),
        (&json!(null), &json!(null), &json!(null), &json!(3))
    );
    // Nothing named is a write all the same.
    assert_eq!(
        kit.merge(&anon(), "posts", &id, json!({})).await.unwrap()["_version"],
        4
    );
}

async fn shapes_of_one_record(kit: &Kit) {
    kit.open("posts", json!([{"name": "a", "type": "text"}, {"name": "b", "type": "text"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    let id = kit.made("posts", json!({"a": "1", "b": "2"})).await;
    assert_eq!(
        kit.get_with(&anon(), "posts", &id, "fields=b,id,b")
            .await
            .unwrap(),
        json!({"b": "2", "id": id})
    );
    for (query, path) in [
        ("fields=secret", "?fields"),
        ("fields=x", "?fields"),
        ("fields=", "?fields"),
        ("expand=a", "?expand"),
        ("expand=secret", "?expand"),
        ("limit=1", "?limit"),
        ("filter=true", "?filter"),
        ("x=1", "?x"),
    ] {
        assert_eq!(
            faults(kit.get_with(&anon(), "posts", &id, query).await),
            (Code::InvalidParameter, vec![path.into()]),
            "{query}"
        );
    }
    assert_eq!(
        kit.get_with(&key(), "posts", &id, "fields=secret")
            .await
            .unwrap(),
        json!({"secret": null})
    );
}
