//! Files that fields hold: who may bind which, and that they are counted and freed with the records' own writes.

use crate::kit::{Kit, TOKEN_U, TOKEN_V, U, V, both, by_key, now, user};
use files::{FileClaim, FileOwner, FileRelease};
use gate::{Problem, Who};
use kernel::Code;
use store::WriteTx;
use uuid::Uuid;

both!(
    who_may_bind,
    nothing_is_bound_if_one_is_not,
    a_binding_goes_with_its_transaction,
    the_last_one_out,
    two_who_let_go_at_once,
    views_and_buckets,
    a_field_of_many_files,
);

pub fn owner(record: u128, field: &str) -> FileOwner {
    FileOwner {
        collection: "posts".to_owned(),
        record: Uuid::from_u128(record),
        field: field.to_owned(),
    }
}

pub fn claim(file: Uuid, bucket: &str, record: u128) -> FileClaim {
    FileClaim {
        file,
        bucket: bucket.to_owned(),
        owner: owner(record, "image"),
    }
}

/// Binds in a transaction of its own; the ids that were not to be bound.
pub async fn bind(kit: &Kit, who: &Who, claims: Vec<FileClaim>) -> Result<(), Vec<Uuid>> {
    let (files, who) = (kit.files.clone(), who.clone());
    let job =
        async move |tx: &WriteTx| -> Result<_, Problem> { files.claim(tx, &who, &claims).await };
    kit.project.db.write(job).await.unwrap()
}

pub async fn free(kit: &Kit, owners: Vec<FileOwner>) {
    let all = owners.into_iter();
    let all = all.map(|owner| FileRelease { owner, file: None });
    free_some(kit, all.collect()).await;
}

pub async fn free_some(kit: &Kit, releases: Vec<FileRelease>) {
    let (files, project) = (kit.files.clone(), kit.project.clone());
    let job = async move |tx: &WriteTx| -> Result<_, Problem> {
        files.release(&project, tx, &releases, now()).await
    };
    kit.project.db.write(job).await.unwrap();
}

async fn who_may_bind(kit: &Kit) {
    kit.attachments("att").await;
    kit.open_bucket("open").await;
    let of_u = kit.put(Some(TOKEN_U), "att/u", b"u").await.id();
    let of_key = kit.put(Some(&kit.key), "att/k", b"k").await.id();
    let of_nobody = kit.put(None, "open/n", b"n").await.id();
    let (u, v, key) = (user(U), user(V), by_key());
    let refused = |id| Err(vec![id]);
    // Only whose bytes one sent oneself.
    assert_eq!(
        bind(kit, &v, vec![claim(of_u, "att", 1)]).await,
        refused(of_u)
    );
    assert_eq!(
        bind(kit, &Who::Anonymous, vec![claim(of_u, "att", 1)]).await,
        refused(of_u)
    );
    assert_eq!(
        bind(kit, &u, vec![claim(of_key, "att", 1)]).await,
        refused(of_key)
    );
    for who in [&u, &Who::Anonymous] {
        assert_eq!(
            bind(kit, who, vec![claim(of_nobody, "open", 1)]).await,
            refused(of_nobody)
        );
    }
    // Only in the bucket that the field names, and only what is there.
    assert_eq!(
        bind(kit, &u, vec![claim(of_u, "open", 1)]).await,
        refused(of_u)
    );
    assert_eq!(
        bind(kit, &key, vec![claim(of_u, "open", 1)]).await,
        refused(of_u)
    );
    let absent = Uuid::from_u128(0xabc);
    assert_eq!(
        bind(kit, &key, vec![claim(absent, "att", 1)]).await,
        refused(absent)
    );
    assert_eq!(kit.count("_file_owners").await, 0);
    assert_eq!(bind(kit, &u, vec![claim(of_u, "att", 1)]).await, Ok(()));
    // The same file in the same field again, by whoever writes the record.
    assert_eq!(bind(kit, &v, vec![claim(of_u, "att", 1)]).await, Ok(()));
    assert_eq!(kit.count("_file_owners").await, 1);
    // Into another record: by oneself and by keys, not by others.
    assert_eq!(
        bind(kit, &v, vec![claim(of_u, "att", 2)]).await,
        refused(of_u)
    );
    assert_eq!(bind(kit, &u, vec![claim(of_u, "att", 2)]).await, Ok(()));
    assert_eq!(bind(kit, &key, vec![claim(of_u, "att", 3)]).await, Ok(()));
    // Now a field holds it that somebody else bound.
    assert_eq!(
        bind(kit, &u, vec![claim(of_u, "att", 4)]).await,
        refused(of_u)
    );
    assert_eq!(
        bind(
            kit,
            &key,
            vec![claim(of_key, "att", 5), claim(of_nobody, "open", 6)]
        )
        .await,
        Ok(())
    );
    assert_eq!(kit.count("_file_owners").await, 5);
    // A file that V has replaced is V's to give, and no more U's.
    let shared = kit.put(Some(TOKEN_U), "open/s", b"u").await.id();
    kit.put(Some(TOKEN_V), "open/s", b"v").await;
    assert_eq!(
        bind(kit, &u, vec![claim(shared, "open", 7)]).await,
        refused(shared)
    );
    assert_eq!(bind(kit, &v, vec![claim(shared, "open", 7)]).await, Ok(()));
}

