//! Rules of single fields, as writers, users and those who ask why meet them.

use crate::kit::{Kit, U, V, add_user, anon, both, faults, key, now, object, u, v};
use data::{NewUser, Query};
use kernel::Code;
use serde_json::{Map, Value as Json, json};

both!(
    write_rules_are_asked_of_what_is_sent,
    write_rules_may_look_at_other_records,
    guesses_are_not_answered,
    users_see_what_they_may_of_themselves,
    faults_of_field_rules_are_told,
    field_rules_are_explained,
    explanations_keep_what_may_not_be_read,
);

const MINE: &str = "owner == auth.id";

async fn write_rules_are_asked_of_what_is_sent(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "title", "type": "text"},
        {"name": "price", "type": "number", "write": MINE, "default": 1},
        {"name": "state", "type": "text", "write": "next.state != 'done' || record.price > 5"},
        {"name": "grade", "type": "text", "write": null, "default": "c"},
        {"name": "open", "type": "text", "write": "true"}
    ]);
    kit.open("posts", fields).await;
    let not_writable = |result: Result<Json, gate::Problem>, fields: &[&str]| {
        let problem = result.unwrap_err();
        let told: Vec<_> = problem
            .field_errors()
            .iter()
            .map(|e| (e.path.as_str(), e.code))
            .collect();
        let want: Vec<_> = fields.iter().map(|f| (*f, "not_writable")).collect();
        assert_eq!((problem.code(), told), (Code::RuleDenied, want));
    };
    // A record that is made is the row before and after.
    let made = kit
        .create(
            &u(),
            "posts",
            json!({"owner": U, "price": 3, "state": "new", "open": "x"}),
        )
        .await
        .unwrap();
    let a = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["grade"], "c");
    let before = kit.dump(&["posts"]).await;
    not_writable(
        kit.create(&u(), "posts", json!({"owner": V, "price": 3}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.create(&anon(), "posts", json!({"price": 3, "state": "done"}))
            .await,
        &["/price", "/state"],
    );
    // Only who sends a field is asked for it: a default passes.
    assert_eq!(kit.dump(&["posts"]).await, before);
    let b = kit
        .create(&u(), "posts", json!({"owner": V}))
        .await
        .unwrap();
    let b = b["id"].as_str().unwrap().to_owned();
    // A change must be allowed on the row as it was, whatever it becomes, and as it will be.
    let before = kit.dump(&["posts"]).await;
    not_writable(
        kit.merge(&u(), "posts", &b, json!({"price": 9})).await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &b, json!({"price": 9, "owner": U}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &a, json!({"price": 9, "owner": V}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &b, json!({"price": {"increment": 1}}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &a, json!({"state": "done", "price": 9}))
            .await,
        &["/state"],
    );
    let op =
        |op: &str, data: Json| json!([{"op": op, "collection": "posts", "id": b, "data": data}]);
    for of in ["update", "upsert"] {
        let result = kit.batch(&u(), op(of, json!({"price": 9}))).await;
        not_writable(result, &["/operations/0/data/price"]);
    }
    for change in [
        json!({"grade": "a"}),
        json!({"grade": null}),
        json!({"grade": {"set_if_absent": "a"}}),
    ] {
        assert_eq!(
            faults(kit.merge(&u(), "posts", &a, change).await),
            (Code::ReadonlyField, vec!["/grade".into()])
        );
    }
    assert_eq!(
        faults(kit.create(&u(), "posts", json!({"grade": "a"})).await),
        (Code::ReadonlyField, vec!["/grade".into()])
    );
    assert_eq!(kit.dump(&["posts"]).await, before);
    kit.merge(&u(), "posts", &a, json!({"price": 9}))
        .await
        .unwrap();
    kit.merge(&v(), "posts", &a, json!({"state": "done"}))
        .await
        .unwrap();
    kit.merge(
        &key(),
        "posts",
        &a,
        json!({"grade": "a", "price": 2, "state": "done"}),
    )
    .await
    .unwrap();
    // The record's own rule is asked first, and of what is not to be seen nothing is said.
    kit.rules("posts", json!({"view": MINE, "update": MINE}))
        .await
        .unwrap();
    assert_eq!(
        faults(kit.merge(&u(), "posts", &b, json!({"price": 9})).await),
        (Code::RecordNotFound, Vec::new())
    );
}

async fn write_rules_may_look_at_other_records(kit: &Kit) {
    add_user(kit, U, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "chief", "type": "bool", "write": "collection('posts').exists(p, p.owner == auth.id && p.chief)"},
        {"name": "last", "type": "bool", "write": "!collection('posts').exists(p, p.last)", "default": false}
    ]);
    kit.open("posts", fields).await;
    let refused = async |data: Json| faults(kit.create(&u(), "posts", data).await);
    // A record does not vouch for itself.
    let chief = json!({"owner": U, "chief": true});
    assert_eq!(
        refused(chief.clone()).await,
        (Code::RuleDenied, vec!["/chief".into()])
    );
    let id = kit
        .create(&u(), "posts", json!({"owner": U}))
        .await
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        faults(kit.merge(&u(), "posts", &id, json!({"chief": true})).await),
        (Code::RuleDenied, vec!["/chief".into()])
    );
    kit.made("posts", chief.clone()).await;
    kit.create(&u(), "posts", chief).await.unwrap();
    // After the change the rule is asked once more, of the world with it.
    kit.merge(&u(), "posts", &id, json!({"last": false}))
        .await
        .unwrap();
    let before = kit.dump(&["posts"]).await;
    assert_eq!(
        faults(kit.merge(&u(), "posts", &id, json!({"last": true})).await),
        (Code::RuleDenied, vec!["/last".into()])
    );
    assert_eq!(kit.dump(&["posts"]).await, before);
}

