//! Mails over a socket: what arrives, what becomes of it when the server refuses or goes away, and that a process that
//! dies loses none.

use crate::kit::{Kit, accounts_with, on_both};
use crate::receiver::{Mood, Receiver};
use accounts::{AccountsConfig, MailConfig, SmtpTls};
use gate::{Brand, MailSettings, MailTls, Settings, SmtpSettings};
use serde_json::{Value, json};
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

const ADA: &str = "ada@example.com";

/// The kit's accounts with an instance's server at this port.
fn with_server(kit: &Kit, port: u16, tls: SmtpTls) -> Kit {
    let mail = MailConfig {
        smtp_host: "127.0.0.1".to_owned(),
        smtp_port: port,
        smtp_tls: tls,
        from: "no-reply@example.com".to_owned(),
        ..MailConfig::default()
    };
    kit.with_accounts(accounts_with(AccountsConfig {
        mail,
        ..AccountsConfig::default()
    }))
}

async fn last(kit: &Kit) -> Value {
    kit.mails().await[0].clone()
}

#[actix_web::test]
async fn a_mail_arrives_whole_and_nothing_of_it_is_kept() {
    on_both(async |kit| {
        let server = Receiver::start(Mood::Good).await;
        let kit = with_server(&kit, server.port, SmtpTls::None);
        kit.project.set_for_tests(Settings {
            brand: Brand {
                name: "Söhne\r\nBcc: x@example.com".to_owned(),
                ..Brand::default()
            },
            mail: MailSettings {
                from: "boss@bank.example".to_owned(),
                reply_to: "help@example.com".to_owned(),
                ..MailSettings::default()
            },
            ..Settings::default()
        });
        kit.sign_up(ADA).await.expect(201);
        kit.tick().await;
        let got = server.got();
        assert_eq!(got.len(), 1);
        assert!(
            got[0].from.starts_with("MAIL FROM:<no-reply@example.com>"),
            "{got:?}"
        );
        assert_eq!(got[0].to, ["RCPT TO:<ada@example.com>"]);
        let (head, _) = got[0].data.split_once("\r\n\r\n").unwrap();
        let lines: Vec<String> = head.lines().map(str::to_ascii_lowercase).collect();
        assert!(!lines.iter().any(|l| l.starts_with("bcc")), "{head}");
        assert!(lines.contains(&"to: ada@example.com".to_owned()), "{head}");
        assert!(
            lines.contains(&"reply-to: help@example.com".to_owned()),
            "{head}"
        );
        assert!(!head.contains("bank.example"), "{head}");
        let mail = last(&kit).await;
        assert_eq!(
            (&mail["status"], &mail["reason"]),
            (&json!("sent"), &Value::Null)
        );
        let path = format!("/v1/mails/{}", mail["id"].as_str().unwrap());
        let opened = kit
            .key(actix_web::http::Method::GET, &path, &["mails.open"], None)
            .await;
        assert!(opened.expect(200).json()["text"].is_null());
        // Nothing is left to do.
        kit.tick().await;
        assert_eq!(server.got().len(), 1);
    })
    .await;
}

#[actix_web::test]
async fn what_is_refused_for_now_is_tried_again_and_what_is_refused_for_good_is_given_up() {
    on_both(async |kit| {
        let server = Receiver::start(Mood::Recipient("451 later")).await;
        let kit = with_server(&kit, server.port, SmtpTls::None);
        kit.sign_up(ADA).await.expect(201);
        kit.tick().await;
        let mail = last(&kit).await;
        assert_eq!(
            (&mail["status"], &mail["reason"]),
            (&json!("queued"), &json!("smtp_451"))
        );
        // Not before its time.
        kit.tick().await;
        assert_eq!(last(&kit).await["attempts"], 1);
        server.set(Mood::Greeting("421 busy"));
        kit.pass(Duration::from_secs(13));
        kit.tick().await;
        assert_eq!(last(&kit).await["attempts"], 2);
        server.set(Mood::Good);
        kit.pass(Duration::from_secs(26));
        kit.tick().await;
        assert_eq!(
            (last(&kit).await["status"].clone(), server.got().len()),
            (json!("sent"), 1)
        );
        server.set(Mood::Recipient("550 no such user"));
        kit.sign_up("bob@example.com").await.expect(201);
        kit.tick().await;
        let mail = last(&kit).await;
        assert_eq!(
            (&mail["status"], &mail["reason"]),
            (&json!("failed"), &json!("smtp_550"))
        );
    })
    .await;
}

