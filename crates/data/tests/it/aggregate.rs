//! Counts and sums: exact, the same on both engines, and only of what the caller may list and read.

use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, key, object, u, v};
use data::{Aggregate, Asker};
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    groups_are_counted_and_summed,
    numbers_are_exact,
    only_what_is_listed_is_counted,
    what_may_not_be_read_is_one_group,
    what_is_hidden_does_not_exist,
    relations_lead_to_groups,
    bodies_are_checked,
    groups_are_sorted_and_limited,
);

impl Kit {
    pub async fn totals(&self, asker: &Asker, name: &str, body: Json) -> Result<Json, Problem> {
        let asked = Aggregate::parse(object(body))?;
        let told = self
            .data
            .aggregate(&self.project, asker, name, &asked)
            .await?;
        Ok(serde_json::from_str(&told).unwrap())
    }

    pub async fn groups(&self, asker: &Asker, name: &str, body: Json) -> Json {
        self.totals(asker, name, body).await.unwrap()["items"].clone()
    }
}

fn fields() -> Json {
    json!([
        {"name": "state", "type": "select", "values": ["new", "done"]},
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "n", "type": "number", "format": "integer"},
        {"name": "price", "type": "number"},
        {"name": "open", "type": "bool"},
        {"name": "due", "type": "datetime"},
        {"name": "salary", "type": "number", "format": "integer", "read": "owner == auth.id"},
        {"name": "mark", "type": "text", "hidden": true},
        {"name": "face", "type": "file", "bucket": "posters"}
    ])
}

async fn orders(kit: &Kit, list: &str) {
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, None).await;
    kit.collection(json!({"name": "orders", "fields": fields(), "rules": {"list": list}}))
        .await;
    for (state, owner, n, price, open) in [
        (json!("new"), U, json!(1), json!(0.1), true),
        (json!("new"), V, json!(2), json!(0.2), false),
        (json!("done"), U, json!(-5), json!(null), true),
        (json!(null), V, json!(null), json!(1.5), true),
    ] {
        let order = json!({"state": state, "owner": owner, "n": n, "price": price, "open": open, "due": "2026-01-02T03:04:05Z", "salary": 10, "mark": "m"});
        kit.made("orders", order).await;
    }
}

async fn groups_are_counted_and_summed(kit: &Kit) {
    orders(kit, "true").await;
    let body = json!({"group_by": ["state"], "measures": {
        "count": "count()", "some": "count(n)", "kinds": "count(distinct open)", "total": "sum(n)", "mean": "avg(n)", "least": "min(n)", "most": " max( n ) ", "cost": "sum(price)", "first": "min(due)", "word": "max(state)"
    }});
    let due = "2026-01-02T03:04:05.000000Z";
    assert_eq!(
        kit.groups(&anon(), "orders", body).await,
        json!([
            {"state": null, "count": 1, "some": 0, "kinds": 1, "total": null, "mean": null, "least": null, "most": null, "cost": 1.5, "first": due, "word": null},
            {"state": "done", "count": 1, "some": 1, "kinds": 1, "total": -5, "mean": -5, "least": -5, "most": -5, "cost": null, "first": due, "word": "done"},
            {"state": "new", "count": 2, "some": 2, "kinds": 2, "total": 3, "mean": 1.5, "least": 1, "most": 2, "cost": 0.3, "first": due, "word": "new"}
        ])
    );
    // Without groups there is one answer, even over nothing.
    let all = |filter: &str| json!({"measures": {"n": "count()", "sum": "sum(n)"}, "filter": filter, "params": {"x": 1}});
    assert_eq!(
        kit.groups(&anon(), "orders", all("n >= params.x")).await,
        json!([{"n": 2, "sum": 3}])
    );
    assert_eq!(
        kit.groups(&anon(), "orders", all("n > 9 * params.x")).await,
        json!([{"n": 0, "sum": null}])
    );
    let body = json!({"group_by": ["open", "owner"], "measures": {"n": "count()"}});
    assert_eq!(
        kit.groups(&anon(), "orders", body).await,
        json!([
            {"open": false, "owner": V, "n": 1}, {"open": true, "owner": U, "n": 2}, {"open": true, "owner": V, "n": 1}
        ])
    );
    let body =
        json!({"group_by": ["price", "due"], "measures": {"n": "count()"}, "filter": "price > 1"});
    let reply = call(
        kit,
        &anon(),
        "POST",
        "/v1/records/orders/aggregate",
        Some(body),
        &[],
    )
    .await;
    assert_eq!(
        (reply.status, reply.json()),
        (
            200,
            json!({"items": [{"price": 1.5, "due": due, "n": 1}], "more": false})
        )
    );
}

