//! Lists a small collection over and over, for counting the instructions of one list.
use data::{Asker, Data, Query};
use gate::{Input, Project, Who};
use kernel::{Ids, Stamp};
use serde_json::{Map, Value as Json, json};
use store::{Engine, SqliteOptions, Store};
use std::sync::Arc;

fn object(json: Json) -> Map<String, Json> {
    match json { Json::Object(map) => map, _ => Map::new() }
}

fn main() {
    let n: usize = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(1);
    let query = std::env::args().nth(2).unwrap_or_default();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteOptions { read_budget_ms: 0, ..SqliteOptions::default() };
        let store = Store::start(&Engine::Sqlite(options), dir.path()).await.unwrap();
        let db = store.project(Ids.new_id(), &[gate::project_steps(), data::steps()].concat()).await.unwrap();
        let project: Arc<Project> = Project::for_tests(db, "shop").unwrap();
        let data = Data::new(Ids);
        let now = Stamp::parse("2026-03-01T12:00:00Z").unwrap();
        let asker = |who| Asker::new(&who, now, "GET", "127.0.0.1", Map::new(), "r");
        let key = asker(Who::Key { id: Ids.new_id(), scopes: Arc::from(vec!["*".to_owned()]) });
        for def in [
            json!({"name": "authors", "fields": [{"name": "name", "type": "text"}], "rules": {"list": "true"}}),
            json!({"name": "posts", "fields": [{"name": "title", "type": "text"}, {"name": "stock", "type": "number", "format": "integer"}, {"name": "author", "type": "relation", "collection": "authors"}], "rules": {"list": "stock != null"}}),
        ] {
            data.create_collection(&project, &key, Input::new(object(def)), None).await.unwrap();
        }
        let author = Ids.new_id();
        data.create(&project, &key, "authors", object(json!({"id": author, "name": "a"})), Default::default()).await.unwrap();
        for i in 0..40 {
            data.create(&project, &key, "posts", object(json!({"title": format!("t{i}"), "stock": i, "author": author})), Default::default()).await.unwrap();
        }
        let anon = asker(Who::Anonymous);
        let mut total = 0;
        for _ in 0..n {
            let query = Query::parse_list(&query).unwrap();
            total += data.list(&project, &anon, "posts", &query).await.unwrap().docs.len();
        }
        println!("{total}");
    });
}
