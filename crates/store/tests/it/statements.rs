//! Statements written by hand: expressions, placeholders, rows of JSON, and values that are refused.

use crate::entities::insert;
use crate::kit::{Kit, both, sql, statement, thing};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel,
    PaginatorTrait, QueryFilter,
};
use store::{Doc, Sq, StoreError, WriteTx};

both!(
    expressions_are_loud,
    placeholders_go_by_number,
    docs_are_rows_of_json,
    nan_is_refused,
    the_marker_in_a_value_stays,
);

async fn expressions_are_loud(kit: &Kit) {
    #[derive(FromQueryResult)]
    struct Sum {
        n: Sq<Option<i64>>,
        none_yet: Sq<Option<i64>>,
    }
    #[derive(Debug, FromQueryResult)]
    struct Wrong {
        n: Sq<Option<bool>>,
    }
    let db = kit.open().await;
    insert(
        &db,
        thing::Model {
            count: 5,
            ..crate::kit::thing("a")
        },
    )
    .await;
    insert(
        &db,
        thing::Model {
            count: 6,
            ..crate::kit::thing("b")
        },
    )
    .await;
    let text = r#"SELECT CAST(SUM(count) AS bigint) AS n, CAST(MAX(count_or) AS bigint) AS none_yet FROM "project"."things""#;
    let sum = Sum::find_by_statement(sql(&db, text, []))
        .one(&db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((sum.n.0, sum.none_yet.0), (Some(11), None));
    let text = r#"SELECT CAST(SUM(count) AS bigint) AS n FROM "project"."things""#;
    let wrong = Wrong::find_by_statement(sql(&db, text, [])).one(&db).await;
    assert!(
        wrong.as_ref().is_err(),
        "a number was read as {:?}",
        wrong.unwrap().unwrap().n
    );
    // Two columns of one name would collapse.
    if !kit.is_postgres() {
        assert!(
            db.query_all_raw(sql(&db, "SELECT 1 AS a, 2 AS a", []))
                .await
                .is_err()
        );
    }
}

async fn placeholders_go_by_number(kit: &Kit) {
    #[derive(Debug, PartialEq, FromQueryResult)]
    struct Row {
        b: String,
        a: i64,
        again: i64,
    }
    let db = kit.open().await;
    // SQLite takes $n for a name and numbers it by its first appearance.
    let text =
        "SELECT CAST($2 AS text) AS b, CAST($1 AS bigint) AS a, CAST($1 AS bigint) + 1 AS again";
    let values = || [7_i64.into(), "seven".into()];
    let row = Row::find_by_statement(sql(&db, text, values()))
        .one(&db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        row,
        Row {
            b: "seven".into(),
            a: 7,
            again: 8
        }
    );
    let text_of_twelve = (1..=12)
        .rev()
        .map(|i| format!("CAST(${i} AS bigint) AS c{i}"))
        .collect::<Vec<_>>()
        .join(", ");
    let row = db
        .query_one_raw(sql(
            &db,
            &format!("SELECT {text_of_twelve}"),
            (1..=12_i64).map(Into::into),
        ))
        .await
        .unwrap()
        .unwrap();
    for i in 1..=12_i64 {
        assert_eq!(row.try_get::<i64>("", &format!("c{i}")).unwrap(), i);
    }
    insert(&db, crate::kit::thing("before")).await;
    db.write(async move |tx: &WriteTx| {
        let text =
            r#"UPDATE "project"."things" SET count = $3, name = $2 WHERE name = $1 AND $2 <> $1"#;
        let values = ["before".into(), "after".into(), 42_i64.into()];
        assert_eq!(
            tx.execute_raw(statement(tx.backend(), text, values))
                .await?
                .rows_affected(),
            1
        );
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    let found = thing::Entity::find().one(&db).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.count), ("after", 42));
    // Too few values are an error, never NULLs. PostgreSQL takes one too many.
    assert!(
        db.query_all_raw(sql(&db, "SELECT CAST($1 AS bigint) AS a", []))
            .await
            .is_err()
    );
    if !kit.is_postgres() {
        assert!(
            db.query_all_raw(sql(
                &db,
                "SELECT CAST($1 AS bigint) AS a",
                [1_i64.into(), 2_i64.into()]
            ))
            .await
            .is_err()
        );
    }
}

async fn docs_are_rows_of_json(kit: &Kit) {
    let db = kit.open().await;
    let text = r#"SELECT CAST($1 AS text), CAST(NULL AS text), CAST($2 AS bigint)"#;
    let wanted = [Doc {
        json: "{\"a\":1}".into(),
        key: None,
        version: 3,
    }];
    assert_eq!(
        db.docs(sql(&db, text, ["{\"a\":1}".into(), 3_i64.into()]))
            .await
            .unwrap(),
        wanted
    );
    let in_tx = db
        .write(async move |tx: &WriteTx| {
            tx.docs(statement(
                tx.backend(),
                text,
                ["{\"a\":1}".into(), 3_i64.into()],
            ))
            .await
        })
        .await;
    assert_eq!(in_tx.unwrap(), wanted);
    // A write may return them as well, through the schema marker.
    let returned = db
        .write(async move |tx: &WriteTx| {
            let text = r#"INSERT INTO "project"."laters" (id) VALUES ($1) RETURNING CAST(id AS text), 'k', id"#;
            tx.docs(statement(tx.backend(), text, [9_i64.into()])).await
        })
        .await;
    assert_eq!(
        returned.unwrap(),
        [Doc {
            json: "9".into(),
            key: Some("k".into()),
            version: 9
        }]
    );

    let big = "x".repeat(3 << 20);
    let six = ["SELECT CAST($1 AS text) AS a, CAST(NULL AS text) AS b, CAST(1 AS bigint) AS c"; 6]
        .join(" UNION ALL ");
    let error = db.docs(sql(&db, &six, [big.into()])).await.unwrap_err();
    assert!(matches!(error, StoreError::TooLarge), "{error:?}");
}

async fn nan_is_refused(kit: &Kit) {
    let db = kit.open().await;
    let model = thing::Model {
        ratio_or: Some(f64::NAN),
        ..crate::kit::thing("nan")
    };
    let result = db
        .write(async move |tx: &WriteTx| {
            Ok::<_, StoreError>(model.clone().into_active_model().insert(tx).await?)
        })
        .await;
    assert!(
        matches!(result, Err(StoreError::Constraint(_))),
        "{result:?}"
    );
    assert_eq!(thing::Entity::find().count(&db).await.unwrap(), 0);
}

async fn the_marker_in_a_value_stays(kit: &Kit) {
    let db = kit.open().await;
    let model = insert(&db, crate::kit::thing(r#"say "project"."things" here"#)).await;
    assert_eq!(
        thing::Entity::find()
            .filter(thing::Column::Name.contains(r#""project"."#))
            .one(&db)
            .await
            .unwrap()
            .unwrap(),
        model
    );
}

/// Readers and writers both have the distance that rules compile to.
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_knows_distances() {
    let kit = Kit::sqlite().await;
    let db = kit.open().await;
    let text = "SELECT galley_distance($1, 13.405, 48.8566, 2.3522) AS metres, galley_distance(NULL, 0, 0, 0) AS absent";
    let read = db.query_one_raw(sql(&db, text, [52.52.into()])).await;
    let written = db
        .write(async move |tx: &WriteTx| {
            let row = tx.query_one_raw(statement(tx.backend(), text, [52.52.into()]));
            Ok::<_, StoreError>(row.await?)
        })
        .await;
    let metres = kernel::geo::distance_m((52.52, 13.405), (48.8566, 2.3522));
    for row in [read.unwrap(), written.unwrap()] {
        let row = row.unwrap();
        assert_eq!(
            row.try_get::<f64>("", "metres").unwrap().to_bits(),
            metres.to_bits()
        );
        assert_eq!(row.try_get::<Option<String>>("", "absent").unwrap(), None);
    }
}
