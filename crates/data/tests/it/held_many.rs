//! Fields that hold several files: each is claimed and let go of by itself, in the write that changes the list.

use crate::files::put;
use crate::kit::{Kit, U, V, add_user, anon, both, code, key, u, v};
use gate::Problem;
use kernel::Code;
use serde_json::{Value as Json, json};
use uuid::Uuid;

both!(
    lists_of_files_are_held,
    lists_of_files_go_with_their_records,
    lists_of_files_are_shown_and_asked,
    lists_of_files_through_changes_of_the_collection,
);

async fn held(kit: &Kit) -> Vec<String> {
    kit.rows(r#"SELECT collection || '.' || field || ' ' || file AS line FROM "project"."_held" ORDER BY 1"#)
        .await
        .iter()
        .map(|row| row.try_get("", "line").unwrap())
        .collect()
}

fn file(n: u128) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0f00 + n)
}

fn lines(field: &str, files: &[u128]) -> Vec<String> {
    let line = |n: &u128| format!("{field} {}", file(*n));
    files.iter().map(line).collect()
}

fn files(all: &[u128]) -> Json {
    all.iter().map(|n| json!(file(*n))).collect()
}

/// Places and words of all faults.
#[track_caller]
fn told<T>(result: Result<T, Problem>) -> Vec<String> {
    let Err(problem) = result else {
        panic!("this should have failed")
    };
    let errors = problem.field_errors().iter();
    errors.map(|e| format!("{} {}", e.path, e.code)).collect()
}

fn photos() -> Json {
    json!({"name": "photos", "type": "file", "bucket": "posters", "multiple": true, "max_items": 3})
}

async fn with_photos(kit: &Kit) {
    add_user(kit, U, None).await;
    for n in 0..5 {
        put(kit, file(n), "posters", Some(U)).await;
    }
    put(kit, file(9), "avatars", Some(U)).await;
    let title = json!({"name": "title", "type": "text", "max": 20, "unique": true});
    kit.open("films", json!([title, photos()])).await;
}

async fn lists_of_files_are_held(kit: &Kit) {
    with_photos(kit).await;
    let empty = kit.create(&u(), "films", json!({})).await.unwrap();
    assert_eq!(empty["photos"], json!([]));
    let spelled = json!([file(2).to_string().to_uppercase(), file(0)]);
    let made = kit.create(&u(), "films", json!({"photos": spelled})).await;
    let made = made.unwrap();
    assert_eq!(made["photos"], files(&[2, 0]), "the order is kept");
    let id = made["id"].as_str().unwrap();
    assert_eq!(held(kit).await, lines("films.photos", &[0, 2]));
    for (asker, sent, want) in [
        (u(), files(&[1, 1]), "duplicate"),
        (
            u(),
            json!([file(1), file(1).to_string().to_uppercase()]),
            "duplicate",
        ),
        (u(), json!(file(1)), "not_a_list"),
        (u(), json!(["x"]), "not_an_id"),
        (u(), files(&[0, 1, 2, 3]), "too_many"),
        (u(), files(&[1, 9]), "unknown_file"),
        (v(), files(&[1]), "unknown_file"),
        (anon(), files(&[2, 0, 1]), "unknown_file"),
        (key(), files(&[8]), "unknown_file"),
        (u(), json!({"append": files(&[1, 3])}), "too_many"),
        (u(), json!({"append": files(&[9])}), "unknown_file"),
        (v(), json!({"append": files(&[1])}), "unknown_file"),
        (u(), json!({"append": ["x"]}), "not_an_id"),
    ] {
        let change = json!({"photos": sent, "title": "x"});
        let result = kit.merge(&asker, "films", id, change.clone()).await;
        assert_eq!(told(result), [format!("/photos {want}")], "{change}");
    }
    assert_eq!(
        held(kit).await,
        lines("films.photos", &[0, 2]),
        "a refusal binds and frees nothing"
    );
    // What stays is not claimed again: somebody else may put it in order, and take from it.
    for (asker, sent, want) in [
        (v(), files(&[0, 2]), vec![0, 2]),
        (u(), json!({"append": files(&[2, 1])}), vec![0, 2, 1]),
        (v(), json!({"remove": files(&[2, 9])}), vec![0, 1]),
        (u(), json!({"set_if_absent": files(&[3])}), vec![0, 1]),
        (u(), files(&[3, 1]), vec![3, 1]),
        (u(), json!([]), vec![]),
        (key(), json!({"append": files(&[4])}), vec![4]),
    ] {
        let change = json!({"photos": sent});
        let merged = kit
            .merge(&asker, "films", id, change.clone())
            .await
            .unwrap();
        assert_eq!(merged["photos"], files(&want), "{change}");
        let mut sorted = want;
        sorted.sort_unstable();
        assert_eq!(held(kit).await, lines("films.photos", &sorted), "{change}");
    }
    // What goes wrong later takes the files with it, and a batch moves one from a record to another.
    let append = |files: Json| json!({"op": "update", "collection": "films", "id": id, "data": {"photos": {"append": files}}});
    kit.merge(&u(), "films", id, json!({"title": "t"}))
        .await
        .unwrap();
    let twice = json!([append(files(&[1])), {"op": "create", "collection": "films", "data": {"title": "t"}}]);
    assert_eq!(code(kit.batch(&u(), twice).await), Code::Duplicate);
    assert_eq!(held(kit).await, lines("films.photos", &[4]));
    let moved = json!([
        append(files(&[0])),
        {"op": "update", "collection": "films", "id": id, "data": {"photos": {"remove": files(&[4])}}},
        {"op": "upsert", "collection": "films", "id": file(7), "data": {"photos": files(&[4])}}
    ]);
    kit.batch(&key(), moved).await.unwrap();
    assert_eq!(held(kit).await, lines("films.photos", &[0, 4]));
    kit.delete(&u(), "films", id).await.unwrap();
    assert_eq!(held(kit).await, lines("films.photos", &[4]));
}

