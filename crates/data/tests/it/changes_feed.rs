//! The changes feed: pages, who is told what, and what it answers over HTTP.

use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, both, code, every_type, faults, key, u, v};
use data::{ChangesPage, ChangesQuery};
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    a_page_is_collapsed,
    pages_follow_each_other,
    moves_out_of_view_are_told_to_who_saw,
    what_was_never_seen_is_never_told,
    a_page_shows_what_a_list_shows,
    closed_and_absent_collections_are_as_in_lists,
    all_collections_that_may_be_listed,
    places_that_do_not_exist,
    the_feed_over_http,
    answers_have_a_limit,
    a_batch_is_told_record_by_record
);

impl Kit {
    /// A page of changes; on PostgreSQL after all that is committed has its place.
    pub async fn feed(&self, asker: &data::Asker, query: &str) -> Result<ChangesPage, Problem> {
        self.stamped().await;
        let query = ChangesQuery::parse(query)?;
        Ok(self.data.changes(&self.project, asker, &query).await?)
    }

    pub async fn stamped(&self) {
        if !self.is_postgres() {
            return;
        }
        for _ in 0..500 {
            let sql = r#"SELECT count(*) AS n FROM "project"."_changes" WHERE seq IS NULL"#;
            if self.number(sql).await == 0 {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("the changes were not stamped");
    }

    /// The present place.
    pub async fn place(&self) -> i64 {
        self.feed(&key(), "since=now").await.unwrap().next_since
    }

    /// Ids of what is there and of what is gone, in order.
    pub async fn told(&self, asker: &data::Asker, query: &str) -> Vec<(String, bool)> {
        let page = self.feed(asker, query).await.unwrap();
        let items = page.items.into_iter();
        items
            .map(|i| (i.id.to_string(), i.record.is_some()))
            .collect()
    }
}

pub async fn notes(kit: &Kit, list: Json) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "title", "type": "text"},
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "due", "type": "datetime"},
        {"name": "secret", "type": "text", "hidden": true}
    ]);
    kit.open("notes", fields).await;
    kit.rules("notes", json!({"list": list})).await.unwrap();
}

fn there(id: &str) -> (String, bool) {
    (id.to_owned(), true)
}

fn gone(id: &str) -> (String, bool) {
    (id.to_owned(), false)
}

async fn a_page_is_collapsed(kit: &Kit) {
    notes(kit, json!("true")).await;
    let since = kit.place().await;
    let a = kit.made("notes", json!({"title": "a"})).await;
    let b = kit.made("notes", json!({"title": "b"})).await;
    let c = kit.made("notes", json!({"title": "c"})).await;
    kit.merge(&key(), "notes", &a, json!({"title": "a2"}))
        .await
        .unwrap();
    kit.merge(&key(), "notes", &a, json!({"title": "a3"}))
        .await
        .unwrap();
    kit.delete(&key(), "notes", &b).await.unwrap();
    let page = kit
        .feed(&anon(), &format!("since={since}&collections=notes"))
        .await
        .unwrap();
    assert_eq!(
        kit.told(&anon(), &format!("since={since}&collections=notes"))
            .await,
        [there(&c), there(&a), gone(&b)]
    );
    let record: Json = serde_json::from_str(page.items[1].record.as_ref().unwrap()).unwrap();
    assert_eq!(
        (&record["title"], &record["_version"]),
        (&json!("a3"), &json!(3))
    );
    assert!(!page.more && page.next_since == page.items[2].seq);
    assert!(page.items.windows(2).all(|w| w[0].seq < w[1].seq));
    // Nothing new, and the same tag.
    let next = kit
        .feed(
            &anon(),
            &format!("since={}&collections=notes", page.next_since),
        )
        .await
        .unwrap();
    assert_eq!(
        (
            next.items.len(),
            next.more,
            next.next_since,
            next.visibility
        ),
        (0, false, page.next_since, page.visibility)
    );
}

