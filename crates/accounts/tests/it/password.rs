//! Changing the password: the old one is asked for, other sessions end, and no session of the old one slips through.

use crate::kit::{PASSWORD, on_both};
use serde_json::json;

const NEXT: &str = "battery staple";

#[actix_web::test]
async fn other_sessions_end_and_this_one_stays() {
    on_both(async |kit| {
        let other = kit.sign_up("ada@example.com").await;
        let this = kit.sign_in("ada@example.com", PASSWORD).await;
        kit.me(&other.text("access_token")).await.expect(200);
        let body = json!({"current_password": PASSWORD, "new_password": NEXT});
        kit.post_as(&this.text("access_token"), "/v1/auth/password", Some(body))
            .await
            .expect(204);
        assert_eq!(kit.me(&other.text("access_token")).await.status, 401);
        assert_eq!(kit.refresh(&other.text("refresh_token")).await.status, 401);
        kit.me(&this.text("access_token")).await.expect(200);
        kit.refresh(&this.text("refresh_token")).await.expect(200);
        assert_eq!(
            kit.sign_in("ada@example.com", PASSWORD).await.fails(),
            (401, "invalid_credentials".to_owned())
        );
        kit.sign_in("ada@example.com", NEXT).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn it_takes_the_current_password_and_a_good_new_one() {
    on_both(async |kit| {
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        for (current, next, path) in [
            ("another one", NEXT, "/current_password"),
            (PASSWORD, "short", "/new_password"),
        ] {
            let body = json!({"current_password": current, "new_password": next});
            let reply = kit
                .post_as(&token, "/v1/auth/password", Some(body))
                .await
                .expect(422);
            assert_eq!(reply.json()["errors"][0]["path"], path);
        }
        let nobody = kit
            .post(
                "/v1/auth/password",
                json!({"current_password": PASSWORD, "new_password": NEXT}),
            )
            .await;
        assert_eq!(nobody.fails(), (401, "unauthenticated".to_owned()));
        kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn of_two_changes_at_once_one_counts() {
    on_both(async |kit| {
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        let change = async |next: &str| {
            let body = json!({"current_password": PASSWORD, "new_password": next});
            kit.post_as(&token, "/v1/auth/password", Some(body))
                .await
                .status
                .as_u16()
        };
        let (a, b) =
            futures_util::future::join(change("battery staple a"), change("battery staple b"))
                .await;
        assert_eq!((a.min(b), a.max(b)), (204, 422));
        let winner = if a == 204 {
            "battery staple a"
        } else {
            "battery staple b"
        };
        kit.sign_in("ada@example.com", winner).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn no_session_of_the_old_password_survives_the_change() {
    on_both(async |kit| {
        let token = kit.sign_up("ada@example.com").await.text("access_token");
        let body = json!({"current_password": PASSWORD, "new_password": NEXT});
        // Sign-ins that check the old password while it is being changed.
        let sign_ins = futures_util::future::join_all(
            (0..6).map(|_| kit.sign_in("ada@example.com", PASSWORD)),
        );
        let (changed, replies) = futures_util::future::join(
            kit.post_as(&token, "/v1/auth/password", Some(body)),
            sign_ins,
        )
        .await;
        changed.expect(204);
        for reply in replies.iter().filter(|reply| reply.status == 200) {
            assert_eq!(kit.me(&reply.text("access_token")).await.status, 401);
            assert_eq!(kit.refresh(&reply.text("refresh_token")).await.status, 401);
        }
        kit.me(&token).await.expect(200);
    })
    .await;
}
