//! The demo: a project `shop` with a real catalogue of films and a project `blog`, made at the first start.

use crate::commands::{self, Command};
use crate::config::Config;
use crate::wiring::Services;
use data::{Asker, WriteOptions};
use futures_util::StreamExt;
use gate::{Input, Project, Who};
use kernel::Ids;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

const GENRES: &str = include_str!("../../../examples/shop/data/genres.json");
const PEOPLE: &str = include_str!("../../../examples/shop/data/people.json");
const PRODUCTS: &str = include_str!("../../../examples/shop/data/products.json");
const POSTS: &str = include_str!("../../../examples/blog/data/posts.json");

/// The operator's address and password. Known to everybody: the demo listens on this machine only.
const OPERATOR: (&str, &str) = ("demo@example.com", "galley-demo");
/// Records that are made at the same time.
const AT_ONCE: usize = 16;

/// Refuses to offer known credentials to a network.
pub fn check(config: &Config) -> Result<(), String> {
    let address: Option<SocketAddr> = config.server.listen.parse().ok();
    match address {
        Some(address) if address.ip().is_loopback() => Ok(()),
        _ => Err(format!(
            "the demo has a known password and listens on this machine only, not on {}",
            config.server.listen
        )),
    }
}

/// Makes what is not there yet and tells how to use it.
pub fn seed<'a>(
    services: &'a Services,
    url: &'a str,
) -> Pin<Box<dyn Future<Output = Result<String, String>> + 'a>> {
    Box::pin(async move {
        let operators = commands::run(services, Command::OperatorList).await?;
        if operators.is_empty() {
            let (email, password) = (OPERATOR.0.to_owned(), OPERATOR.1.to_owned());
            commands::run(services, Command::OperatorCreate { email, password }).await?;
        }
        let projects = commands::run(services, Command::ProjectList).await?;
        let has = |id: &str| {
            projects
                .lines()
                .any(|line| line.split('\t').next() == Some(id))
        };
        if !has("shop") {
            shop(services).await?;
        }
        if !has("blog") {
            blog(services).await?;
        }
        Ok(format!(
            "\nTwo projects are ready:\n  shop  {url}/p/shop/v1/records/products   3,200 films with genres and people\n  blog  {url}/p/blog/v1/records/posts\n\
             Their documents are at {url}/p/shop/v1/openapi.json and {url}/p/blog/v1/openapi.json.\n\
             Sign up as a customer with POST {url}/p/shop/v1/auth/sign-up.\n\
             Sign in as the operator {} with the password {} at POST {url}/admin/v1/session.\n",
            OPERATOR.0, OPERATOR.1
        ))
    })
}

/// What the demo's records are made with: it passes rules, as a key does.
struct Maker {
    services: Services,
    project: Arc<Project>,
    asker: Asker,
}

impl Maker {
    async fn new(services: &Services, id: &str, name: &str) -> Result<Self, String> {
        commands::run(
            services,
            Command::ProjectCreate {
                id: id.to_owned(),
                name: name.to_owned(),
            },
        )
        .await?;
        let project = services
            .gate
            .project(id)
            .await
            .map_err(|e| commands::sentence(&e))?;
        let who = Who::Key {
            id: Ids.new_id(),
            scopes: Arc::from(["*".to_owned()]),
        };
        let asker = Asker::new(
            &who,
            services.gate.clock().now(),
            "POST",
            "local",
            Map::new(),
            "demo",
        );
        Ok(Self {
            services: services.clone(),
            project,
            asker,
        })
    }

    async fn collection(&self, definition: Value) -> Result<(), String> {
        let Value::Object(object) = definition else {
            return Err("a collection is an object".to_owned());
        };
        let made = self
            .services
            .data
            .create_collection(&self.project, &self.asker, Input::new(object), None)
            .await;
        made.map(|_| ()).map_err(|e| commands::sentence(&e.into()))
    }

    /// Makes records, many at once: they share their commits.
    async fn records(
        &self,
        collection: &str,
        records: impl Iterator<Item = Result<Map<String, Value>, String>>,
    ) -> Result<(), String> {
        let make = async |record: Result<Map<String, Value>, String>| {
            let (data, options) = (&self.services.data, WriteOptions::default());
            let made = data.create(&self.project, &self.asker, collection, record?, options);
            made.await
                .map(|_| ())
                .map_err(|e| commands::sentence(&e.into()))
        };
        let mut running = futures_util::stream::iter(records.map(make)).buffer_unordered(AT_ONCE);
        while let Some(made) = running.next().await {
            made?;
        }
        Ok(())
    }
}

