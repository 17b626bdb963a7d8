//! The names of collections and fields: refused where they mean harm, real columns and indexes where they do not.

use crate::kit::{Kit, both, code, every_type, key};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    names_are_taken_once,
    hostile_names_are_refused,
    the_database_has_real_columns_and_indexes,
    odd_but_legal_names_work,
);
async fn names_are_taken_once(kit: &Kit) {
    kit.collection(json!({"name": "posts"})).await;
    assert_eq!(
        code(
            kit.try_collection(json!({"name": "posts", "fields": every_type()}))
                .await
        ),
        Code::CollectionTaken
    );
    assert_eq!(
        code(kit.try_collection(json!({"name": "users"})).await),
        Code::CollectionTaken
    );
    kit.data
        .delete_collection(&kit.project, &key(), "posts", Some("delete:posts"))
        .await
        .unwrap();
    assert_eq!(
        code(kit.get(&key(), "posts", "x").await),
        Code::CollectionNotFound
    );
    kit.collection(json!({"name": "posts", "fields": [{"name": "a", "type": "text"}]}))
        .await;
    kit.made("posts", json!({"a": "1"})).await;
}

async fn hostile_names_are_refused(kit: &Kit) {
    let before = kit.dump(&[]).await;
    let long = "a".repeat(64);
    let bad = [
        "x\";drop table _users;--",
        "a\",(select 1) \"b",
        "sqlite_x",
        "pg_x",
        "galley_x",
        "SELECT",
        &long,
        "p\u{43e}sts",
        "",
        "_x",
        "1a",
        "a b",
        "a.b",
        "a-b",
        "a\u{0}",
        "_collections",
        "a_via_b",
        "json_each",
        "pragma_table_info",
        "project",
    ];
    for name in bad {
        assert_eq!(
            code(kit.try_collection(json!({"name": name})).await),
            Code::ValidationFailed,
            "{name:?}"
        );
    }
    for name in bad[..bad.len() - 3].iter().chain(&[
        "rowid", "oid", "xmin", "ctid", "tableoid", "id", "_version", "expand", "record", "next",
        "auth", "now",
    ]) {
        let definition = json!({"name": "posts", "fields": [{"name": name, "type": "text"}]});
        assert_eq!(
            code(kit.try_collection(definition).await),
            Code::ValidationFailed,
            "{name:?}"
        );
        let definition = json!({"name": "posts", "fields": [{"name": "a", "type": "text", "max": 9}], "indexes": [{"fields": [name]}]});
        assert_eq!(
            code(kit.try_collection(definition).await),
            Code::ValidationFailed,
            "{name:?}"
        );
        let definition = json!({"name": "posts", "fields": [{"name": "a", "type": "relation", "collection": name}]});
        assert_eq!(
            code(kit.try_collection(definition).await),
            Code::ValidationFailed,
            "{name:?}"
        );
    }
    for name in [
        "_collections",
        "_changes",
        "sqlite_master",
        "pg_class",
        "_migrations",
    ] {
        assert_eq!(
            code(kit.list(&key(), name, &[]).await),
            Code::CollectionNotFound,
            "{name}"
        );
        assert_eq!(
            code(kit.create(&key(), name, json!({})).await),
            Code::CollectionNotFound,
            "{name}"
        );
    }
    assert_eq!(kit.dump(&[]).await, before);
}

