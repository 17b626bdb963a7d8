//! Tokens beyond their project: other back ends verify them by what we publish, with libraries that are not ours (PyJWT
//! and jose), and other projects take none.

use crate::kit::{Client, ENGINES, Server};
use serde_json::json;
use std::process::Command;
use std::time::Duration;

/// Prints the subject of each token that is good.
const PYTHON: &str = r#"
import json, sys, urllib.request, jwt
issuer, *tokens = sys.argv[1:]
about = json.load(urllib.request.urlopen(issuer + "/.well-known/openid-configuration"))
assert about["issuer"] == issuer
keys = jwt.PyJWKClient(about["jwks_uri"])
for token in tokens:
    try:
        key = keys.get_signing_key_from_jwt(token)
        good = jwt.decode(token, key, algorithms=about["id_token_signing_alg_values_supported"], audience="shop",
            issuer=issuer, options={"require": ["iss", "aud", "sub", "exp", "iat", "sid"]})
        print(good["sub"])
    except jwt.PyJWTError as error:
        print(type(error).__name__)
"#;

const NODE: &str = r#"
import { createRemoteJWKSet, jwtVerify } from 'jose'
const [issuer, ...tokens] = process.argv.slice(1)
const about = await (await fetch(issuer + '/.well-known/openid-configuration')).json()
const keys = createRemoteJWKSet(new URL(about.jwks_uri))
for (const token of tokens) {
  const good = await jwtVerify(token, keys, { issuer, audience: 'shop', algorithms: about.id_token_signing_alg_values_supported })
    .catch((error) => ({ payload: { sub: error.name } }))
  console.log(good.payload.sub)
}
"#;

fn told(command: &mut Command) -> Vec<String> {
    let output = command
        .output()
        .expect("run the tests with `cargo xtask test`, which installs what they need");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// What both libraries say of these tokens.
fn verified(issuer: &str, tokens: &[String]) -> Vec<String> {
    let python = std::env::var("GALLEY_TEST_PYTHON")
        .expect("GALLEY_TEST_PYTHON is not set: run the tests with `cargo xtask test`, which makes a Python with PyJWT for them");
    let by_python = told(
        Command::new(python)
            .args(["-c", PYTHON, issuer])
            .args(tokens),
    );
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../accounts/tests/oidc");
    let mut node = Command::new("node");
    node.current_dir(folder)
        .args(["--input-type=module", "-e", NODE, issuer])
        .args(tokens);
    let by_node = told(&mut node);
    let is_id = |text: &String| text.len() == 36;
    let good = |all: &[String]| all.iter().map(is_id).collect::<Vec<_>>();
    assert_eq!(
        good(&by_python),
        good(&by_node),
        "{by_python:?} {by_node:?}"
    );
    by_python
}

async fn token(server: &Server) -> String {
    let body = json!({"identity": "ada@example.com", "password": "a-long-password"});
    let signed = server
        .as_("")
        .post("/p/shop/v1/auth/sign-in/password", body)
        .await;
    signed.body["access_token"].as_str().unwrap().to_owned()
}

async fn rotate(key: &Client) {
    let done = key
        .post("/p/shop/v1/auth/keys/rotate", json!({"at_once": true}))
        .await;
    assert_eq!(done.status, 200, "{:?}", done.body);
}

#[tokio::test]
async fn stock_libraries_verify_our_tokens_of_every_key() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        server.project("blog").await;
        let (id, user) = server.user("shop", "ada@example.com").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let mut tokens = vec![user.token.clone()];
        rotate(&key).await;
        tokens.push(token(&server).await);
        let change = json!({"auth": {"signing_algorithm": "eddsa"}});
        assert_eq!(key.patch("/p/shop/v1/settings", change).await.status, 200);
        // A key is believed to be the right one for a few seconds after it was made.
        tokio::time::sleep(Duration::from_secs(6)).await;
        tokens.push(token(&server).await);
        rotate(&key).await;
        tokens.push(token(&server).await);
        let header = |token: &String| jsonwebtoken::decode_header(token).unwrap();
        let algorithms: Vec<String> = tokens
            .iter()
            .map(|t| format!("{:?}", header(t).alg))
            .collect();
        assert_eq!(algorithms, ["ES256", "ES256", "EdDSA", "EdDSA"]);
        let kids: std::collections::HashSet<_> = tokens.iter().map(|t| header(t).kid).collect();
        assert_eq!(kids.len(), 4);
        let issuer = format!("{}/p/shop", server.url);
        assert_eq!(verified(&issuer, &tokens), vec![id; 4]);
        // One that was bent, and one of another project.
        let (_, stranger) = server.user("blog", "w@example.com").await;
        let (head, tail) = tokens[0].split_at(tokens[0].len() - 10);
        let bent = format!("{head}{}", tail.chars().rev().collect::<String>());
        let said = verified(&issuer, &[bent, stranger.token.clone()]);
        assert!(said.iter().all(|word| word.len() != 36), "{said:?}");
        for token in &tokens {
            assert_eq!(
                server.as_(token).get("/p/shop/v1/users/me").await.status,
                200
            );
        }
    }
}

/// A path of the document with names that nobody has.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{id}" | "{user}" | "{invitation}" => "01990000-0000-7000-8000-00000000dead".to_owned(),
        "{version}" => "1".to_owned(),
        _ => part.replace(['{', '}'], ""),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// What proves somebody in one project proves nobody in another, and no header says which project is meant.
#[tokio::test]
async fn a_token_is_good_in_its_own_project_alone() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        server.project("blog").await;
        let (_, stranger) = server.user("blog", "w@example.com").await;
        let (_, user) = server.user("shop", "u@example.com").await;
        let key = server.as_(&server.key("blog", &["*"]));
        let document = server.as_("").get("/p/shop/v1/openapi.json").await.body;
        let mut asked = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                if method == "parameters" {
                    continue;
                }
                let path = format!("/p/shop{}", filled(path));
                let method = method.to_uppercase();
                for caller in [&stranger, &key] {
                    for header in ["X-Unread", "X-Project", "X-Project-Id", "X-Galley-Project"] {
                        let request = caller.request(&method, &path).json(&json!({}));
                        let answer = caller.send(request.header(header, "blog")).await;
                        assert_eq!(answer.status, 401, "{method} {path} {header}: {answer:?}");
                    }
                }
                asked += 1;
            }
        }
        assert!(asked > 100, "{asked}");
        let plain = user.get("/p/shop/v1/users/me").await;
        let request = user.request("GET", "/p/shop/v1/users/me");
        let steered = user.send(request.header("X-Project", "blog")).await;
        assert_eq!((plain.status, &plain.body), (steered.status, &steered.body));
    }
}
