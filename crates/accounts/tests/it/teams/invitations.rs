//! Invitations to teams are for whoever reads the address, once, for a week.

use super::{Member, ask, member, team};
use crate::kit::{PASSWORD, on_both};
use actix_web::http::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn an_invitation_is_for_who_reads_its_address() {
    on_both(async |kit| {
        let ada = member(&kit, "ada@example.com").await;
        let id = team(&kit, &ada).await;
        let body = json!({"email": "Bob@example.com", "role": "member"});
        let made = ask(
            &kit,
            &ada,
            Method::POST,
            &format!("/teams/{id}/invitations"),
            body.clone(),
        )
        .await
        .expect(201)
        .json();
        let which = made["id"].as_str().unwrap();
        let mail = kit.mail("team_invite", "Bob@example.com").await;
        assert!(mail["text"].as_str().unwrap().contains("Engines"), "{mail}");
        let accept = async |who: &Member, id: &str| {
            let path = format!("/team-invitations/{id}/accept");
            ask(&kit, who, Method::POST, &path, Value::Null)
                .await
                .fails()
        };
        let none = || (404, "invitation_not_found".to_owned());
        let eve = member(&kit, "eve@example.com").await;
        assert_eq!(accept(&eve, which).await, none());
        // Whoever writes the address into an account has not shown that it reads its mails.
        let bob = member(&kit, "bob@example.com").await;
        kit.set_verified("bob@example.com", false).await;
        assert_eq!(accept(&bob, which).await, none());
        let mine = ask(&kit, &bob, Method::GET, "/team-invitations", Value::Null).await;
        assert_eq!(mine.expect(200).json()["items"], json!([]));
        kit.set_verified("bob@example.com", true).await;
        // A later one replaces it, and one that is taken back is none.
        let later = ask(
            &kit,
            &ada,
            Method::POST,
            &format!("/teams/{id}/invitations"),
            body.clone(),
        )
        .await
        .expect(201)
        .json();
        assert_eq!(accept(&bob, which).await, none());
        let path = format!("/teams/{id}/invitations/{}", later["id"].as_str().unwrap());
        ask(&kit, &ada, Method::DELETE, &path, Value::Null)
            .await
            .expect(204);
        assert_eq!(accept(&bob, later["id"].as_str().unwrap()).await, none());
        let third = ask(
            &kit,
            &ada,
            Method::POST,
            &format!("/teams/{id}/invitations"),
            body.clone(),
        )
        .await
        .expect(201)
        .json();
        let third = third["id"].as_str().unwrap();
        let decline = format!("/team-invitations/{third}/decline");
        ask(&kit, &bob, Method::POST, &decline, Value::Null)
            .await
            .expect(204);
        assert_eq!(accept(&bob, third).await, none());
        let last = ask(
            &kit,
            &ada,
            Method::POST,
            &format!("/teams/{id}/invitations"),
            body,
        )
        .await
        .expect(201)
        .json();
        let last = last["id"].as_str().unwrap();
        kit.pass(std::time::Duration::from_secs(7 * 86_400));
        let bob = Member {
            token: kit
                .sign_in("bob@example.com", crate::kit::PASSWORD)
                .await
                .expect(200)
                .text("access_token"),
            ..bob
        };
        assert_eq!(accept(&bob, last).await, none());
    })
    .await;
}

#[tokio::test]
async fn who_only_wrote_an_address_takes_no_invitation_with_him() {
    on_both(async |kit| {
        let ada = member(&kit, "ada@example.com").await;
        let id = team(&kit, &ada).await;
        let body = json!({"email": "bob@example.com", "role": "member"});
        let path = format!("/teams/{id}/invitations");
        ask(&kit, &ada, Method::POST, &path, body).await.expect(201);
        let eve = kit.sign_up("bob@example.com").await.expect(201);
        let body = json!({ "current_password": PASSWORD });
        let token = eve.text("access_token");
        kit.call(Method::DELETE, "/v1/users/me", Some(&token), Some(body))
            .await
            .expect(204);
        let bob = member(&kit, "bob@example.com").await;
        let mine = ask(&kit, &bob, Method::GET, "/team-invitations", Value::Null).await;
        assert_eq!(mine.json()["items"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_user_asks_so_many_strangers_in_a_day() {
    on_both(async |kit| {
        let ada = member(&kit, "ada@example.com").await;
        let id = team(&kit, &ada).await;
        let path = format!("/teams/{id}/invitations");
        let invite = async |n: u32| {
            let body = json!({"email": format!("u{n}@example.org"), "role": "member"});
            ask(&kit, &ada, Method::POST, &path, body).await
        };
        for n in 0..100 {
            invite(n).await.expect(201);
        }
        let refused = invite(100).await;
        assert_eq!(refused.fails(), (429, "rate_limited".to_owned()));
        // A key is the project itself.
        let body = json!({"email": "v@example.org", "role": "member"});
        let path = format!("/v1{path}");
        kit.key(Method::POST, &path, &["teams.write"], Some(body))
            .await
            .expect(201);
        kit.pass(std::time::Duration::from_secs(86_400));
        let ada = Member {
            token: kit
                .sign_in("ada@example.com", PASSWORD)
                .await
                .text("access_token"),
            ..ada
        };
        let body = json!({"email": "w@example.org", "role": "member"});
        let path = format!("/teams/{id}/invitations");
        ask(&kit, &ada, Method::POST, &path, body).await.expect(201);
    })
    .await;
}