async fn the_database_has_real_columns_and_indexes(kit: &Kit) {
    let mut fields = every_type();
    fields[0]["max"] = json!(100);
    fields[0]["unique"] = json!(true);
    fields[1]["min"] = json!(0);
    fields[1]["required"] = json!(true);
    kit.collection(json!({"name": "posts", "fields": fields, "indexes": [{"fields": ["price", "created_at"]}]})).await;
    let (columns, indexes) = if kit.is_postgres() {
        (
            "SELECT column_name AS name, data_type AS kind, is_nullable AS nullable FROM information_schema.columns WHERE table_name = 'posts' AND table_schema = (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = '\"project\".\"posts\"'::regclass) ORDER BY ordinal_position",
            "SELECT indexdef AS def FROM pg_indexes WHERE format('%I.%I', schemaname, tablename)::regclass = '\"project\".\"posts\"'::regclass ORDER BY 1",
        )
    } else {
        (
            "SELECT name, type AS kind, CASE \"notnull\" WHEN 1 THEN 'NO' ELSE 'YES' END AS nullable FROM pragma_table_info('posts')",
            "SELECT sql AS def FROM sqlite_master WHERE type = 'index' AND tbl_name = 'posts' AND sql IS NOT NULL ORDER BY 1",
        )
    };
    let columns: Vec<(String, String, String)> = kit
        .rows(columns)
        .await
        .iter()
        .map(|r| {
            (
                r.try_get("", "name").unwrap(),
                r.try_get("", "kind").unwrap(),
                r.try_get("", "nullable").unwrap(),
            )
        })
        .collect();
    let names: Vec<&str> = columns.iter().map(|c| c.0.as_str()).collect();
    assert_eq!(
        names,
        [
            "id",
            "title",
            "stock",
            "price",
            "open",
            "due",
            "owner",
            "created_at",
            "updated_at",
            "_version"
        ]
    );
    let nullable: Vec<&str> = columns.iter().map(|c| c.2.as_str()).collect();
    assert_eq!(
        nullable,
        [
            "NO", "YES", "NO", "YES", "YES", "YES", "YES", "NO", "NO", "NO"
        ]
    );
    if kit.is_postgres() {
        let kinds: Vec<&str> = columns.iter().map(|c| c.1.as_str()).collect();
        let stamp = "timestamp with time zone";
        assert_eq!(
            kinds,
            [
                "uuid",
                "text",
                "bigint",
                "double precision",
                "boolean",
                stamp,
                "uuid",
                stamp,
                stamp,
                "bigint"
            ]
        );
    }
    let indexes: Vec<String> = kit
        .rows(indexes)
        .await
        .iter()
        .map(|r| r.try_get("", "def").unwrap())
        .collect();
    let about = |what: &str| indexes.iter().filter(|i| i.contains(what)).count();
    assert_eq!(
        (
            about("UNIQUE INDEX \"_u_") + about("UNIQUE INDEX _u_"),
            about("title"),
            about("owner")
        ),
        (1, 1, 1),
        "{indexes:?}"
    );
    assert_eq!(about("price"), 1);
    // The bound and the reference hold against every writer, not just ours.
    for bad in [
        "UPDATE \"project\".\"posts\" SET stock = -1",
        "UPDATE \"project\".\"posts\" SET owner = '01990000-0000-7000-8000-0000000000ff'",
    ] {
        kit.create(&key(), "posts", json!({"stock": 1}))
            .await
            .unwrap();
        let done = kit
            .db
            .write(
                async move |tx: &store::WriteTx| -> Result<(), store::StoreError> {
                    use sea_orm::ConnectionTrait;
                    tx.execute_unprepared(bad).await?;
                    Ok(())
                },
            )
            .await;
        assert!(
            matches!(
                done,
                Err(store::StoreError::Constraint(_) | store::StoreError::ForeignKey(_))
            ),
            "{bad}: {done:?}"
        );
    }
}

/// Names that SQL or our own statements use too.
async fn odd_but_legal_names_work(kit: &Kit) {
    let names = [
        "r",
        "x",
        "t0",
        "e0",
        "e1",
        "value",
        "select",
        "order",
        "group",
        "table",
        "json",
        "key",
        "version",
        "definition",
        "user",
        "limit",
        "text",
        "n",
    ];
    let mut fields: Vec<Json> = names
        .iter()
        .map(|n| json!({"name": n, "type": "text"}))
        .collect();
    kit.open("t0", json!(fields)).await;
    fields.push(json!({"name": "e", "type": "relation", "collection": "t0"}));
    for name in ["r", "x", "e0", "select", "user", "i"] {
        kit.open(name, json!(fields)).await;
        let record: serde_json::Map<String, Json> = names
            .iter()
            .map(|n| ((*n).to_owned(), json!(format!("<{n}>"))))
            .collect();
        let target = kit.made("t0", Json::Object(record.clone())).await;
        let mut record = record.clone();
        record.insert("e".to_owned(), json!(target));
        let id = kit.made(name, Json::Object(record.clone())).await;
        kit.merge(&crate::kit::anon(), name, &id, json!({"r": "<r>"}))
            .await
            .unwrap();
        for field in names {
            let filter = format!("{field} == params.p && e.{field} == params.p");
            // Some are words of the language itself: those can be sorted by and asked for all the same.
            let filter = if matches!(field, "select" | "order" | "group" | "table" | "json") {
                String::from("true")
            } else {
                filter
            };
            let text = format!("<{field}>");
            let query = [
                ("filter", filter.as_str()),
                ("params.p", &text),
                ("sort", field),
                ("fields", field),
                ("expand", "e"),
            ];
            let items = kit.list(&crate::kit::anon(), name, &query).await.unwrap();
            assert_eq!(items[0][field], json!(text));
            assert_eq!(items[0]["expand"]["e"][field], json!(text));
        }
        kit.delete(&key(), name, &id).await.unwrap();
    }
}
