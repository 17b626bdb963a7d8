//! Who may have an account: by the project's mode, by the domain of the address; asked at sign-up and at a change.

use crate::authenticator::{Key, Passkey, Said};
use crate::hand::{ORIGIN, settings};
use crate::kit::{Kit, PASSWORD, Reply, accounts_reaching, on_both};
use crate::peer::Peer;
use crate::provider::{Provider, Trip};
use actix_web::http::Method;
use kernel::Clock;
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

/// Gives an anonymous user an identity in another way than by its promotion.
async fn identify(kit: &Kit, provider: &Provider, token: &str, way: &str, n: u32) -> Reply {
    match way {
        "passkey" => {
            let begun = kit.options(token).await;
            let mut passkey = Passkey::new(Key::es256());
            let credential = passkey.create(&Said::to(&begun["public_key"], ORIGIN));
            kit.keep(token, &begun["ceremony_id"], credential).await
        }
        "phone" => {
            let number = format!("+49170123456{n}");
            let (path, body) = ("/v1/auth/phone-change", json!({ "phone": number }));
            let asked = kit.post_as(token, path, Some(body)).await.expect(202);
            let code = kit.phone_code("phone_change", &number).await;
            let body = json!({"challenge_id": asked.text("challenge_id"), "code": code});
            kit.post_as(token, &format!("{path}/confirm"), Some(body))
                .await
        }
        "social" => {
            provider.is(json!({"sub": format!("s{n}")})).await;
            let trip = Trip::away(kit, &provider.issuer, &format!("seed{n}")).await;
            let ticket = trip.ticket(kit).await;
            let body = json!({"ticket": ticket, "code_verifier": trip.verifier});
            kit.post_as(token, "/v1/users/me/identities", Some(body))
                .await
        }
        _ => {
            let (path, email) = ("/v1/auth/email-change", format!("u{n}@example.com"));
            let body = json!({ "new_email": email });
            kit.post_as(token, path, Some(body)).await.expect(202);
            let secret = kit.token("change_email_new", &email).await;
            kit.post(&format!("{path}/confirm"), json!({ "token": secret }))
                .await
        }
    }
}

#[actix_web::test]
async fn by_whatever_way_somebody_becomes_one_the_project_is_asked() {
    on_both(async |kit| {
        let (provider, peer) = (Provider::start(), Peer::start());
        let origins = [provider.issuer.as_str(), peer.origin.as_str()];
        kit.clock.set(Clock::system().now());
        let kit = kit.with_accounts(accounts_reaching(&origins));
        provider.set(&kit, json!({})).await;
        let hook = json!({"url": format!("{}/hook", peer.origin), "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
        kit.set(json!({"hooks": {"before_sign_up": hook}}), &origins).await;
        kit.settings(|s| s.passkeys = settings().passkeys);
        kit.allow_phone();
        kit.allow_anonymous();
        for (n, way) in (0..).zip(["passkey", "phone", "social", "email"]) {
            kit.settings(|s| s.sign_up = gate::SignUp::Open);
            peer.answers(204, "");
            let token = kit.anonymous().await.expect(201).text("access_token");
            peer.answers(200, r#"{"refuse": "Not on a Sunday."}"#);
            let refused = identify(&kit, &provider, &token, way, 2 * n).await;
            assert_eq!(refused.fails(), (403, "sign_up_refused".to_owned()), "{way}");
            for (mode, code) in [
                (gate::SignUp::Closed, "sign_up_closed"),
                (gate::SignUp::InviteOnly, "invitation_required"),
            ] {
                kit.settings(|s| s.sign_up = mode);
                let refused = identify(&kit, &provider, &token, way, 2 * n).await;
                assert_eq!(refused.fails(), (403, code.to_owned()), "{way}");
            }
            assert!(kit.auth(&token).await.anonymous, "{way}");
            kit.settings(|s| s.sign_up = gate::SignUp::Open);
            peer.answers(200, r#"{"profile": {"name": "from the hook"}}"#);
            peer.take();
            let done = identify(&kit, &provider, &token, way, 2 * n + 1).await;
            assert!(done.status.is_success(), "{way} {done:?}");
            assert_eq!(peer.take().len(), 1, "{way}");
            assert!(!kit.auth(&token).await.anonymous, "{way}");
            assert_eq!(kit.me(&token).await.text("name"), "from the hook", "{way}");
        }
    })
    .await;
}
