//! The changes feed where rules change, look at other records, or look at the clock; and its visibility tag.

use crate::changes_feed::notes;
use crate::kit::{Kit, U, V, add_user, anon, asker, at, both, code, key, now, u, user, v};
use data::{Asker, ChangesQuery, Data};
use gate::{UserAuth, Who};
use kernel::Code;
use sea_orm::ConnectionTrait;
use serde_json::{Map, json};
use std::sync::Arc;
use std::time::Duration;
use store::{Action, ChangeIn, StoreError, WriteTx};

both!(
    a_change_of_rules_tells_nothing_of_before,
    a_collection_made_anew_tells_nothing_of_the_old,
    rules_that_hop_are_judged_while_nothing_has_moved,
    rules_over_their_own_collection_are_not_judged,
    a_witness_that_does_not_know_the_rule,
    the_tag_moves_with_what_decides,
    the_tag_settles_after_a_change_of_rules,
    writes_and_a_change_of_rules_keep_their_order,
    a_change_of_rules_waits_for_writes_that_have_begun,
    a_node_that_is_behind_has_another_tag
);

fn gone(id: &str) -> (String, bool) {
    (id.to_owned(), false)
}

fn later(who: Asker, seconds: u64) -> Asker {
    let time = now().plus(Duration::from_secs(seconds));
    Asker::new(&who.who, time, "GET", "127.0.0.1", Map::new(), "r")
}

async fn tag(kit: &Kit, asker: &Asker, collections: &str) -> String {
    let query = format!("since=now&collections={collections}");
    kit.feed(asker, &query).await.unwrap().visibility
}

async fn a_change_of_rules_tells_nothing_of_before(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    let since = kit.place().await;
    let query = format!("since={since}&collections=notes");
    let before = tag(kit, &v(), "notes").await;
    let secret = kit.made("notes", json!({"owner": U})).await;
    kit.delete(&key(), "notes", &secret).await.unwrap();
    let moved = kit.made("notes", json!({"owner": U, "title": "a"})).await;
    kit.merge(&key(), "notes", &moved, json!({"owner": V}))
        .await
        .unwrap();
    kit.delete(&key(), "notes", &moved).await.unwrap();
    assert_eq!(kit.told(&anon(), &query).await, []);
    // Now everybody could have seen them, had they been there still.
    kit.rules("notes", json!({"list": "true"})).await.unwrap();
    for asker in [u(), v(), anon()] {
        assert_eq!(kit.told(&asker, &query).await, []);
    }
    assert_eq!(
        kit.told(&key(), &query).await,
        [gone(&secret), gone(&moved)]
    );
    assert_ne!(tag(kit, &v(), "notes").await, before);
    let id = kit.made("notes", json!({"owner": U})).await;
    kit.delete(&key(), "notes", &id).await.unwrap();
    assert_eq!(kit.told(&anon(), &query).await, [gone(&id)]);
    // The same rules again are not the same tag: something went between.
    kit.rules("notes", json!({"list": "owner == auth.id"}))
        .await
        .unwrap();
    assert_ne!(tag(kit, &v(), "notes").await, before);
}

async fn a_collection_made_anew_tells_nothing_of_the_old(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    let since = kit.place().await;
    let before = tag(kit, &anon(), "notes").await;
    let old = kit.made("notes", json!({"owner": U})).await;
    kit.delete(&key(), "notes", &old).await.unwrap();
    kit.data
        .delete_collection(&kit.project, &key(), "notes", Some("delete:notes"))
        .await
        .unwrap();
    kit.open("notes", json!([{"name": "title", "type": "text"}]))
        .await;
    assert_eq!(
        kit.told(&anon(), &format!("since={since}&collections=notes"))
            .await,
        []
    );
    assert_ne!(tag(kit, &anon(), "notes").await, before);
}

