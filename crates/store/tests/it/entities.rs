//! Entities and statements behave alike on both engines: every type, every verb, nested transactions, placeholders.

use crate::kit::{Kit, both, part, stamp, thing};
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, JoinType,
    ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, RelationTrait,
    TransactionSession, TransactionTrait,
};
use serde_json::json;
use store::{Db, StoreError, WriteTx};
use uuid::Uuid;

both!(
    rows_round_trip,
    extreme_values_round_trip,
    verbs,
    upserts,
    joins,
    nested_transactions,
);

fn full(id: Uuid) -> thing::Model {
    thing::Model {
        id,
        name: "a name with \"quotes\", 'more' and ü".into(),
        count: -7,
        ratio: 0.1,
        done: true,
        made_at: stamp("2026-01-02T03:04:05.678901Z").time(),
        doc: json!({"b": [1, null, {"c": "d"}], "a": 1.5}),
        raw: vec![0, 1, 255],
        id_or: Some(Uuid::new_v4()),
        name_or: Some(format!("unique {id}")),
        count_or: Some(0),
        ratio_or: Some(-0.25),
        done_or: Some(false),
        made_at_or: Some(stamp("0001-01-01T00:00:00Z").time()),
        doc_or: Some(json!([true, "x"])),
        raw_or: Some(b"bytes".to_vec()),
    }
}

pub async fn insert<M>(db: &Db, model: M) -> M
where
    M: ModelTrait
        + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>
        + Send
        + Sync
        + 'static,
    M::Entity: EntityTrait<Model = M>,
    <M::Entity as EntityTrait>::ActiveModel:
        ActiveModelTrait<Entity = M::Entity> + sea_orm::ActiveModelBehavior + Send,
{
    db.write(async move |tx: &WriteTx| {
        Ok::<_, StoreError>(model.clone().into_active_model().insert(tx).await?)
    })
    .await
    .unwrap()
}

async fn rows_round_trip(kit: &Kit) {
    let db = kit.open().await;
    for model in [full(Uuid::new_v4()), crate::kit::thing("all null")] {
        // The inserted row comes back through RETURNING: its columns must have their types there too.
        assert_eq!(insert(&db, model.clone()).await, model);
        assert_eq!(
            thing::Entity::find_by_id(model.id)
                .one(&db)
                .await
                .unwrap()
                .unwrap(),
            model
        );
        let found = db
            .write(async move |tx: &WriteTx| {
                Ok::<_, StoreError>(thing::Entity::find_by_id(model.id).one(tx).await?)
            })
            .await;
        assert_eq!(found.unwrap().unwrap().id, model.id);
    }
}

async fn extreme_values_round_trip(kit: &Kit) {
    let db = kit.open().await;
    for (i, ratio) in [
        f64::MAX,
        f64::MIN_POSITIVE,
        0.1 + 0.2,
        f64::INFINITY,
        1e300,
        3.0,
    ]
    .into_iter()
    .enumerate()
    {
        let mut model = crate::kit::thing(&"ö".repeat(i * 1_000));
        model.ratio = ratio;
        model.count = if i % 2 == 0 { i64::MIN } else { i64::MAX };
        model.made_at = stamp("9999-12-31T23:59:59.999999Z").time();
        model.doc = json!(null);
        model.doc_or = Some(json!("only a text"));
        model.raw_or = Some(Vec::new());
        assert_eq!(insert(&db, model.clone()).await, model);
        assert_eq!(
            thing::Entity::find_by_id(model.id)
                .one(&db)
                .await
                .unwrap()
                .unwrap(),
            model
        );
    }
}

