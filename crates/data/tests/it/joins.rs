//! Relations to many: the join table, what writes make of it, and the list in its order, the same on both engines.

use crate::http::call;
use crate::kit::{Kit, U, add_user, anon, both, code, key, object};
use data::Bulk;
use futures_util::future::join_all;
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    a_join_table_keeps_the_list,
    what_a_list_takes,
    lists_are_changed,
    what_is_not_there_is_told_with_its_place,
    many_ways_to_write_one,
    fifty_append_at_once,
    targets_have_their_acts,
);

/// Places and words of all faults.
#[track_caller]
pub fn told<T>(result: Result<T, Problem>) -> Vec<String> {
    let Err(problem) = result else {
        panic!("this should have failed")
    };
    let errors = problem.field_errors().iter();
    errors.map(|e| format!("{} {}", e.path, e.code)).collect()
}

pub fn tags(options: Json) -> Json {
    let mut field = json!({"name": "tags", "type": "relation", "collection": "tags", "multiple": true, "on_delete": "cascade"});
    for (name, value) in options.as_object().unwrap() {
        field[name] = value.clone();
    }
    field
}

/// Posts with tags; the ids of four tags, whose names are a, b, c and d.
pub async fn posts(kit: &Kit, options: Json) -> [String; 4] {
    let name = json!({"name": "name", "type": "text", "max": 20});
    kit.open("tags", json!([name])).await;
    let title = json!({"name": "title", "type": "text", "max": 20});
    kit.open("posts", json!([title, tags(options)])).await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d"] {
        ids.push(kit.made("tags", json!({"name": name})).await);
    }
    ids.try_into().unwrap()
}