async fn lists_of_files_go_with_their_records(kit: &Kit) {
    with_photos(kit).await;
    for n in 0..3 {
        let record = json!({"title": format!("{n}"), "photos": files(&[n, n + 1])});
        kit.create(&u(), "films", record).await.unwrap();
    }
    assert_eq!(held(kit).await.len(), 6);
    let asked = json!({"fields": {"drop": ["photos"]}});
    assert_eq!(
        told(kit.change("films", asked).await),
        ["/fields/drop/0 needs_confirmation"]
    );
    assert_eq!(held(kit).await.len(), 6);
    let dropped = json!({"fields": {"drop": ["photos"]}, "confirm": ["drop:photos"]});
    kit.change("films", dropped).await.unwrap();
    assert_eq!(held(kit).await, Vec::<String>::new());
    kit.change("films", json!({"fields": {"add": [photos()]}}))
        .await
        .unwrap();
    let record = json!({"photos": files(&[0, 1])});
    kit.create(&u(), "films", record).await.unwrap();
    kit.data
        .delete_collection(&kit.project, &key(), "films", Some("delete:films"))
        .await
        .unwrap();
    assert_eq!(held(kit).await, Vec::<String>::new());
}

async fn lists_of_files_are_shown_and_asked(kit: &Kit) {
    with_photos(kit).await;
    let one = json!({"title": "1", "photos": files(&[1, 0])});
    let made = kit.create(&u(), "films", one).await.unwrap();
    kit.create(&u(), "films", json!({"title": "2"}))
        .await
        .unwrap();
    let id = made["id"].as_str().unwrap();
    let view = |n: u128| json!({"id": file(n), "bucket": "posters"});
    let shown = kit
        .get_with(&anon(), "films", id, "expand=photos&fields=title")
        .await;
    assert_eq!(
        shown.unwrap(),
        json!({"title": "1", "expand": {"photos": [view(1), view(0)]}})
    );
    let query = [("expand", "photos"), ("sort", "title")];
    let all = kit.list(&anon(), "films", &query).await.unwrap();
    assert_eq!(all[0]["expand"], json!({"photos": [view(1), view(0)]}));
    assert_eq!(all[1]["expand"], json!({"photos": []}));
    for (filter, want) in [
        (format!("'{}' in photos", file(0)), vec!["1"]),
        (format!("'{}' in photos", file(2)), vec![]),
        ("size(photos) == 2".to_owned(), vec!["1"]),
        ("size(photos) == 0".to_owned(), vec!["2"]),
    ] {
        let found = kit
            .values(&anon(), "films", "title", &[("filter", &filter)])
            .await;
        assert_eq!(found, want, "{filter}");
    }
    for query in [("sort", "photos"), ("expand", "photos(limit:1)")] {
        assert!(kit.list(&anon(), "films", &[query]).await.is_err());
    }
    // Each file is read as the record is; who may not read the field reads none.
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "scans", "type": "file", "bucket": "posters", "multiple": true},
        {"name": "masked", "type": "file", "bucket": "posters", "multiple": true, "read": "title == 'open'"},
        {"name": "title", "type": "text"}
    ]);
    kit.collection(json!({"name": "papers", "fields": fields, "template": "owner"}))
        .await;
    let record = json!({"owner": U, "scans": files(&[2]), "masked": files(&[3])});
    let id = kernel::parse_id(&kit.made("papers", record).await).unwrap();
    for (asker, field, want) in [
        (u(), "scans", true),
        (v(), "scans", false),
        (anon(), "scans", false),
        (u(), "masked", false),
        (key(), "masked", true),
    ] {
        let may = kit
            .data
            .may_read_field(&kit.project, &asker, "papers", id, field);
        assert_eq!(may.await.unwrap(), want, "{field}");
    }
    let (asker, id) = (u(), id.to_string());
    let shown = kit.get_with(&asker, "papers", &id, "expand=masked,scans&fields=masked");
    assert_eq!(
        shown.await.unwrap(),
        json!({"masked": null, "expand": {"masked": null, "scans": [view(2)]}})
    );
}