async fn verbs(kit: &Kit) {
    let db = kit.open().await;
    let models: Vec<thing::Model> = (0..5)
        .map(|i| thing::Model {
            count: i,
            ..crate::kit::thing(&format!("t{i}"))
        })
        .collect();
    let all = models.clone();
    let inserted = db
        .write(async move |tx: &WriteTx| {
            let rows = all.iter().map(|m| m.clone().into_active_model());
            Ok::<_, StoreError>(
                thing::Entity::insert_many(rows)
                    .exec_without_returning(tx)
                    .await?,
            )
        })
        .await;
    assert_eq!(inserted.unwrap(), 5);

    let some = thing::Entity::find()
        .filter(thing::Column::Count.gte(2))
        .filter(thing::Column::Name.ne("t3"))
        .order_by_desc(thing::Column::Count);
    let names: Vec<String> = some
        .clone()
        .all(&db)
        .await
        .unwrap()
        .into_iter()
        .map(|m| m.name)
        .collect();
    assert_eq!(names, ["t4", "t2"]);
    assert_eq!(some.clone().count(&db).await.unwrap(), 2);
    assert_eq!(
        some.limit(1)
            .offset(1)
            .one(&db)
            .await
            .unwrap()
            .unwrap()
            .name,
        "t2"
    );
    let lower = thing::Entity::find().filter(
        Expr::expr(sea_orm::sea_query::Func::lower(Expr::col(
            thing::Column::Name,
        )))
        .eq("t1"),
    );
    assert_eq!(lower.count(&db).await.unwrap(), 1);

    let first = models[0].clone();
    let updated = db
        .write(async move |tx: &WriteTx| {
            let mut active = first.clone().into_active_model();
            active.name = Set("renamed".into());
            active.ratio_or = Set(Some(2.0));
            Ok::<_, StoreError>(active.update(tx).await?)
        })
        .await
        .unwrap();
    assert_eq!(
        (updated.name.as_str(), updated.ratio_or, updated.made_at),
        ("renamed", Some(2.0), models[0].made_at)
    );

    let (many, deleted) = db
        .write(async move |tx: &WriteTx| {
            let update = thing::Entity::update_many()
                .col_expr(thing::Column::Done, Expr::value(true))
                .filter(thing::Column::Count.lt(3));
            let many = update.exec(tx).await?.rows_affected;
            let deleted = thing::Entity::delete_many()
                .filter(thing::Column::Done.eq(true))
                .exec(tx)
                .await?
                .rows_affected;
            Ok::<_, StoreError>((many, deleted))
        })
        .await
        .unwrap();
    assert_eq!((many, deleted), (3, 3));

    let gone = models[4].id;
    db.write(async move |tx: &WriteTx| {
        Ok::<_, StoreError>(thing::Entity::delete_by_id(gone).exec(tx).await?)
    })
    .await
    .unwrap();
    assert_eq!(thing::Entity::find().all(&db).await.unwrap().len(), 1);
}

