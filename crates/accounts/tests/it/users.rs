//! Keys and operators see to users: what they change acts on live sessions at once, and within a second elsewhere.

use crate::kit::{Kit, PASSWORD, accounts, on_both};
use actix_web::http::Method;
use gate::ports::UserTokens;
use serde_json::{Value, json};
use std::time::Duration;

const WRITE: &[&str] = &["users.read", "users.write"];

async fn change(kit: &Kit, id: &str, body: Value) -> Value {
    let path = format!("/v1/users/{id}");
    let done = kit.key(Method::PATCH, &path, WRITE, Some(body)).await;
    done.expect(200).json()
}

#[tokio::test]
async fn a_user_is_made_found_changed_and_removed() {
    on_both(async |kit| {
        let body = json!({
            "email": "Ada@Example.com", "username": "ada", "password": PASSWORD, "verified": true,
            "roles": ["editor"], "claims": {"plan": "pro"}, "profile": {"name": "Ada"}
        });
        let made = kit.key(Method::POST, "/v1/users", WRITE, Some(body)).await;
        let made = made.expect(201).json();
        assert_eq!(made["profile"], json!({"name": "Ada"}));
        assert_eq!(
            (&made["verified"], &made["has_password"]),
            (&json!(true), &json!(true))
        );
        let id = made["id"].as_str().unwrap();
        kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
        let again = json!({"email": "ada@example.com"});
        let again = kit.key(Method::POST, "/v1/users", WRITE, Some(again)).await;
        assert_eq!(again.fails(), (409, "identity_taken".to_owned()));
        let all = kit
            .key(
                Method::GET,
                "/v1/users?search=ADA&disabled=false",
                WRITE,
                None,
            )
            .await;
        let all = all.expect(200).json();
        assert_eq!(all["items"][0]["roles"], json!(["editor"]));
        let none = kit
            .key(Method::GET, "/v1/users?search=bob", WRITE, None)
            .await;
        assert_eq!(none.expect(200).json()["items"], json!([]));
        let next = change(
            &kit,
            id,
            json!({"phone": "+4915112345678", "profile": {"name": "A"}, "email": null}),
        )
        .await;
        assert_eq!(
            (&next["phone"], &next["email"]),
            (&json!("+4915112345678"), &Value::Null)
        );
        assert_eq!(next["claims"], json!({"plan": "pro"}));
        // Nobody has shown that the next address is the user's.
        let moved = change(&kit, id, json!({"email": "ada@example.org"})).await;
        assert_eq!(moved["verified"], false);
        let said = json!({"email": "ada@example.net", "verified": true});
        assert_eq!(change(&kit, id, said).await["verified"], true);
        let path = format!("/v1/users/{id}");
        kit.key(Method::DELETE, &path, WRITE, None)
            .await
            .expect(204);
        let gone = kit.key(Method::GET, &path, WRITE, None).await;
        assert_eq!(gone.fails(), (404, "user_not_found".to_owned()));
        let gone = kit.key(Method::DELETE, &path, WRITE, None).await;
        assert_eq!(gone.fails(), (404, "user_not_found".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn who_is_not_granted_it_sees_and_changes_nobody() {
    on_both(async |kit| {
        let user = kit.sign_up("ada@example.com").await.expect(201).json();
        let token = user["access_token"].as_str().unwrap();
        let id = user["user"]["id"].as_str().unwrap();
        let one = format!("/v1/users/{id}");
        let asks = [
            (Method::GET, "/v1/users".to_owned()),
            (Method::GET, one.clone()),
            (Method::DELETE, one.clone()),
            (Method::GET, format!("{one}/sessions")),
            (Method::POST, format!("{one}/sessions/end")),
            (Method::GET, "/v1/users/export".to_owned()),
        ];
        for (method, path) in asks {
            let as_user = kit.call(method.clone(), &path, Some(token), None).await;
            assert_eq!(as_user.status, 403, "{path}");
            let nobody = kit.call(method, &path, None, None).await;
            assert_eq!(nobody.status, 401, "{path}");
        }
        for (path, body) in [
            (one.clone(), json!({"roles": ["admin"]})),
            ("/v1/users/me".to_owned(), json!({"roles": ["admin"]})),
        ] {
            let done = kit
                .call(Method::PATCH, &path, Some(token), Some(body))
                .await;
            assert!(done.status.is_client_error(), "{path} {done:?}");
        }
        let reads = kit.key(Method::DELETE, &one, &["users.read"], None).await;
        assert_eq!(reads.fails(), (403, "permission_denied".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn disabling_and_another_password_end_all_sessions_at_once() {
    on_both(async |kit| {
        let changes = [
            json!({"disabled": true}),
            json!({"password": "another password"}),
            json!({"password": null}),
        ];
        for (n, body) in changes.into_iter().enumerate() {
            let email = format!("u{n}@example.com");
            let made = kit.sign_up(&email).await.expect(201).json();
            let (access, refresh) = (
                made["access_token"].as_str().unwrap(),
                made["refresh_token"].as_str().unwrap(),
            );
            let id = made["user"]["id"].as_str().unwrap();
            kit.me(access).await.expect(200);
            change(&kit, id, body).await;
            assert_eq!(kit.me(access).await.fails().0, 401);
            assert_eq!(kit.refresh(refresh).await.fails().0, 401);
            assert_eq!(kit.sign_in(&email, PASSWORD).await.fails().0, 401);
            // What was ended stays ended when it may sign in again.
            change(&kit, id, json!({"disabled": false})).await;
            assert_eq!(kit.me(access).await.fails().0, 401);
        }
        let made = kit.sign_up("s@example.com").await.expect(201).json();
        let (access, id) = (
            made["access_token"].as_str().unwrap(),
            made["user"]["id"].as_str().unwrap(),
        );
        let path = format!("/v1/users/{id}/sessions");
        let all = kit
            .key(Method::GET, &path, WRITE, None)
            .await
            .expect(200)
            .json();
        assert_eq!(all["items"][0]["methods"], "password");
        kit.key(Method::POST, &format!("{path}/end"), WRITE, None)
            .await
            .expect(204);
        assert_eq!(kit.me(access).await.fails().0, 401);
        let all = kit
            .key(Method::GET, &path, WRITE, None)
            .await
            .expect(200)
            .json();
        assert_eq!(all["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn roles_and_claims_reach_rules_at_once_here_and_within_a_second_elsewhere() {
    on_both(async |kit| {
        let other = kit.with_accounts(accounts());
        let made = kit.sign_up("ada@example.com").await.expect(201).json();
        let (access, id) = (
            made["access_token"].as_str().unwrap(),
            made["user"]["id"].as_str().unwrap(),
        );
        let auth = async |kit: &Kit| {
            let now = kit.clock.now();
            kit.accounts
                .verify(&kit.project, access, now)
                .await
                .unwrap()
                .auth
        };
        assert_eq!(auth(&kit).await.roles, ["member"]);
        assert_eq!(auth(&other).await.roles, ["member"]);
        change(
            &kit,
            id,
            json!({"roles": ["editor"], "claims": {"plan": "pro"}}),
        )
        .await;
        let now = auth(&kit).await;
        assert_eq!(
            (now.roles.clone(), &now.claims["plan"]),
            (
                vec!["member".to_owned(), "editor".to_owned()],
                &json!("pro")
            )
        );
        kit.pass(Duration::from_secs(1));
        assert_eq!(auth(&other).await.roles, ["member", "editor"]);
        // The next token says so too.
        let refreshed = kit
            .refresh(made["refresh_token"].as_str().unwrap())
            .await
            .expect(200);
        let claims = crate::people::claims(&refreshed.text("access_token"));
        assert_eq!(
            (&claims["roles"], &claims["claims"]),
            (&json!(["editor", "member"]), &json!({"plan": "pro"}))
        );
        change(&kit, id, json!({"roles": [], "claims": {}})).await;
        assert_eq!(auth(&kit).await.roles, ["member"]);
    })
    .await;
}

#[tokio::test]
async fn a_user_takes_its_things_away_and_goes() {
    on_both(async |kit| {
        let made = kit.sign_up("ada@example.com").await.expect(201).json();
        let (access, id) = (
            made["access_token"].as_str().unwrap(),
            made["user"]["id"].as_str().unwrap(),
        );
        change(&kit, id, json!({"roles": ["editor"]})).await;
        let all = kit
            .call(Method::GET, "/v1/users/me/export", Some(access), None)
            .await;
        let all = all.expect(200).json();
        assert_eq!(
            (&all["user"]["email"], &all["has_password"]),
            (&json!("ada@example.com"), &json!(true))
        );
        assert_eq!(all["sessions"].as_array().unwrap().len(), 1);
        let erase = async |password: Value| {
            let body = json!({ "current_password": password });
            kit.call(Method::DELETE, "/v1/users/me", Some(access), Some(body))
                .await
        };
        assert_eq!(
            erase(json!("wrong")).await.fails(),
            (422, "validation_failed".to_owned())
        );
        assert_eq!(
            erase(Value::Null).await.fails(),
            (422, "validation_failed".to_owned())
        );
        kit.pass(Duration::from_secs(300));
        assert_eq!(
            erase(json!(PASSWORD)).await.fails(),
            (403, "reauth_required".to_owned())
        );
        let again = kit.sign_in("ada@example.com", PASSWORD).await.expect(200);
        let access = again.text("access_token");
        let body = json!({ "current_password": PASSWORD });
        kit.call(Method::DELETE, "/v1/users/me", Some(&access), Some(body))
            .await
            .expect(204);
        assert_eq!(kit.me(&access).await.fails().0, 401);
        assert_eq!(
            kit.refresh(&again.text("refresh_token")).await.fails().0,
            401
        );
        assert_eq!(
            kit.sign_in("ada@example.com", PASSWORD).await.fails().0,
            401
        );
        let gone = kit
            .key(Method::GET, &format!("/v1/users/{id}"), WRITE, None)
            .await;
        assert_eq!(gone.status, 404);
        // Nothing of it is left: the address makes another account, which has nothing of the first.
        let next = kit.sign_up("ada@example.com").await.expect(201).json();
        let path = format!("/v1/users/{}", next["user"]["id"].as_str().unwrap());
        let next = kit
            .key(Method::GET, &path, WRITE, None)
            .await
            .expect(200)
            .json();
        assert_eq!((&next["roles"], &next["teams"]), (&json!([]), &json!([])));
        assert!(
            kit.leftovers(id).await.is_empty(),
            "{:?}",
            kit.leftovers(id).await
        );
    })
    .await;
}

#[actix_web::test]
async fn no_sign_in_that_was_under_way_outlives_the_disabling() {
    on_both(async |kit| {
        let made = kit.sign_up("ada@example.com").await.expect(201);
        let id = made.json()["user"]["id"].as_str().unwrap().to_owned();
        let sign_in = || kit.sign_in("ada@example.com", PASSWORD);
        let all = futures_util::future::join_all((0..8).map(|_| sign_in()));
        let disable = change(&kit, &id, json!({"disabled": true}));
        let (all, _) = futures_util::future::join(all, disable).await;
        change(&kit, &id, json!({"disabled": false})).await;
        for reply in all.iter().filter(|reply| reply.status == 200) {
            assert_eq!(kit.me(&reply.text("access_token")).await.status, 401);
        }
    })
    .await;
}

#[tokio::test]
async fn no_name_reads_as_another_identity_whoever_gives_it() {
    on_both(async |kit| {
        for name in [
            "victim@example.com",
            "victim\u{ff20}example.com",
            "+491701234567",
            "\u{ff0b}491701234567",
        ] {
            let made = json!({ "username": name });
            let made = kit.key(Method::POST, "/v1/users", WRITE, Some(made)).await;
            assert_eq!(
                made.fails(),
                (422, "validation_failed".to_owned()),
                "{name}"
            );
            let rows = json!([{ "username": name }]);
            let path = "/v1/users/import";
            let done = kit
                .key(Method::POST, path, &["users.import"], Some(rows))
                .await;
            assert_eq!(done.expect(200).json()["failed"], 1, "{name}");
        }
    })
    .await;
}
