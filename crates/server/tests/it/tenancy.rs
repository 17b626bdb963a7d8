//! Two projects on one server: whatever names something of the other is answered as if there were nothing.

use crate::kit::{Answer, Client, ENGINES, Engine, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const NOWHERE: &str = "01990000-0000-7000-8000-00000000dead";

/// What the project `blog` has, beside names and ids that nobody has.
struct Theirs {
    key: Client,
    user: String,
    session: String,
    passkey: String,
    note: String,
    file: String,
    device: String,
    message: String,
    mail: String,
    team: String,
    invitation: String,
}

/// The mail that a sign-up causes, once it is in the development inbox.
async fn first_mail(key: &Client) -> String {
    for _ in 0..200 {
        let all = key.get("/p/blog/v1/mails").await;
        if let Some(id) = all.body["items"][0]["id"].as_str() {
            return id.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no mail was caught");
}

async fn put_file(key: &Client, project: &str, bucket: &str) -> String {
    let made = key
        .post(&format!("/p/{project}/v1/buckets"), json!({"name": bucket}))
        .await;
    assert!(matches!(made.status, 201 | 409), "{:?}", made.body);
    let path = format!("/p/{project}/v1/files/{bucket}/a.txt");
    let put = key.send(key.request("PUT", &path).body("some bytes")).await;
    assert!(put.status < 300, "{:?}", put.body);
    put.id()
}

async fn theirs(server: &Server) -> Theirs {
    let key = server.as_(&server.key("blog", &["*"]));
    let (user, signed) = server.user("blog", "w@example.com").await;
    let sessions = signed.get("/p/blog/v1/auth/sessions").await;
    let note = key
        .post("/p/blog/v1/records/notes", json!({"text": "unseen"}))
        .await
        .id();
    let fields = json!([{"name": "text", "type": "text"}]);
    let made = key
        .post(
            "/p/blog/v1/collections",
            json!({"name": "drafts", "fields": fields}),
        )
        .await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let team = json!({"name": "unseen", "owner": user});
    let team = key.post("/p/blog/v1/teams", team).await.id();
    let body = json!({"email": "x@example.com", "role": "member"});
    let invitations = format!("/p/blog/v1/teams/{team}/invitations");
    let invitation = key.post(&invitations, body).await.id();
    let party = json!({"passkeys": {"rp_id": "shop.example", "origins": ["https://shop.example"]}});
    let changed = key.patch("/p/blog/v1/settings", party).await;
    assert_eq!(changed.status, 200, "{:?}", changed.body);
    let keys = json!({"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"});
    let device = json!({"kind": "web", "subscription": {"endpoint": "https://push.example/x", "keys": keys}});
    let message = json!({"to": {"all": true}, "title": "unseen", "body": "there"});
    Theirs {
        session: sessions.body["items"][0]["id"].as_str().unwrap().to_owned(),
        file: put_file(&key, "blog", "drawings").await,
        passkey: crate::contract::factors::passkey(&signed, "/p/blog/v1/auth").await,
        device: signed.post("/p/blog/v1/push/devices", device).await.id(),
        message: key.post("/p/blog/v1/push/messages", message).await.id(),
        mail: first_mail(&key).await,
        team,
        invitation,
        key,
        user,
        note,
    }
}

/// The answer without what differs by chance, `named` aside.
fn told(answer: &Answer, named: &str) -> (u16, String) {
    let mut body = answer.body.clone();
    if let Some(object) = body.as_object_mut() {
        object.remove("request_id");
    }
    (answer.status, body.to_string().replace(named, "NAME"))
}

/// Each path of the project's document that names something, asked about what the other project has and about what
/// nobody has. A path that is new here needs a line of its own.
async fn every_path(server: &Server, theirs: &Theirs, callers: &[&Client]) {
    let document = server.as_("").get("/p/shop/v1/openapi.json").await.body;
    let mut walked = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.contains('{') {
            continue;
        }
        let record = path.split('/').nth(3).unwrap_or_default();
        let record = if record == "users" {
            &theirs.user
        } else {
            &theirs.note
        };
        let (name, foreign, nowhere): (&str, &str, &str) = match path.as_str() {
            p if p.starts_with("/v1/records/") => ("{id}", record, NOWHERE),
            p if p.starts_with("/v1/collections/{collection}") => {
                ("{collection}", "drafts", "nobody")
            }
            "/v1/buckets/{bucket}/files/{id}" => ("{id}", &theirs.file, NOWHERE),
            p if p.starts_with("/v1/buckets/{bucket}") => ("{bucket}", "drawings", "nobodys"),
            "/v1/files/{id}" => ("{id}", &theirs.file, NOWHERE),
            p if p.starts_with("/v1/files/{bucket}") => ("{bucket}", "drawings", "nobodys"),
            p if p.starts_with("/v1/push/devices/") => ("{id}", &theirs.device, NOWHERE),
            p if p.starts_with("/v1/push/messages/") => ("{id}", &theirs.message, NOWHERE),
            p if p.starts_with("/v1/auth/sessions/") => ("{id}", &theirs.session, NOWHERE),
            "/v1/auth/social/{provider}/start" => ("{provider}", "theirs", "nobodys"),
            "/v1/users/me/identities/{id}" => ("{id}", &theirs.note, NOWHERE),
            "/v1/users/{id}/identities/{provider}/token" => ("{id}", &theirs.user, NOWHERE),
            p if p.starts_with("/v1/users/") => ("{id}", &theirs.user, NOWHERE),
            p if p.starts_with("/v1/teams/") => ("{id}", &theirs.team, NOWHERE),
            p if p.starts_with("/v1/team-invitations/") => ("{id}", &theirs.invitation, NOWHERE),
            p if p.starts_with("/v1/auth/passkeys/") => ("{id}", &theirs.passkey, NOWHERE),
            p if p.starts_with("/v1/mails/") => ("{id}", &theirs.mail, NOWHERE),
            p if p.starts_with("/v1/settings/hooks/") => ("{hook}", "on_token", "nobodys"),
            // Every project has the same ones: `every_template` tells them apart.
            p if p.starts_with("/v1/mail-templates/") => continue,
            other => panic!("{other} names something: say here what of it another project has"),
        };
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            walked.insert(
                operation["operationId"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            );
            // Under an id that is free here a record can be made, whatever another project has.
            if method == "put" && path.starts_with("/v1/records/") {
                continue;
            }
            for caller in callers {
                let mut answers = Vec::new();
                for value in [foreign, nowhere] {
                    let path = path
                        .replace(name, value)
                        .replace("{bucket}", "pictures")
                        .replace("{user}", NOWHERE)
                        .replace("{invitation}", NOWHERE)
                        .replace("{provider}", "theirs")
                        .replace("{version}", "1")
                        .replace("{path}", "a.txt");
                    assert!(!path.contains('{'), "no value for {path}");
                    let mut request =
                        caller.request(&method.to_uppercase(), &format!("/p/shop{path}"));
                    if operation.get("requestBody").is_some() {
                        request = request.json(&json!({}));
                    }
                    answers.push(told(&caller.send(request).await, value));
                }
                assert_eq!(answers[0], answers[1], "{method} {path}");
                let (status, body) = &answers[0];
                assert!(
                    (400..500).contains(status),
                    "{method} {path}: {status} {body}"
                );
            }
        }
    }
    assert!(walked.len() > 30, "{walked:?}");
}

/// What one project makes of its mails is seen in no other.
async fn every_template(theirs: &Theirs, key: &Client) {
    let path = |project: &str| format!("/p/{project}/v1/mail-templates/verify/en");
    let before = key.get(&path("shop")).await;
    assert_eq!(before.status, 200, "{:?}", before.body);
    let words = json!({"subject": "Unseen", "html": "<p>{{ link }}</p>", "text": "{{ link }}"});
    let put = theirs.key.request("PUT", &path("blog")).json(&words);
    let put = theirs.key.send(put).await;
    assert!(put.status < 300, "{:?}", put.body);
    assert_eq!(key.get(&path("shop")).await.body, before.body);
}

/// Bodies and parameters that name what the other project has.
async fn every_body(theirs: &Theirs, key: &Client) {
    let albums = json!({"name": "albums", "fields": [
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "cover", "type": "file", "bucket": "pictures"}
    ]});
    put_file(key, "shop", "pictures").await;
    let made = key.post("/p/shop/v1/collections", albums).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let mine = key.post("/p/shop/v1/records/albums", json!({})).await.id();
    let record = format!("/p/shop/v1/records/albums/{mine}");
    let batch = |op: &str, data: Value| json!({"operations": [{"op": op, "collection": "albums", "id": mine, "data": data}]});
    for (field, foreign) in [
        ("owner", &theirs.user),
        ("cover", &theirs.file),
        ("owner", &theirs.note),
    ] {
        let asks: [(&str, &str, Value); 6] = [
            ("POST", "/p/shop/v1/records/albums", json!({field: "ID"})),
            ("PATCH", &record, json!({field: "ID"})),
            ("PUT", &record, json!({field: "ID"})),
            (
                "POST",
                "/p/shop/v1/batch",
                batch("update", json!({field: "ID"})),
            ),
            (
                "POST",
                "/p/shop/v1/batch",
                batch("upsert", json!({field: "ID"})),
            ),
            (
                "POST",
                "/p/shop/v1/records/albums/update",
                json!({"filter": "true", "set": {field: "ID"}}),
            ),
        ];
        for (method, path, body) in asks {
            let mut answers = Vec::new();
            for id in [foreign.as_str(), NOWHERE] {
                let body: Value =
                    serde_json::from_str(&body.to_string().replace("ID", id)).unwrap();
                let answer = key.send(key.request(method, path).json(&body)).await;
                answers.push(told(&answer, id));
            }
            assert_eq!(answers[0], answers[1], "{method} {path} {body}");
            assert!(
                (400..500).contains(&answers[0].0),
                "{method} {path} {body}: {answers:?}"
            );
        }
    }
    for (what, path, body) in [
        (
            "user",
            "/p/shop/v1/push/messages",
            json!({"to": {"users": [theirs.user]}, "title": "a", "body": "b"}),
        ),
        (
            "device",
            "/p/shop/v1/push/messages",
            json!({"to": {"devices": [theirs.device]}, "title": "a", "body": "b"}),
        ),
    ] {
        let sent = key.post(path, body).await;
        if sent.status == 202 {
            let message = key.get(&format!("{path}/{}", sent.id())).await;
            let text = message.body.to_string();
            assert!(!text.contains("push.example"), "{what}: {text}");
        }
    }
    let unread = key
        .get("/p/shop/v1/records/albums?expand=owner,cover")
        .await;
    let empty = json!({"owner": null, "cover": null});
    assert_eq!(
        unread.body["items"][0]["expand"], empty,
        "{:?}",
        unread.body
    );
    // Under an id that the other has, a record is made here, and theirs stays theirs.
    let own = key
        .send(
            key.request("PUT", &format!("/p/shop/v1/records/notes/{}", theirs.note))
                .json(&json!({"text": "ours"})),
        )
        .await;
    assert_eq!(own.status, 201, "{:?}", own.body);
    let kept = theirs
        .key
        .get(&format!("/p/blog/v1/records/notes/{}", theirs.note))
        .await;
    assert_eq!(
        (kept.status, &kept.body["text"], &kept.body["_version"]),
        (200, &json!("unseen"), &json!(1))
    );
    for path in [
        "/p/blog/v1/files/drawings/a.txt",
        "/p/blog/v1/collections/drafts",
    ] {
        assert_eq!(theirs.key.get(path).await.status, 200, "{path} is unhurt");
    }
}

#[tokio::test]
async fn what_another_project_has_is_nowhere() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        server.project("blog").await;
        let theirs = theirs(&server).await;
        let (_, user) = server.user("shop", "u@example.com").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let nobody = server.as_("");
        every_path(&server, &theirs, &[&nobody, &user, &key]).await;
        every_body(&theirs, &key).await;
        every_template(&theirs, &key).await;
    }
}

