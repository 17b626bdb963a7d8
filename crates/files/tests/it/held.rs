//! Reading and changing files that fields hold: their records decide, and not the bucket.

use crate::kit::{Kit, Shows, TOKEN_U, TOKEN_V, U, V, both, by_key, user};
use crate::owners::{bind, claim, free, owner};
use serde_json::json;
use uuid::Uuid;

both!(
    one_of_the_owners_says_so,
    held_bytes_change_through_their_record
);

fn show(kit: &Kit, record: u128, shows: Shows) {
    let key = (
        "posts".to_owned(),
        Uuid::from_u128(record),
        "image".to_owned(),
    );
    kit.records.0.lock().unwrap().insert(key, shows);
}

async fn one_of_the_owners_says_so(kit: &Kit) {
    kit.attachments("att").await;
    kit.open_bucket("open").await;
    let att = kit.put(Some(TOKEN_U), "att/a", b"a").await.id();
    let open = kit.put(Some(TOKEN_U), "open/o", b"o").await.id();
    bind(
        kit,
        &user(U),
        vec![claim(att, "att", 1), claim(open, "open", 2)],
    )
    .await
    .unwrap();
    let status = async |token: Option<&str>, id: Uuid| {
        let mut all = Vec::new();
        for (method, path) in [
            ("GET", format!("/v1/files/{id}")),
            ("HEAD", format!("/v1/files/{id}")),
            (
                "GET",
                if id == att {
                    "/v1/files/att/a".to_owned()
                } else {
                    "/v1/files/open/o".to_owned()
                },
            ),
            (
                "GET",
                format!(
                    "/v1/buckets/{}/files/{id}",
                    if id == att { "att" } else { "open" }
                ),
            ),
        ] {
            all.push(kit.ask(token, method, &path, &[], b"").await.status);
        }
        all.dedup();
        assert_eq!(all.len(), 1, "every way says the same: {all:?}");
        all[0]
    };
    // No owner says so: not even the uploader reads it, nor does a bucket's rule of `true` help.
    for id in [att, open] {
        for token in [None, Some(TOKEN_U), Some(TOKEN_V)] {
            assert_eq!(status(token, id).await, 404);
        }
        assert_eq!(status(Some(&kit.key), id).await, 200);
    }
    show(kit, 1, Shows::To(V));
    assert_eq!(
        (
            status(Some(TOKEN_V), att).await,
            status(Some(TOKEN_U), att).await
        ),
        (200, 404)
    );
    assert_eq!(status(Some(TOKEN_V), open).await, 404);
    // One of several is enough.
    bind(kit, &user(U), vec![claim(att, "att", 3)])
        .await
        .unwrap();
    show(kit, 3, Shows::To(U));
    assert_eq!(
        (
            status(Some(TOKEN_V), att).await,
            status(Some(TOKEN_U), att).await
        ),
        (200, 200)
    );
    assert_eq!(status(None, att).await, 404);
    show(kit, 3, Shows::Everybody);
    assert_eq!(status(None, att).await, 200);
    let shown = kit.get(Some(TOKEN_V), &format!("/v1/files/{att}")).await;
    assert_eq!(shown.header("cache-control"), Some("public, max-age=60"));
    show(kit, 3, Shows::Nobody);
    let shown = kit.get(Some(TOKEN_V), &format!("/v1/files/{att}")).await;
    assert_eq!(shown.header("cache-control"), Some("private, no-cache"));
    // Freed, the file of an open bucket is the bucket's again.
    free(kit, vec![owner(2, "image")]).await;
    assert_eq!(status(None, open).await, 200);
}

async fn held_bytes_change_through_their_record(kit: &Kit) {
    kit.attachments("att").await;
    kit.open_bucket("open").await;
    let att = kit.put(Some(TOKEN_U), "att/a", b"a").await.id();
    let open = kit.put(Some(TOKEN_U), "open/o", b"o").await.id();
    assert_eq!(kit.put(Some(TOKEN_U), "att/a", b"b").await.status, 200);
    bind(
        kit,
        &by_key(),
        vec![claim(att, "att", 1), claim(open, "open", 2)],
    )
    .await
    .unwrap();
    let refused = kit.put(Some(TOKEN_U), "att/a", b"c").await;
    assert_eq!(refused.outcome(), (409, "file_in_use".into()));
    assert_eq!(kit.get(Some(&kit.key), "/v1/files/att/a").await.body, b"b");
    assert_eq!(kit.put(Some(&kit.key), "att/a", b"c").await.status, 200);
    // A file of the other kind changes as its bucket's rule says.
    let replaced = kit.put(Some(TOKEN_U), "open/o", b"p").await;
    assert_eq!(
        (replaced.status, &replaced.json()["id"]),
        (200, &json!(open))
    );
}
