//! Refresh tokens: one successor each, ten seconds of grace, and an end for the family when an old one comes again.

use crate::kit::{Kit, on_both};
use accounts::rows::session;
use sea_orm::EntityTrait;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);

fn refused() -> (u16, String) {
    (401, "invalid_refresh_token".to_owned())
}

async fn next(kit: &Kit, token: &str) -> String {
    kit.refresh(token).await.expect(200).text("refresh_token")
}

#[actix_web::test]
async fn a_token_has_one_successor_and_a_repeat_has_the_same_for_ten_seconds() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await.text("refresh_token");
        let second = next(&kit, &first).await;
        assert_ne!(first, second);
        kit.pass(SECOND * 10);
        assert_eq!(next(&kit, &first).await, second);
        let third = next(&kit, &second).await;
        assert!(third != second && third != first);
        // Each answer has an access token that works.
        kit.me(&kit.refresh(&third).await.text("access_token"))
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn a_repeat_after_the_grace_ends_the_family() {
    on_both(async |kit| {
        let signed = kit.sign_up("ada@example.com").await;
        let first = signed.text("refresh_token");
        let reply = kit.refresh(&first).await.expect(200);
        kit.me(&reply.text("access_token")).await.expect(200);
        kit.pass(SECOND * 10 + Duration::from_micros(1));
        assert_eq!(kit.refresh(&first).await.fails(), refused());
        assert_eq!(
            kit.refresh(&reply.text("refresh_token")).await.fails(),
            refused()
        );
        for token in [signed.text("access_token"), reply.text("access_token")] {
            assert_eq!(kit.me(&token).await.status, 401);
        }
        // Another session of the user is untouched.
        kit.sign_in("ada@example.com", crate::kit::PASSWORD)
            .await
            .expect(200);
    })
    .await;
}

#[actix_web::test]
async fn an_older_token_ends_the_family_within_the_grace_too() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await.text("refresh_token");
        let second = next(&kit, &first).await;
        let reply = kit.refresh(&second).await.expect(200);
        let (third, access) = (reply.text("refresh_token"), reply.text("access_token"));
        kit.me(&access).await.expect(200);
        assert_eq!(kit.refresh(&first).await.fails(), refused());
        // At once, although the session was seen standing a moment ago.
        assert_eq!(kit.me(&access).await.status, 401);
        for token in [&second, &third] {
            assert_eq!(kit.refresh(token).await.fails(), refused());
        }
    })
    .await;
}

#[actix_web::test]
async fn fifty_at_once_rotate_once() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await.text("refresh_token");
        let replies = futures_util::future::join_all((0..50).map(|_| kit.refresh(&first))).await;
        let successors: std::collections::HashSet<String> = replies
            .into_iter()
            .map(|reply| reply.expect(200).text("refresh_token"))
            .collect();
        assert_eq!(successors.len(), 1);
        let row = session::Entity::find()
            .one(&kit.project.db)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((row.counter, row.ended_at), (2, None));
    })
    .await;
}

#[actix_web::test]
async fn a_racing_descendant_does_not_outlive_the_family() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await.text("refresh_token");
        let mut last = next(&kit, &first).await;
        for _ in 0..5 {
            last = next(&kit, &last).await;
        }
        // The thief's old token and the owner's new one, again and again at once.
        let (old, new) = futures_util::future::join(kit.refresh(&first), kit.refresh(&last)).await;
        assert_eq!(old.fails(), refused());
        let survivor = if new.status == 200 {
            new.text("refresh_token")
        } else {
            last
        };
        assert_eq!(kit.refresh(&survivor).await.fails(), refused());
        if new.status == 200 {
            assert_eq!(kit.me(&new.text("access_token")).await.status, 401);
        }
    })
    .await;
}

#[actix_web::test]
async fn a_session_expires_after_thirty_days_without_a_refresh() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await.text("refresh_token");
        kit.pass(DAY * 30 - SECOND);
        let second = next(&kit, &first).await;
        kit.pass(DAY * 30 - SECOND);
        let reply = kit.refresh(&second).await.expect(200);
        kit.pass(DAY * 30);
        assert_eq!(
            kit.refresh(&reply.text("refresh_token")).await.fails(),
            refused()
        );
        assert_eq!(kit.me(&reply.text("access_token")).await.status, 401);
        // The next sign-in sweeps the row away.
        kit.sign_in("ada@example.com", crate::kit::PASSWORD)
            .await
            .expect(200);
        assert_eq!(
            kit.refresh(&reply.text("refresh_token")).await.fails(),
            refused()
        );
        kit.pass(SECOND);
        kit.sign_in("ada@example.com", crate::kit::PASSWORD)
            .await
            .expect(200);
        assert_eq!(
            session::Entity::find()
                .all(&kit.project.db)
                .await
                .unwrap()
                .len(),
            2
        );
    })
    .await;
}

#[actix_web::test]
async fn other_texts_are_refused_alike_and_end_nothing() {
    on_both(async |kit| {
        let signed = kit.sign_up("ada@example.com").await;
        let good = signed.text("refresh_token");
        let changed = |at: usize| {
            let mut bytes = good.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        let mut bad = vec![
            signed.text("access_token"),
            "gr_".to_owned(),
            "x".to_owned(),
            format!("{good} "),
            good.to_uppercase(),
            "gr_".to_owned() + &"A".repeat(75),
        ];
        bad.extend((3..good.len()).step_by(7).map(changed));
        bad.push(changed(good.len() - 1));
        let want = kit.refresh("gr_x").await;
        assert_eq!(want.fails(), refused());
        for token in bad {
            let reply = kit.refresh(&token).await;
            assert_eq!(
                (reply.status, &reply.bytes),
                (want.status, &want.bytes),
                "{token}"
            );
        }
        next(&kit, &good).await;
    })
    .await;
}

#[actix_web::test]
async fn a_disabled_user_refreshes_no_more() {
    on_both(async |kit| {
        let first = kit.sign_up("ada@example.com").await.text("refresh_token");
        kit.set_disabled("ada@example.com", true).await;
        assert_eq!(kit.refresh(&first).await.fails(), refused());
        kit.set_disabled("ada@example.com", false).await;
        next(&kit, &first).await;
        kit.erase("ada@example.com").await;
        assert_eq!(kit.refresh(&first).await.fails(), refused());
    })
    .await;
}