async fn numbers_are_exact(kit: &Kit) {
    let fields = json!([{"name": "g", "type": "text"}, {"name": "n", "type": "number", "format": "integer"}, {"name": "f", "type": "number"}]);
    kit.open("rows", fields).await;
    let max: i64 = (1 << 53) - 1;
    let mut operations = vec![];
    for (g, n, count) in [
        ("a", max, 1),
        ("b", max, 3),
        ("c", -max, 3),
        ("d", max, 600),
        ("d", -1, 1),
    ] {
        operations.extend(vec![
            json!({"op": "create", "collection": "rows", "data": {"g": g, "n": n}});
            count
        ]);
    }
    kit.batch(&key(), json!(operations)).await.unwrap();
    for _ in 0..2 {
        let more = vec![
            json!({"op": "create", "collection": "rows", "data": {"g": "d", "n": max}});
            1_000
        ];
        kit.batch(&key(), json!(more)).await.unwrap();
    }
    // 2,600 of these are beyond 64 bits; their order is that of the numbers.
    let body = json!({"group_by": ["g"], "measures": {"sum": "sum(n)"}, "sort": "-sum"});
    let exact = i128::from(max) * 2_600 - 1;
    assert_eq!(
        kit.groups(&anon(), "rows", body).await,
        json!([
            {"g": "d", "sum": exact.to_string()}, {"g": "b", "sum": "27021597764222973"}, {"g": "a", "sum": max}, {"g": "c", "sum": "-27021597764222973"}
        ])
    );
    let body = json!({"measures": {"mean": "avg(n)", "most": "max(n)"}, "filter": "g == 'b'"});
    assert_eq!(
        kit.groups(&anon(), "rows", body).await,
        json!([{"mean": 9007199254740990.0, "most": max}])
    );
    kit.batch(
        &key(),
        json!(
            [1e308, 1e308]
                .map(|f| json!({"op": "create", "collection": "rows", "data": {"g": "x", "f": f}}))
        ),
    )
    .await
    .unwrap();
    let body = json!({"measures": {"sum": "sum(f)"}});
    assert_eq!(
        faults(kit.totals(&anon(), "rows", body).await),
        (Code::ValidationFailed, vec!["/measures/sum".into()])
    );
    let tenths: Vec<Json> = (0..10)
        .map(|_| json!({"op": "create", "collection": "rows", "data": {"g": "y", "f": 0.1}}))
        .collect();
    kit.batch(&key(), json!(tenths)).await.unwrap();
    let body = json!({"measures": {"sum": "sum(f)", "mean": "avg(f)"}, "filter": "g == 'y'"});
    assert_eq!(
        kit.groups(&anon(), "rows", body).await,
        json!([{"sum": 1, "mean": 0.1}])
    );
}

async fn only_what_is_listed_is_counted(kit: &Kit) {
    orders(kit, "owner == auth.id").await;
    let body = || json!({"measures": {"n": "count()", "sum": "sum(n)"}});
    assert_eq!(
        kit.groups(&u(), "orders", body()).await,
        json!([{"n": 2, "sum": -4}])
    );
    assert_eq!(
        kit.groups(&anon(), "orders", body()).await,
        json!([{"n": 0, "sum": null}])
    );
    assert_eq!(
        kit.groups(&key(), "orders", body()).await,
        json!([{"n": 4, "sum": -2}])
    );
    kit.rules("orders", json!({"list": null})).await.unwrap();
    assert_eq!(
        code(kit.totals(&u(), "orders", body()).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.totals(&u(), "nothing", body()).await),
        Code::CollectionNotFound
    );
}