async fn upserts(kit: &Kit) {
    let db = kit.open().await;
    let first = insert(&db, full(Uuid::new_v4())).await;
    let mut second = first.clone();
    second.count = 99;
    second.doc = json!({"new": true});
    let wanted = second.clone();
    db.write(async move |tx: &WriteTx| {
        let conflict = OnConflict::column(thing::Column::Id)
            .update_columns([thing::Column::Count, thing::Column::Doc])
            .to_owned();
        thing::Entity::insert(second.clone().into_active_model())
            .on_conflict(conflict)
            .exec(tx)
            .await?;
        let ignore = OnConflict::column(thing::Column::Id)
            .do_nothing()
            .to_owned();
        let ignored = thing::Entity::insert(first.clone().into_active_model())
            .on_conflict(ignore)
            .exec_without_returning(tx)
            .await?;
        assert_eq!(ignored, 0);
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
    assert_eq!(thing::Entity::find().all(&db).await.unwrap(), [wanted]);
}

async fn joins(kit: &Kit) {
    let db = kit.open().await;
    let owner = insert(&db, full(Uuid::new_v4())).await;
    let alone = insert(&db, crate::kit::thing("alone")).await;
    let id = owner.id;
    let labels = db
        .write(async move |tx: &WriteTx| {
            let mut ids = Vec::new();
            for label in ["x", "y"] {
                // The key is the database's: it comes back as the last inserted id or through RETURNING.
                let part = part::ActiveModel {
                    thing: Set(id),
                    label: Set(label.into()),
                    ..Default::default()
                };
                ids.push(part.insert(tx).await?.id);
            }
            Ok::<_, StoreError>(ids)
        })
        .await
        .unwrap();
    assert!(labels[0] < labels[1]);

    let pairs = part::Entity::find()
        .find_also_related(thing::Entity)
        .order_by_asc(part::Column::Id)
        .all(&db)
        .await
        .unwrap();
    assert_eq!(
        pairs
            .iter()
            .map(|(p, t)| (p.label.as_str(), t.clone()))
            .collect::<Vec<_>>(),
        [("x", Some(owner.clone())), ("y", Some(owner.clone()))]
    );
    let mut grouped = thing::Entity::find()
        .find_with_related(part::Entity)
        .all(&db)
        .await
        .unwrap();
    grouped.sort_by_key(|(_, parts)| parts.len());
    assert_eq!(
        (grouped[0].0.id, grouped[0].1.len(), grouped[1].1.len()),
        (alone.id, 0, 2)
    );
    let joined = thing::Entity::find()
        .join(JoinType::InnerJoin, thing::Relation::Parts.def())
        .filter(part::Column::Label.eq("y"));
    assert_eq!(joined.all(&db).await.unwrap(), [owner]);

    let moved = alone.id;
    db.write(async move |tx: &WriteTx| {
        let inside = thing::Entity::find()
            .select_only()
            .column(thing::Column::Id)
            .filter(thing::Column::Name.eq("alone"));
        let wanted = Expr::col(part::Column::Label).eq("x");
        part::Entity::update_many()
            .col_expr(part::Column::Thing, Expr::value(moved))
            .filter(wanted)
            .exec(tx)
            .await?;
        let found = part::Entity::find()
            .filter(part::Column::Thing.in_subquery(inside.into_query()))
            .count(tx)
            .await?;
        assert_eq!(found, 1);
        Ok::<_, StoreError>(())
    })
    .await
    .unwrap();
}

/// `into_query` of a select, by its public trait.
trait IntoQuery {
    fn into_query(self) -> sea_orm::sea_query::SelectStatement;
}

impl<E: EntityTrait> IntoQuery for sea_orm::Select<E> {
    fn into_query(self) -> sea_orm::sea_query::SelectStatement {
        sea_orm::QueryTrait::into_query(self)
    }
}

async fn nested_transactions(kit: &Kit) {
    let db = kit.open().await;
    let names = db
        .write(async move |tx: &WriteTx| {
            let add = async |tx: &WriteTx, name: &str| {
                crate::kit::thing(name)
                    .into_active_model()
                    .insert(tx)
                    .await
                    .map(|m| m.id)
            };
            let first = add(tx, "outer").await?;
            let kept = tx.begin().await?;
            add(&kept, "kept").await?;
            let inner = kept.begin().await?;
            add(&inner, "inner, rolled back").await?;
            inner.rollback().await?;
            add(&kept, "kept too").await?;
            kept.commit().await?;
            {
                let dropped = tx.begin().await?;
                add(&dropped, "dropped").await?;
            }
            // A failure inside a nested transaction that is rolled back is allowed.
            let failed = tx.begin().await?;
            let twice = thing::Model {
                id: first,
                ..crate::kit::thing("twice")
            };
            let error =
                StoreError::from(twice.into_active_model().insert(&failed).await.unwrap_err());
            assert!(matches!(error, StoreError::Unique(_)), "{error:?}");
            // It refuses further statements on both engines, and to be committed.
            assert!(matches!(
                add(&failed, "after").await.map_err(StoreError::from),
                Err(StoreError::Poisoned)
            ));
            assert!(matches!(
                failed.commit().await.map_err(StoreError::from),
                Err(StoreError::Poisoned)
            ));
            let by_callback = tx
                .transaction::<_, (), StoreError>(|tx| {
                    Box::pin(async move {
                        crate::kit::thing("callback")
                            .into_active_model()
                            .insert(tx)
                            .await?;
                        Err(StoreError::Aborted)
                    })
                })
                .await;
            assert!(by_callback.is_err());
            add(tx, "last").await?;
            Ok::<_, StoreError>(())
        })
        .await;
    names.unwrap();
    let names = thing::Entity::find()
        .order_by_asc(thing::Column::Name)
        .all(&db)
        .await
        .unwrap();
    let names: Vec<&str> = names.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["kept", "kept too", "last", "outer"]);
}