async fn guesses_are_not_answered(kit: &Kit) {
    let fields = json!([
        {"name": "pin", "type": "text", "max": 100, "read": null, "write_once": true},
        {"name": "title", "type": "text"}
    ]);
    kit.open("posts", fields).await;
    let id = kit.made("posts", json!({"pin": "7"})).await;
    let mut answers = Vec::new();
    for guess in ["7", "8"] {
        let operation =
            json!([{"op": "upsert", "collection": "posts", "id": id, "data": {"pin": guess}}]);
        answers.push(faults(kit.batch(&anon(), operation).await));
    }
    assert_eq!(answers[0], answers[1]);
}

async fn users_see_what_they_may_of_themselves(kit: &Kit) {
    let add = json!([
        {"name": "nick", "type": "text"},
        {"name": "credit", "type": "number", "read": null, "write": null, "default": 5},
        {"name": "city", "type": "text", "read": "id == auth.id"},
        {"name": "late", "type": "text", "read": "now > created_at", "default": "x"},
        {"name": "peers", "type": "text", "read": "collection('users').all(o, o.id == auth.id)", "default": "y"},
        {"name": "plan", "type": "text", "write": "plan == 'free'"}
    ]);
    kit.change("users", json!({"fields": {"add": add}}))
        .await
        .unwrap();
    let make = async |id, profile: Json| {
        let new = NewUser {
            profile: object(profile),
            ..NewUser::new(id, now())
        };
        let (data, project) = (kit.data.clone(), kit.project.clone());
        let made = kit
            .db
            .write(async move |tx: &store::WriteTx| data.create_user(&project, tx, &new).await)
            .await;
        made.map_err(gate::Problem::from)
    };
    assert_eq!(
        faults(make(U, json!({"credit": 9})).await),
        (Code::ReadonlyField, vec!["/credit".into()])
    );
    assert_eq!(
        faults(make(U, json!({"plan": "gold"})).await),
        (Code::RuleDenied, vec!["/plan".into()])
    );
    let made = make(U, json!({"nick": "n", "city": "c", "plan": "free"}))
        .await
        .unwrap();
    let kept = |view: &Map<String, Json>| {
        ["nick", "credit", "city", "late", "peers", "plan"].map(|n| view[n].clone())
    };
    let alone = [
        json!("n"),
        Json::Null,
        json!("c"),
        Json::Null,
        json!("y"),
        json!("free"),
    ];
    assert_eq!(kept(&made.view), alone);
    assert_eq!(
        kept(
            &kit.data
                .get_user(&kit.project, U)
                .await
                .unwrap()
                .unwrap()
                .view
        ),
        alone
    );
    add_user(kit, V, None).await;
    let found = kit.data.get_user(&kit.project, U).await.unwrap().unwrap();
    assert_eq!(found.view["peers"], Json::Null);
    kit.rules("users", json!({"list": "true"})).await.unwrap();
    let query = Query {
        sort: Some("created_at".to_owned()),
        ..Query::default()
    };
    assert!(
        kit.data
            .list(&kit.project, &v(), "users", &query)
            .await
            .is_ok()
    );
    assert_eq!(
        kit.values(&v(), "users", "city", &[("filter", "city == 'c'")])
            .await,
        [Json::Null; 0]
    );
}

