//! Files that fields hold: claimed and released with the write, expanded, and read as their fields are.

use crate::files::put;
use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, key, u, v};
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    files_are_held,
    files_go_with_their_records,
    files_are_expanded,
    files_are_read_as_their_fields,
);

async fn held(kit: &Kit) -> Vec<String> {
    kit.rows(r#"SELECT field || ' ' || file AS line FROM "project"."_held" ORDER BY 1"#)
        .await
        .iter()
        .map(|row| row.try_get("", "line").unwrap())
        .collect()
}

fn file(n: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0f00 + n)
}

async fn with_posters(kit: &Kit) {
    add_user(kit, U, None).await;
    for n in 0..4 {
        put(kit, file(n), "posters", Some(U)).await;
    }
    put(kit, file(9), "avatars", Some(U)).await;
    kit.open("films", json!([{"name": "title", "type": "text", "max": 20, "unique": true}, {"name": "poster", "type": "file", "bucket": "posters"}, {"name": "still", "type": "file", "bucket": "posters"}])).await;
}

async fn files_are_held(kit: &Kit) {
    with_posters(kit).await;
    let made = kit
        .create(&u(), "films", json!({"poster": file(0)}))
        .await
        .unwrap();
    assert_eq!(made["poster"], json!(file(0)));
    let id = made["id"].as_str().unwrap();
    assert_eq!(held(kit).await, [format!("poster {}", file(0))]);
    // Absent, in another bucket, somebody else's: one and the same.
    let nowhere = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_dead);
    for (asker, file) in [
        (u(), nowhere),
        (u(), file(9)),
        (v(), file(1)),
        (anon(), file(1)),
        (key(), nowhere),
    ] {
        let refused = kit
            .create(&asker, "films", json!({"still": file}))
            .await
            .unwrap_err();
        assert_eq!(
            (
                refused.code(),
                refused.field_errors()[0].path.as_str(),
                refused.field_errors()[0].code
            ),
            (Code::ValidationFailed, "/still", "unknown_file")
        );
        assert_eq!(
            faults(
                kit.merge(&asker, "films", id, json!({"poster": file, "title": "x"}))
                    .await
            ),
            (Code::ValidationFailed, vec!["/poster".into()])
        );
    }
    assert_eq!(
        faults(kit.create(&u(), "films", json!({"poster": "x"})).await),
        (Code::ValidationFailed, vec!["/poster".into()])
    );
    assert_eq!(
        held(kit).await,
        [format!("poster {}", file(0))],
        "a refusal binds and frees nothing"
    );
    // The same file stays without being claimed again: somebody else may send it back.
    kit.merge(&v(), "films", id, json!({"poster": file(0), "title": "t"}))
        .await
        .unwrap();
    kit.merge(
        &u(),
        "films",
        id,
        json!({"poster": file(1), "still": {"set_if_absent": file(2)}}),
    )
    .await
    .unwrap();
    assert_eq!(
        held(kit).await,
        [format!("poster {}", file(1)), format!("still {}", file(2))]
    );
    kit.merge(
        &u(),
        "films",
        id,
        json!({"still": {"set_if_absent": file(3)}}),
    )
    .await
    .unwrap();
    kit.merge(&u(), "films", id, json!({"poster": null}))
        .await
        .unwrap();
    assert_eq!(held(kit).await, [format!("still {}", file(2))]);
    kit.merge(&key(), "films", id, json!({"poster": file(1)}))
        .await
        .unwrap();
    // What goes wrong later takes the files with it.
    assert_eq!(code(kit.batch(&u(), json!([{"op": "update", "collection": "films", "id": id, "data": {"poster": file(3)}}, {"op": "create", "collection": "films", "data": {"title": "t", "still": file(0)}}])).await), Code::Duplicate);
    assert_eq!(held(kit).await.len(), 2);
    let swap = json!([{"op": "update", "collection": "films", "id": id, "data": {"poster": null}}, {"op": "upsert", "collection": "films", "id": file(7), "data": {"poster": file(1)}}]);
    kit.batch(&u(), swap).await.unwrap();
    kit.delete(&u(), "films", id).await.unwrap();
    assert_eq!(held(kit).await, [format!("poster {}", file(1))]);
}