#[actix_web::test]
async fn a_server_that_stays_away_is_given_up_when_the_secret_is_over() {
    on_both(async |kit| {
        // Nobody listens at the port of a listener that is gone.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let kit = with_server(&kit, port, SmtpTls::None);
        kit.sign_up(ADA).await.expect(201);
        kit.post("/v1/auth/password-reset", json!({ "email": ADA }))
            .await
            .expect(202);
        let mut attempts = Vec::new();
        for _ in 0..30 {
            kit.tick().await;
            let mail = last(&kit).await;
            attempts.push(mail["attempts"].as_i64().unwrap());
            if mail["status"] == "failed" {
                break;
            }
            assert_eq!(
                (&mail["status"], &mail["reason"]),
                (&json!("queued"), &json!("no_connection"))
            );
            kit.pass(Duration::from_secs(300));
        }
        let mail = last(&kit).await;
        assert_eq!(
            (&mail["template"], &mail["status"]),
            (&json!("reset"), &json!("failed"))
        );
        let most = *attempts.iter().max().unwrap();
        assert!((4..=12).contains(&most), "{attempts:?}");
    })
    .await;
}

#[actix_web::test]
async fn a_mail_is_sent_again_with_the_same_secret_when_nobody_knows_whether_it_was_taken() {
    on_both(async |kit| {
        let server = Receiver::start(Mood::LostAnswer).await;
        let kit = with_server(&kit, server.port, SmtpTls::None);
        kit.sign_up(ADA).await.expect(201);
        kit.tick().await;
        server.set(Mood::Good);
        kit.pass(Duration::from_secs(13));
        kit.tick().await;
        let got = server.got();
        assert_eq!(got.len(), 2);
        let id = |data: &str| {
            data.lines()
                .find(|l| l.starts_with("Message-ID"))
                .unwrap()
                .to_owned()
        };
        assert_eq!(id(&got[0].data), id(&got[1].data));
        let token = |data: &str| data.split("token=").nth(1).map(|t| t[..20].to_owned());
        assert_eq!(token(&got[0].data), token(&got[1].data));
        assert_eq!(last(&kit).await["status"], "sent");
    })
    .await;
}

#[actix_web::test]
async fn a_process_that_dies_leaves_its_mails_to_the_next() {
    on_both(async |kit| {
        let server = Receiver::start(Mood::Good).await;
        let kit = with_server(&kit, server.port, SmtpTls::None);
        kit.sign_up(ADA).await.expect(201);
        // A tick that is dropped half-way, wherever it is, is a process that dies.
        for steps in 1..40 {
            let now = kit.clock.now();
            let mut tick = Box::pin(kit.accounts.tick(&kit.project, now));
            for _ in 0..steps {
                let step = poll_fn(|context| Poll::Ready(tick.as_mut().poll(context)));
                if step.await.is_ready() {
                    break;
                }
                actix_web::rt::time::sleep(Duration::from_millis(1)).await;
            }
            drop(tick);
            kit.pass(Duration::from_secs(121));
        }
        kit.tick().await;
        assert_eq!(last(&kit).await["status"], "sent");
        assert!(!server.got().is_empty());
    })
    .await;
}

#[actix_web::test]
async fn two_processes_send_each_mail_once() {
    on_both(async |kit| {
        let server = Receiver::start(Mood::Good).await;
        let kit = with_server(&kit, server.port, SmtpTls::None);
        let other = with_server(&kit, server.port, SmtpTls::None);
        for n in 0..20 {
            kit.sign_up(&format!("a{n}@example.com")).await.expect(201);
        }
        futures_util::future::join(kit.tick(), other.tick()).await;
        kit.tick().await;
        let mut to: Vec<String> = server.got().into_iter().flat_map(|g| g.to).collect();
        to.sort_unstable();
        let all = to.len();
        to.dedup();
        assert_eq!((all, to.len()), (20, 20));
    })
    .await;
}

#[actix_web::test]
async fn nothing_is_said_to_a_server_that_does_not_encrypt() {
    on_both(async |kit| {
        let server = Receiver::start(Mood::Good).await;
        let kit = with_server(&kit, server.port, SmtpTls::Starttls);
        kit.sign_up(ADA).await.expect(201);
        kit.tick().await;
        let mail = last(&kit).await;
        assert_eq!(
            (&mail["status"], &mail["attempts"]),
            (&json!("queued"), &json!(1))
        );
        assert!(server.got().is_empty());
        let said = server.said();
        let private = |line: &String| {
            line.starts_with("MAIL") || line.starts_with("AUTH") || line.contains("ada")
        };
        assert!(!said.iter().any(private), "{said:?}");
    })
    .await;
}

#[actix_web::test]
async fn a_project_cannot_make_us_connect_to_our_own_network() {
    on_both(async |kit| {
        let server = Receiver::start(Mood::Good).await;
        // As if it had been saved before the setting changed.
        kit.project.set_for_tests(Settings {
            mail: MailSettings {
                from: "shop@example.com".to_owned(),
                smtp: Some(SmtpSettings {
                    host: "127.0.0.1".to_owned(),
                    port: server.port,
                    tls: MailTls::Implicit,
                    username: String::new(),
                    password: None,
                }),
                ..MailSettings::default()
            },
            ..Settings::default()
        });
        kit.sign_up(ADA).await.expect(201);
        kit.tick().await;
        assert_eq!(last(&kit).await["reason"], "not_public");
        assert!(server.said().is_empty() && server.got().is_empty());
    })
    .await;
}