/// Reads records of the repository, one per line, and gives each an id, so that others can point to it by `name`. One
/// at a time: the catalogue as a whole would stay in the process's memory.
fn read(text: &str) -> impl Iterator<Item = Result<Map<String, Value>, String>> {
    let lines = text.lines().map(|line| line.trim().trim_end_matches(','));
    lines.filter(|line| line.starts_with('{')).map(|line| {
        let mut record: Map<String, Value> =
            serde_json::from_str(line).map_err(|e| format!("the demo's data: {e}"))?;
        record.insert("id".to_owned(), Ids.new_id().to_string().into());
        Ok(record)
    })
}

/// The ids of the records that were read, by their names.
fn by_name(records: &[Map<String, Value>]) -> HashMap<String, Value> {
    let pair =
        |r: &Map<String, Value>| Some((r.get("name")?.as_str()?.to_owned(), r.get("id")?.clone()));
    records.iter().filter_map(pair).collect()
}

async fn shop(services: &Services) -> Result<(), String> {
    let maker = Maker::new(services, "shop", "Film shop").await?;
    let named = |name: &str| {
        json!({"name": name, "fields": [{"name": "name", "type": "text", "required": true, "min": 1, "max": 200, "unique": true}],
               "rules": {"list": "true", "view": "true"}})
    };
    maker.collection(named("genres")).await?;
    maker.collection(named("people")).await?;
    let text = |name: &str| json!({"name": name, "type": "text", "max": 200});
    let integer = |name: &str| json!({"name": name, "type": "number", "format": "integer"});
    maker
        .collection(json!({
            "name": "products",
            "fields": [
                {"name": "title", "type": "text", "required": true, "min": 1, "max": 200},
                {"name": "released_at", "type": "datetime"},
                {"name": "genre", "type": "relation", "collection": "genres"},
                {"name": "director", "type": "relation", "collection": "people"},
                text("rating_mpaa"), text("distributor"),
                {"name": "imdb_rating", "type": "number", "min": 0, "max": 10},
                integer("imdb_votes"), integer("rotten_tomatoes"), integer("running_minutes"), integer("budget_usd"), integer("gross_usd"),
                {"name": "price", "type": "number", "required": true, "min": 0},
                {"name": "stock", "type": "number", "format": "integer", "required": true, "min": 0}
            ],
            "indexes": [{"fields": ["title"]}, {"fields": ["price"]}, {"fields": ["imdb_rating"]}],
            "rules": {"list": "true", "view": "true"}
        }))
        .await?;
    maker
        .collection(json!({
            "name": "wishes",
            "fields": [
                {"name": "owner", "type": "relation", "collection": "users", "required": true},
                {"name": "product", "type": "relation", "collection": "products", "required": true},
                {"name": "note", "type": "text", "max": 500}
            ],
            "indexes": [{"fields": ["owner", "product"], "unique": true}],
            "template": "owner"
        }))
        .await?;
    let genres = read(GENRES).collect::<Result<Vec<_>, _>>()?;
    let people = read(PEOPLE).collect::<Result<Vec<_>, _>>()?;
    let (genre_ids, people_ids) = (by_name(&genres), by_name(&people));
    maker.records("genres", genres.into_iter().map(Ok)).await?;
    maker.records("people", people.into_iter().map(Ok)).await?;
    let products = read(PRODUCTS).map(|product| {
        let mut product = product?;
        for (field, ids) in [("genre", &genre_ids), ("director", &people_ids)] {
            let name = product.get(field).and_then(Value::as_str);
            let id = name.and_then(|name| ids.get(name)).cloned();
            product.insert(field.to_owned(), id.unwrap_or(Value::Null));
        }
        Ok(product)
    });
    maker.records("products", products).await
}

async fn blog(services: &Services) -> Result<(), String> {
    let maker = Maker::new(services, "blog", "Shopkeeper's blog").await?;
    maker
        .collection(json!({
            "name": "posts",
            "fields": [
                {"name": "title", "type": "text", "required": true, "min": 1, "max": 200},
                {"name": "body", "type": "text", "max": 50_000},
                {"name": "published", "type": "bool", "required": true, "default": false}
            ],
            "rules": {"list": "published", "view": "published"}
        }))
        .await?;
    maker.records("posts", read(POSTS)).await
}
