//! PocketBase, set up through its own command line and interface.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::cases::{BATCH_ROWS, Case, Load, prices};
use super::contender::{Contender, Refers, Server, categories, fill, folder, row};
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

    let (token, ids, to) = prepare(&server, rows)?;
    let load = move |case| match case {
        Case::Read => Load::get(ids.iter().map(|id| format!("{RECORDS}/{id}")).collect()),
        Case::List => Load::get(prices().map(|price| list(price, "")).collect()),
        Case::Expand => Load::get(
            prices()
                .map(|price| list(price, "&expand=category"))
                .collect(),
        ),
        Case::Create => Load::post(RECORDS, row(1, &to)),
        Case::Batch => {
            let one = |number| json!({"method": "POST", "url": RECORDS, "body": row(number, &to)});
            let all: Vec<_> = (0..BATCH_ROWS).map(one).collect();
            Load::post("/api/batch", json!({"requests": all}))
        }
    };
    Ok(Contender {
        name: "pocketbase",
        about: version,
        server,
        token,
        key: String::new(),
        load: Box::new(load),
    })
}

/// Without the total, which PocketBase counts unless it is told not to.
fn list(price: f64, more: &str) -> String {
    format!(
        "{RECORDS}?filter=published%3Dtrue%26%26price%3C{price}&sort=-price&perPage=30&skipTotal=1{more}"
    )
}

/// Makes tables, rows and a user; gives the user's token, the ids, and what the rows refer to.
fn prepare(server: &Server, rows: usize) -> Outcome<(String, Vec<String>, Refers)> {
    let mut http = Connection::open(&server.address)?;
    let who = json!({"identity": EMAIL, "password": PASSWORD});
    let path = "/api/collections/_superusers/auth-with-password";
    let admin = http
        .send("POST", path, None, Some(&who))?
        .text(&["token"])?;

    let batch = json!({"batch": {"enabled": true, "maxRequests": BATCH_ROWS, "timeout": 30}});
    http.send("PATCH", "/api/settings", Some(&admin), Some(&batch))?;
    let fields = json!([{"name": "name", "type": "text"}]);
    let collection = json!({"name": "categories", "type": "base", "listRule": "", "viewRule": "", "fields": fields});
    let made = http.send("POST", "/api/collections", Some(&admin), Some(&collection))?;
    let categories = categories()
        .map(|category| {
            let path = "/api/collections/categories/records";
            let made = http.send("POST", path, Some(&admin), Some(&category))?;
            made.text(&["id"])
        })
        .collect::<Outcome<_>>()?;
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
            {
                "name": "category",
                "type": "relation",
                "collectionId": made.text(&["id"])?,
                "maxSelect": 1,
            },
        ],
        "indexes": ["CREATE INDEX items_price ON items (price)"],
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

    let to = Refers { owner, categories };
    let ids = fill(&server.address, RECORDS, &admin, &to, rows)?;
    Ok((token, ids, to))
}
