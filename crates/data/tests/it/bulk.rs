//! Bulk writes: the rules of single writes over all that a filter finds, slice by slice.

use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, key, object, u, v};
use data::{Asker, Bulk};
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};
use store::Claim;

both!(
    what_a_filter_finds_is_changed,
    what_a_filter_finds_is_deleted,
    rules_hold_for_each_record,
    rules_are_asked_again_for_each_record,
    what_is_not_listed_is_not_counted,
    bodies_are_checked,
    a_record_that_fails_ends_the_work,
    slices_follow_each_other,
    a_retry_goes_on,
    two_with_one_key_share_the_work,
    what_no_longer_matches_is_left,
);

impl Kit {
    async fn all(
        &self,
        asker: &Asker,
        name: &str,
        body: Json,
        key: Option<&str>,
    ) -> Result<Json, Problem> {
        let object = object(body);
        let bulk = if object.contains_key("set") {
            Bulk::parse_update(object)?
        } else {
            Bulk::parse_delete(object)?
        };
        let claim = key.map(|key| Claim {
            caller: "user:u".to_owned(),
            key: key.to_owned(),
            hash: "h".to_owned(),
        });
        let answer = self
            .data
            .write_all(&self.project, asker, name, bulk, claim, &|_| Ok(()))
            .await?;
        Ok(crate::kit::body(&answer))
    }

    async fn count(&self, condition: &str) -> i64 {
        let sql = format!(r#"SELECT count(*) AS n FROM "project"."notes" WHERE {condition}"#);
        self.number(&sql).await
    }
}

fn fields() -> Json {
    json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "text", "type": "text", "max": 50},
        {"name": "n", "type": "number", "format": "integer", "min": 0, "default": 0},
        {"name": "secret", "type": "text", "read": "owner == auth.id"}
    ])
}

async fn notes(kit: &Kit, rules: Json) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    kit.collection(json!({"name": "notes", "fields": fields(), "rules": rules}))
        .await;
    for (owner, n) in [(U, 1), (U, 2), (V, 3), (V, 4)] {
        let note = json!({"owner": owner, "n": n, "text": format!("t{n}"), "secret": "s"});
        kit.made("notes", note).await;
    }
}

/// `n` records, a thousand at a time.
async fn many(kit: &Kit, n: usize) {
    kit.open("notes", fields()).await;
    for first in (0..n).step_by(1_000) {
        let some = first..n.min(first + 1_000);
        let operations: Vec<Json> = some
            .map(|n| json!({"op": "create", "collection": "notes", "data": {"n": n, "text": "a"}}))
            .collect();
        kit.batch(&key(), json!(operations)).await.unwrap();
    }
}

async fn what_a_filter_finds_is_changed(kit: &Kit) {
    let open = json!({"list": "true", "view": "true", "update": "true", "delete": "true"});
    notes(kit, open).await;
    let before = kit
        .number(r#"SELECT count(*) AS n FROM "project"."_changes""#)
        .await;
    let change = json!({"filter": "n >= params.min", "params": {"min": 2}, "set": {"n": {"increment": 10}, "text": "x"}});
    let told = kit.all(&anon(), "notes", change, None).await.unwrap();
    assert_eq!(told, json!({"matched": 3, "updated": 3, "skipped": 0}));
    let ns = kit.values(&key(), "notes", "n", &[("sort", "n")]).await;
    assert_eq!(json!(ns), json!([1, 12, 13, 14]));
    assert_eq!(kit.count("text = 'x' AND _version = 2").await, 3);
    let after = kit
        .number(r#"SELECT count(*) AS n FROM "project"."_changes""#)
        .await;
    assert_eq!(after - before, 3);
    // The first by their ids.
    let change = json!({"filter": "true", "limit": 2, "set": {"text": "y"}});
    assert_eq!(
        kit.all(&key(), "notes", change, None).await.unwrap(),
        json!({"matched": 2, "updated": 2, "skipped": 0})
    );
    let first = kit.values(&key(), "notes", "text", &[("sort", "id")]).await;
    assert_eq!(json!(first), json!(["y", "y", "x", "x"]));
    let reply = call(
        kit,
        &anon(),
        "POST",
        "/v1/records/notes/update",
        Some(json!({"filter": "n == 1", "set": {"text": "z"}})),
        &[],
    )
    .await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({"matched": 1, "updated": 1, "skipped": 0}))
    );
}

