//! PocketBase, set up through its own command line and interface.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::contender::{Contender, Server, fill, folder};
use super::http::Connection;
use crate::run::{Outcome, capture};

const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "only-for-this-bench";
const RECORDS: &str = "/api/collections/items/records";

pub fn start(program: &Path, scratch: &Path, rows: usize) -> Outcome<Contender> {
    let folder = folder(scratch, "pocketbase")?;
    let command = || {
        let mut command = Command::new(program);
        command.arg("--dir").arg(folder.join("pb_data"));
        command
    };
    let version = capture(Command::new(program).arg("--version"))?;
    let version = version.trim().replace("pocketbase version ", "PocketBase ");
    let mut superuser = command();
    superuser.current_dir(&folder).args(["superuser", "upsert"]);
    capture(superuser.args([EMAIL, PASSWORD]))?;
    let server = Server::start(&folder, |address| {
        let mut serve = command();
        serve.args(["serve", "--http", address]);
        serve
    })?;

    let mut http = Connection::open(&server.address)?;
    let who = json!({"identity": EMAIL, "password": PASSWORD});
    let path = "/api/collections/_superusers/auth-with-password";
    let admin = http
        .send("POST", path, None, Some(&who))?
        .text(&["token"])?;

    let users = http.send("GET", "/api/collections/users", Some(&admin), None)?;
    let mine_or_published = "published = true || owner = @request.auth.id";
    let collection = json!({
        "name": "items",
        "type": "base",
        "listRule": mine_or_published,
        "viewRule": mine_or_published,
        "createRule": "@request.auth.id != ''",
        "fields": [
            {"name": "title", "type": "text", "required": true},
            {"name": "price", "type": "number"},
            {"name": "published", "type": "bool"},
            {
                "name": "owner",
                "type": "relation",
                "collectionId": users.text(&["id"])?,
                "maxSelect": 1,
            },
        ],
    });
    http.send("POST", "/api/collections", Some(&admin), Some(&collection))?;

    let user = json!({"email": EMAIL, "password": PASSWORD, "passwordConfirm": PASSWORD});
    let path = "/api/collections/users/records";
    let owner = http
        .send("POST", path, Some(&admin), Some(&user))?
        .text(&["id"])?;
    let path = "/api/collections/users/auth-with-password";
    let token = http
        .send("POST", path, None, Some(&who))?
        .text(&["token"])?;

    let ids = fill(&server.address, RECORDS, &admin, &owner, rows)?;
    Ok(Contender {
        name: "pocketbase",
        about: version,
        server,
        read_path: format!("{RECORDS}/"),
        create_path: RECORDS.to_owned(),
        token,
        owner,
        ids,
    })
}