/// Who asks a project that is not there makes nothing: no project, no file, no schema.
#[tokio::test]
async fn a_project_that_is_not_there_is_not_made() {
    for engine in ENGINES {
        let server = Server::fresh(engine);
        server.project("shop").await;
        let operator = server.operator().await;
        let (_, user) = server.user("shop", "u@example.com").await;
        let key = server.as_(&server.key("shop", &["*"]));
        let projects = async || operator.get("/admin/v1/projects").await.body["items"].clone();
        let before = (projects().await, files(&server, engine));
        for slug in [
            "nothing", "shop2", "SHOP", "admin", "..", "%2e%2e", "sh%6fp", "shop%00", "x'--",
        ] {
            for client in [&server.as_(""), &user, &key, &operator] {
                for (method, path, body) in [
                    ("GET", "/v1/records/notes", None),
                    ("POST", "/v1/records/notes", Some(json!({"text": "a"}))),
                    (
                        "POST",
                        "/v1/auth/sign-up",
                        Some(json!({"email": "x@example.com", "password": "a-long-password"})),
                    ),
                    ("POST", "/v1/batch", Some(json!({"operations": []}))),
                    ("PUT", "/v1/files/pictures/a.txt", Some(json!({}))),
                    ("POST", "/v1/collections", Some(json!({"name": "a"}))),
                    ("GET", "/v1/openapi.json", None),
                ] {
                    let request = client.request(method, &format!("/p/{slug}{path}"));
                    let request = match body {
                        Some(body) => request.json(&body),
                        None => request,
                    };
                    let answer = client.send(request).await;
                    assert!(
                        matches!(answer.status, 400 | 401 | 404),
                        "{method} /p/{slug}{path}: {:?}",
                        answer
                    );
                }
            }
        }
        assert_eq!((projects().await, files(&server, engine)), before);
    }
}