/// `docs` that their shares show.
async fn docs(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    kit.open("docs", json!([{"name": "text", "type": "text"}, {"name": "lead", "type": "relation", "collection": "users"}])).await;
    kit.open("shares", json!([{"name": "room", "type": "text"}, {"name": "user", "type": "relation", "collection": "users"}])).await;
    let shared =
        "lead == auth.id || collection('shares').exists(s, s.user == auth.id && s.room == text)";
    kit.rules("docs", json!({"list": shared})).await.unwrap();
}

async fn rules_that_hop_are_judged_while_nothing_has_moved(kit: &Kit) {
    docs(kit).await;
    let share = kit.made("shares", json!({"room": "a", "user": U})).await;
    let a = kit.made("docs", json!({"text": "a"})).await;
    let b = kit.made("docs", json!({"text": "b"})).await;
    let c = kit.made("docs", json!({"text": "a"})).await;
    let since = kit.place().await;
    let query = format!("since={since}&collections=docs");
    let before = tag(kit, &u(), "docs").await;
    kit.delete(&key(), "docs", &a).await.unwrap();
    kit.delete(&key(), "docs", &b).await.unwrap();
    kit.merge(&key(), "docs", &c, json!({"text": "b"}))
        .await
        .unwrap();
    // Nothing that the rule looks at has changed: the database answers as it would have then.
    assert_eq!(kit.told(&u(), &query).await, [gone(&a), gone(&c)]);
    assert_eq!(kit.told(&v(), &query).await, []);
    assert_eq!(tag(kit, &u(), "docs").await, before);
    // Who gets a share now could not have seen what went before; the tag says: list again.
    kit.made("shares", json!({"room": "a", "user": V})).await;
    assert_eq!(kit.told(&v(), &query).await, []);
    assert_ne!(tag(kit, &u(), "docs").await, before);
    // Who lost it could, but that is not known any more; the tag says: list again.
    let before = tag(kit, &u(), "docs").await;
    kit.delete(&key(), "shares", &share).await.unwrap();
    assert_eq!(kit.told(&u(), &query).await, []);
    assert_ne!(tag(kit, &u(), "docs").await, before);
    // Another caller's tag is not moved by what its rules do not look at.
    assert_eq!(
        tag(kit, &key(), "docs").await,
        tag(kit, &key(), "docs").await
    );
    let privileged = tag(kit, &key(), "docs").await;
    kit.made("shares", json!({"room": "a", "user": V})).await;
    assert_eq!(tag(kit, &key(), "docs").await, privileged);
    // Only so many are judged by the database at once.
    for _ in 0..105 {
        kit.made("docs", json!({"text": "b"})).await;
    }
    let page = kit
        .feed(&u(), &format!("{query}&limit=1000"))
        .await
        .unwrap();
    assert!(page.more);
    assert!(
        !kit.feed(&key(), &format!("{query}&limit=1000"))
            .await
            .unwrap()
            .more
    );
}

async fn rules_over_their_own_collection_are_not_judged(kit: &Kit) {
    notes(kit, json!("size(collection('notes')) <= 2")).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(kit.made("notes", json!({})).await);
    }
    let since = kit.place().await;
    let before = tag(kit, &u(), "notes").await;
    // With three of them nobody sees one; the third is gone before two are seen.
    kit.delete(&key(), "notes", &ids[2]).await.unwrap();
    assert_eq!(
        kit.told(&u(), &format!("since={since}&collections=notes"))
            .await,
        []
    );
    assert_ne!(tag(kit, &u(), "notes").await, before);
}