async fn what_a_filter_finds_is_deleted(kit: &Kit) {
    notes(kit, json!({"list": "true", "delete": "true"})).await;
    let reply = call(
        kit,
        &anon(),
        "POST",
        "/v1/records/notes/delete",
        Some(json!({"filter": "n > 2"})),
        &[],
    )
    .await;
    assert_eq!(
        (reply.status, reply.json()),
        (200, json!({"matched": 2, "deleted": 2, "skipped": 0}))
    );
    assert_eq!(kit.count("n > 2").await, 0);
    assert_eq!(
        kit.all(&key(), "notes", json!({"filter": "true"}), None)
            .await
            .unwrap()["deleted"],
        2
    );
    assert_eq!(
        kit.all(&key(), "notes", json!({"filter": "true"}), None)
            .await
            .unwrap()["matched"],
        0
    );
}

async fn rules_hold_for_each_record(kit: &Kit) {
    let mine = "owner == auth.id";
    notes(
        kit,
        json!({"list": "true", "view": "true", "update": mine, "delete": mine}),
    )
    .await;
    let change = |set: Json| json!({"filter": "n > 1", "set": set});
    let told = kit
        .all(&u(), "notes", change(json!({"text": "x"})), None)
        .await
        .unwrap();
    assert_eq!(told, json!({"matched": 3, "updated": 1, "skipped": 2}));
    assert_eq!(kit.count("text = 'x'").await, 1);
    // Nor can a record be given away.
    let told = kit
        .all(&u(), "notes", change(json!({"owner": V})), None)
        .await
        .unwrap();
    assert_eq!(told, json!({"matched": 3, "updated": 0, "skipped": 3}));
    assert_eq!(
        code(
            kit.all(&u(), "notes", json!({"filter": "nothing == 1"}), None)
                .await
        ),
        Code::InvalidFilter
    );
    let told = kit
        .all(&v(), "notes", json!({"filter": "true"}), None)
        .await
        .unwrap();
    assert_eq!(told, json!({"matched": 4, "deleted": 2, "skipped": 2}));
    // A closed rule is told, not counted.
    kit.rules("notes", json!({"update": null, "delete": null}))
        .await
        .unwrap();
    assert_eq!(
        code(
            kit.all(&u(), "notes", change(json!({"text": "x"})), None)
                .await
        ),
        Code::RuleDenied
    );
    assert_eq!(
        code(
            kit.all(&u(), "notes", json!({"filter": "true"}), None)
                .await
        ),
        Code::RuleDenied
    );
    // A field's own rule is one of them.
    kit.rules("notes", json!({"update": "true"})).await.unwrap();
    kit.change("notes", json!({"fields": {"add": [{"name": "grade", "type": "text", "write": "n == 1"}, {"name": "rank", "type": "text", "write": null}]}})).await.unwrap();
    let told = kit
        .all(
            &u(),
            "notes",
            json!({"filter": "true", "set": {"grade": "a"}}),
            None,
        )
        .await
        .unwrap();
    assert_eq!(told, json!({"matched": 2, "updated": 1, "skipped": 1}));
    let fixed = json!({"filter": "true", "set": {"rank": "a"}});
    assert_eq!(
        faults(kit.all(&u(), "notes", fixed, None).await),
        (Code::ReadonlyField, vec!["/set/rank".into()])
    );
}

/// At most one record may be chosen: each change is judged in the world that those before it have made.
async fn rules_are_asked_again_for_each_record(kit: &Kit) {
    let alone = "!collection('notes').exists(o, o.n == 7 && o.id != id)";
    notes(
        kit,
        json!({"list": "true", "view": "true", "update": alone}),
    )
    .await;
    let change = json!({"filter": "true", "set": {"n": 7}});
    let told = kit.all(&u(), "notes", change, None).await.unwrap();
    assert_eq!(told, json!({"matched": 4, "updated": 1, "skipped": 3}));
    // One that looks at the record itself is asked after the change: it undoes that change and no other.
    kit.rules(
        "notes",
        json!({"update": "!collection('notes').exists(o, o.n == 9)"}),
    )
    .await
    .unwrap();
    let before = kit.dump(&["notes"]).await;
    let told = kit
        .all(
            &u(),
            "notes",
            json!({"filter": "true", "set": {"n": 9}}),
            None,
        )
        .await
        .unwrap();
    assert_eq!(told, json!({"matched": 4, "updated": 0, "skipped": 4}));
    assert_eq!(kit.dump(&["notes"]).await, before);
}