async fn nothing_is_bound_if_one_is_not(kit: &Kit) {
    kit.attachments("att").await;
    let mine = kit.put(Some(TOKEN_U), "att/u", b"u").await.id();
    let theirs = kit.put(Some(TOKEN_V), "att/v", b"v").await.id();
    let absent = Uuid::from_u128(1);
    let claims = vec![
        claim(mine, "att", 1),
        claim(theirs, "att", 2),
        claim(absent, "att", 3),
    ];
    let mut refused = bind(kit, &user(U), claims).await.unwrap_err();
    refused.sort_unstable();
    assert_eq!(refused, [absent, theirs]);
    assert_eq!(kit.count("_file_owners").await, 0);
    // One file in two fields at once.
    assert_eq!(
        bind(
            kit,
            &user(U),
            vec![claim(mine, "att", 1), claim(mine, "att", 2)]
        )
        .await,
        Ok(())
    );
    assert_eq!(kit.count("_file_owners").await, 2);
}

async fn a_binding_goes_with_its_transaction(kit: &Kit) {
    kit.attachments("att").await;
    let id = kit.put(Some(TOKEN_U), "att/u", b"u").await.id();
    let undone = |release: bool| {
        let (files, project) = (kit.files.clone(), kit.project.clone());
        async move |tx: &WriteTx| -> Result<(), Problem> {
            if release {
                let all = FileRelease {
                    owner: owner(1, "image"),
                    file: None,
                };
                files.release(&project, tx, &[all], now()).await?;
            } else {
                let bound = files.claim(tx, &user(U), &[claim(id, "att", 1)]).await?;
                assert_eq!(bound, Ok(()));
            }
            Err(Code::RuleDenied.into())
        }
    };
    assert!(kit.project.db.write(undone(false)).await.is_err());
    assert_eq!(kit.count("_file_owners").await, 0);
    bind(kit, &user(U), vec![claim(id, "att", 1)])
        .await
        .unwrap();
    assert!(kit.project.db.write(undone(true)).await.is_err());
    assert_eq!(
        (kit.count("_file_owners").await, kit.count("_files").await),
        (1, 1)
    );
    kit.tick(now()).await;
    assert_eq!(
        kit.get(Some(&kit.key), &format!("/v1/files/{id}"))
            .await
            .body,
        b"u"
    );
}

