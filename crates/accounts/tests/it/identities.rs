//! What users are known by: the identities that the project allows, none of which hides another, and names that are changed.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";

impl Kit {
    fn know_by(&self, identities: &[&str]) {
        let names = identities.iter().map(|name| (*name).to_owned());
        self.settings(|s| s.sign_in.identities = names.collect());
    }

    async fn sign_up_as(&self, mut who: Value) -> Reply {
        who["password"] = PASSWORD.into();
        self.post("/v1/auth/sign-up", who).await
    }
}

fn faults(reply: &Reply) -> Vec<(String, String)> {
    let errors = reply.json()["errors"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let text = |e: &Value, name: &str| e[name].as_str().unwrap().to_owned();
    errors
        .iter()
        .map(|e| (text(e, "path"), text(e, "code")))
        .collect()
}

fn fault(path: &str, code: &str) -> Vec<(String, String)> {
    vec![(path.to_owned(), code.to_owned())]
}

#[actix_web::test]
async fn users_are_known_by_what_the_project_allows() {
    on_both(async |kit| {
        let taken = (409, "identity_taken".to_owned());
        // Where only addresses are identities, a name is no field at all.
        let named = json!({"email": ADA, "username": "ada"});
        assert_eq!(kit.sign_up_as(named).await.fails().0, 400);
        kit.know_by(&["username", "phone"]);
        let none = kit.sign_up_as(json!({"email": ADA})).await;
        assert_eq!(
            (none.status.as_u16(), faults(&none)),
            (422, fault("/username", "required"))
        );
        kit.sign_up_as(json!({"username": "Ada"})).await.expect(201);
        assert_eq!(
            kit.sign_up_as(json!({"username": "Ada"})).await.fails(),
            taken
        );
        let phone = json!({"phone": "+49 170 1234567"});
        kit.sign_up_as(phone.clone()).await.expect(201);
        assert_eq!(kit.sign_up_as(phone).await.fails(), taken);
        for (who, want) in [
            (
                json!({"phone": "0170 1234567"}),
                fault("/phone", "not_a_phone"),
            ),
            (json!({"username": "ad"}), fault("/username", "too_short")),
            (
                json!({"username": "a@b.co"}),
                fault("/username", "bad_form"),
            ),
            (
                json!({"username": "a\u{200b}da"}),
                fault("/username", "bad_form"),
            ),
            (json!({"username": "Root"}), fault("/username", "reserved")),
            (json!({"username": 7}), fault("/username", "not_a_text")),
        ] {
            let reply = kit.sign_up_as(who.clone()).await;
            assert_eq!(
                (reply.status.as_u16(), faults(&reply)),
                (422, want),
                "{who}"
            );
        }
        for identity in ["Ada", "+491701234567", "+49 (170) 123-4567"] {
            kit.sign_in(identity, PASSWORD).await.expect(200);
            assert_eq!(kit.sign_in(identity, "wrong horse").await.status, 401);
        }
        assert_eq!(kit.sign_in("0170 1234567", PASSWORD).await.status, 401);
        // What is no identity any more lets nobody in.
        kit.know_by(&["username"]);
        assert_eq!(kit.sign_in("+491701234567", PASSWORD).await.status, 401);
    })
    .await;
}

#[actix_web::test]
async fn no_field_of_the_developers_own_hides_what_is_built_in() {
    on_both(async |kit| {
        kit.know_by(&["name", "email"]);
        kit.sign_up_as(json!({"name": "staff-1"})).await.expect(201);
        kit.sign_in("staff-1", PASSWORD).await.expect(200);
        assert_eq!(
            faults(&kit.sign_up_as(json!({})).await),
            fault("/name", "required")
        );
        kit.sign_up_as(json!({"email": ADA})).await.expect(201);
        let squatter =
            json!({"email": "eve@example.com", "name": ADA, "password": "eve's password"});
        kit.post("/v1/auth/sign-up", squatter).await.expect(201);
        let ada = kit.sign_in(ADA, PASSWORD).await.expect(200);
        assert_eq!(ada.json()["user"]["email"], ADA);
        assert_eq!(kit.sign_in(ADA, "eve's password").await.status, 401);
    })
    .await;
}

#[actix_web::test]
async fn a_name_is_changed_by_its_user_alone() {
    on_both(async |kit| {
        let token = kit.sign_up(ADA).await.text("access_token");
        let change = async |name: &str| {
            let body = json!({ "username": name });
            kit.post_as(&token, "/v1/auth/username", Some(body)).await
        };
        assert_eq!(
            change("ada").await.fails(),
            (403, "method_disabled".to_owned())
        );
        kit.know_by(&["email", "username"]);
        change("ada").await.expect(204);
        kit.sign_in("ada", PASSWORD).await.expect(200);
        kit.sign_up_as(json!({"username": "bob"})).await.expect(201);
        assert_eq!(
            change("bob").await.fails(),
            (409, "identity_taken".to_owned())
        );
        assert_eq!(
            faults(&change("admin").await),
            fault("/username", "reserved")
        );
        change("ada.lovelace").await.expect(204);
        assert_eq!(kit.sign_in("ada", PASSWORD).await.status, 401);
        kit.sign_in("ada.lovelace", PASSWORD).await.expect(200);
        let nobody = kit
            .post("/v1/auth/username", json!({"username": "eve"}))
            .await;
        assert_eq!(nobody.status, 401);
    })
    .await;
}
