//! Mails by way of a real mail server, aiosmtpd, which asks for encryption and a password; and the whole way of a person
//! who forgot a password, from the request to the page.

use crate::kit::{Client, ENGINES, Server};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// How long the mail server may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Takes mails on a port of its own and prints each as a line of JSON. `starttls` or `implicit`, then the certificate.
const SERVER: &str = r#"
import asyncio, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
mode, cert, key = sys.argv[1:4]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)
def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"galley", b"a secret")
    return AuthResult(success=good, auth_data=data.login)
class Handler:
    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({"from": envelope.mail_from, "to": envelope.rcpt_tos, "tls": session.ssl is not None or mode == "implicit",
            "user": session.auth_data.decode(), "data": envelope.content.decode()}), flush=True)
        return "250 taken"
handler = Handler()
def factory():
    return SMTP(handler, authenticator=authenticate, auth_required=True, auth_require_tls=mode == "starttls",
        tls_context=context if mode == "starttls" else None, require_starttls=mode == "starttls", enable_SMTPUTF8=True)
async def main():
    loop = asyncio.get_running_loop()
    made = await loop.create_server(factory, "127.0.0.1", 0, ssl=context if mode == "implicit" else None)
    print(made.sockets[0].getsockname()[1], flush=True)
    await made.serve_forever()
asyncio.run(main())
"#;

struct MailServer {
    child: Child,
    port: u16,
    lines: Receiver<String>,
}

impl MailServer {
    fn start(mode: &str, certificate: &Path, key: &Path) -> Self {
        let python = std::env::var("GALLEY_TEST_PYTHON")
            .expect("GALLEY_TEST_PYTHON is not set: run the tests with `cargo xtask test`, which makes a Python with aiosmtpd for them");
        let mut child = Command::new(python)
            .args(["-c", SERVER, mode])
            .args([certificate, key])
            .stdout(Stdio::piped())
            .spawn()
            .expect("a mail server");
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            let mut output = output.map_while(Result::ok);
            output.try_for_each(|line| sender.send(line))
        });
        let port = lines.recv_timeout(PATIENCE);
        let port: String = port.expect("the mail server did not start");
        Self {
            child,
            port: port.parse().unwrap(),
            lines,
        }
    }

    /// The next mail.
    fn next(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a mail");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate for `localhost` that signs itself, and its key.
fn certificate(dir: &Path) -> (PathBuf, PathBuf) {
    let (certificate, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "30", "-subj", "/CN=localhost"])
        .args([
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .stderr(Stdio::null())
        .status()
        .expect("openssl");
    assert!(made.success());
    (certificate, key)
}

fn with_mail(command: &mut Command, port: u16, tls: &str, ca: &Path) {
    for (name, value) in [
        ("SMTP_HOST", "localhost"),
        ("SMTP_PORT", &port.to_string()),
        ("SMTP_TLS", tls),
        ("SMTP_USERNAME", "galley"),
        ("SMTP_PASSWORD", "a secret"),
        ("SMTP_CA_FILE", &ca.display().to_string()),
        ("FROM", "no-reply@example.com"),
    ] {
        command.env(format!("GALLEY_ACCOUNTS__MAIL__{name}"), value);
    }
}

/// The text part of a mail, decoded from quoted-printable where it is.
fn plain(data: &str) -> String {
    data.replace("=\r\n", "").replace("=3D", "=")
}

async fn status(key: &Client) -> Value {
    let all = key.get("/p/shop/v1/mails").await;
    all.body["items"][0].clone()
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_way_of_a_real_mail_server() {
    let temp = tempfile::tempdir().unwrap();
    let (cert, private) = certificate(temp.path());
    for (engine, tls) in ENGINES.into_iter().zip(["starttls", "implicit"]) {
        let mail = MailServer::start(tls, &cert, &private);
        let port = mail.port;
        let server = Server::fresh_with(engine, |command| with_mail(command, port, tls, &cert));
        server.project("shop").await;
        server.user("shop", "ada@example.com").await;
        let verify = mail.next();
        assert_eq!(
            (
                &verify["from"],
                &verify["to"],
                &verify["tls"],
                &verify["user"]
            ),
            (
                &json!("no-reply@example.com"),
                &json!(["ada@example.com"]),
                &json!(true),
                &json!("galley")
            )
        );
        let anon = server.as_("");
        let asked = anon
            .post(
                "/p/shop/v1/auth/password-reset",
                json!({"email": "ada@example.com"}),
            )
            .await;
        assert_eq!(asked.status, 202);
        let reset = plain(mail.next()["data"].as_str().unwrap());
        let link = reset.split_once(&server.url).unwrap().1;
        let link = link.split(['\r', '"', '\n']).next().unwrap().to_owned();
        // The page, as a browser meets it behind the front door.
        let page = anon.get(&link).await;
        assert_eq!(page.status, 200, "{:?}", page.body);
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
        let (path, token) = link.split_once("?token=").unwrap();
        let press = |password: &str| {
            let form = [
                ("token", token.to_owned()),
                ("new_password", password.to_owned()),
            ];
            anon.request("POST", path)
                .header("content-type", "application/x-www-form-urlencoded")
                .body(url_encoded(&form))
        };
        let short = anon.send(press("x")).await;
        assert_eq!(short.status, 422);
        assert!(short.kind.starts_with("text/html"), "{}", short.kind);
        assert_eq!(anon.send(press("battery-staple")).await.status, 200);
        let gone = anon.send(press("battery-staple")).await;
        assert_eq!(gone.status, 400);
        assert!(gone.kind.starts_with("text/html"), "{}", gone.kind);
        let signed = json!({"identity": "ada@example.com", "password": "battery-staple"});
        let signed = anon.post("/p/shop/v1/auth/sign-in/password", signed).await;
        assert_eq!(signed.status, 200);
        assert_eq!(signed.body["user"]["verified"], true);
        let key = server.as_(&server.key("shop", &["mails.read"]));
        for _ in 0..100 {
            if status(&key).await["status"] == "sent" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(status(&key).await["status"], "sent");
    }
}

fn url_encoded(pairs: &[(&str, String)]) -> String {
    let one = |(name, value): &(&str, String)| format!("{name}={value}");
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_server_with_a_strange_certificate_gets_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let (cert, private) = certificate(temp.path());
    let other = tempfile::tempdir().unwrap();
    let (strange, _) = certificate(other.path());
    for tls in ["starttls", "implicit"] {
        let mail = MailServer::start(tls, &cert, &private);
        let server = Server::fresh_with(crate::kit::Engine::Sqlite, |command| {
            with_mail(command, mail.port, tls, &strange);
        });
        server.project("shop").await;
        server.user("shop", "ada@example.com").await;
        let key = server.as_(&server.key("shop", &["mails.read"]));
        let mut last = Value::Null;
        for _ in 0..200 {
            last = status(&key).await;
            if !last["reason"].is_null() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(last["status"], "queued", "{last}");
        assert!(
            ["tls_failed", "no_connection"].contains(&last["reason"].as_str().unwrap()),
            "{last}"
        );
    }
}