async fn pages_follow_each_other(kit: &Kit) {
    notes(kit, json!("true")).await;
    kit.open("tags", json!([{"name": "name", "type": "text"}]))
        .await;
    let since = kit.place().await;
    let mut made = Vec::new();
    for i in 0..7 {
        made.push(kit.made("notes", json!({"title": format!("n{i}")})).await);
        made.push(kit.made("tags", json!({"name": format!("t{i}")})).await);
    }
    // Whatever the size of the pages, and for one collection as for two.
    for (collections, want) in [("notes,tags", 14), ("tags,notes,tags", 14), ("notes", 7)] {
        for limit in [1, 3, 13, 14, 1_000] {
            let (mut at, mut seen) = (since, Vec::new());
            loop {
                let page = kit
                    .feed(
                        &u(),
                        &format!("since={at}&collections={collections}&limit={limit}"),
                    )
                    .await
                    .unwrap();
                assert!(page.items.len() <= limit);
                seen.extend(page.items.iter().map(|i| i.id.to_string()));
                assert!(page.next_since > at);
                at = page.next_since;
                if !page.more {
                    break;
                }
            }
            let step = 14 / want;
            assert_eq!(seen, made.iter().step_by(step).cloned().collect::<Vec<_>>());
            // A quiet collection does not fall behind a busy one.
            assert_eq!(at, kit.place().await);
        }
    }
}

async fn moves_out_of_view_are_told_to_who_saw(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    let id = kit.made("notes", json!({"owner": U})).await;
    let since = kit.place().await;
    kit.merge(&key(), "notes", &id, json!({"owner": V}))
        .await
        .unwrap();
    let query = format!("since={since}");
    assert_eq!(kit.told(&u(), &query).await, [gone(&id)]);
    assert_eq!(kit.told(&v(), &query).await, [there(&id)]);
    assert_eq!(kit.told(&anon(), &query).await, []);
    assert_eq!(kit.told(&key(), &query).await, [there(&id)]);
    // In view at first, then out of it, then deleted: whoever began before is told once.
    kit.delete(&key(), "notes", &id).await.unwrap();
    for asker in [u(), v(), key()] {
        assert_eq!(kit.told(&asker, &query).await, [gone(&id)]);
    }
    assert_eq!(kit.told(&anon(), &query).await, []);
    // Out of view and back is there.
    let id = kit.made("notes", json!({"owner": U})).await;
    let since = kit.place().await;
    kit.merge(&key(), "notes", &id, json!({"owner": null}))
        .await
        .unwrap();
    kit.merge(&key(), "notes", &id, json!({"owner": U}))
        .await
        .unwrap();
    assert_eq!(
        kit.told(&u(), &format!("since={since}")).await,
        [there(&id)]
    );
}

async fn what_was_never_seen_is_never_told(kit: &Kit) {
    notes(kit, json!("owner == auth.id && due <= now")).await;
    let since = kit.place().await;
    let query = format!("since={since}&collections=notes");
    let past = "2026-01-01T00:00:00Z";
    // Another's, from the first to the last.
    let other = kit.made("notes", json!({"owner": V, "due": past})).await;
    kit.merge(&key(), "notes", &other, json!({"title": "x"}))
        .await
        .unwrap();
    kit.delete(&key(), "notes", &other).await.unwrap();
    // Removed before its time had come, which has come since.
    let early = kit
        .made("notes", json!({"owner": U, "due": "2026-03-02T00:00:00Z"}))
        .await;
    kit.delete(&key(), "notes", &early).await.unwrap();
    let later = crate::kit::at(u(), "2026-03-03T00:00:00Z");
    let later = data::Asker::new(
        &later.who,
        later.now,
        "GET",
        "127.0.0.1",
        serde_json::Map::new(),
        "r",
    );
    for asker in [u(), later.clone(), anon()] {
        assert_eq!(kit.told(&asker, &query).await, []);
    }
    // What was there in its time is gone.
    let id = kit.made("notes", json!({"owner": U, "due": past})).await;
    kit.delete(&key(), "notes", &id).await.unwrap();
    assert_eq!(kit.told(&later, &query).await, [gone(&id)]);
    assert_eq!(kit.told(&v(), &query).await, [gone(&other)]);
}

