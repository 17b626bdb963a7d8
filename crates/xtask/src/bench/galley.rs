//! Galley, set up through its own command line and interface.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::contender::{Contender, Server, fill, folder};
use super::http::Connection;
use crate::run::{Outcome, capture};

const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "only-for-this-bench";
const RECORDS: &str = "/p/bench/v1/records/items";

pub fn start(program: &Path, scratch: &Path, rows: usize) -> Outcome<Contender> {
    let folder = folder(scratch, "galley")?;
    let command = || {
        let mut command = Command::new(program);
        command.arg("--data-dir").arg(folder.join("data"));
        command
    };
    capture(command().args(["project", "create", "bench"]))?;
    let key = capture(command().args(["key", "create", "--project", "bench", "--scope", "*"]))?;
    let key = key.trim();
    let server = Server::start(&folder, |address| {
        let mut serve = command();
        serve.args(["serve", "--listen", address]);
        // One user is all the load there is: the limit per caller would measure itself.
        serve.env("GALLEY_GATE__LIMITS__REQUESTS_PER_SECOND", "0");
        serve
    })?;

    let mut http = Connection::open(&server.address)?;
    let mine_or_published = "published || owner == auth.id";
    let collection = json!({
        "name": "items",
        "kind": "table",
        "fields": [
            {"name": "title", "type": "text", "required": true},
            {"name": "price", "type": "number"},
            {"name": "published", "type": "bool"},
            {"name": "owner", "type": "relation", "collection": "users"},
        ],
        "rules": {
            "list": mine_or_published,
            "view": mine_or_published,
            "create": "auth.id != null",
            "update": null,
            "delete": null,
        },
    });
    let path = "/p/bench/v1/collections";
    http.send("POST", path, Some(key), Some(&collection))?;
    let user = json!({"email": EMAIL, "password": PASSWORD});
    let signed_up = http.send("POST", "/p/bench/v1/auth/sign-up", None, Some(&user))?;
    let owner = signed_up.text(&["user", "id"])?;
    let token = signed_up.text(&["access_token"])?;

    let ids = fill(&server.address, RECORDS, key, &owner, rows)?;
    Ok(Contender {
        name: "galley",
        about: "Galley".to_owned(),
        server,
        read_path: format!("{RECORDS}/"),
        create_path: RECORDS.to_owned(),
        token,
        owner,
        ids,
    })
}