/// What there is of databases.
fn files(server: &Server, engine: Engine) -> Vec<String> {
    let mut all = Vec::new();
    if engine == Engine::Sqlite {
        let mut open = vec![server.dir.clone()];
        while let Some(dir) = open.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path.clone());
                }
                all.push(path.display().to_string());
            }
        }
    } else {
        all.push(server.sql("SELECT string_agg(nspname, ',' ORDER BY 1) FROM pg_namespace WHERE nspname NOT LIKE 'pg_temp%' AND nspname NOT LIKE 'pg_toast_temp%'"));
    }
    all.sort();
    all
}

/// A coded body is refused before it is read, on every path; and one that would burst a parser costs nothing.
#[tokio::test]
async fn bodies_that_burst_are_refused() {
    let server = Server::fresh(Engine::Sqlite);
    server.project("shop").await;
    let key = server.as_(&server.key("shop", &["*"]));
    let paths = [
        "/p/shop/v1/records/notes",
        "/p/shop/v1/records/notes/query",
        "/p/shop/v1/batch",
        "/p/shop/v1/collections",
        "/p/shop/v1/auth/sign-up",
        "/admin/v1/session",
    ];
    // 30 MB of spaces.
    let bomb = {
        use std::io::Write;
        let mut coder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..30 {
            coder.write_all(&[b' '; 1_000_000]).unwrap();
        }
        coder.finish().unwrap()
    };
    let nobody = server.as_("");
    for path in paths {
        // The instance takes no keys of projects.
        let key = if path.starts_with("/admin") {
            &nobody
        } else {
            &key
        };
        for coding in [
            "gzip",
            "br",
            "deflate",
            "zstd",
            "x-gzip",
            "gzip, gzip",
            "GZIP",
            "compress",
            "unheard-of",
        ] {
            let request = key.request("POST", path).header("content-encoding", coding);
            let request = request
                .header("content-type", "application/json")
                .body(bomb.clone());
            let answer = key.send(request).await;
            assert_eq!(
                (answer.status, answer.code()),
                (415, "unsupported_media_type"),
                "{path} {coding}"
            );
        }
        let text = |body: String| {
            let request = key
                .request("POST", path)
                .header("content-type", "application/json");
            key.send(request.body(body))
        };
        let many: Vec<String> = (0..60_000).map(|n| format!("\"k{n}\":1")).collect();
        for (body, status) in [
            ("[".repeat(100_000), 400),
            ("{\"a\":".repeat(100_000), 400),
            (
                format!("{{\"a\":{}{}}}", "[".repeat(32), "]".repeat(32)),
                400,
            ),
            (format!("{{\"a\":\"{}\"}}", "x".repeat(1_048_576)), 413),
            (" ".repeat(1_048_577), 413),
        ] {
            let answer = text(body).await;
            assert_eq!(answer.status, status, "{path} {:?}", answer.body);
        }
        let answer = text(format!("{{{}}}", many.join(","))).await;
        assert!(
            (400..500).contains(&answer.status),
            "{path} {:?}",
            answer.status
        );
        // What is told of them is no flood either.
        let told = answer.body.to_string().len();
        assert!(told < 65_536, "{path} {told}");
    }
    assert_eq!(nobody.get("/readyz").await.status, 200);
    let kept = key.get("/p/shop/v1/records/notes?count=exact").await;
    assert_eq!(kept.body["total"], 0);
}