/// A node that did not know the rule yet has left out what it needs.
async fn a_witness_that_does_not_know_the_rule(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    let id = kit.made("notes", json!({"owner": U})).await;
    let since = kit.place().await;
    kit.delete(&key(), "notes", &id).await.unwrap();
    kit.stamped().await;
    for witness in ["NULL", "'{\"title\": \"x\"}'"] {
        kit.execute(&format!(
            r#"UPDATE "project"."_changes" SET witness = {witness} WHERE action = 'delete'"#
        ))
        .await;
        let got = kit
            .feed(&u(), &format!("since={since}&collections=notes"))
            .await;
        assert_eq!(code(got), Code::ResyncRequired);
        assert_eq!(
            kit.told(&key(), &format!("since={since}&collections=notes"))
                .await,
            [gone(&id)]
        );
        let place = kit.place().await;
        assert!(
            kit.feed(&u(), &format!("since={place}&collections=notes"))
                .await
                .is_ok()
        );
    }
}

fn editor(roles: &[&str], teams: &[&str]) -> Asker {
    let auth = ::rules::Auth {
        id: U.to_string(),
        roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        teams: teams.iter().map(|t| (*t).to_owned()).collect(),
        level: 1,
        ..::rules::Auth::default()
    };
    asker(Who::User(UserAuth::new(
        U,
        uuid::Uuid::from_u128(1),
        Arc::new(auth),
        kernel::Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
    )))
}

async fn the_tag_moves_with_what_decides(kit: &Kit) {
    notes(
        kit,
        json!("owner == auth.id || 'editor' in auth.roles || title in auth.teams"),
    )
    .await;
    kit.open("other", json!([{"name": "until", "type": "datetime"}]))
        .await;
    kit.rules("other", json!({"list": "until > now"}))
        .await
        .unwrap();
    kit.open("nets", json!([{"name": "net", "type": "text"}]))
        .await;
    kit.rules("nets", json!({"list": "net == request.ip_network"}))
        .await
        .unwrap();
    let askers = [
        u(),
        v(),
        anon(),
        key(),
        editor(&["editor"], &[]),
        editor(&[], &["t"]),
        editor(&[], &["t", "s"]),
    ];
    let mut all = std::collections::BTreeSet::new();
    for asker in &askers {
        for collections in ["notes", "other", "notes,other", "nets"] {
            assert!(all.insert(tag(kit, asker, collections).await));
        }
    }
    // The same whatever the order and the time, and untouched by changes of records.
    let before = tag(kit, &u(), "notes,other").await;
    assert_eq!(tag(kit, &u(), "other,notes,notes").await, before);
    let one = tag(kit, &later(u(), 30), "notes").await;
    kit.made("notes", json!({})).await;
    kit.made("other", json!({})).await;
    assert_eq!(tag(kit, &later(u(), 3_000), "notes").await, one);
    // A rule that looks at the clock moves it by the minute; the stamp is 12:00:00.
    let other = async |seconds| tag(kit, &later(u(), seconds), "other").await;
    assert_eq!(other(10).await, other(59).await);
    assert_ne!(other(59).await, other(60).await);
    // One that looks at the network with that.
    let there = |network: &str| {
        let asker = later(u(), 30);
        Asker::new(&asker.who, asker.now, "GET", network, Map::new(), "r")
    };
    assert_ne!(
        tag(kit, &there("192.0.2.7"), "nets").await,
        tag(kit, &there("192.0.2.8"), "nets").await
    );
    assert_eq!(
        tag(kit, &there("192.0.2.7"), "notes").await,
        tag(kit, &there("192.0.2.8"), "notes").await
    );
    // Other rules than list do not decide.
    assert_eq!(
        tag(kit, &at(user(V), "2026-03-01T13:00:00Z"), "notes").await,
        tag(kit, &later(v(), 90), "notes").await
    );
}

async fn the_tag_settles_after_a_change_of_rules(kit: &Kit) {
    notes(kit, json!("true")).await;
    // Nodes may know the rules of a moment ago for a second: who has listed there lists again.
    let fresh = tag(kit, &later(u(), 1), "notes").await;
    let settled = tag(kit, &later(u(), 2), "notes").await;
    assert_ne!(fresh, settled);
    assert_eq!(settled, tag(kit, &later(u(), 60), "notes").await);
}