async fn what_may_not_be_read_is_one_group(kit: &Kit) {
    orders(kit, "true").await;
    let body = || json!({"group_by": ["salary"], "measures": {"n": "count()", "sum": "sum(salary)", "some": "count(salary)", "kinds": "count(distinct salary)", "most": "max(salary)", "mean": "avg(salary)"}});
    assert_eq!(
        kit.groups(&u(), "orders", body()).await,
        json!([
            {"salary": null, "n": 2, "sum": null, "some": 0, "kinds": 0, "most": null, "mean": null},
            {"salary": 10, "n": 2, "sum": 20, "some": 2, "kinds": 1, "most": 10, "mean": 10}
        ])
    );
    assert_eq!(kit.groups(&anon(), "orders", body()).await[0]["n"], 4);
    assert_eq!(kit.groups(&key(), "orders", body()).await[0]["sum"], 40);
    let sorted = json!({"group_by": ["salary"], "measures": {"n": "count()"}, "filter": "salary > 1", "sort": "-salary"});
    assert_eq!(
        kit.groups(&v(), "orders", sorted).await,
        json!([{"salary": 10, "n": 2}])
    );
}

async fn what_is_hidden_does_not_exist(kit: &Kit) {
    orders(kit, "true").await;
    for (part, path) in [
        (
            json!({"group_by": ["NAME"], "measures": {"n": "count()"}}),
            "/group_by/0",
        ),
        (
            json!({"group_by": ["owner.NAME"], "measures": {"n": "count()"}}),
            "/group_by/0",
        ),
        (json!({"measures": {"n": "min(NAME)"}}), "/measures/n"),
        (
            json!({"measures": {"n": "count(distinct NAME)"}}),
            "/measures/n",
        ),
    ] {
        let mut all = Vec::new();
        for name in ["mark", "krma", "email_key"] {
            let body: Json = serde_json::from_str(&part.to_string().replace("NAME", name)).unwrap();
            let reply = call(
                kit,
                &u(),
                "POST",
                "/v1/records/orders/aggregate",
                Some(body.clone()),
                &[],
            )
            .await;
            assert_eq!(
                (reply.status, &reply.json()["errors"][0]["path"]),
                (400, &json!(path))
            );
            all.push(reply.text.replace(name, "NAME"));
        }
        assert!(all.iter().all(|text| *text == all[0]), "{all:?}");
    }
    let body = json!({"measures": {"n": "count()"}, "filter": "mark == 'm'"});
    assert_eq!(
        code(kit.totals(&u(), "orders", body.clone()).await),
        Code::InvalidFilter
    );
    assert_eq!(kit.groups(&key(), "orders", body).await, json!([{"n": 4}]));
    let body = json!({"group_by": ["mark"], "measures": {"n": "count(mark)"}});
    assert_eq!(
        kit.groups(&key(), "orders", body).await,
        json!([{"mark": "m", "n": 4}])
    );
}

async fn relations_lead_to_groups(kit: &Kit) {
    orders(kit, "true").await;
    let body =
        || json!({"group_by": ["owner.email", "owner.verified"], "measures": {"n": "count()"}});
    // Who may not list the users finds none of them.
    assert_eq!(
        kit.groups(&u(), "orders", body()).await,
        json!([{"owner.email": null, "owner.verified": null, "n": 4}])
    );
    kit.rules("users", json!({"list": "true"})).await.unwrap();
    assert_eq!(
        kit.groups(&u(), "orders", body()).await,
        json!([
            {"owner.email": null, "owner.verified": false, "n": 2}, {"owner.email": "u@example.com", "owner.verified": false, "n": 2}
        ])
    );
    assert_eq!(
        kit.groups(&v(), "orders", body()).await,
        json!([{"owner.email": null, "owner.verified": false, "n": 4}])
    );
    // A relation that may not be read leads nowhere.
    kit.open(
        "tasks",
        json!([{"name": "by", "type": "relation", "collection": "users", "read": null}]),
    )
    .await;
    kit.made("tasks", json!({"by": U})).await;
    let body = || json!({"group_by": ["by.id"], "measures": {"n": "count()"}});
    assert_eq!(
        kit.groups(&u(), "tasks", body()).await,
        json!([{"by.id": null, "n": 1}])
    );
    assert_eq!(
        kit.groups(&key(), "tasks", body()).await,
        json!([{"by.id": U, "n": 1}])
    );
}

