//! Settings: merged, versioned, audited in the project, applied at once.

use crate::kit::{Kit, bearer, code, get, input, send};
use crate::on_both;
use actix_web::test::TestRequest;
use gate::{GateConfig, ListQuery, SignUp};
use kernel::Code;
use serde_json::json;

on_both! {
    async fn settings_are_merged_under_a_version_and_audited(kit: Kit) {
        let shop = kit.project("shop").await;
        let app = kit.app().await;
        let key = kit.key("shop", &["settings.*", "audit.read"]).await;
        let read = send(&app, bearer(get("/p/shop/v1/settings"), &key)).await;
        let fresh = json!({
            "cors_origins": [], "sign_up": "open", "confirm_email": false, "development": false,
            "sign_in": {"identities": ["email"], "password": true, "email_code": false, "magic_link": false, "phone_code": false, "passkey": true, "anonymous": false},
            "brand": {"name": "", "color": "", "logo_url": "", "app_url": ""},
            "mail": {"from": "", "from_name": "", "reply_to": ""},
            "phone": {"countries": [], "messages_per_number_hour": 5, "messages_per_network_hour": 20, "messages_per_day": 1000},
            "sessions": {"cookie": false, "same_site": "lax"},
            "anonymous": {"per_network_hour": 20, "erased_after_days": 0},
            "social": {"providers": [], "redirect_addresses": []},
            "auth": {"signing_algorithm": "es256"},
            "user_teams": false,
            "passwords": {"length_min": 8, "classes": [], "refuse_identity": true, "refuse_breached": true},
            "lockout": {"account_guesses_max": 10, "network_guesses_max": 100},
            "email_domains": {"allow": [], "block": []},
            "new_device_mail": false,
            "hooks": {},
            "passkeys": {"rp_id": "", "rp_name": "", "origins": []},
            "second_factor": {"policy": "optional", "roles": []}
        });
        assert_eq!((read.header("etag"), &read.body), (Some("\"0\""), &fresh));
        let patch = |body: serde_json::Value| bearer(TestRequest::patch().uri("/p/shop/v1/settings"), &key).set_json(body);
        let done = send(&app, patch(json!({"sign_up": "closed"}))).await;
        assert_eq!((done.status, done.header("etag"), &done.body["sign_up"]), (200, Some("\"1\""), &json!("closed")));
        assert_eq!(shop.settings().sign_up, SignUp::Closed);
        let done = send(&app, patch(json!({"development": true})).insert_header(("if-match", "\"1\""))).await;
        assert_eq!((done.status, done.header("etag")), (200, Some("\"2\"")));
        let late = send(&app, patch(json!({"development": false})).insert_header(("if-match", "\"1\""))).await;
        assert_eq!(late.code(), "precondition_failed");
        let bad = send(&app, patch(json!({"cors_origins": ["*"], "sign_up": 1}))).await;
        assert_eq!((bad.status, bad.body["errors"].as_array().map(Vec::len)), (422, Some(2)));
        let log = send(&app, bearer(get("/p/shop/v1/audit?limit=1"), &key)).await;
        assert_eq!((&log.body["items"][0]["action"], &log.body["items"][0]["detail"]["after"]["development"]), (&json!("settings.update"), &json!(true)));
        assert_eq!(log.body.get("total"), None);
        let counted = send(&app, bearer(get("/p/shop/v1/audit?limit=1&count=exact"), &key)).await;
        assert_eq!(counted.body["total"], 2);
        let acts = kit.gate.list_instance_audit(&ListQuery { count: true, ..ListQuery::default() }).await.unwrap();
        assert_eq!(acts.total, Some(acts.items.len() as u64));
        let next = log.body["next_cursor"].as_str().unwrap();
        let rest = send(&app, bearer(get(&format!("/p/shop/v1/audit?cursor={next}")), &key)).await;
        assert_eq!((rest.body["items"].as_array().map(Vec::len), &rest.body["next_cursor"]), (Some(1), &json!(null)));
        assert!(kit.gate.list_instance_audit(&ListQuery::default()).await.unwrap().items.iter().all(|e| e.action != "settings.update"));
        let again = kit.another(GateConfig::default(), Vec::new()).await.project("shop").await.unwrap();
        assert!(again.settings().development && again.settings().sign_up == SignUp::Closed);
    }

    async fn the_password_of_a_mail_server_is_sealed_and_shown_nowhere(kit: Kit) {
        let shop = kit.project("shop").await;
        let app = kit.app().await;
        let key = kit.key("shop", &["settings.*", "audit.read"]).await;
        let patch = |body: serde_json::Value| bearer(TestRequest::patch().uri("/p/shop/v1/settings"), &key).set_json(body);
        let smtp = json!({"host": "smtp.example.com", "port": 465, "tls": "implicit", "username": "u", "password": "hunter2-hunter2"});
        let set = send(&app, patch(json!({"mail": {"from": "shop@example.com", "smtp": smtp}}))).await;
        assert_eq!((set.status, &set.body["mail"]["smtp"]["port"]), (200, &json!(465)));
        assert_eq!(shop.mail_password().unwrap().as_deref(), Some("hunter2-hunter2"));
        let stored = shop.settings().mail.smtp.clone().unwrap().password.unwrap();
        assert!(stored.starts_with("s1."), "{stored}");
        let read = send(&app, bearer(get("/p/shop/v1/settings"), &key)).await;
        let log = send(&app, bearer(get("/p/shop/v1/audit"), &key)).await;
        for body in [&set.body, &read.body, &log.body] {
            let text = body.to_string();
            assert!(!text.contains("hunter2") && !text.contains(&stored) && !text.contains("password\":\"s1"), "{text}");
        }
        // Nor is the secret of a provider shown to anybody, or told in the log.
        let own = json!({"id": "own", "kind": "github", "client_id": "app", "client_secret": "hunter3"});
        let set = send(&app, patch(json!({"social": {"providers": [own]}}))).await;
        assert_eq!(set.status, 200, "{:?}", set.body);
        let log = send(&app, bearer(get("/p/shop/v1/audit"), &key)).await;
        let of = shop.settings().social.providers[0].clone();
        let sealed = of.client_secret.clone().unwrap();
        assert_eq!(shop.client_secret(&of).unwrap().as_deref(), Some("hunter3"));
        for body in [&set.body, &log.body] {
            let text = body.to_string();
            assert!(!text.contains("hunter3") && !text.contains(&sealed), "{text}");
        }
        // Another server does not get the password of the one before.
        send(&app, patch(json!({"mail": {"smtp": {"host": "smtp.evil.example"}}}))).await;
        assert_eq!(shop.mail_password().unwrap(), None);
        for (body, path) in [
            (json!({"mail": {"smtp": {"host": "127.0.0.1"}}}), "/mail/smtp/host"),
            (json!({"mail": {"smtp": {"host": "169.254.169.254"}}}), "/mail/smtp/host"),
            (json!({"brand": {"color": "red"}}), "/brand/color"),
            (json!({"sign_in": {"magic_link": true}}), "/sign_in/magic_link"),
            (json!({"sign_in": {"odd": true}}), "/sign_in/odd"),
        ] {
            let bad = send(&app, patch(body)).await;
            assert_eq!((bad.status, &bad.body["errors"][0]["path"]), (422, &json!(path)));
        }
    }

    async fn a_change_without_its_audit_row_does_not_happen(kit: Kit) {
        let shop = kit.project("shop").await;
        kit.sql(&shop.db, r#"DROP TABLE "project"."_audit""#).await;
        let failed = kit.gate.update_settings(&shop, &kit.by(), None, input(json!({"development": true}))).await;
        assert_eq!(code(failed), Some(Code::Internal));
        assert!(!shop.settings().development);
        let again = kit.another(GateConfig::default(), Vec::new()).await.project("shop").await.unwrap();
        assert!(!again.settings().development);
    }
}

#[actix_web::test]
async fn other_nodes_see_settings_within_a_second() {
    let kit = Kit::new(crate::kit::On::Postgres).await;
    let shop = kit.project("shop").await;
    let other = kit.another(GateConfig::default(), Vec::new()).await;
    assert!(!other.project("shop").await.unwrap().settings().development);
    kit.gate
        .update_settings(&shop, &kit.by(), None, input(json!({"development": true})))
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
    assert!(other.project("shop").await.unwrap().settings().development);
    kit.end().await;
}