async fn the_last_one_out(kit: &Kit) {
    kit.attachments("att").await;
    kit.open_bucket("open").await;
    let att = kit.put(Some(TOKEN_U), "att/a", b"a").await.id();
    let kept = kit.put(Some(TOKEN_U), "open/b", b"b").await.id();
    let claims = vec![
        claim(att, "att", 1),
        claim(att, "att", 2),
        claim(kept, "open", 3),
    ];
    bind(kit, &user(U), claims).await.unwrap();
    for id in [att, kept] {
        let path = format!("/v1/files/{id}");
        for token in [TOKEN_U, kit.key.as_str()] {
            assert_eq!(
                kit.delete(Some(token), &path).await,
                (409, "file_in_use".into())
            );
        }
    }
    // What holds nothing is skipped.
    free(
        kit,
        vec![owner(1, "image"), owner(9, "image"), owner(1, "other")],
    )
    .await;
    assert_eq!(kit.count("_files").await, 2);
    free(kit, vec![owner(2, "image"), owner(3, "image")]).await;
    // The attachment is gone with its last field, its bytes with the next tick; the file stays.
    assert_eq!(
        (kit.count("_files").await, kit.count("_file_owners").await),
        (1, 0)
    );
    assert_eq!(kit.objects().len(), 2);
    assert_eq!(kit.files.woken().await, ["shop"]);
    kit.tick(now()).await;
    assert_eq!(kit.objects().len(), 1);
    assert_eq!(
        kit.delete(Some(TOKEN_U), &format!("/v1/files/{kept}"))
            .await
            .0,
        204
    );
    // All that a collection's records held is freed with the collection, and collected a day later.
    let att = kit.put(Some(TOKEN_U), "att/c", b"c").await.id();
    bind(kit, &user(U), vec![claim(att, "att", 1)])
        .await
        .unwrap();
    let files = kit.files.clone();
    let drop_all = async move |tx: &WriteTx| -> Result<(), Problem> {
        files.release_collection(tx, "posts").await
    };
    kit.project.db.write(drop_all).await.unwrap();
    assert_eq!(
        (kit.count("_files").await, kit.count("_file_owners").await),
        (1, 0)
    );
    kit.tick(now().plus(2 * crate::kit::DAY)).await;
    assert_eq!((kit.count("_files").await, kit.objects().len()), (0, 0));
}

async fn two_who_let_go_at_once(kit: &Kit) {
    kit.attachments("att").await;
    for round in 0..10 {
        let id = kit.put(Some(TOKEN_U), "att/a", b"a").await.id();
        let records: Vec<u128> = (1..=6).map(|n| n + round * 10).collect();
        let claims = records.iter().map(|r| claim(id, "att", *r)).collect();
        bind(kit, &user(U), claims).await.unwrap();
        let all = records.iter().map(|r| free(kit, vec![owner(*r, "image")]));
        futures_util::future::join_all(all).await;
        // Each of them saw the others' fields unless they go one by one.
        assert_eq!(
            (kit.count("_file_owners").await, kit.count("_files").await),
            (0, 0)
        );
    }
}

async fn views_and_buckets(kit: &Kit) {
    kit.attachments("att").await;
    let made = kit.put(Some(TOKEN_V), "att/v", b"v").await;
    let ids = [made.id(), Uuid::from_u128(5)];
    let views = kit.files.views(&kit.project, &ids).await.unwrap();
    assert_eq!(views.len(), 1);
    let view: serde_json::Value = serde_json::from_str(&views[&made.id()]).unwrap();
    assert_eq!(view, made.json());
    assert!(kit.files.has_bucket(&kit.project, "att").await.unwrap());
    for none in ["none", "", "ATT", "a'b"] {
        assert!(
            !kit.files.has_bucket(&kit.project, none).await.unwrap(),
            "{none}"
        );
    }
}

async fn a_field_of_many_files(kit: &Kit) {
    kit.attachments("att").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "unheld"] {
        let path = format!("att/{name}");
        ids.push(kit.put(Some(TOKEN_U), &path, name.as_bytes()).await.id());
    }
    let (held, unheld) = ids.split_at(3);
    let claims = held.iter().map(|id| claim(*id, "att", 1)).collect();
    bind(kit, &user(U), claims).await.unwrap();
    assert_eq!(kit.count("_file_owners").await, 3);
    // What is held may be named again by anybody; what comes beside it must be the caller's.
    let again = vec![claim(held[0], "att", 1), claim(unheld[0], "att", 1)];
    assert_eq!(bind(kit, &user(V), again).await, Err(vec![unheld[0]]));
    bind(kit, &user(U), vec![claim(held[0], "att", 2)])
        .await
        .unwrap();
    let one = |file: Uuid| FileRelease {
        owner: owner(1, "image"),
        file: Some(file),
    };
    // One that another field holds stays, one that no field holds goes, and one that this field never held is not touched.
    free_some(kit, vec![one(held[0]), one(held[1]), one(unheld[0])]).await;
    assert_eq!(
        (kit.count("_file_owners").await, kit.count("_files").await),
        (2, 3)
    );
    let status = async |id: Uuid| {
        let path = format!("/v1/files/{id}");
        kit.get(Some(&kit.key), &path).await.status
    };
    for (id, want) in ids.iter().zip([200, 404, 200, 200]) {
        assert_eq!(status(*id).await, want);
    }
    free(kit, vec![owner(1, "image"), owner(2, "image")]).await;
    assert_eq!(
        (kit.count("_file_owners").await, kit.count("_files").await),
        (0, 1)
    );
}
