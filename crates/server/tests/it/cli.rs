//! The command line alone, beside a server, and against one that holds the data directory.

use crate::kit::{Server, galley};
use serde_json::json;

#[tokio::test]
async fn commands_work_alone_and_beside_a_server() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let run = |args: &[&str]| {
        galley()
            .arg("--data-dir")
            .arg(&dir)
            .args(args)
            .output()
            .unwrap()
    };
    let made = run(&["project", "create", "blog", "--name", "A blog"]);
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let key = run(&["key", "create", "--project", "blog", "--scope", "*"]);
    let key = String::from_utf8(key.stdout).unwrap();
    assert!(
        key.starts_with("gk_") && key.trim().lines().count() == 1,
        "{key}"
    );

    let server = Server::on(&dir, |_| {}, "serve");
    // What was made without a server is there.
    let listed = server.as_(key.trim()).get("/p/blog/v1/collections").await;
    assert_eq!(listed.status, 200, "{:?}", listed.body);
    // What is made beside it is known to it at once.
    assert!(run(&["project", "create", "shop"]).status.success());
    assert_eq!(
        server.as_("").get("/p/shop/v1/openapi.json").await.status,
        200
    );
    assert!(run(&["project", "suspend", "shop"]).status.success());
    assert_eq!(
        server.as_("").get("/p/shop/v1/openapi.json").await.code(),
        "project_suspended"
    );
    assert!(run(&["project", "resume", "shop"]).status.success());
    assert_eq!(
        server.as_("").get("/p/shop/v1/openapi.json").await.status,
        200
    );
    let projects = String::from_utf8(run(&["project", "list"]).stdout).unwrap();
    assert!(
        projects.contains("blog\tactive\tA blog") && projects.contains("shop\tactive\tshop"),
        "{projects}"
    );

    let keys = String::from_utf8(run(&["key", "list", "--project", "blog"]).stdout).unwrap();
    let id = keys.split('\t').next().unwrap();
    assert!(
        run(&["key", "revoke", "--project", "blog", id])
            .status
            .success()
    );
    assert_eq!(
        server
            .as_(key.trim())
            .get("/p/blog/v1/collections")
            .await
            .status,
        401
    );
    let document = String::from_utf8(run(&["openapi", "--project", "blog"]).stdout).unwrap();
    assert!(
        document.contains("\"/v1/records/users/{id}\""),
        "{document}"
    );
}

#[test]
fn errors_are_one_clear_line() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let cases: [(&[&str], &str); 5] = [
        (&["project", "create", "No Slug"], "id: "),
        (&["project", "rename", "nothing", "x"], "project_not_found"),
        (
            &["key", "create", "--project", "nothing", "--scope", "*"],
            "project_not_found",
        ),
        (&["serve", "--listen", "everywhere"], "server.listen"),
        (&["demo", "--listen", "0.0.0.0:0"], "this machine only"),
    ];
    for (args, want) in cases {
        let out = galley()
            .arg("--data-dir")
            .arg(&dir)
            .args(args)
            .output()
            .unwrap();
        let text = String::from_utf8(out.stderr).unwrap();
        assert!(
            !out.status.success()
                && text.starts_with("galley: ")
                && text.trim().lines().count() == 1
                && text.contains(want),
            "{args:?}: {text}"
        );
    }
}

#[test]
fn a_second_server_on_a_data_directory_exits_and_the_first_is_unhurt() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let first = Server::on(&dir, |_| {}, "serve");
    let out = galley()
        .arg("--data-dir")
        .arg(&dir)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(
        !out.status.success()
            && text.trim().lines().count() == 1
            && text.contains("held by another process"),
        "{text}"
    );
    assert!(
        first.told.contains("/dashboard/setup?token="),
        "{}",
        first.told
    );
    let listed = first.cli(&["project", "list"]);
    assert!(listed.status.success());
}

#[test]
fn unknown_settings_are_errors() {
    let temp = tempfile::tempdir().unwrap();
    let out = galley()
        .arg("--data-dir")
        .arg(temp.path())
        .args(["config"])
        .env("GALLEY_SERVER__LISTENS", "x")
        .output()
        .unwrap();
    assert!(!out.status.success());
    assert!(
        String::from_utf8_lossy(&out.stderr).contains("listens"),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let file = temp.path().join("galley.toml");
    std::fs::write(&file, include_str!("../../../../config/galley.toml")).unwrap();
    let out = galley()
        .args(["--config"])
        .arg(&file)
        .arg("config")
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[tokio::test]
async fn the_set_up_link_makes_the_first_operator_once() {
    let temp = tempfile::tempdir().unwrap();
    let server = Server::on(&temp.path().join("data"), |_| {}, "serve");
    let token = server
        .told
        .split("token=")
        .nth(1)
        .unwrap()
        .trim()
        .to_owned();
    let body = json!({"token": token, "email": "first@example.com", "password": "a-long-password"});
    let made = server.as_("").post("/admin/v1/setup", body.clone()).await;
    assert_eq!(made.status, 201, "{:?}", made.body);
    let again = server.as_("").post("/admin/v1/setup", body).await;
    assert!((400..500).contains(&again.status), "{:?}", again.body);
}

#[tokio::test]
async fn a_stop_is_orderly_and_the_next_start_finds_everything() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let server = Server::on(&dir, |_| {}, "serve");
    assert!(server.cli(&["project", "create", "blog"]).status.success());
    assert_eq!(server.as_("").get("/readyz").await.status, 200);
    assert!(
        server.terminate().success(),
        "TERM is answered by exit code 0"
    );
    let again = Server::on(&dir, |_| {}, "serve");
    assert_eq!(
        again.as_("").get("/p/blog/v1/openapi.json").await.status,
        200
    );
}
