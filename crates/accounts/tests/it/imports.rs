//! Users come from elsewhere with the hashes of their passwords, which are replaced when the password is known.

use crate::kit::{Kit, Reply, on_both};
use actix_web::http::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "correct hörse";
/// Of that password, by implementations of others: see the tests of `gate::password`.
const HASHES: [&str; 5] = [
    "$2b$04$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye",
    "$scrypt$ln=10,r=8,p=2$c2l4dGVlbiBieXRlcyEhIQ$s+6KS85+GRcYP2DZJkR9Llbgi5AixNgKEo/yhZ62NLo",
    "$argon2i$v=19$m=512,t=3,p=1$c2l4dGVlbiBieXRlcyEhIQ$khZFGBm25S+ZtfJ+TRWGCg",
    "$pbkdf2-sha512$i=1000,l=64$c2l4dGVlbiBieXRlcyEhIQ$B20grtA54ZTcAgjhIdqs1sjzXQQYf7M3jd/gWgpn26+nOVSbqddGFpiMmLLOPo1LNgBZRS0AVZSMzCvFs6Xp8Q",
    "pbkdf2_sha256$1000$saltsaltsalt$Mdq+Zp5sq7VwpdVUlViJLnp0vEGqA5bVte+uiggJQH4=",
];
const SIGNER: &str =
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";

fn firebase() -> Value {
    let hash =
        "zOwdGbxWi3LU0hOk0W0ddkn+HESI/Yxgxur4DIaUv7cR4XzlTC/7IEFPV7WfJ1byY+sRzj8tcln++3sfDHPP2A==";
    json!({"firebase_scrypt": {
        "hash": hash, "salt": "c2FsdHNhbHQ=", "signer_key": SIGNER, "salt_separator": "Bw==", "rounds": 8, "memory_cost": 8
    }})
}

async fn import(kit: &Kit, query: &str, rows: Value) -> Reply {
    let path = format!("/v1/users/import{query}");
    kit.key(Method::POST, &path, &["users.import"], Some(rows))
        .await
}

