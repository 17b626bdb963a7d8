//! Writes that meet other records: unique values, ids, relations, versions; and that a refused one leaves nothing.

use crate::kit::{Kit, U, add_user, anon, both, code, every_type, faults, key, u};
use data::IfMatch;
use kernel::Code;
use serde_json::json;

both!(
    clients_may_bring_ids,
    unique_names_the_field,
    a_relation_leads_somewhere,
    versions_are_conditions,
    what_is_referred_to_stays,
    refused_writes_leave_nothing,
);
async fn clients_may_bring_ids(kit: &Kit) {
    kit.open(
        "posts",
        json!([{"name": "a", "type": "text", "max": 20, "unique": true}]),
    )
    .await;
    let id = "018F3C2A-7B1E-4C3D-9A4B-5C6D7E8F9A0B";
    let made = kit
        .create(&anon(), "posts", json!({"id": id, "a": "1"}))
        .await
        .unwrap();
    assert_eq!(made["id"], json!(id.to_lowercase()));
    let (code_, paths) = faults(
        kit.create(&anon(), "posts", json!({"id": id.to_lowercase(), "a": "2"}))
            .await,
    );
    assert_eq!((code_, paths), (Code::IdTaken, vec!["/id".into()]));
    let bare = id.replace('-', "");
    assert_eq!(
        code(
            kit.create(&anon(), "posts", json!({"id": bare, "a": "3"}))
                .await
        ),
        Code::IdTaken
    );
    // Invisible or not: it is taken.
    kit.rules("posts", json!({"view": null, "list": null}))
        .await
        .unwrap();
    assert_eq!(
        code(kit.create(&anon(), "posts", json!({"id": id})).await),
        Code::IdTaken
    );
    for bad in [
        json!("role:admin"),
        json!("../x"),
        json!(""),
        json!(7),
        json!(null),
        json!("a".repeat(1_000)),
        json!("00000000-0000-0000-0000-000000000000"),
        json!("ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ] {
        assert_eq!(
            faults(
                kit.create(&anon(), "posts", json!({"id": bad, "a": 1}))
                    .await
            ),
            (Code::ValidationFailed, vec!["/a".into(), "/id".into()])
        );
    }
}

async fn unique_names_the_field(kit: &Kit) {
    let definition = json!({
        "name": "posts",
        "fields": [
            {"name": "slug", "type": "text", "max": 50, "unique": true},
            {"name": "lang", "type": "text", "max": 5},
            {"name": "no", "type": "number", "format": "integer"},
            {"name": "mark", "type": "text", "max": 9, "unique": true, "hidden": true}
        ],
        "indexes": [{"fields": ["lang", "no"], "unique": true}],
        "rules": {"list": "true", "view": "true", "create": "true", "update": "true"}
    });
    kit.collection(definition).await;
    kit.create(
        &key(),
        "posts",
        json!({"slug": "a", "lang": "de", "no": 1, "mark": "m"}),
    )
    .await
    .unwrap();
    assert_eq!(
        faults(kit.create(&anon(), "posts", json!({"slug": "a"})).await),
        (Code::Duplicate, vec!["/slug".into()])
    );
    assert_eq!(
        faults(
            kit.create(&anon(), "posts", json!({"lang": "de", "no": 1}))
                .await
        ),
        (Code::Duplicate, vec!["/lang".into(), "/no".into()])
    );
    // Case counts, and nulls are not the same as each other.
    let id = kit.made("posts", json!({"slug": "A", "lang": "de"})).await;
    kit.made("posts", json!({"lang": "de"})).await;
    assert_eq!(
        faults(kit.merge(&anon(), "posts", &id, json!({"slug": "a"})).await),
        (Code::Duplicate, vec!["/slug".into()])
    );
    assert_eq!(
        faults(kit.merge(&key(), "posts", &id, json!({"mark": "m"})).await),
        (Code::Duplicate, vec!["/mark".into()])
    );
}

async fn a_relation_leads_somewhere(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("genres", json!([])).await;
    kit.open("films", json!([{"name": "genre", "type": "relation", "collection": "genres"}, {"name": "second", "type": "relation", "collection": "genres"}, {"name": "owner", "type": "relation", "collection": "users"}])).await;
    let genre = kit.made("genres", json!({})).await;
    let nowhere = "01990000-0000-7000-8000-0000000000ff";
    let id = kit
        .made(
            "films",
            json!({"genre": genre, "owner": U.to_string().to_uppercase()}),
        )
        .await;
    assert_eq!(
        kit.get(&key(), "films", &id).await.unwrap()["owner"],
        json!(U.to_string())
    );
    assert_eq!(
        faults(
            kit.create(
                &anon(),
                "films",
                json!({"genre": nowhere, "second": genre, "owner": nowhere})
            )
            .await
        ),
        (
            Code::ValidationFailed,
            vec!["/genre".into(), "/owner".into()]
        )
    );
    assert_eq!(
        faults(
            kit.merge(&anon(), "films", &id, json!({"second": nowhere}))
                .await
        ),
        (Code::ValidationFailed, vec!["/second".into()])
    );
    // The id of another collection's record is no record of this one.
    assert_eq!(
        faults(kit.merge(&anon(), "films", &id, json!({"genre": id})).await),
        (Code::ValidationFailed, vec!["/genre".into()])
    );
    assert_eq!(
        code(kit.delete(&anon(), "genres", &genre).await),
        Code::Referenced
    );
    kit.merge(&anon(), "films", &id, json!({"genre": null}))
        .await
        .unwrap();
    kit.delete(&anon(), "genres", &genre).await.unwrap();
}

async fn versions_are_conditions(kit: &Kit) {
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({})).await;
    let versions = |v: &[i64]| Some(IfMatch::Versions(v.to_vec()));
    let merge = async |wanted| {
        kit.merge_if(&anon(), "posts", &id, json!({"stock": 1}), wanted)
            .await
            .map(|r| r["_version"].clone())
    };
    assert_eq!(merge(versions(&[1])).await.unwrap(), 2);
    assert_eq!(code(merge(versions(&[1])).await), Code::PreconditionFailed);
    assert_eq!(code(merge(versions(&[])).await), Code::PreconditionFailed);
    assert_eq!(merge(versions(&[1, 2])).await.unwrap(), 3);
    assert_eq!(merge(Some(IfMatch::Any)).await.unwrap(), 4);
    assert_eq!(
        code(kit.delete_if(&anon(), "posts", &id, versions(&[3])).await),
        Code::PreconditionFailed
    );
    // Of what is not to be seen, the condition says nothing.
    kit.rules(
        "posts",
        json!({"view": null, "update": null, "delete": null}),
    )
    .await
    .unwrap();
    for wanted in [None, versions(&[3]), versions(&[4]), Some(IfMatch::Any)] {
        assert_eq!(code(merge(wanted.clone()).await), Code::RecordNotFound);
        assert_eq!(
            code(kit.delete_if(&anon(), "posts", &id, wanted).await),
            Code::RecordNotFound
        );
    }
    kit.delete_if(&key(), "posts", &id, versions(&[4]))
        .await
        .unwrap();
    assert_eq!(
        code(
            kit.delete_if(&key(), "posts", &id, Some(IfMatch::Any))
                .await
        ),
        Code::RecordNotFound
    );
}