async fn what_is_not_listed_is_not_counted(kit: &Kit) {
    notes(
        kit,
        json!({"list": "owner == auth.id", "view": "true", "update": "true", "delete": "true"}),
    )
    .await;
    let told = kit
        .all(
            &u(),
            "notes",
            json!({"filter": "true", "set": {"text": "x"}}),
            None,
        )
        .await
        .unwrap();
    assert_eq!(told, json!({"matched": 2, "updated": 2, "skipped": 0}));
    assert_eq!(
        kit.all(&anon(), "notes", json!({"filter": "true"}), None)
            .await
            .unwrap()["matched"],
        0
    );
    kit.rules("notes", json!({"list": "true"})).await.unwrap();
    // What may not be read finds nothing, and what does not exist cannot be named.
    let told = kit
        .all(&u(), "notes", json!({"filter": "secret == 's'"}), None)
        .await
        .unwrap();
    assert_eq!(told, json!({"matched": 2, "deleted": 2, "skipped": 0}));
    kit.rules("notes", json!({"list": null})).await.unwrap();
    assert_eq!(
        code(
            kit.all(&u(), "notes", json!({"filter": "true"}), None)
                .await
        ),
        Code::RuleDenied
    );
    assert_eq!(
        code(
            kit.all(&u(), "nothing", json!({"filter": "true"}), None)
                .await
        ),
        Code::CollectionNotFound
    );
}

async fn bodies_are_checked(kit: &Kit) {
    notes(
        kit,
        json!({"list": "true", "view": "true", "update": "true", "delete": "true"}),
    )
    .await;
    let before = kit.dump(&["notes"]).await;
    for (path, body, status) in [
        ("update", json!({}), 422),
        ("update", json!({"filter": "true"}), 422),
        ("update", json!({"filter": "true", "set": null}), 422),
        ("update", json!({"filter": "", "set": {"n": 1}}), 422),
        ("update", json!({"set": {"n": 1}}), 422),
        (
            "update",
            json!({"filter": "true", "set": {"n": 1}, "limit": 0}),
            422,
        ),
        (
            "update",
            json!({"filter": "true", "set": {"n": 1}, "limit": "5"}),
            422,
        ),
        (
            "update",
            json!({"filter": "true", "set": {"nothing": 1}}),
            400,
        ),
        (
            "update",
            json!({"filter": "true", "set": {"id": "01990000-0000-7000-8000-00000000000a"}}),
            400,
        ),
        ("update", json!({"filter": "true", "set": {"n": "x"}}), 422),
        ("update", json!({"filter": "n == ", "set": {"n": 1}}), 400),
        (
            "update",
            json!({"filter": "n == params.x", "set": {"n": 1}}),
            400,
        ),
        (
            "update",
            json!({"filter": "true", "set": {"n": 1}, "sort": "n"}),
            400,
        ),
        ("delete", json!({}), 422),
        ("delete", json!({"filter": null}), 422),
        ("delete", json!({"filter": "true", "set": {"n": 1}}), 400),
        ("delete", json!({"filter": "true", "params": []}), 422),
    ] {
        let reply = call(
            kit,
            &key(),
            "POST",
            &format!("/v1/records/notes/{path}"),
            Some(body.clone()),
            &[],
        )
        .await;
        assert_eq!(reply.status, status, "{path} {body} {}", reply.text);
    }
    assert_eq!(kit.dump(&["notes"]).await, before);
}

