//! Who may have an account: by the project's mode, by the domain of the address; asked at sign-up and at a change.

use crate::kit::{PASSWORD, on_both};
use actix_web::http::Method;
use serde_json::json;

#[actix_web::test]
async fn who_was_not_invited_does_not_sign_up() {
    on_both(async |kit| {
        kit.set(json!({"sign_up": "invite_only"}), &[]).await;
        let refused = kit.sign_up("ada@example.com").await;
        assert_eq!(refused.fails(), (403, "invitation_required".to_owned()));
        let methods = kit
            .call(Method::GET, "/v1/auth/methods", None, None)
            .await
            .json();
        assert_eq!(
            (&methods["sign_up"], &methods["sign_up_mode"]),
            (&json!(false), &json!("invite_only"))
        );
        // A key makes accounts all the same.
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        let path = "/v1/auth/sign-up";
        kit.key(Method::POST, path, &["*"], Some(body))
            .await
            .expect(201);
        kit.set(json!({"sign_up": "open"}), &[]).await;
        kit.sign_up("bob@example.com").await.expect(201);
    })
    .await;
}

#[actix_web::test]
async fn addresses_of_other_domains_are_not_taken() {
    on_both(async |kit| {
        let lists = json!({"allow": ["example.com"], "block": ["spam.example.com"]});
        kit.set(json!({ "email_domains": lists }), &[]).await;
        let refused = (403, "email_domain_refused".to_owned());
        for bad in [
            "ada@example.org",
            "ada@spam.example.com",
            "ada@x.SPAM.example.com",
            "ada@notexample.com",
        ] {
            assert_eq!(kit.sign_up(bad).await.fails(), refused, "{bad}");
        }
        let token = kit
            .sign_up("ada@mail.example.com")
            .await
            .expect(201)
            .text("access_token");
        let body = |to: &str| json!({"new_email": to, "current_password": PASSWORD});
        let path = "/v1/auth/email-change";
        let other = kit
            .post_as(&token, path, Some(body("ada@example.org")))
            .await;
        assert_eq!(other.fails(), refused);
        kit.post_as(&token, path, Some(body("ada@example.com")))
            .await
            .expect(202);
        let body = json!({"email": "key@example.org", "password": PASSWORD});
        kit.key(Method::POST, "/v1/auth/sign-up", &["*"], Some(body))
            .await
            .expect(201);
    })
    .await;
}
