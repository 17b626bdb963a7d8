//! Teams: who may do what in them, and that what changes in them acts on live sessions.

mod invitations;

use crate::kit::{Kit, Reply, on_both};
use actix_web::http::Method;
use gate::ports::UserTokens;
use serde_json::{Value, json};
use std::sync::Arc;

struct Member {
    id: String,
    token: String,
}

async fn member(kit: &Kit, email: &str) -> Member {
    let made = kit.sign_up(email).await.expect(201);
    kit.set_verified(email, true).await;
    Member {
        id: made.json()["user"]["id"].as_str().unwrap().to_owned(),
        token: made.text("access_token"),
    }
}

async fn ask(kit: &Kit, who: &Member, method: Method, path: &str, body: Value) -> Reply {
    let body = (!body.is_null()).then_some(body);
    kit.call(method, &format!("/v1{path}"), Some(&who.token), body)
        .await
}

async fn auth(kit: &Kit, who: &Member) -> Arc<rules::Auth> {
    let now = kit.clock.now();
    kit.accounts
        .verify(&kit.project, &who.token, now)
        .await
        .unwrap()
        .auth
}

/// Makes a member of the team, by invitation and acceptance.
async fn join(kit: &Kit, owner: &Member, team: &str, who: &Member, email: &str, role: &str) {
    let body = json!({"email": email, "role": role});
    let path = format!("/teams/{team}/invitations");
    ask(kit, owner, Method::POST, &path, body).await.expect(201);
    let mine = ask(kit, who, Method::GET, "/team-invitations", Value::Null).await;
    let id = mine.expect(200).json()["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/team-invitations/{id}/accept");
    ask(kit, who, Method::POST, &path, Value::Null)
        .await
        .expect(200);
}

async fn team(kit: &Kit, owner: &Member) -> String {
    kit.allow_teams();
    let made = ask(
        kit,
        owner,
        Method::POST,
        "/teams",
        json!({"name": "Engines"}),
    )
    .await;
    made.expect(201).text("id")
}

