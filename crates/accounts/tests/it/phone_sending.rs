//! Messages leave by a signed webhook or by an API in the form of Twilio's: tried again, given up, and kept by nobody.

use crate::kit::{Kit, PASSWORD, accounts_through, on_both};
use accounts::AccountsConfig;
use actix_web::http::Method;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gate::egress::EgressConfig;
use gate::{PhoneTwilio, PhoneWebhook};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const NUMBER: &str = "+491701234567";
const KEY: &[u8] = b"a secret of thirty-two bytes !!!";

/// A request as it arrived.
#[derive(Clone, Debug)]
struct Got {
    line: String,
    headers: HashMap<String, String>,
    body: String,
}

/// A server that answers every request with one status.
#[derive(Clone, Default)]
struct Server {
    port: u16,
    status: Rc<Cell<u16>>,
    got: Rc<RefCell<Vec<Got>>>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server of a test ends with the test"
)]
fn spawn(work: impl Future<Output = ()> + 'static) {
    actix_web::rt::spawn(work);
}

impl Server {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            port: listener.local_addr().unwrap().port(),
            status: Rc::new(Cell::new(200)),
            ..Self::default()
        };
        let server = this.clone();
        spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let got = loop {
                    if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                        break None;
                    }
                    if let Some(got) = whole(&bytes) {
                        break Some(got);
                    }
                };
                server.got.borrow_mut().extend(got);
                let status = server.status.get();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        this
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn last(&self) -> Got {
        self.got.borrow().last().unwrap().clone()
    }
}

fn whole(bytes: &[u8]) -> Option<Got> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let pairs = lines.filter_map(|l| l.split_once(": "));
    let headers: HashMap<String, String> = pairs
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    (body.len() == length).then(|| Got {
        line,
        headers,
        body: body.to_owned(),
    })
}

async fn ready(kit: &Kit, server: &Server) -> Kit {
    let egress = EgressConfig {
        allow_origins: vec![server.origin()],
    };
    let kit = kit.with_accounts(accounts_through(AccountsConfig::default(), &egress));
    kit.allow_phone();
    let body = json!({"phone": NUMBER, "password": PASSWORD});
    kit.post("/v1/auth/sign-up", body).await.expect(201);
    kit
}

async fn newest(kit: &Kit) -> Value {
    kit.mails().await[0].clone()
}

#[actix_web::test]
async fn a_webhook_is_told_each_message_signed() {
    on_both(async |kit| {
        let server = Server::start().await;
        let kit = ready(&kit, &server).await;
        let secret = format!("whsec_{}", STANDARD.encode(KEY));
        let webhook = PhoneWebhook {
            url: format!("{}/sms", server.origin()),
            secret: Some(kit.project.seal_for_tests(&secret).unwrap()),
        };
        kit.settings(|s| s.phone.webhook = Some(webhook));
        let challenge = kit.ask_phone(NUMBER).await.expect(202).text("challenge_id");
        server.status.set(500);
        kit.tick().await;
        let waiting = newest(&kit).await;
        assert_eq!(
            (&waiting["status"], &waiting["reason"]),
            (&json!("queued"), &json!("http_500"))
        );
        let first = server.last();
        server.status.set(204);
        kit.pass(Duration::from_secs(20));
        kit.tick().await;
        let got = server.last();
        assert_eq!(got.line, "POST /sms HTTP/1.1");
        let (id, at) = (
            &got.headers["webhook-id"],
            &got.headers["webhook-timestamp"],
        );
        // The same message the second time, with the same code, at another time.
        assert_eq!(&first.headers["webhook-id"], id);
        let key = hmac::Key::new(hmac::HMAC_SHA256, KEY);
        let signed = hmac::sign(&key, format!("{id}.{at}.{}", got.body).as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(signed));
        assert_eq!(got.headers["webhook-signature"], signature);
        let body: Value = serde_json::from_str(&got.body).unwrap();
        let before: Value = serde_json::from_str(&first.body).unwrap();
        let data = &body["data"];
        assert_eq!(
            (&data["to"], &data["purpose"]),
            (&json!(NUMBER), &json!("phone_code"))
        );
        assert_eq!(before["data"], *data);
        let sent = newest(&kit).await;
        assert_eq!(sent["status"], "sent");
        let path = format!("/v1/mails/{}", sent["id"].as_str().unwrap());
        let opened = kit.key(Method::GET, &path, &["mails.open"], None).await;
        assert!(opened.expect(200).json()["text"].is_null());
        let code = data["code"].as_str().unwrap();
        kit.answer_phone(&challenge, code).await.expect(200);
    })
    .await;
}

#[actix_web::test]
async fn an_api_in_the_form_of_twilios_is_asked() {
    on_both(async |kit| {
        let server = Server::start().await;
        let kit = ready(&kit, &server).await;
        let twilio = PhoneTwilio {
            base_url: server.origin(),
            account_sid: "AC123".to_owned(),
            from: "+15005550006".to_owned(),
            auth_token: Some(kit.project.seal_for_tests("hunter2").unwrap()),
        };
        kit.settings(|s| s.phone.twilio = Some(twilio));
        server.status.set(201);
        let challenge = kit.ask_phone(NUMBER).await.expect(202).text("challenge_id");
        kit.tick().await;
        let got = server.last();
        assert_eq!(
            got.line,
            "POST /2010-04-01/Accounts/AC123/Messages.json HTTP/1.1"
        );
        let login = format!("Basic {}", STANDARD.encode("AC123:hunter2"));
        assert_eq!(got.headers["authorization"], login);
        let form: HashMap<String, String> = url::form_urlencoded::parse(got.body.as_bytes())
            .into_owned()
            .collect();
        assert_eq!((&*form["To"], &*form["From"]), (NUMBER, "+15005550006"));
        let code = &form["Body"][..6];
        kit.answer_phone(&challenge, code).await.expect(200);
        // A number that cannot be sent to is given up; a wrong secret of ours is not the message's fault.
        for (status, want) in [(400, ("failed", "http_400")), (401, ("queued", "http_401"))] {
            server.status.set(status);
            kit.ask_phone(NUMBER).await.expect(202);
            kit.tick().await;
            let mail = newest(&kit).await;
            assert_eq!(
                (&mail["status"], &mail["reason"]),
                (&json!(want.0), &json!(want.1))
            );
        }
        // An address that may not be sent to is not sent to.
        let count = server.got.borrow().len();
        let kit = kit.with_accounts(crate::kit::accounts());
        kit.ask_phone(NUMBER).await.expect(202);
        kit.tick().await;
        assert_eq!(newest(&kit).await["reason"], "not_public");
        assert_eq!(server.got.borrow().len(), count);
    })
    .await;
}