async fn a_page_shows_what_a_list_shows(kit: &Kit) {
    notes(kit, json!("true")).await;
    kit.rules("users", json!({"list": "true"})).await.unwrap();
    let since = kit.place().await;
    let id = kit
        .made("notes", json!({"title": "a", "secret": "s"}))
        .await;
    let w = uuid::Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_00cc);
    add_user(kit, w, Some("w@example.com")).await;
    for (asker, hidden, email) in [
        (u(), false, false),
        (key(), true, true),
        (crate::kit::user(w), false, true),
    ] {
        let page = kit.feed(&asker, &format!("since={since}")).await.unwrap();
        let records: Vec<Json> = page
            .items
            .iter()
            .map(|i| serde_json::from_str(i.record.as_ref().unwrap()).unwrap())
            .collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].get("secret").is_some(), hidden);
        assert_eq!(records[1]["email"] != Json::Null, email);
        // Byte for byte.
        for (item, name) in page.items.iter().zip(["notes", "users"]) {
            let listed = kit.page(&asker, name, "limit=1000").await.unwrap();
            assert!(
                listed
                    .docs
                    .iter()
                    .any(|d| Some(&d.json) == item.record.as_ref())
            );
        }
    }
    // A record that can be viewed but not listed is not told of.
    kit.rules("notes", json!({"list": "title == 'b'", "view": "true"}))
        .await
        .unwrap();
    let since = kit.place().await;
    kit.merge(&key(), "notes", &id, json!({"secret": "t"}))
        .await
        .unwrap();
    assert_eq!(kit.told(&u(), &format!("since={since}")).await, []);
}

async fn closed_and_absent_collections_are_as_in_lists(kit: &Kit) {
    notes(kit, json!(null)).await;
    for (asker, collections, want) in [
        (u(), "notes", Code::RuleDenied),
        (anon(), "notes", Code::RuleDenied),
        (u(), "users", Code::RuleDenied),
        (u(), "nothing", Code::CollectionNotFound),
        (key(), "nothing", Code::CollectionNotFound),
        (u(), "_changes", Code::CollectionNotFound),
        (key(), "_collections", Code::CollectionNotFound),
        (key(), "notes,nothing", Code::CollectionNotFound),
    ] {
        let got = kit
            .feed(&asker, &format!("since=0&collections={collections}"))
            .await;
        assert_eq!(code(got), want, "{collections}");
        // Also where only the place is asked for.
        let got = kit
            .feed(&asker, &format!("since=now&collections={collections}"))
            .await;
        assert_eq!(code(got), want, "{collections}");
    }
    assert!(kit.feed(&key(), "since=0&collections=notes").await.is_ok());
}

async fn all_collections_that_may_be_listed(kit: &Kit) {
    notes(kit, json!("true")).await;
    kit.open("more", every_type()).await;
    kit.open("shut", every_type()).await;
    kit.rules("shut", json!({"list": null})).await.unwrap();
    let since = kit.place().await;
    for name in ["notes", "more", "shut"] {
        kit.made(name, json!({})).await;
    }
    let names = async |asker| -> Vec<String> {
        let page = kit.feed(&asker, &format!("since={since}")).await.unwrap();
        page.items.into_iter().map(|i| i.collection).collect()
    };
    assert_eq!(names(anon()).await, ["notes", "more"]);
    assert_eq!(names(key()).await, ["notes", "more", "shut"]);
}

async fn places_that_do_not_exist(kit: &Kit) {
    notes(kit, json!("true")).await;
    let newest = kit.place().await;
    kit.feed(&u(), &format!("since={newest}")).await.unwrap();
    for since in [newest + 1, i64::MAX] {
        let got = kit.feed(&u(), &format!("since={since}")).await;
        assert_eq!(
            faults(got),
            (Code::InvalidParameter, vec!["?since".to_owned()])
        );
    }
}