async fn files_go_with_their_records(kit: &Kit) {
    with_posters(kit).await;
    for n in 0..3 {
        kit.create(
            &u(),
            "films",
            json!({"title": format!("{n}"), "poster": file(n), "still": file(n)}),
        )
        .await
        .unwrap();
    }
    assert_eq!(held(kit).await.len(), 6);
    kit.data
        .delete_collection(&kit.project, &key(), "films", Some("delete:films"))
        .await
        .unwrap();
    assert_eq!(held(kit).await, Vec::<String>::new());
}

async fn files_are_expanded(kit: &Kit) {
    with_posters(kit).await;
    kit.change("films", json!({"fields": {"add": [{"name": "next_film", "type": "relation", "collection": "films"}]}})).await.unwrap();
    let first = kit
        .create(
            &u(),
            "films",
            json!({"title": "1", "poster": file(0), "still": file(1)}),
        )
        .await
        .unwrap();
    let id = first["id"].as_str().unwrap();
    kit.create(
        &u(),
        "films",
        json!({"title": "2", "next_film": id, "poster": file(1)}),
    )
    .await
    .unwrap();
    let view = |n: u128| json!({"id": file(n), "bucket": "posters"});
    assert_eq!(
        kit.get_with(&anon(), "films", id, "expand=poster,still&fields=title")
            .await
            .unwrap(),
        json!({"title": "1", "expand": {"poster": view(0), "still": view(1)}})
    );
    let all = kit
        .list(
            &anon(),
            "films",
            &[
                ("expand", "poster,next_film,still"),
                ("sort", "title"),
                ("fields", "title,poster"),
            ],
        )
        .await
        .unwrap();
    assert_eq!(
        all[0],
        json!({"title": "1", "poster": file(0), "expand": {"poster": view(0), "next_film": null, "still": view(1)}})
    );
    assert_eq!(
        (
            &all[1]["expand"]["poster"],
            &all[1]["expand"]["still"],
            &all[1]["expand"]["next_film"]
        ),
        (&view(1), &Json::Null, &first)
    );
    // A file that is gone is null.
    kit.db
        .write(async |tx: &store::WriteTx| -> Result<(), data::DataError> {
            sea_orm::ConnectionTrait::execute_unprepared(
                tx,
                r#"DELETE FROM "project"."_shelf" WHERE bucket = 'posters'"#,
            )
            .await?;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(
        kit.get_with(&anon(), "films", id, "expand=poster&fields=title")
            .await
            .unwrap(),
        json!({"title": "1", "expand": {"poster": null}})
    );
    // Files have no order.
    assert_eq!(
        code(kit.list(&anon(), "films", &[("sort", "poster")]).await),
        Code::InvalidSort
    );
    assert_eq!(
        kit.list(
            &anon(),
            "films",
            &[(
                "filter",
                &format!("poster == '{}' && still != null", file(0))
            )]
        )
        .await
        .unwrap()
        .len(),
        1
    );
}

async fn files_are_read_as_their_fields(kit: &Kit) {
    with_posters(kit).await;
    add_user(kit, V, None).await;
    let fields = json!([{"name": "owner", "type": "relation", "collection": "users"}, {"name": "scan", "type": "file", "bucket": "posters"}, {"name": "proof", "type": "file", "bucket": "posters", "hidden": true}]);
    kit.collection(json!({"name": "papers", "fields": fields, "template": "owner"}))
        .await;
    let id = kit
        .made(
            "papers",
            json!({"owner": U, "scan": file(0), "proof": file(1)}),
        )
        .await;
    let id = kernel::parse_id(&id).unwrap();
    let may = async |asker: data::Asker, collection: &str, id: Uuid, field: &str| {
        kit.data
            .may_read_field(&kit.project, &asker, collection, id, field)
            .await
            .unwrap()
    };
    assert!(may(u(), "papers", id, "scan").await);
    assert!(may(key(), "papers", id, "scan").await);
    assert!(may(key(), "papers", id, "proof").await);
    assert!(!may(v(), "papers", id, "scan").await);
    assert!(!may(anon(), "papers", id, "scan").await);
    assert!(!may(u(), "papers", id, "proof").await, "hidden");
    for (collection, id, field) in [
        ("nothing", id, "scan"),
        ("papers", file(3), "scan"),
        ("papers", id, "nothing"),
    ] {
        assert!(!may(key(), collection, id, field).await);
    }
}
