//! Galley, set up through its own command line and interface.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::cases::{BATCH_ROWS, Case, Load, prices};
use super::contender::{Contender, Refers, Server, categories, fill, folder, row};
use super::http::Connection;
use crate::run::{Outcome, capture};

const EMAIL: &str = "bench@example.com";
const PASSWORD: &str = "only-for-this-bench";
const RECORDS: &str = "/p/bench/v1/records/items";

/// Any 32 bytes: what is sealed in the bench is thrown away with it.
const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// On SQLite, or on the PostgreSQL server at an address.
pub fn start(
    program: &Path,
    scratch: &Path,
    rows: usize,
    postgres: Option<&str>,
) -> Outcome<Contender> {
    let name = match postgres {
        Some(_) => "galley-postgres",
        None => "galley",
    };
    let place = (scratch, name);
    start_as(program, place, rows, postgres, || Command::new(program))
}

/// On SQLite, with nothing between a flood of sign-ins and the hashing: no limit per network, neither of requests nor
/// of wrong guesses.
pub fn start_flooded(program: &Path, scratch: &Path, rows: usize) -> Outcome<Contender> {
    let flooded = || {
        let mut command = Command::new(program);
        command.env("GALLEY_GATE__LIMITS__CREDENTIAL_REQUESTS_PER_SECOND", "0");
        command
    };
    let server = start_as(program, (scratch, "galley-flooded"), rows, None, flooded)?;
    let settings = json!({"lockout": {"network_guesses_max": 100_000}});
    let mut http = Connection::open(&server.server.address)?;
    http.send(
        "PATCH",
        "/p/bench/v1/settings",
        Some(&server.key),
        Some(&settings),
    )?;
    Ok(server)
}

/// On SQLite, under valgrind, which counts instructions into files that begin with `out`.
pub fn start_counted(
    program: &Path,
    scratch: &Path,
    rows: usize,
    out: &Path,
) -> Outcome<Contender> {
    let counted = || {
        let mut command = Command::new("valgrind");
        // What sets the server up is not counted, and so not as slow.
        command.args(["--tool=callgrind", "--instr-atstart=no"]);
        command.arg("--separate-threads=yes");
        command.arg(format!("--callgrind-out-file={}.%p", out.display()));
        command.arg(program);
        // One worker: the caches of one thread are warm after one round.
        command.env("GALLEY_SERVER__WORKERS", "1");
        command.env("GALLEY_ACCOUNTS__ACCESS_TOKEN_SECONDS", "3600");
        command
    };
    start_as(program, (scratch, "galley-counted"), rows, None, counted)
}

fn start_as(
    program: &Path,
    (scratch, name): (&Path, &str),
    rows: usize,
    postgres: Option<&str>,
    server: impl FnOnce() -> Command,
) -> Outcome<Contender> {
    let folder = folder(scratch, name)?;
    let with = |mut command: Command| {
        command.arg("--data-dir").arg(folder.join("data"));
        if let Some(url) = postgres {
            command.env("GALLEY_DATABASE__URL", url);
            command.env("GALLEY_SECRETS__MASTER_KEY", MASTER_KEY);
        }
        command
    };
    let command = || with(Command::new(program));
    capture(command().args(["project", "create", "bench"]))?;
    let key = capture(command().args(["key", "create", "--project", "bench", "--scope", "*"]))?;
    let key = key.trim();
    let server = Server::start(&folder, |address| {
        let mut serve = with(server());
        serve.args(["serve", "--listen", address]);
        // One user is all the load there is: the limit per caller would measure itself.
        serve.env("GALLEY_GATE__LIMITS__REQUESTS_PER_SECOND", "0");
        serve
    })?;

    let (token, ids, to) = prepare(&server, key, rows)?;
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
            let one =
                |number| json!({"op": "create", "collection": "items", "data": row(number, &to)});
            let all: Vec<_> = (0..BATCH_ROWS).map(one).collect();
            Load::post("/p/bench/v1/batch", json!({"operations": all}))
        }
    };
    Ok(Contender {
        name: "galley",
        about: if postgres.is_some() {
            "Galley on PostgreSQL"
        } else {
            "Galley"
        }
        .to_owned(),
        server,
        token,
        key: key.to_owned(),
        load: Box::new(load),
    })
}

fn list(price: f64, more: &str) -> String {
    format!(
        "{RECORDS}?filter=published%20%3D%3D%20true%20%26%26%20price%20%3C%20{price}&sort=-price&limit=30{more}"
    )
}

/// Makes tables, rows and a user; gives the user's token, the ids, and what the rows refer to.
fn prepare(server: &Server, key: &str, rows: usize) -> Outcome<(String, Vec<String>, Refers)> {
    let mut http = Connection::open(&server.address)?;
    let everybody = json!({"list": "true", "view": "true"});
    let fields = json!([{"name": "name", "type": "text"}]);
    let path = "/p/bench/v1/collections";
    let collection = json!({"name": "categories", "fields": fields, "rules": everybody});
    http.send("POST", path, Some(key), Some(&collection))?;
    let categories = categories()
        .map(|category| {
            let path = "/p/bench/v1/records/categories";
            http.send("POST", path, Some(key), Some(&category))?
                .text(&["id"])
        })
        .collect::<Outcome<_>>()?;
    let mine_or_published = "published || owner == auth.id";
    let collection = json!({
        "name": "items",
        "kind": "table",
        "fields": [
            {"name": "title", "type": "text", "required": true},
            {"name": "price", "type": "number"},
            {"name": "published", "type": "bool"},
            {"name": "owner", "type": "relation", "collection": "users"},
            {"name": "category", "type": "relation", "collection": "categories"},
        ],
        "indexes": [{"fields": ["price"]}],
        "rules": {
            "list": mine_or_published,
            "view": mine_or_published,
            "create": "auth.id != null",
            "update": null,
            "delete": null,
        },
    });
    http.send("POST", path, Some(key), Some(&collection))?;
    let user = json!({"email": EMAIL, "password": PASSWORD});
    let signed_up = http.send("POST", "/p/bench/v1/auth/sign-up", None, Some(&user))?;
    let owner = signed_up.text(&["user", "id"])?;
    let token = signed_up.text(&["access_token"])?;

    let to = Refers { owner, categories };
    let ids = fill(&server.address, RECORDS, key, &to, rows)?;
    Ok((token, ids, to))
}