async fn the_feed_over_http(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    let place = kit.place().await;
    let mine = kit
        .made(
            "notes",
            json!({"owner": U, "title": "\"\u{1F600}", "secret": "s"}),
        )
        .await;
    let moved = kit.made("notes", json!({"owner": U})).await;
    kit.merge(&key(), "notes", &moved, json!({"owner": V}))
        .await
        .unwrap();
    kit.stamped().await;
    let path = format!("/v1/changes?since={place}&collections=notes");
    let reply = call(kit, &u(), "GET", &path, None, &[]).await;
    let body = reply.json();
    assert_eq!(reply.status, 200, "{}", reply.text);
    let names: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["items", "next_since", "more", "visibility"]);
    let listed = kit.list(&u(), "notes", &[]).await.unwrap();
    assert_eq!(
        body["items"],
        json!([
            {"seq": place + 1, "collection": "notes", "id": mine, "op": "upsert", "record": listed[0]},
            {"seq": place + 3, "collection": "notes", "id": moved, "op": "gone"}
        ])
    );
    assert_eq!(
        (&body["next_since"], &body["more"]),
        (&json!(place + 3), &json!(false))
    );
    for (query, want) in [
        ("", (400, "invalid_parameter")),
        ("?since=-1", (400, "invalid_parameter")),
        ("?since=0&filter=true", (400, "invalid_parameter")),
        ("?since=0&limit=1001", (400, "invalid_parameter")),
        ("?since=999999", (400, "invalid_parameter")),
        ("?since=0&collections=users", (403, "rule_denied")),
        ("?since=0&collections=absent", (404, "collection_not_found")),
    ] {
        let reply = call(kit, &u(), "GET", &format!("/v1/changes{query}"), None, &[]).await;
        assert_eq!(reply.fails(), (want.0, want.1.to_owned()), "{query}");
    }
    // A key without the permission.
    let narrow = crate::kit::asker(gate::Who::Key {
        id: uuid::Uuid::from_u128(8),
        scopes: std::sync::Arc::from(vec!["records.write".to_owned()]),
    });
    let reply = call(kit, &narrow, "GET", &path, None, &[]).await;
    assert_eq!(reply.fails(), (403, "permission_denied".to_owned()));
}

async fn answers_have_a_limit(kit: &Kit) {
    let fields = json!([{"name": "a", "type": "text", "max": 500_000}]);
    kit.open("large", fields.clone()).await;
    kit.open("wide", fields).await;
    let since = kit.place().await;
    let text = "x".repeat(450_000);
    let make = async |name: &str, n: usize| {
        for _ in 0..n {
            kit.made(name, json!({"a": text})).await;
        }
    };
    make("large", 20).await;
    make("wide", 20).await;
    // Each would do, but not both.
    let all = format!("since={since}&limit=1000");
    for name in ["large", "wide"] {
        let page = kit.feed(&u(), &format!("{all}&collections={name}")).await;
        assert_eq!(page.unwrap().items.len(), 20);
    }
    assert_eq!(code(kit.feed(&u(), &all).await), Code::ResponseTooLarge);
    let page = kit
        .feed(&u(), &format!("since={since}&limit=30"))
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.more), (30, true));
    make("large", 20).await;
    let one = kit.feed(&u(), &format!("{all}&collections=large")).await;
    assert_eq!(code(one), Code::ResponseTooLarge);
}

async fn a_batch_is_told_record_by_record(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    let (a, b, c) = (
        kit.made("notes", json!({"owner": U})).await,
        kit.made("notes", json!({"owner": U})).await,
        "01990000-0000-7000-8000-00000000000c",
    );
    let since = kit.place().await;
    kit.batch(
        &key(),
        json!([
            {"op": "update", "collection": "notes", "id": a, "data": {"owner": V}},
            {"op": "create", "collection": "notes", "id": c, "data": {"owner": U}},
            {"op": "upsert", "collection": "notes", "id": c, "data": {"title": "c", "owner": V}},
            {"op": "delete", "collection": "notes", "id": b},
        ]),
    )
    .await
    .unwrap();
    let query = format!("since={since}&collections=notes");
    assert_eq!(kit.told(&v(), &query).await, [there(&a), there(c)]);
    assert_eq!(kit.told(&anon(), &query).await, []);
    // What it made and gave away at once counts as having been there in between.
    assert_eq!(kit.told(&u(), &query).await, [gone(&a), gone(c), gone(&b)]);
}