#[tokio::test]
async fn users_make_teams_where_the_project_lets_them() {
    on_both(async |kit| {
        let ada = member(&kit, "ada@example.com").await;
        let closed = ask(
            &kit,
            &ada,
            Method::POST,
            "/teams",
            json!({"name": "Engines"}),
        )
        .await;
        assert_eq!(closed.fails(), (403, "teams_closed".to_owned()));
        let id = team(&kit, &ada).await;
        let now = auth(&kit, &ada).await;
        assert_eq!(now.teams, [id.as_str()]);
        assert_eq!(now.claims["teams"], json!({"owner": [id]}));
        let mine = ask(&kit, &ada, Method::GET, "/teams?count=exact", Value::Null)
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&mine["items"][0]["role"], &mine["total"]),
            (&json!("owner"), &json!(1))
        );
        let foreign = json!({"name": "x", "owner": ada.id});
        assert_eq!(
            ask(&kit, &ada, Method::POST, "/teams", foreign.clone())
                .await
                .fails()
                .0,
            400
        );
        kit.key(Method::POST, "/v1/teams", &["teams.write"], Some(foreign))
            .await
            .expect(201);
        assert_eq!(auth(&kit, &ada).await.teams.len(), 2);
        let nobody = json!({"name": "x", "owner": "01990000-0000-7000-8000-00000000dead"});
        let nobody = kit
            .key(Method::POST, "/v1/teams", &["teams.write"], Some(nobody))
            .await;
        assert_eq!(nobody.fails(), (404, "user_not_found".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn a_team_does_not_exist_for_who_is_not_in_it() {
    on_both(async |kit| {
        let (ada, eve) = (
            member(&kit, "ada@example.com").await,
            member(&kit, "eve@example.com").await,
        );
        let id = team(&kit, &ada).await;
        let nowhere = "01990000-0000-7000-8000-00000000dead";
        let asks = [
            (Method::GET, "/teams/ID", Value::Null),
            (Method::PATCH, "/teams/ID", json!({"name": "x"})),
            (Method::DELETE, "/teams/ID", Value::Null),
            (Method::GET, "/teams/ID/members", Value::Null),
            (
                Method::PUT,
                "/teams/ID/members/ME",
                json!({"role": "owner"}),
            ),
            (Method::DELETE, "/teams/ID/members/ME", Value::Null),
            (
                Method::POST,
                "/teams/ID/transfer",
                json!({"user_id": eve.id}),
            ),
            (
                Method::POST,
                "/teams/ID/invitations",
                json!({"email": "eve@example.com", "role": "owner"}),
            ),
            (Method::GET, "/teams/ID/invitations", Value::Null),
            (Method::DELETE, "/teams/ID/invitations/ID", Value::Null),
        ];
        for (method, path, body) in asks {
            let path = path.replace("ME", &eve.id);
            let real = ask(
                &kit,
                &eve,
                method.clone(),
                &path.replace("ID", &id),
                body.clone(),
            )
            .await;
            let none = ask(&kit, &eve, method, &path.replace("ID", nowhere), body).await;
            assert_eq!(real.fails(), (404, "team_not_found".to_owned()), "{path}");
            assert_eq!(real.bytes, none.bytes, "{path}");
        }
        assert!(auth(&kit, &eve).await.teams.is_empty());
        let mine = ask(
            &kit,
            &eve,
            Method::GET,
            &format!("/teams?user={}", ada.id),
            Value::Null,
        )
        .await;
        assert_eq!(mine.expect(200).json()["items"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn roles_bound_what_members_do_to_each_other() {
    on_both(async |kit| {
        let owner = member(&kit, "owner@example.com").await;
        let admin = member(&kit, "admin@example.com").await;
        let plain = member(&kit, "plain@example.com").await;
        let id = team(&kit, &owner).await;
        join(&kit, &owner, &id, &admin, "admin@example.com", "admin").await;
        join(&kit, &admin, &id, &plain, "plain@example.com", "member").await;
        let put = async |who: &Member, of: &Member, role: &str| {
            let path = format!("/teams/{id}/members/{}", of.id);
            ask(&kit, who, Method::PUT, &path, json!({ "role": role }))
                .await
                .status
                .as_u16()
        };
        let remove = async |who: &Member, of: &Member| {
            let path = format!("/teams/{id}/members/{}", of.id);
            ask(&kit, who, Method::DELETE, &path, Value::Null)
                .await
                .fails()
        };
        let invite = async |who: &Member, role: &str| {
            let body = json!({"email": "x@example.com", "role": role});
            ask(
                &kit,
                who,
                Method::POST,
                &format!("/teams/{id}/invitations"),
                body,
            )
            .await
            .status
            .as_u16()
        };
        // Nobody makes itself, or another, more than it is.
        assert_eq!(put(&plain, &plain, "admin").await, 403);
        assert_eq!(put(&admin, &admin, "owner").await, 403);
        assert_eq!(put(&admin, &plain, "admin").await, 403);
        assert_eq!(put(&admin, &owner, "member").await, 403);
        assert_eq!(put(&admin, &plain, "billing").await, 200);
        assert_eq!(invite(&plain, "member").await, 403);
        assert_eq!(invite(&admin, "admin").await, 403);
        assert_eq!(invite(&admin, "owner").await, 403);
        assert_eq!(remove(&admin, &owner).await.0, 403);
        assert_eq!(remove(&plain, &admin).await.0, 403);
        let rename = ask(
            &kit,
            &plain,
            Method::PATCH,
            &format!("/teams/{id}"),
            json!({"name": "x"}),
        )
        .await;
        assert_eq!(rename.fails().0, 403);
        let delete = ask(
            &kit,
            &admin,
            Method::DELETE,
            &format!("/teams/{id}"),
            Value::Null,
        )
        .await;
        assert_eq!(delete.fails().0, 403);
        // The last owner stays one.
        assert_eq!(remove(&owner, &owner).await, (409, "last_owner".to_owned()));
        assert_eq!(put(&owner, &owner, "member").await, 409);
        let transfer = json!({"user_id": admin.id});
        let gave = ask(
            &kit,
            &owner,
            Method::POST,
            &format!("/teams/{id}/transfer"),
            transfer,
        )
        .await;
        assert_eq!(gave.expect(200).json()["role"], "admin");
        assert_eq!(remove(&owner, &owner).await.0, 204);
        assert!(auth(&kit, &owner).await.teams.is_empty());
        assert_eq!(
            auth(&kit, &admin).await.claims["teams"],
            json!({ "owner": [id] })
        );
        assert_eq!(
            auth(&kit, &plain).await.claims["teams"],
            json!({ "billing": [id] })
        );
        assert_eq!(remove(&admin, &plain).await.0, 204);
        assert!(auth(&kit, &plain).await.teams.is_empty());
    })
    .await;
}

#[tokio::test]
async fn of_two_owners_who_leave_at_once_one_stays() {
    on_both(async |kit| {
        let owners = [
            member(&kit, "ada@example.com").await,
            member(&kit, "bob@example.com").await,
        ];
        let write = &["teams.write"];
        for _ in 0..20 {
            let id = team(&kit, &owners[0]).await;
            let bob = format!("/v1/teams/{id}/members/{}", owners[1].id);
            let role = Some(json!({"role": "owner"}));
            kit.key(Method::PUT, &bob, write, role).await.expect(200);
            let leave = owners.iter().map(|who| {
                let path = format!("/v1/teams/{id}/members/{}", who.id);
                let kit = &kit;
                async move { kit.key(Method::DELETE, &path, write, None).await.status }
            });
            let all = futures_util::future::join_all(leave).await;
            let gone = all.iter().filter(|status| **status == 204).count();
            assert_eq!(gone, 1, "{all:?}");
            let path = format!("/v1/teams/{id}");
            kit.key(Method::DELETE, &path, write, None)
                .await
                .expect(204);
        }
    })
    .await;
}

#[tokio::test]
async fn a_team_outlives_its_owner() {
    on_both(async |kit| {
        let owner = member(&kit, "owner@example.com").await;
        let plain = member(&kit, "plain@example.com").await;
        let admin = member(&kit, "admin@example.com").await;
        let (id, alone) = (team(&kit, &owner).await, team(&kit, &owner).await);
        join(&kit, &owner, &id, &plain, "plain@example.com", "member").await;
        join(&kit, &owner, &id, &admin, "admin@example.com", "admin").await;
        assert_eq!(
            auth(&kit, &admin).await.claims["teams"],
            json!({ "admin": [id] })
        );
        let path = format!("/v1/users/{}", owner.id);
        kit.key(Method::DELETE, &path, &["users.write"], None)
            .await
            .expect(204);
        assert_eq!(
            auth(&kit, &admin).await.claims["teams"],
            json!({ "owner": [id] })
        );
        let read = &["teams.read"];
        kit.key(Method::GET, &format!("/v1/teams/{id}"), read, None)
            .await
            .expect(200);
        let gone = kit
            .key(Method::GET, &format!("/v1/teams/{alone}"), read, None)
            .await;
        assert_eq!(gone.fails(), (404, "team_not_found".to_owned()));
        ask(
            &kit,
            &admin,
            Method::DELETE,
            &format!("/teams/{id}"),
            Value::Null,
        )
        .await
        .expect(204);
        assert!(auth(&kit, &plain).await.teams.is_empty());
    })
    .await;
}

#[tokio::test]
async fn keys_see_to_all_teams() {
    on_both(async |kit| {
        let (ada, bob) = (
            member(&kit, "ada@example.com").await,
            member(&kit, "bob@example.com").await,
        );
        let id = team(&kit, &ada).await;
        let write = &["teams.read", "teams.write"];
        let path = format!("/v1/teams/{id}/members/{}", bob.id);
        let put = kit
            .key(Method::PUT, &path, write, Some(json!({"role": "member"})))
            .await;
        assert_eq!(put.expect(200).json()["role"], "member");
        assert_eq!(auth(&kit, &bob).await.teams, [id.as_str()]);
        let all = kit
            .key(
                Method::GET,
                &format!("/v1/teams/{id}/members?limit=1&count=exact"),
                write,
                None,
            )
            .await;
        let all = all.expect(200).json();
        assert_eq!(
            (all["items"].as_array().unwrap().len(), &all["total"]),
            (1, &json!(2))
        );
        let next = format!(
            "/v1/teams/{id}/members?cursor={}",
            all["next_cursor"].as_str().unwrap()
        );
        let next = kit
            .key(Method::GET, &next, write, None)
            .await
            .expect(200)
            .json();
        assert_eq!(
            (
                next["items"].as_array().unwrap().len(),
                &next["next_cursor"]
            ),
            (1, &Value::Null)
        );
        let theirs = kit
            .key(
                Method::GET,
                &format!("/v1/teams?user={}", bob.id),
                write,
                None,
            )
            .await;
        assert_eq!(
            theirs.expect(200).json()["items"].as_array().unwrap().len(),
            1
        );
        kit.key(Method::DELETE, &path, write, None)
            .await
            .expect(204);
        assert!(auth(&kit, &bob).await.teams.is_empty());
        let last = format!("/v1/teams/{id}/members/{}", ada.id);
        let last = kit.key(Method::DELETE, &last, write, None).await;
        assert_eq!(last.fails(), (409, "last_owner".to_owned()));
        let other = kit.in_other_project().await;
        let there = other
            .key(Method::GET, &format!("/v1/teams/{id}"), write, None)
            .await;
        assert_eq!(there.fails(), (404, "team_not_found".to_owned()));
        assert_eq!(kit.audit("team.member").await.len(), 1);
    })
    .await;
}