/// All users, a line each.
async fn export(kit: &Kit, query: &str, scopes: &[&str]) -> Vec<Value> {
    let path = format!("/v1/users/export{query}");
    let all = kit.key(Method::GET, &path, scopes, None).await.expect(200);
    let text = String::from_utf8(all.bytes).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn hashes(kit: &Kit) -> Vec<Value> {
    let all = export(kit, "?hashes=true", &["users.export", "users.read_hashes"]).await;
    all.into_iter()
        .map(|user| user["password_hash"].clone())
        .collect()
}

#[tokio::test]
async fn every_kind_of_hash_lets_its_user_in_and_becomes_ours() {
    on_both(async |kit| {
        let mut kept: Vec<Value> = HASHES.iter().map(|hash| json!(hash)).collect();
        kept.push(firebase());
        let row = |(n, hash): (usize, &Value)| json!({"email": format!("u{n}@example.com"), "password_hash": hash, "verified": true});
        let rows: Vec<Value> = kept.iter().enumerate().map(row).collect();
        let done = import(&kit, "", json!(rows)).await.expect(200).json();
        assert_eq!((&done["created"], &done["failed"]), (&json!(6), &json!(0)), "{done:#}");
        assert!(hashes(&kit).await.iter().all(|hash| !hash.as_str().unwrap().starts_with("$argon2id$v=19$m=19456")));
        // What is kept of Firebase's secret is sealed.
        assert!(!kit.kept_hashes().await.iter().any(|hash| hash.contains(&SIGNER[..20])));
        for n in 0..6 {
            let email = format!("u{n}@example.com");
            assert_eq!(kit.sign_in(&email, "correct horse").await.fails().0, 401, "{email}");
            kit.sign_in(&email, PASSWORD).await.expect(200);
        }
        let after = hashes(&kit).await;
        assert!(after.iter().all(|hash| hash.as_str().unwrap().starts_with("$argon2id$v=19$m=19456,t=2,p=1$")), "{after:?}");
        for n in 0..6 {
            kit.sign_in(&format!("u{n}@example.com"), PASSWORD).await.expect(200);
        }
    })
    .await;
}

#[tokio::test]
async fn a_hash_of_others_serves_where_the_password_is_asked_for() {
    on_both(async |kit| {
        // Signed in by a link; the password is asked for before anything else saw it.
        import(
            &kit,
            "",
            json!([{"email": "a@example.com", "password_hash": firebase(), "verified": true}]),
        )
        .await
        .expect(200);
        kit.allow_links();
        kit.post(
            "/v1/auth/sign-in/link/request",
            json!({"email": "a@example.com"}),
        )
        .await
        .expect(202);
        let token = kit.token("magic_link", "a@example.com").await;
        let signed = kit
            .post("/v1/auth/sign-in/link", json!({ "token": token }))
            .await
            .expect(200);
        let change = json!({"current_password": PASSWORD, "new_password": "another password"});
        kit.post_as(
            &signed.text("access_token"),
            "/v1/auth/password",
            Some(change),
        )
        .await
        .expect(204);
        kit.sign_in("a@example.com", "another password")
            .await
            .expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_faulty_row_is_told_and_leaves_no_trace() {
    on_both(async |kit| {
        kit.sign_up("there@example.com").await.expect(201);
        let rows = json!([
            {"email": "good@example.com"},
            {"email": "bad"},
            {"email": "dear@example.com", "password_hash": "$2b$31$uNFMIw04tG0W12c4KPLUKu1bqt33oqAc/tSP6/L06WCeFk/1.SQye"},
            {"email": "there@example.com", "roles": ["admin"]},
            {"email": "odd@example.com", "profile": {"nope": 1}},
            {"email": "GOOD@example.com"},
            {"email": "last@example.com", "claims": {"a": 1}, "disabled": true},
            17
        ]);
        for query in ["?dry_run=true", ""] {
            let done = import(&kit, query, rows.clone()).await.expect(200).json();
            let told: Vec<(&str, &str)> = done["items"].as_array().unwrap().iter()
                .map(|i| (i["status"].as_str().unwrap(), i["errors"][0]["path"].as_str().unwrap_or_default()))
                .collect();
            let want = [
                ("created", ""), ("failed", "/1/email"), ("failed", "/2/password_hash"), ("failed", "/3"),
                ("failed", "/4/nope"), ("failed", "/5"), ("created", ""), ("failed", "/7"),
            ];
            assert_eq!(told, want, "{query} {done:#}");
            let all = export(&kit, "", &["users.export"]).await;
            assert_eq!(all.len(), if query.is_empty() { 3 } else { 1 }, "{query}");
        }
        let all = export(&kit, "", &["users.export"]).await;
        let last = all.iter().find(|u| u["email"] == "last@example.com").unwrap();
        assert_eq!((&last["disabled"], &last["claims"]), (&json!(true), &json!({"a": 1})));
        assert!(all.iter().all(|user| user["roles"] == json!([])));
    })
    .await;
}

#[tokio::test]
async fn an_import_can_be_sent_again() {
    on_both(async |kit| {
        let id = "01990000-0000-7000-8000-000000000001";
        let rows = json!([{"id": id, "email": "a@example.com"}]);
        let counts = async |query: &str, rows: &Value| {
            let done = import(&kit, query, rows.clone()).await.expect(200).json();
            (
                done["created"].clone(),
                done["existing"].clone(),
                done["failed"].clone(),
                done["items"][0]["id"].clone(),
            )
        };
        assert_eq!(
            counts("", &rows).await,
            (json!(1), json!(0), json!(0), json!(id))
        );
        assert_eq!(
            counts("", &rows).await,
            (json!(0), json!(1), json!(0), json!(id))
        );
        let by_email = json!([{"email": "A@example.com"}]);
        assert_eq!(
            counts("?match=email", &by_email).await,
            (json!(0), json!(1), json!(0), json!(id))
        );
        assert_eq!(
            counts("", &by_email).await,
            (json!(0), json!(0), json!(1), Value::Null)
        );
        // What an export gives, an import takes.
        let all = export(&kit, "", &["users.export"]).await;
        let mut again = all[0].as_object().unwrap().clone();
        for name in ["created_at", "updated_at", "anonymous"] {
            again.shift_remove(name);
        }
        assert_eq!(counts("", &json!([again])).await.1, json!(1));
    })
    .await;
}

#[tokio::test]
async fn lines_are_taken_as_lists_are_and_a_thousand_at_most() {
    on_both(async |kit| {
        let lines = "{\"email\": \"a@example.com\"}\n\nno json\n{\"email\": \"b@example.com\"}\n";
        let done = kit
            .lines("/v1/users/import", &["users.import"], lines)
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&done["created"], &done["failed"]),
            (&json!(2), &json!(1)),
            "{done:#}"
        );
        let many: Vec<Value> = (0..1_001)
            .map(|n| json!({"email": format!("m{n}@example.com")}))
            .collect();
        let over = import(&kit, "", json!(many)).await;
        assert_eq!(over.fails(), (413, "body_too_large".to_owned()));
        let done = import(&kit, "", json!(many[..1_000]))
            .await
            .expect(200)
            .json();
        assert_eq!(done["created"], 1_000);
        let all = export(&kit, "", &["users.export"]).await;
        assert_eq!(all.len(), 1_002);
    })
    .await;
}

#[tokio::test]
async fn hashes_leave_only_with_a_permission_of_their_own() {
    on_both(async |kit| {
        kit.sign_up("a@example.com").await.expect(201);
        let asks: [(&str, &[&str]); 3] = [
            ("?hashes=true", &["users.export"]),
            (
                "?hashes=true",
                &["users.read", "users.write", "users.import"],
            ),
            ("", &["users.read_hashes"]),
        ];
        for (query, scopes) in asks {
            let path = format!("/v1/users/export{query}");
            let done = kit.key(Method::GET, &path, scopes, None).await;
            assert_eq!(
                done.fails(),
                (403, "permission_denied".to_owned()),
                "{scopes:?}"
            );
        }
        let plain = export(&kit, "", &["users.export", "users.read_hashes"]).await;
        assert!(plain[0].get("password_hash").is_none());
        assert_eq!(kit.audit("users.export").await, [json!({"hashes": false})]);
    })
    .await;
}