pub async fn pairs(kit: &Kit, table: &str) -> i64 {
    let sql = format!(r#"SELECT count(*) AS n FROM "project"."{table}""#);
    kit.number(&sql).await
}

async fn a_join_table_keeps_the_list(kit: &Kit) {
    let [a, b, c, _] = posts(kit, json!({})).await;
    let sent = json!({"title": "x", "tags": [c.to_uppercase(), a, b]});
    let made = kit.create(&anon(), "posts", sent).await.unwrap();
    assert_eq!(made["tags"], json!([c, a, b]));
    assert_eq!(made["_version"], 1);
    let id = made["id"].as_str().unwrap();
    // The same bytes from both engines, and the same record to whoever reads it.
    let kept = kit.bytes("posts", id).await;
    let want = format!(r#""title":"x","tags":["{c}","{a}","{b}"],"created_at""#);
    assert!(kept.contains(&want), "{kept}");
    assert_eq!(made, serde_json::from_str::<Json>(&kept).unwrap());
    let listed = kit.list(&anon(), "posts", &[]).await.unwrap();
    assert_eq!(json!(listed), json!([made]));
    for fields in ["tags", "id,tags"] {
        let one = kit
            .get_with(&anon(), "posts", id, &format!("fields={fields}"))
            .await;
        assert_eq!(one.unwrap()["tags"], json!([c, a, b]));
    }
    let without = kit.get_with(&anon(), "posts", id, "fields=title").await;
    assert_eq!(without.unwrap(), json!({"title": "x"}));
    let empty = kit.create(&anon(), "posts", json!({"title": "y"})).await;
    assert_eq!(empty.unwrap()["tags"], json!([]));
    // A real table, which other tools can read.
    let sql = r#"SELECT CAST(p.record_id AS text) AS r, CAST(p.target_id AS text) AS t, p.position AS n FROM "project"."posts_tags" AS p ORDER BY p.position"#;
    let rows = kit.rows(sql).await;
    let rows: Vec<(String, String, i64)> = rows
        .iter()
        .map(|r| {
            let text = |name| r.try_get::<String>("", name).unwrap();
            (text("r"), text("t"), r.try_get("", "n").unwrap())
        })
        .collect();
    let row = |t: &String, n| (id.to_owned(), t.clone(), n);
    assert_eq!(rows, [row(&c, 0), row(&a, 1), row(&b, 2)]);
    // Its keys hold without this server.
    for sql in [
        format!("INSERT INTO \"project\".\"posts_tags\" VALUES ('{id}', '{id}', 9)"),
        format!("INSERT INTO \"project\".\"posts_tags\" VALUES ('{a}', '{a}', 9)"),
        format!("INSERT INTO \"project\".\"posts_tags\" VALUES ('{id}', '{a}', 9)"),
    ] {
        let write = kit.db.write(async move |tx: &store::WriteTx| {
            sea_orm::ConnectionTrait::execute_unprepared(tx, &sql).await?;
            Ok::<(), store::StoreError>(())
        });
        assert!(write.await.is_err());
    }
    assert_eq!(pairs(kit, "posts_tags").await, 3);
}

async fn what_a_list_takes(kit: &Kit) {
    let [a, b, c, d] = posts(kit, json!({"min_items": 1, "max_items": 3})).await;
    let view = kit.data.get_collection(&kit.project, "posts").await;
    let view = view.unwrap().view();
    let field = &view["fields"][1];
    assert_eq!(
        (&field["multiple"], &field["min_items"], &field["max_items"]),
        (&json!(true), &json!(1), &json!(3)),
        "{view}"
    );
    assert_eq!(field["on_delete"], "cascade");
    for (sent, want) in [
        (json!({}), "/tags required"),
        (json!({"tags": null}), "/tags required"),
        (json!({"tags": []}), "/tags too_few"),
        (json!({"tags": a}), "/tags not_a_list"),
        (json!({"tags": {"append": [a]}}), "/tags not_a_list"),
        (json!({"tags": [a, "x"]}), "/tags/1 not_an_id"),
        (json!({"tags": [a, null]}), "/tags/1 not_an_id"),
        (json!({"tags": [a, a.to_uppercase()]}), "/tags duplicate"),
        (json!({"tags": [a, b, c, d]}), "/tags too_many"),
    ] {
        let result = kit.create(&anon(), "posts", sent.clone()).await;
        assert_eq!(told(result), [want], "{sent}");
    }
    let both = kit
        .create(&anon(), "posts", json!({"tags": [1, a, "x"]}))
        .await;
    assert_eq!(told(both), ["/tags/0 not_an_id", "/tags/2 not_an_id"]);
    // Definitions that make no sense.
    let more = |options: Json| json!({"name": "more", "fields": [tags(options)]});
    for (options, want) in [
        (
            json!({"required": true}),
            "/fields/0/required cannot_be_required",
        ),
        (json!({"unique": true}), "/fields/0/unique cannot_be_unique"),
        (json!({"default": [a]}), "/fields/0/default no_default"),
        (
            json!({"default": {"expression": "auth.id"}}),
            "/fields/0/default no_default",
        ),
        (
            json!({"on_delete": "set_null"}),
            "/fields/0/on_delete cannot_be_null",
        ),
        (
            json!({"max_items": 1001}),
            "/fields/0/max_items not_a_count",
        ),
        (
            json!({"min_items": 3, "max_items": 2}),
            "/fields/0/max_items below_min",
        ),
        (
            json!({"multiple": false, "min_items": 3}),
            "/fields/0/min_items not_multiple",
        ),
        (
            json!({"collection": "nothing"}),
            "/fields/0/collection unknown_collection",
        ),
    ] {
        let result = kit.try_collection(more(options.clone())).await;
        assert_eq!(told(result), [want], "{options}");
    }
    let mut indexed = more(json!({}));
    indexed["indexes"] = json!([{"fields": ["tags"]}]);
    assert_eq!(
        told(kit.try_collection(indexed).await),
        ["/indexes/0 not_indexable"]
    );
    // What cannot be asked of a list is refused by name.
    for sort in ["tags", "tags.name"] {
        let sorted = kit.list(&anon(), "posts", &[("sort", sort)]).await;
        assert_eq!(code(sorted), Code::InvalidSort);
    }
    for body in [
        json!({"group_by": ["tags"], "measures": {"n": "count()"}}),
        json!({"measures": {"n": "count(tags)"}}),
        json!({"group_by": ["tags.name"], "measures": {"n": "count()"}}),
    ] {
        let path = "/v1/records/posts/aggregate";
        let refused = call(kit, &key(), "POST", path, Some(body.clone()), &[]).await;
        assert_eq!(refused.fails(), (400, "invalid_parameter".into()), "{body}");
    }
}

async fn lists_are_changed(kit: &Kit) {
    let [a, b, c, d] = posts(kit, json!({"min_items": 1, "max_items": 3})).await;
    let id = kit.made("posts", json!({"tags": [b]})).await;
    let mut version = 1;
    for (change, want) in [
        (json!({"append": [a, b]}), Ok(json!([b, a]))),
        (json!({"append": [c.to_uppercase()]}), Ok(json!([b, a, c]))),
        (json!({"append": [d]}), Err("/tags too_many")),
        (json!({"remove": [a, d]}), Ok(json!([b, c]))),
        (json!({"remove": [b, c]}), Err("/tags too_few")),
        (json!({"append": []}), Err("/tags too_few")),
        (json!({"append": "a"}), Err("/tags not_a_list")),
        (json!({"append": ["x"]}), Err("/tags not_an_id")),
        (json!({"increment": 1}), Err("/tags not_a_number")),
        (
            json!({"append": [a], "remove": [b]}),
            Err("/tags unknown_operator"),
        ),
        (json!({"set_if_absent": [a]}), Ok(json!([b, c]))),
        (json!([c, b]), Ok(json!([c, b]))),
        (json!([d, b, a]), Ok(json!([d, b, a]))),
        (json!([d, b, a]), Ok(json!([d, b, a]))),
        (json!([a]), Ok(json!([a]))),
        (json!([]), Err("/tags too_few")),
    ] {
        let result = kit
            .merge(&anon(), "posts", &id, json!({"tags": change}))
            .await;
        match want {
            Ok(want) => {
                version += 1;
                let merged = result.unwrap();
                assert_eq!(merged["tags"], want, "{change}");
                assert_eq!(merged["_version"], version, "{change}");
                assert_eq!(kit.get(&anon(), "posts", &id).await.unwrap(), merged);
            }
            Err(word) => assert_eq!(told(result), [word], "{change}"),
        }
    }
    assert_eq!(pairs(kit, "posts_tags").await, 1);
    // A change of something else leaves the list alone.
    let merged = kit
        .merge(&anon(), "posts", &id, json!({"title": "z"}))
        .await;
    assert_eq!(merged.unwrap()["tags"], json!([a]));
}

async fn what_is_not_there_is_told_with_its_place(kit: &Kit) {
    let [a, b, _, _] = posts(kit, json!({})).await;
    let nobody = U.to_string();
    let before = kit.dump(&["posts", "posts_tags"]).await;
    let made = kit
        .create(&anon(), "posts", json!({"tags": [a, b, nobody]}))
        .await;
    assert_eq!(told(made), ["/tags/2 unknown_record"]);
    assert_eq!(kit.dump(&["posts", "posts_tags"]).await, before);
    let id = kit.made("posts", json!({"tags": [b]})).await;
    let before = kit.dump(&["posts", "posts_tags"]).await;
    for (change, want) in [
        (json!([nobody, a]), "/tags/0 unknown_record"),
        (
            json!({"append": [a, nobody]}),
            "/tags/append/1 unknown_record",
        ),
    ] {
        let merged = kit
            .merge(&anon(), "posts", &id, json!({"tags": change}))
            .await;
        assert_eq!(told(merged), [want]);
    }
    let removed = json!({"tags": {"remove": [nobody]}});
    let kept = kit.merge(&anon(), "posts", &id, removed).await.unwrap();
    assert_eq!(kept["tags"], json!([b]));
    assert_ne!(kit.dump(&["posts", "posts_tags"]).await, before);
    let batch = json!([
        {"op": "create", "collection": "posts", "data": {"tags": [a]}},
        {"op": "update", "collection": "posts", "id": id, "data": {"tags": {"append": [nobody]}}}
    ]);
    assert_eq!(
        told(kit.batch(&anon(), batch).await),
        ["/operations/1/data/tags/append/0 unknown_record"]
    );
    assert_eq!(pairs(kit, "posts").await, 1);
}

async fn many_ways_to_write_one(kit: &Kit) {
    let [a, b, c, _] = posts(kit, json!({})).await;
    // PUT makes and changes.
    let id = "01990000-0000-7000-8000-00000000000a";
    let path = format!("/v1/records/posts/{id}");
    for (sent, status, want) in [
        (json!({"tags": [b, a]}), 201, json!([b, a])),
        (json!({"tags": [a, c]}), 200, json!([a, c])),
        (json!({"title": "t"}), 200, json!([a, c])),
    ] {
        let put = call(kit, &anon(), "PUT", &path, Some(sent), &[]).await;
        assert_eq!((put.status, &put.json()["tags"]), (status, &want));
    }
    // A record of a batch can name those that were made before it.
    let (tag, post) = (
        "01990000-0000-7000-8000-0000000000f1",
        "01990000-0000-7000-8000-0000000000f2",
    );
    let batch = json!([
        {"op": "create", "collection": "tags", "data": {"id": tag, "name": "new"}},
        {"op": "create", "collection": "posts", "data": {"id": post, "tags": [tag, a]}},
        {"op": "update", "collection": "posts", "id": post, "data": {"tags": {"append": [b]}}},
        {"op": "upsert", "collection": "posts", "id": id, "data": {"tags": [tag]}},
        {"op": "update", "collection": "posts", "id": post, "data": {"tags": {"remove": [a]}}}
    ]);
    let results = kit.batch(&anon(), batch).await.unwrap();
    assert_eq!(results[1]["record"]["tags"], json!([tag, a]));
    assert_eq!(results[3]["record"]["tags"], json!([tag]));
    assert_eq!(results[4]["record"]["tags"], json!([tag, b]));
    // All that a filter finds.
    let bulk = json!({"filter": "true", "set": {"tags": {"append": [c]}}});
    let bulk = Bulk::parse_update(object(bulk)).unwrap();
    let all = kit
        .data
        .write_all(&kit.project, &anon(), "posts", bulk, None, &|_| Ok(()))
        .await;
    assert_eq!(
        crate::kit::body(&all.unwrap()),
        json!({"matched": 2, "updated": 2, "skipped": 0})
    );
    let lists = kit
        .values(&anon(), "posts", "tags", &[("sort", "id")])
        .await;
    assert_eq!(lists, [json!([tag, c]), json!([tag, b, c])]);
    // Children that list their parent.
    let sent = json!({"name": "parent", "posts_via_tags": [{"title": "x"}, {"title": "y"}]});
    let made = kit.create(&anon(), "tags", sent).await.unwrap();
    let items = &made["expand"]["posts_via_tags"]["items"];
    assert_eq!(
        (&items[0]["tags"], &items[1]["tags"]),
        (&json!([made["id"]]), &json!([made["id"]]))
    );
    let named = json!({"name": "p", "posts_via_tags": [{"tags": [a]}]});
    assert_eq!(
        told(kit.create(&anon(), "tags", named).await),
        ["/posts_via_tags/0/tags not_taken"]
    );
    // The record without an answer, and a stale version.
    let minimal = [("Prefer", "return=minimal"), ("If-Match", "\"1\"")];
    let stale = call(
        kit,
        &anon(),
        "PATCH",
        &path,
        Some(json!({"tags": []})),
        &minimal,
    )
    .await;
    assert_eq!(stale.status, 412);
    // A user's own list, at sign-up and afterwards.
    let change = json!({"fields": {"add": [tags(json!({}))]}});
    kit.change("users", change).await.unwrap();
    add_user(kit, U, None).await;
    let merged = kit
        .merge(&key(), "users", &U.to_string(), json!({"tags": [b, a]}))
        .await;
    assert_eq!(merged.unwrap()["tags"], json!([b, a]));
    assert_eq!(pairs(kit, "users_tags").await, 2);
}

async fn fifty_append_at_once(kit: &Kit) {
    posts(kit, json!({"max_items": 50})).await;
    let mut ids = Vec::new();
    for n in 0..51 {
        ids.push(kit.made("tags", json!({"name": format!("t{n}")})).await);
    }
    let post = kit.made("posts", json!({})).await;
    let append = |id: &String| {
        let change = json!({"tags": {"append": [id]}});
        let post = post.clone();
        async move { kit.merge(&anon(), "posts", &post, change).await }
    };
    let done = join_all(ids.iter().take(50).map(append)).await;
    assert!(done.iter().all(Result::is_ok));
    let read = kit.get(&anon(), "posts", &post).await.unwrap();
    let mut list: Vec<&str> = read["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Json::as_str)
        .collect();
    list.sort_unstable();
    let mut want: Vec<&str> = ids.iter().take(50).map(String::as_str).collect();
    want.sort_unstable();
    assert_eq!(list, want);
    assert_eq!(read["_version"], 51);
    // The bound holds of what is there, not of what was there.
    assert_eq!(told(append(&ids[50]).await), ["/tags too_many"]);
    let other = kit.made("posts", json!({})).await;
    let append = |id: &String| {
        let change = json!({"tags": {"append": [id]}});
        let other = other.clone();
        async move { kit.merge(&anon(), "posts", &other, change).await }
    };
    kit.change(
        "posts",
        json!({"fields": {"change": {"tags": {"max_items": 60}}}}),
    )
    .await
    .unwrap();
    let tight = json!({"fields": {"change": {"tags": {"max_items": 50}}}});
    kit.change("posts", tight).await.unwrap();
    let done = join_all(ids.iter().map(append)).await;
    assert_eq!(done.iter().filter(|d| d.is_ok()).count(), 50);
}

/// What a filter says of a list holds when the record is written, not when it was found. On SQLite writes follow each
/// other anyway.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_write_waits_for_the_list() {
    let kit = &Kit::postgres().await;
    let [a, ..] = posts(kit, json!({})).await;
    let id = kit.made("posts", json!({"title": "x"})).await;
    let (ready, held) = tokio::sync::oneshot::channel();
    let ready = std::sync::Mutex::new(Some(ready));
    let post = id.clone();
    let first = kit.db.write(async move |tx: &store::WriteTx| {
        for sql in [
            format!("UPDATE \"project\".\"posts\" SET \"_version\" = 2 WHERE \"id\" = '{post}'"),
            format!("INSERT INTO \"project\".\"posts_tags\" VALUES ('{post}', '{a}', 0)"),
        ] {
            sea_orm::ConnectionTrait::execute_unprepared(tx, &sql).await?;
        }
        if let Some(ready) = ready.lock().unwrap().take() {
            ready.send(()).unwrap();
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        Ok::<(), store::StoreError>(())
    });
    let second = async {
        held.await.unwrap();
        let bulk = json!({"filter": "size(tags) == 0", "set": {"title": "y"}});
        let bulk = Bulk::parse_update(object(bulk)).unwrap();
        let asker = anon();
        let all = kit
            .data
            .write_all(&kit.project, &asker, "posts", bulk, None, &|_| Ok(()));
        crate::kit::body(&all.await.unwrap())
    };
    let (first, told) = futures_util::future::join(first, second).await;
    first.unwrap();
    assert_eq!(told, json!({"matched": 0, "updated": 0, "skipped": 0}));
    let read = kit.get(&anon(), "posts", &id).await.unwrap();
    assert_eq!(
        (&read["title"], &read["_version"]),
        (&json!("x"), &json!(2))
    );
}

async fn targets_have_their_acts(kit: &Kit) {
    let [a, b, _, _] = posts(kit, json!({"on_delete": "restrict"})).await;
    let id = kit.made("posts", json!({"tags": [a, b]})).await;
    assert_eq!(
        code(kit.delete(&anon(), "tags", &a).await),
        Code::Referenced
    );
    // The record itself can go, with its list.
    kit.delete(&anon(), "posts", &id).await.unwrap();
    assert_eq!(pairs(kit, "posts_tags").await, 0);
    kit.delete(&anon(), "tags", &a).await.unwrap();
}
