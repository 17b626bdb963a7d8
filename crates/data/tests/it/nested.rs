//! Records made together with those that point to them.

use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, body, both, claim, code, faults, key, u, v};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    children_are_made_with_their_parent,
    each_is_judged_by_its_own_rules,
    all_faults_are_told_with_their_places,
    one_that_fails_undoes_all,
    there_are_limits,
    retries_and_conditions,
    operations_of_a_batch_bring_records,
);

async fn orders(kit: &Kit, lines: &str) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let mine = "owner == auth.id";
    let rules = json!({"list": mine, "view": mine, "create": mine, "update": mine, "delete": mine});
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "customer", "type": "text", "required": true}
    ]);
    kit.collection(json!({"name": "orders", "fields": fields, "rules": rules}))
        .await;
    let fields = json!([
        {"name": "order", "type": "relation", "collection": "orders", "required": true},
        {"name": "secret", "type": "relation", "collection": "orders", "hidden": true},
        {"name": "fixed", "type": "relation", "collection": "orders", "write": null},
        {"name": "title", "type": "text", "required": true, "max": 20, "unique": true},
        {"name": "cost", "type": "number", "read": null}
    ]);
    let rules = json!({"list": "true", "view": "true", "create": lines});
    kit.collection(json!({"name": "order_lines", "fields": fields, "rules": rules}))
        .await;
    let fields = json!([{"name": "line", "type": "relation", "collection": "order_lines"}, {"name": "text", "type": "text"}]);
    kit.open("remarks", fields).await;
}

const MEMBER: &str = "order_lines_via_order";