async fn lists_of_files_through_changes_of_the_collection(kit: &Kit) {
    with_photos(kit).await;
    let cover = json!({"name": "cover", "type": "file", "bucket": "posters"});
    kit.change("films", json!({"fields": {"add": [cover]}}))
        .await
        .unwrap();
    let record = json!({"photos": files(&[1, 0]), "cover": file(2)});
    let made = kit.create(&u(), "films", record).await.unwrap();
    let id = made["id"].as_str().unwrap();
    let bare = kit.made("films", json!({})).await;
    // Both fields change their names with each other while the collection gets another.
    let renamed =
        json!({"name": "movies", "fields": {"rename": {"photos": "cover", "cover": "photos"}}});
    kit.change("films", renamed).await.unwrap();
    let mut want = lines("movies.cover", &[0, 1]);
    want.extend(lines("movies.photos", &[2]));
    assert_eq!(held(kit).await, want);
    // One file becomes a list of one, held as before; a list becomes no single file, and no other bucket is taken.
    let many = json!({"fields": {"change": {"photos": {"multiple": true, "max_items": 2}}}});
    kit.change("movies", many).await.unwrap();
    assert_eq!(held(kit).await, want);
    let read = kit.get(&anon(), "movies", id).await.unwrap();
    assert_eq!(
        (&read["photos"], &read["cover"]),
        (&files(&[2]), &files(&[1, 0]))
    );
    assert_eq!(
        kit.get(&anon(), "movies", &bare).await.unwrap()["photos"],
        json!([])
    );
    let append = json!({"photos": {"append": files(&[3])}});
    let merged = kit.merge(&u(), "movies", id, append).await.unwrap();
    assert_eq!(merged["photos"], files(&[2, 3]));
    want.extend(lines("movies.photos", &[3]));
    assert_eq!(held(kit).await, want);
    for (options, word) in [
        (
            json!({"multiple": null, "min_items": null, "max_items": null}),
            "/type no_conversion",
        ),
        (json!({"bucket": "avatars"}), "/type no_conversion"),
        (json!({"type": "text"}), "/type no_conversion"),
        (json!({"max_items": 1}), " records_do_not_fit"),
        (json!({"required": true}), "/required cannot_be_required"),
    ] {
        let change = json!({"fields": {"change": {"photos": options}}});
        let told = told(kit.change("movies", change.clone()).await);
        assert_eq!(told, [format!("/fields/change/photos{word}")], "{change}");
    }
    let added = json!({"name": "more", "type": "file", "bucket": "posters", "multiple": true});
    kit.change("movies", json!({"fields": {"add": [added.clone()]}}))
        .await
        .unwrap();
    assert_eq!(
        kit.get(&anon(), "movies", id).await.unwrap()["more"],
        json!([])
    );
    for (name, value, want) in [
        (
            "default",
            json!([file(4)]),
            "/fields/add/0/default no_default",
        ),
        (
            "bucket",
            json!("none"),
            "/fields/add/0/bucket unknown_bucket",
        ),
        (
            "unique",
            json!(true),
            "/fields/add/0/unique cannot_be_unique",
        ),
        ("min_items", json!(1), "/fields/add/0/default required"),
    ] {
        let mut field = added.clone();
        (field["name"], field[name]) = ("other".into(), value);
        let result = kit
            .change("movies", json!({"fields": {"add": [field]}}))
            .await;
        assert_eq!(told(result), [want]);
    }
}