/// Whoever deletes while the rules change stands on one side of the change, in the log as in the table.
async fn writes_and_a_change_of_rules_keep_their_order(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    for round in 0..10 {
        kit.rules("notes", json!({"list": "owner == auth.id"}))
            .await
            .unwrap();
        let mut ids = Vec::new();
        for _ in 0..8 {
            ids.push(kit.made("notes", json!({"owner": U})).await);
        }
        let since = kit.place().await;
        let deletes = async {
            for id in &ids {
                kit.delete(&key(), "notes", id).await.unwrap();
            }
        };
        let opens = async {
            tokio::time::sleep(Duration::from_millis(round)).await;
            kit.rules("notes", json!({"list": "true"})).await.unwrap();
            // Committed now: what is there still has been there for everybody to see.
            kit.list(&anon(), "notes", &[("limit", "100")])
                .await
                .unwrap()
                .len()
        };
        let ((), left) = futures_util::join!(deletes, opens);
        let told = kit
            .told(&anon(), &format!("since={since}&collections=notes"))
            .await;
        assert!(told.len() >= left, "{told:?} {left}");
        let first = ids.len() - told.len();
        let told: Vec<&String> = told.iter().map(|(id, _)| id).collect();
        assert_eq!(told, ids[first..].iter().collect::<Vec<_>>());
    }
}

async fn a_change_of_rules_waits_for_writes_that_have_begun(kit: &Kit) {
    if !kit.is_postgres() {
        // There writes follow each other anyway.
        return;
    }
    notes(kit, json!("owner == auth.id")).await;
    let id = kit.made("notes", json!({"owner": U})).await;
    let change = ChangeIn {
        collection: "notes".to_owned(),
        record: id.clone(),
        action: Action::Delete,
        fields: "[]".to_owned(),
        actor: None,
        witness: Some(json!({"owner": U}).to_string()),
        before: None,
        after: None,
        at: now(),
    };
    let begun = Arc::new(tokio::sync::Notify::new());
    let begins = begun.clone();
    let write = kit
        .db
        .write(async move |tx: &WriteTx| -> Result<(), StoreError> {
            tx.execute_unprepared(r#"DELETE FROM "project"."notes""#)
                .await?;
            begins.notify_one();
            tokio::time::sleep(Duration::from_millis(400)).await;
            tx.log_change(change.clone()).await
        });
    let opens = async {
        begun.notified().await;
        kit.rules("notes", json!({"list": "true"})).await.unwrap();
    };
    let (written, ()) = futures_util::join!(write, opens);
    written.unwrap();
    kit.stamped().await;
    let log = kit.db.changes(0, 1_000).await.unwrap();
    let place = |collection: &str| {
        log.iter()
            .rposition(|c| c.collection == collection)
            .unwrap()
    };
    assert!(place("notes") < place("_collections"), "{log:?}");
    assert_eq!(kit.told(&anon(), "since=0&collections=notes").await, []);
}

/// For a second it answers by the rules of before, and its tag says so.
async fn a_node_that_is_behind_has_another_tag(kit: &Kit) {
    notes(kit, json!("owner == auth.id")).await;
    kit.stamped().await;
    let behind = Data::new(kernel::Ids, Arc::new(crate::files::Shelf));
    let theirs = async || {
        kit.stamped().await;
        let query = ChangesQuery::parse("since=now&collections=notes").unwrap();
        let page = behind.changes(&kit.project, &u(), &query).await.unwrap();
        let version = behind.schema(&kit.project).await.unwrap().version;
        (version, page.visibility)
    };
    assert_eq!(theirs().await.1, tag(kit, &u(), "notes").await);
    kit.rules("notes", json!({"list": "true"})).await.unwrap();
    let (version, tag_) = theirs().await;
    // Unless this took a second.
    if version != kit.data.schema(&kit.project).await.unwrap().version {
        assert_ne!(tag_, tag(kit, &u(), "notes").await);
    }
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(theirs().await.1, tag(kit, &u(), "notes").await);
}