fn count(kit: &Kit, of: &str) -> impl Future<Output = i64> {
    let sql = format!(r#"SELECT count(*) AS n FROM "project"."{of}""#);
    async move { kit.number(&sql).await }
}

async fn children_are_made_with_their_parent(kit: &Kit) {
    orders(kit, "order.owner == auth.id").await;
    let order = json!({"owner": U, "customer": "c", MEMBER: [
        {"title": "a", "cost": 5, "remarks_via_line": [{"text": "x"}, {"text": "y"}]},
        {"title": "b", "remarks_via_line": []}
    ]});
    let reply = call(kit, &u(), "POST", "/v1/records/orders", Some(order), &[]).await;
    assert_eq!(
        (reply.status, reply.etag.clone()),
        (201, None),
        "{}",
        reply.text
    );
    let made = reply.json();
    let lines = made["expand"][MEMBER]["items"].as_array().unwrap();
    assert_eq!((made["customer"].clone(), lines.len()), (json!("c"), 2));
    assert_eq!(
        (&lines[0]["order"], &lines[0]["title"], &lines[0]["cost"]),
        (&made["id"], &json!("a"), &Json::Null)
    );
    assert_eq!(
        lines[1]["expand"]["remarks_via_line"],
        json!({"items": [], "next_cursor": null})
    );
    let remarks = &lines[0]["expand"]["remarks_via_line"]["items"];
    assert_eq!(
        (&remarks[1]["text"], &remarks[1]["line"]),
        (&json!("y"), &lines[0]["id"])
    );
    // As a reader finds them, and as the change log has them: parents first.
    let query = format!(
        "/v1/records/orders/{}?expand={MEMBER}(sort:id)",
        made["id"].as_str().unwrap()
    );
    let read = call(kit, &u(), "GET", &query, None, &[]).await.json();
    let ids = |record: &Json| -> Vec<Json> {
        record["expand"][MEMBER]["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["id"].clone())
            .collect()
    };
    assert_eq!(ids(&read), ids(&made));
    assert_eq!(
        kit.told(&key(), "since=0&collections=orders,order_lines,remarks")
            .await
            .len(),
        5
    );
    // The parent may bring its id.
    let id = "01990000-0000-7000-8000-00000000000a";
    let order = json!({"id": id, "owner": U, "customer": "c", MEMBER: [{"title": "c"}]});
    assert_eq!(
        kit.create(&u(), "orders", order).await.unwrap()["expand"][MEMBER]["items"][0]["order"],
        id
    );
}

async fn each_is_judged_by_its_own_rules(kit: &Kit) {
    orders(kit, "order.owner == auth.id && title != 'no'").await;
    let order = |owner, title: &str| json!({"owner": owner, "customer": "c", MEMBER: [{"title": "ok"}, {"title": title}]});
    let before = kit.dump(&["orders", "order_lines"]).await;
    let path = format!("/{MEMBER}/1");
    assert_eq!(
        faults(kit.create(&u(), "orders", order(U, "no")).await),
        (Code::RuleDenied, vec![path])
    );
    assert_eq!(
        faults(kit.create(&v(), "orders", order(U, "x")).await),
        (Code::RuleDenied, Vec::new())
    );
    assert_eq!(
        code(kit.create(&anon(), "orders", order(U, "x")).await),
        Code::RuleDenied
    );
    kit.rules("order_lines", json!({"create": null}))
        .await
        .unwrap();
    let path = format!("/{MEMBER}/0");
    assert_eq!(
        faults(kit.create(&u(), "orders", order(U, "x")).await),
        (Code::RuleDenied, vec![path])
    );
    assert_eq!(
        kit.dump(&["orders", "order_lines"])
            .await
            .lines()
            .filter(|l| l.starts_with("order"))
            .count(),
        before.lines().filter(|l| l.starts_with("order")).count()
    );
    // A child that may not be seen is told by its id; a parent, too.
    kit.rules("order_lines", json!({"create": "true", "view": null}))
        .await
        .unwrap();
    let made = kit.create(&u(), "orders", order(U, "x")).await.unwrap();
    let child = made["expand"][MEMBER]["items"][0].as_object().unwrap();
    assert_eq!(child.keys().collect::<Vec<_>>(), ["id", "_version"]);
    // What is hidden leads nowhere, what only keys write is refused.
    for member in [
        "order_lines_via_secret",
        "order_lines_via_krma",
        "nothing_via_order",
        "orders_via_owner",
        "a_via_b_via_c",
    ] {
        let order = json!({"owner": U, "customer": "c", member: [{"title": "z"}]});
        assert_eq!(
            faults(kit.create(&u(), "orders", order).await),
            (Code::UnknownField, vec![format!("/{member}")]),
            "{member}"
        );
    }
    let order = json!({"owner": U, "customer": "c", "order_lines_via_fixed": [{"title": "z"}]});
    assert_eq!(
        faults(kit.create(&u(), "orders", order).await),
        (
            Code::ReadonlyField,
            vec!["/order_lines_via_fixed/0/fixed".into()]
        )
    );
}

async fn all_faults_are_told_with_their_places(kit: &Kit) {
    orders(kit, "true").await;
    let id = "01990000-0000-7000-8000-00000000000a";
    let before = kit.dump(&["orders", "order_lines"]).await;
    let order = json!({"owner": U, MEMBER: [
        {"title": "a", "order": id},
        {"title": 1},
        "x",
        {"title": "ok", "remarks_via_line": {"text": "x"}},
        {"remarks_via_line": [{"text": 1}]}
    ]});
    let paths = [
        "/0/order",
        "/1/title",
        "/2",
        "/3/remarks_via_line",
        "/4/remarks_via_line/0/text",
        "/4/title",
    ];
    let mut want: Vec<String> = paths.iter().map(|p| format!("/{MEMBER}{p}")).collect();
    want.insert(0, "/customer".to_owned());
    assert_eq!(
        faults(kit.create(&u(), "orders", order).await),
        (Code::ValidationFailed, want)
    );
    // A change brings no records, nor does an operation that may change one.
    let change = json!({MEMBER: [{"title": "x"}]});
    let made = kit
        .made("orders", json!({"customer": "c", "owner": U}))
        .await;
    assert_eq!(
        code(kit.merge(&u(), "orders", &made, change.clone()).await),
        Code::UnknownField
    );
    let operation = json!([{"op": "upsert", "collection": "orders", "id": id, "data": change}]);
    assert_eq!(code(kit.batch(&u(), operation).await), Code::UnknownField);
    let lines = |dump: &str| {
        dump.lines()
            .filter(|l| l.starts_with("order_lines"))
            .count()
    };
    assert_eq!(
        lines(&kit.dump(&["orders", "order_lines"]).await),
        lines(&before)
    );
}

async fn one_that_fails_undoes_all(kit: &Kit) {
    orders(kit, "true").await;
    let before = kit.dump(&["orders", "order_lines", "remarks"]).await;
    let order = json!({"owner": U, "customer": "c", MEMBER: [{"title": "a"}, {"title": "a"}]});
    assert_eq!(
        faults(kit.create(&u(), "orders", order).await),
        (Code::Duplicate, vec![format!("/{MEMBER}/1/title")])
    );
    let nobody = "01990000-0000-7000-8000-0000000000ff";
    let order = json!({"owner": nobody, "customer": "c", MEMBER: [{"title": "a"}]});
    assert_eq!(
        faults(kit.create(&key(), "orders", order).await),
        (Code::ValidationFailed, vec!["/owner".into()])
    );
    assert_eq!(
        kit.dump(&["orders", "order_lines", "remarks"]).await,
        before
    );
}

async fn there_are_limits(kit: &Kit) {
    kit.open("folders", json!([{"name": "name", "type": "text"}]))
        .await;
    kit.change("folders", json!({"fields": {"add": [{"name": "parent", "type": "relation", "collection": "folders"}]}})).await.unwrap();
    let deep = |levels: usize| {
        (0..levels).fold(
            json!({"name": "leaf"}),
            |inner, _| json!({"folders_via_parent": [inner]}),
        )
    };
    assert!(kit.create(&anon(), "folders", deep(4)).await.is_ok());
    assert_eq!(count(kit, "folders").await, 5);
    assert_eq!(
        code(kit.create(&anon(), "folders", deep(5)).await),
        Code::BadRequest
    );
    let wide = |n: usize| json!({"folders_via_parent": vec![json!({"name": "x"}); n]});
    assert_eq!(
        code(kit.create(&anon(), "folders", wide(1_000)).await),
        Code::BadRequest
    );
    assert_eq!(count(kit, "folders").await, 5);
    assert!(kit.create(&anon(), "folders", wide(999)).await.is_ok());
    assert_eq!(count(kit, "folders").await, 1_005);
}

async fn retries_and_conditions(kit: &Kit) {
    orders(kit, "true").await;
    let order = || json!({"owner": U, "customer": "c", MEMBER: [{"title": "a"}]});
    let first = kit
        .create_with(&u(), "orders", order(), claim("0123456789abcdef", "h"))
        .await
        .unwrap();
    let again = kit
        .create_with(&u(), "orders", order(), claim("0123456789abcdef", "h"))
        .await
        .unwrap();
    assert_eq!(body(&first), body(&again));
    assert_eq!(
        (count(kit, "orders").await, count(kit, "order_lines").await),
        (1, 1)
    );
}

async fn operations_of_a_batch_bring_records(kit: &Kit) {
    orders(kit, "order.owner == auth.id && title != 'no'").await;
    let id = "01990000-0000-7000-8000-00000000000a";
    let order = |lines: Json| json!({"op": "create", "collection": "orders", "data": {"owner": U, "customer": "c", MEMBER: lines}});
    let mut first =
        order(json!([{"title": "a", "remarks_via_line": [{"text": "x"}]}, {"title": "b"}]));
    first["id"] = id.into();
    let change =
        json!({"op": "update", "collection": "orders", "id": id, "data": {"customer": "d"}});
    let results = kit
        .batch(&u(), json!([first, change, order(json!([]))]))
        .await
        .unwrap();
    let made = &results[0];
    assert_eq!((&made["status"], &made["id"]), (&json!(201), &json!(id)));
    let lines = &made["record"]["expand"][MEMBER]["items"];
    assert_eq!(
        (&lines[0]["order"], &lines[1]["title"]),
        (&json!(id), &json!("b"))
    );
    assert_eq!(
        lines[0]["expand"]["remarks_via_line"]["items"][0]["line"],
        lines[0]["id"]
    );
    assert_eq!(results[1]["record"]["customer"], "d");
    assert_eq!(results[2]["record"]["expand"][MEMBER]["items"], json!([]));
    // What fails names the operation and the record in it, and undoes all.
    let before = kit.dump(&["orders", "order_lines", "remarks"]).await;
    for (lines, want, place) in [
        (
            json!([{"title": "n"}, {"title": "n"}]),
            Code::Duplicate,
            "/1/title",
        ),
        (
            json!([{"title": "n"}, {"title": "no"}]),
            Code::RuleDenied,
            "/1",
        ),
        (json!([{"title": 1}]), Code::ValidationFailed, "/0/title"),
        (json!({}), Code::ValidationFailed, ""),
    ] {
        let batch = json!([order(json!([{"title": "z"}])), order(lines)]);
        let want = (want, vec![format!("/operations/1/data/{MEMBER}{place}")]);
        assert_eq!(faults(kit.batch(&u(), batch).await), want);
    }
    assert_eq!(
        kit.dump(&["orders", "order_lines", "remarks"]).await,
        before
    );
    // Every record counts as an operation.
    kit.open("folders", json!([{"name": "name", "type": "text"}]))
        .await;
    kit.change("folders", json!({"fields": {"add": [{"name": "parent", "type": "relation", "collection": "folders"}]}})).await.unwrap();
    let wide = |n: usize| json!([{"op": "create", "collection": "folders", "data": {"folders_via_parent": vec![json!({}); n]}}, {"op": "create", "collection": "folders"}]);
    assert_eq!(
        faults(kit.batch(&u(), wide(999)).await),
        (Code::BadRequest, vec!["/operations".into()])
    );
    kit.batch(&u(), wide(998)).await.unwrap();
    assert_eq!(count(kit, "folders").await, 1_000);
}