async fn a_record_that_fails_ends_the_work(kit: &Kit) {
    many(kit, 700).await;
    // The record of place 600 becomes too small: its slice is undone, the one before stays.
    let sorted = kit
        .list(&key(), "notes", &[("sort", "id"), ("limit", "700")])
        .await
        .unwrap();
    let sixth = sorted[600]["id"].as_str().unwrap();
    kit.merge(&key(), "notes", sixth, json!({"text": "low", "n": 0}))
        .await
        .unwrap();
    let lift = json!({"filter": "text != 'low'", "set": {"n": 5}});
    assert_eq!(
        kit.all(&key(), "notes", lift, None).await.unwrap()["updated"],
        699
    );
    let change = json!({"filter": "true", "set": {"n": {"increment": -1}}});
    let problem = kit.all(&key(), "notes", change, None).await.unwrap_err();
    let told = problem.detail_text().unwrap();
    assert_eq!(problem.code(), Code::ValidationFailed);
    assert!(
        told.contains(sixth) && told.contains("500 records were updated"),
        "{told}"
    );
    assert_eq!(problem.field_errors()[0].path, "/set/n");
    assert_eq!(
        (kit.count("n = 4").await, kit.count("n = 5").await),
        (500, 199)
    );
}

async fn slices_follow_each_other(kit: &Kit) {
    many(kit, 1_250).await;
    // Each is met once, although it matches again afterwards.
    let change = json!({"filter": "n >= 0", "set": {"n": {"increment": 1}}, "limit": 1_100});
    let told = kit.all(&key(), "notes", change, None).await.unwrap();
    assert_eq!(
        told,
        json!({"matched": 1100, "updated": 1100, "skipped": 0})
    );
    assert_eq!(
        (
            kit.count("_version = 2").await,
            kit.count("_version > 2").await
        ),
        (1_100, 0)
    );
    let told = kit
        .all(&key(), "notes", json!({"filter": "true"}), None)
        .await
        .unwrap();
    assert_eq!(
        (told["deleted"].clone(), kit.count("1 = 1").await),
        (json!(1250), 0)
    );
}

async fn a_retry_goes_on(kit: &Kit) {
    many(kit, 700).await;
    let sorted = kit
        .list(&key(), "notes", &[("sort", "id"), ("limit", "700")])
        .await
        .unwrap();
    let sixth = sorted[600]["id"].as_str().unwrap();
    kit.merge(&key(), "notes", sixth, json!({"n": 0}))
        .await
        .unwrap();
    let change = || json!({"filter": "text == 'a'", "set": {"n": {"increment": -1}}});
    // All but one can be lowered.
    let lift =
        json!({"filter": "n < 900 && id != params.id", "params": {"id": sixth}, "set": {"n": 900}});
    kit.all(&key(), "notes", lift, None).await.unwrap();
    let retry = Some("0123456789abcdef");
    assert_eq!(
        code(kit.all(&key(), "notes", change(), retry).await),
        Code::ValidationFailed
    );
    kit.merge(&key(), "notes", sixth, json!({"n": 900}))
        .await
        .unwrap();
    for _ in 0..2 {
        let told = kit.all(&key(), "notes", change(), retry).await.unwrap();
        assert_eq!(told, json!({"matched": 700, "updated": 700, "skipped": 0}));
        assert_eq!(kit.count("n = 899").await, 700);
    }
}

async fn two_with_one_key_share_the_work(kit: &Kit) {
    many(kit, 1_600).await;
    let retry = Some("0123456789abcdef");
    let change = || json!({"filter": "true", "set": {"n": {"increment": 2000}}});
    let (caller, other) = (key(), key());
    let (one, two) = tokio::join!(
        kit.all(&caller, "notes", change(), retry),
        kit.all(&other, "notes", change(), retry)
    );
    let want = json!({"matched": 1600, "updated": 1600, "skipped": 0});
    assert_eq!((one.unwrap(), two.unwrap()), (want.clone(), want));
    assert_eq!(
        (kit.count("_version = 2").await, kit.count("n < 4000").await),
        (1_600, 1_600)
    );
}

/// What another write has changed since it was found is asked of again: each record is taken once.
async fn what_no_longer_matches_is_left(kit: &Kit) {
    many(kit, 1_200).await;
    let take = || json!({"filter": "text == 'a'", "set": {"text": "b", "n": {"increment": 2000}}});
    let callers = [key(), key(), key()];
    let all = callers
        .iter()
        .map(|caller| kit.all(caller, "notes", take(), None));
    let told = futures_util::future::join_all(all).await;
    let updated = told
        .into_iter()
        .map(|t| t.unwrap()["updated"].as_i64().unwrap());
    assert_eq!(updated.sum::<i64>(), 1_200);
    assert_eq!(
        (
            kit.count("_version = 2").await,
            kit.count("n >= 4000").await
        ),
        (1_200, 0)
    );
}