async fn bodies_are_checked(kit: &Kit) {
    orders(kit, "true").await;
    let n = || json!({"n": "count()"});
    for (body, status) in [
        (json!({}), 422),
        (json!({"measures": {}}), 422),
        (json!({"measures": []}), 422),
        (json!({"measures": {"n": 1}}), 422),
        (json!({"measures": {"n": "sum()"}}), 422),
        (json!({"measures": {"n": "sum(distinct n)"}}), 422),
        (json!({"measures": {"n": "median(n)"}}), 422),
        (json!({"measures": {"n": "count(n) --"}}), 422),
        (json!({"measures": {"N": "count()"}}), 422),
        (json!({"measures": {"n\"": "count()"}}), 422),
        (
            json!({"measures": {"n": "count(n); drop table orders"}}),
            422,
        ),
        (json!({"measures": {"n": "sum(n) + (select 1)"}}), 400),
        (json!({"measures": {"n": "sum(n\")"}}), 400),
        (json!({"measures": {"n": "sum(state)"}}), 400),
        (json!({"measures": {"n": "avg(due)"}}), 400),
        (json!({"measures": {"n": "min(open)"}}), 400),
        (json!({"measures": {"n": "max(owner)"}}), 400),
        (json!({"measures": {"n": "count(face)"}}), 400),
        (json!({"measures": {"n": "count(owner.email)"}}), 400),
        (json!({"measures": n(), "group_by": []}), 422),
        (json!({"measures": n(), "group_by": "state"}), 422),
        (json!({"measures": n(), "group_by": ["n"]}), 422),
        (json!({"measures": n(), "group_by": ["face"]}), 400),
        (
            json!({"measures": n(), "group_by": ["state", "state"]}),
            400,
        ),
        (json!({"measures": n(), "group_by": ["owner.a.b"]}), 400),
        (json!({"measures": n(), "group_by": ["state.x"]}), 400),
        (
            json!({"measures": n(), "group_by": ["state", "open", "due", "price", "owner"]}),
            422,
        ),
        (json!({"measures": n(), "sort": "x"}), 400),
        (json!({"measures": n(), "sort": "n,-n"}), 400),
        (json!({"measures": n(), "limit": 0}), 422),
        (json!({"measures": n(), "limit": 1001}), 422),
        (json!({"measures": n(), "filter": "n =="}), 400),
        (json!({"measures": n(), "having": "n > 1"}), 400),
    ] {
        let reply = call(
            kit,
            &key(),
            "POST",
            "/v1/records/orders/aggregate",
            Some(body.clone()),
            &[],
        )
        .await;
        assert_eq!(reply.status, status, "{body} {}", reply.text);
    }
}

async fn groups_are_sorted_and_limited(kit: &Kit) {
    orders(kit, "true").await;
    let states = async |sort: Json, limit: u32| {
        let body = json!({"group_by": ["state"], "measures": {"count": "count()", "sum": "sum(n)", "mean": "avg(n)", "cost": "sum(price)"}, "sort": sort, "limit": limit});
        let told = kit.totals(&anon(), "orders", body).await.unwrap();
        let names: Vec<Json> = told["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|i| i["state"].clone())
            .collect();
        json!([names, told["more"]])
    };
    assert_eq!(
        states(json!(null), 100).await,
        json!([[null, "done", "new"], false])
    );
    assert_eq!(
        states(json!("-state"), 100).await,
        json!([["new", "done", null], false])
    );
    assert_eq!(
        states(json!("-count,-state"), 100).await,
        json!([["new", "done", null], false])
    );
    assert_eq!(
        states(json!("-count,state"), 2).await,
        json!([["new", null], true])
    );
    assert_eq!(
        states(json!(["sum"]), 100).await,
        json!([[null, "done", "new"], false])
    );
    assert_eq!(
        states(json!(["-sum"]), 100).await,
        json!([["new", "done", null], false])
    );
    assert_eq!(states(json!(["-mean"]), 1).await, json!([["new"], true]));
    assert_eq!(
        states(json!(["cost"]), 3).await,
        json!([["done", "new", null], false])
    );
}
