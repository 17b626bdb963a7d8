//! Sessions: listed, ended one by one and all at once, here at once and elsewhere within a second.

use crate::kit::{PASSWORD, accounts, on_both};
use accounts::rows::session;
use actix_web::http::Method;
use gate::ports::UserTokens;
use sea_orm::{ActiveModelTrait, ActiveValue, EntityTrait};
use std::time::Duration;
use store::{StoreError, WriteTx};

#[actix_web::test]
async fn signing_out_ends_the_session_at_once() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await;
        let second = kit.sign_in("ada@example.com", PASSWORD).await;
        let token = first.text("access_token");
        kit.me(&token).await.expect(200);
        kit.post_as(&token, "/v1/auth/sign-out", None)
            .await
            .expect(204);
        assert_eq!(
            kit.me(&token).await.fails(),
            (401, "unauthenticated".to_owned())
        );
        assert_eq!(kit.refresh(&first.text("refresh_token")).await.status, 401);
        kit.me(&second.text("access_token")).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn another_node_notices_within_a_second() {
    on_both(async |kit| {
        let elsewhere = accounts();
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        let now = kit.clock.now();
        elsewhere.verify(&kit.project, &token, now).await.unwrap();
        kit.post_as(&token, "/v1/auth/sign-out", None)
            .await
            .expect(204);
        // Believed from memory for the rest of its second, then read.
        assert!(
            elsewhere
                .verify(&kit.project, &token, now.plus(Duration::from_millis(999)))
                .await
                .is_ok()
        );
        assert!(
            elsewhere
                .verify(&kit.project, &token, now.plus(Duration::from_secs(1)))
                .await
                .is_err()
        );
    })
    .await;
}

#[actix_web::test]
async fn sessions_are_listed_and_ended_by_their_owner_only() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await.text("access_token");
        kit.pass(Duration::from_secs(1));
        let second = kit
            .sign_in("ada@example.com", PASSWORD)
            .await
            .text("access_token");
        let stranger = kit.sign_up("eve@example.com").await.text("access_token");
        let list = kit
            .call(Method::GET, "/v1/auth/sessions", Some(&second), None)
            .await
            .expect(200)
            .json();
        let items = list["items"].as_array().unwrap();
        assert_eq!((items.len(), list["next_cursor"].is_null()), (2, true));
        assert_eq!(
            (&items[0]["current"], &items[1]["current"]),
            (&true.into(), &false.into())
        );
        assert_eq!(
            (&items[1]["created_at"], &items[1]["network"]),
            (&"2026-01-02T03:04:05.000000Z".into(), &"192.0.2.1".into())
        );
        let path = format!("/v1/auth/sessions/{}", items[1]["id"].as_str().unwrap());
        let end =
            async |token: &str, path: &str| kit.call(Method::DELETE, path, Some(token), None).await;
        let absent = end(
            &stranger,
            &format!("/v1/auth/sessions/{}", kernel::Ids.new_id()),
        )
        .await;
        let hidden = end(&stranger, &path).await;
        assert_eq!(
            (absent.status.as_u16(), &absent.bytes),
            (404, &hidden.bytes)
        );
        assert_eq!(
            end(&second, "/v1/auth/sessions/x").await.fails(),
            (400, "invalid_id".to_owned())
        );
        kit.me(&first).await.expect(200);
        end(&second, &path).await.expect(204);
        assert_eq!(kit.me(&first).await.status, 401);
        assert_eq!(end(&second, &path).await.status, 404);
        kit.me(&second).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn signing_out_everywhere_ends_all() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await;
        let second = kit.sign_in("ada@example.com", PASSWORD).await;
        let stranger = kit.sign_up("eve@example.com").await;
        for signed in [&first, &second, &stranger] {
            kit.me(&signed.text("access_token")).await.expect(200);
        }
        kit.post_as(
            &second.text("access_token"),
            "/v1/auth/sign-out-everywhere",
            None,
        )
        .await
        .expect(204);
        for signed in [&first, &second] {
            assert_eq!(kit.me(&signed.text("access_token")).await.status, 401);
            assert_eq!(kit.refresh(&signed.text("refresh_token")).await.status, 401);
        }
        kit.me(&stranger.text("access_token")).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_disabled_or_erased_user_is_out_within_a_second() {
    on_both(async |kit| {
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        kit.me(&token).await.expect(200);
        let id = kit.set_disabled("ada@example.com", true).await;
        kit.pass(Duration::from_secs(1));
        assert_eq!(
            kit.me(&token).await.fails(),
            (401, "unauthenticated".to_owned())
        );
        kit.set_disabled("ada@example.com", false).await;
        kit.me(&token).await.expect(200);
        // At once, when whoever changed the user says so.
        kit.set_disabled("ada@example.com", true).await;
        kit.accounts.user_changed(&kit.project, id);
        assert_eq!(kit.me(&token).await.status, 401);
        kit.set_disabled("ada@example.com", false).await;
        kit.me(&token).await.expect(200);
        kit.erase("ada@example.com").await;
        kit.pass(Duration::from_secs(1));
        assert_eq!(kit.me(&token).await.status, 401);
    })
    .await;
}

#[actix_web::test]
async fn the_stored_expiry_counts_whatever_the_token_says() {
    on_both(async |kit| {
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        let row = session::Entity::find()
            .one(&kit.project.db)
            .await
            .unwrap()
            .unwrap();
        let sooner = kit.clock.now().plus(Duration::from_millis(500));
        let write = async move |tx: &WriteTx| -> Result<(), StoreError> {
            let change = session::ActiveModel {
                id: ActiveValue::Unchanged(row.id),
                expires_at: ActiveValue::Set(sooner.time()),
                ..Default::default()
            };
            change.update(tx).await?;
            Ok(())
        };
        kit.project.db.write(write).await.unwrap();
        kit.me(&token).await.expect(200);
        kit.clock.set(sooner);
        assert_eq!(kit.me(&token).await.status, 401);
    })
    .await;
}