async fn faults_of_field_rules_are_told(kit: &Kit) {
    let field = |more: Json| {
        let mut field = object(json!({"name": "a", "type": "text"}));
        field.extend(object(more));
        json!({"name": "posts", "fields": [field]})
    };
    for (more, of, path) in [
        (
            json!({"read": "b == 1"}),
            Code::InvalidRule,
            "/fields/0/read",
        ),
        (
            json!({"write": "a == 1"}),
            Code::InvalidRule,
            "/fields/0/write",
        ),
        (
            json!({"read": ""}),
            Code::ValidationFailed,
            "/fields/0/read",
        ),
        (
            json!({"write": 1}),
            Code::ValidationFailed,
            "/fields/0/write",
        ),
    ] {
        assert_eq!(
            faults(kit.try_collection(field(more)).await),
            (of, vec![path.into()])
        );
    }
    let made = kit
        .collection(field(json!({"read": "a != 'x'", "write": null})))
        .await;
    assert_eq!(
        (&made["fields"][0]["read"], &made["fields"][0]["write"]),
        (&json!("a != 'x'"), &Json::Null)
    );
    let add =
        |read: &str| json!({"fields": {"add": [{"name": "c", "type": "text", "read": read}]}});
    assert_eq!(
        faults(kit.change("posts", add("b == 1")).await),
        (Code::InvalidRule, vec!["/fields/add/0/read".into()])
    );
    let changed = kit.change("posts", add("c != a")).await.unwrap();
    assert!(changed["fields"][1].get("write").is_none(), "{changed}");
    // What a field's own rule names stays, and keeps its name, unless the change writes the rule anew.
    for there in [json!({"drop": ["a"]}), json!({"rename": {"a": "z"}})] {
        let told = faults(kit.change("posts", json!({"fields": there})).await);
        assert_eq!(told.0, Code::Referenced, "{told:?}");
    }
    // What another collection's field rule names stays.
    let other = json!({"name": "others", "fields": [{"name": "a", "type": "text", "read": "collection('posts').exists(p, p.a == a)"}]});
    kit.collection(other).await;
    let refused = kit
        .data
        .delete_collection(&kit.project, &key(), "posts", None)
        .await;
    let refused = refused.map_err(gate::Problem::from);
    assert_eq!(
        faults(refused),
        (Code::Referenced, vec!["/others/a/read".into()])
    );
}

/// Whoever may ask why is shown the values that it can read: a read rule over other records is not taken for true
/// because none of them are looked at.
async fn explanations_keep_what_may_not_be_read(kit: &Kit) {
    kit.project.set_for_tests(gate::Settings {
        development: true,
        ..gate::Settings::default()
    });
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([{"name": "gift", "type": "text", "read": "collection('users').all(o, o.id == auth.id)"}]);
    let rules = json!({"view": "true", "update": "gift == 'x'"});
    kit.collection(json!({"name": "posts", "fields": fields, "rules": rules}))
        .await;
    let id = kit.made("posts", json!({"gift": "secret"})).await;
    let asked = json!({"action": "update", "record": id, "data": {}});
    let told = kit.try_explain(&u(), "posts", asked).await.unwrap();
    assert_eq!(told["status"], 403);
    assert!(!told.to_string().contains("secret"), "{told}");
}

async fn field_rules_are_explained(kit: &Kit) {
    add_user(kit, U, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "price", "type": "number", "write": MINE}
    ]);
    kit.open("posts", fields).await;
    let id = kit.made("posts", json!({"owner": U, "price": 1})).await;
    let of = |user, data: Json| json!({"action": "update", "record": id, "data": data, "as": {"user": user}});
    let told = kit.explain("posts", of(U, json!({"price": 2}))).await;
    assert_eq!(
        (&told["allowed"], &told["status"]),
        (&json!(true), &json!(200))
    );
    add_user(kit, V, None).await;
    let told = kit.explain("posts", of(V, json!({"price": 2}))).await;
    assert_eq!(
        (&told["allowed"], &told["status"]),
        (&json!(false), &json!(403))
    );
    let last = told["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["rule"], &last["field"], &last["clause"]["text"]),
        (&json!("write"), &json!("price"), &json!(MINE))
    );
    let made = json!({"action": "create", "data": {"owner": U, "price": 2}, "as": {"user": V}});
    assert_eq!(kit.explain("posts", made).await["status"], 403);
}
