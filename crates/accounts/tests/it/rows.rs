//! One full row of each table goes in and comes out the same on both engines.

use crate::kit::on_both;
use accounts::rows::{credential, session, signing_key};
use kernel::Stamp;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::json;
use store::{StoreError, WriteTx};
use uuid::Uuid;

#[actix_web::test]
async fn every_column_comes_back_as_it_went_in() {
    on_both(async |kit| {
        let at = |text: &str| Stamp::parse(text).unwrap().time();
        let (a, b, c) = (
            at("2026-01-02T03:04:05.000001Z"),
            at("2026-01-02T03:04:06.999999Z"),
            at("2026-01-02T03:04:07Z"),
        );
        let credential = credential::Model {
            user_id: Uuid::from_u128(1),
            password_hash: "$x$é".to_owned(),
            changed_at: a,
        };
        let full = session::Model {
            id: Uuid::from_u128(2),
            user_id: Uuid::from_u128(3),
            counter: i64::MAX,
            secret: "s1.x".to_owned(),
            created_at: a,
            used_at: b,
            rotated_at: c,
            expires_at: b,
            ended_at: Some(c),
            user_agent: Some("ua".to_owned()),
            network: "2001:db8::/64".to_owned(),
            methods: "password totp".to_owned(),
            level: 2,
            proved_at: b,
            device: Some("Ada's phone".to_owned()),
            impersonator: Some("operator:x".to_owned()),
        };
        let bare = session::Model {
            id: Uuid::from_u128(4),
            ended_at: None,
            user_agent: None,
            device: None,
            impersonator: None,
            ..full.clone()
        };
        let retired = signing_key::Model {
            kid: "k1".to_owned(),
            algorithm: "ES256".to_owned(),
            private: "s1.y".to_owned(),
            public: json!({"kid": "k1", "x": "é"}),
            created_at: a,
            retired_at: Some(b),
        };
        let current = signing_key::Model {
            kid: "k2".to_owned(),
            retired_at: None,
            ..retired.clone()
        };
        let (sessions, keys, one) = (vec![full, bare], vec![retired, current], credential.clone());
        let (s, k) = (sessions.clone(), keys.clone());
        let write = async move |tx: &WriteTx| -> Result<(), StoreError> {
            one.clone().into_active_model().insert(tx).await?;
            for row in &s {
                row.clone().into_active_model().insert(tx).await?;
            }
            for row in &k {
                row.clone().into_active_model().insert(tx).await?;
            }
            Ok(())
        };
        kit.project.db.write(write).await.unwrap();
        let db = &kit.project.db;
        assert_eq!(
            credential::Entity::find().all(db).await.unwrap(),
            [credential]
        );
        for row in sessions {
            assert_eq!(
                session::Entity::find_by_id(row.id).one(db).await.unwrap(),
                Some(row)
            );
        }
        for row in keys {
            assert_eq!(
                signing_key::Entity::find_by_id(row.kid.clone())
                    .one(db)
                    .await
                    .unwrap(),
                Some(row)
            );
        }
    })
    .await;
}