async fn what_is_referred_to_stays(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({"owner": U})).await;
    assert_eq!(
        code(kit.delete(&key(), "users", &U.to_string()).await),
        Code::Referenced
    );
    assert_eq!(
        code(kit.delete(&u(), "users", &U.to_string()).await),
        Code::Referenced
    );
    kit.delete(&key(), "posts", &id).await.unwrap();
    kit.delete(&u(), "users", &U.to_string()).await.unwrap();
}

/// O3: what is refused has no effect, in the records, the change log, the audit log and the kept answers.
async fn refused_writes_leave_nothing(kit: &Kit) {
    let mut fields = every_type();
    fields[0]["max"] = json!(50);
    fields[0]["unique"] = json!(true);
    kit.open("posts", fields).await;
    kit.rules(
        "posts",
        json!({"create": "stock < 5", "update": "stock < 5", "delete": "stock < 5"}),
    )
    .await
    .unwrap();
    let full = kit.made("posts", json!({"title": "a", "stock": 9})).await;
    let few = kit.made("posts", json!({"title": "b", "stock": 1})).await;
    kit.made("posts", json!({"title": "c", "stock": 1, "owner": null}))
        .await;
    let before = kit.dump(&["posts", "users"]).await;
    assert!(before.contains("posts: ") && before.contains("_changes: "));
    let with = |n: u8| crate::kit::claim(&format!("k-0123456789abcde{n}"), "h");
    let nowhere = "01990000-0000-7000-8000-0000000000ff";
    for (n, record) in [
        json!({"stock": 7}),
        json!({"title": "a", "stock": 1}),
        json!({"id": few, "stock": 1}),
        json!({"stock": 1, "owner": nowhere}),
        json!({"x": 1}),
        json!({"stock": "1"}),
        json!({}),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(
            kit.create_with(&anon(), "posts", record, with(u8::try_from(n).unwrap()))
                .await
                .is_err()
        );
    }
    for record in [
        json!({"stock": 7}),
        json!({"title": "a"}),
        json!({"owner": nowhere}),
        json!({"x": 1}),
        json!({"stock": "1"}),
        json!({"stock": null}),
    ] {
        assert!(kit.merge(&anon(), "posts", &few, record).await.is_err());
        assert!(
            kit.merge_if(
                &anon(),
                "posts",
                &few,
                json!({}),
                Some(IfMatch::Versions(vec![9]))
            )
            .await
            .is_err()
        );
    }
    assert_eq!(
        code(
            kit.merge(&anon(), "posts", &full, json!({"stock": 1}))
                .await
        ),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.delete(&anon(), "posts", &full).await),
        Code::RuleDenied
    );
    assert_eq!(kit.dump(&["posts", "users"]).await, before);
}
