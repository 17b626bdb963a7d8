//! The development inbox: what it holds, who may open it, and how it is emptied.

use crate::kit::on_both;
use actix_web::http::Method;
use gate::{Brand, Settings};

const ADA: &str = "ada@example.com";

#[actix_web::test]
async fn without_a_server_mails_are_caught_and_can_be_read_and_cleared() {
    on_both(async |kit| {
        kit.project.set_for_tests(Settings {
            brand: Brand {
                name: "Ada & Söhne".to_owned(),
                ..Brand::default()
            },
            ..Settings::default()
        });
        kit.sign_up(ADA).await.expect(201);
        let mail = kit.mail("verify", ADA).await;
        assert_eq!(mail["subject"], "Confirm your address for Ada & Söhne");
        let (html, text) = (
            mail["html"].as_str().unwrap(),
            mail["text"].as_str().unwrap(),
        );
        assert!(html.contains("Ada &amp; Söhne") && !html.contains("{{"));
        assert!(text.contains("/p/shop/v1/auth/pages/verify?token=gt_"));
        assert_eq!(
            (&mail["status"], &mail["attempts"]),
            (&"caught".into(), &1.into())
        );
        let clear = |scope| kit.key(Method::DELETE, "/v1/mails", scope, None);
        assert_eq!(clear(&["mails.read", "mails.open"]).await.status, 403);
        clear(&["mails.clear"]).await.expect(204);
        assert!(kit.mails().await.is_empty());
    })
    .await;
}

#[actix_web::test]
async fn what_a_mail_says_needs_a_permission_that_readers_have_not() {
    on_both(async |kit| {
        kit.sign_up(ADA).await.expect(201);
        kit.tick().await;
        let id = kit.mails().await[0]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/mails/{id}");
        let read = ["mails.read", "mail_templates.read", "users.read"];
        assert_eq!(kit.key(Method::GET, &path, &read, None).await.status, 403);
        assert_eq!(kit.call(Method::GET, &path, None, None).await.status, 401);
        let user = kit
            .sign_in(ADA, crate::kit::PASSWORD)
            .await
            .text("access_token");
        for path in [path.as_str(), "/v1/mails", "/v1/mail-templates"] {
            let reply = kit.call(Method::GET, path, Some(&user), None).await;
            assert_eq!(reply.status, 403, "{path}");
        }
        let other = kit.in_other_project().await;
        let open = async |path: &str| {
            let reply = other.key(Method::GET, path, &["mails.open"], None).await;
            reply.fails()
        };
        let gone = (404, "mail_not_found".to_owned());
        assert_eq!(open(&path).await, gone);
        assert_eq!(open("/v1/mails/x").await.0, 400);
    })
    .await;
}

#[actix_web::test]
async fn the_list_has_pages_and_a_status() {
    on_both(async |kit| {
        for n in 0..5 {
            kit.sign_up(&format!("a{n}@example.com")).await.expect(201);
        }
        kit.tick().await;
        let list = async |query: &str| {
            let path = format!("/v1/mails?{query}");
            kit.key(Method::GET, &path, &["mails.read"], None).await
        };
        let first = list("limit=2&count=exact").await.expect(200).json();
        assert_eq!(
            (first["items"].as_array().unwrap().len(), &first["total"]),
            (2, &5.into())
        );
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = list(&format!("limit=3&cursor={cursor}"))
            .await
            .expect(200)
            .json();
        assert_eq!(second["items"].as_array().unwrap().len(), 3);
        assert!(second["next_cursor"].is_null());
        let none = list("status=failed").await.expect(200).json();
        assert!(none["items"].as_array().unwrap().is_empty());
        let mixed = list(&format!("status=caught&cursor={cursor}")).await;
        assert_eq!(mixed.fails(), (400, "cursor_mismatch".to_owned()));
        for bad in ["status=odd", "odd=1", "limit=0", "cursor=x"] {
            assert_eq!(list(bad).await.status, 400, "{bad}");
        }
    })
    .await;
}
