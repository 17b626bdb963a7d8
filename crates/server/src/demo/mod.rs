//! The demo: a project `shop` with a real catalogue of films and a project `blog`, made at the first start.

use crate::commands::{self, Command};
use crate::config::Config;
use crate::supervisor::Supervisor;
use crate::wiring::Services;
use data::{Asker, WriteOptions};
use futures_util::StreamExt;
use gate::{By, Input, Project, Who};
use kernel::Ids;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

mod posters;
mod shop;

const POSTS: &str = include_str!("../../../../examples/blog/data/posts.json");

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
pub async fn seed(services: &Services, url: &str) -> Result<String, String> {
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
    let site = url.replace("://127.0.0.1", "://shop.localhost");
    if !has("shop") {
        shop::make(services).await?;
    }
    shop::settle(services, &site).await?;
    if !has("blog") {
        blog(services).await?;
    }
    Ok(format!(
        "\nThe shop       {site}/\n\
             The dashboard  {url}/dashboard/   {} with the password {}\n\
             Two projects are ready:\n  shop  {url}/p/shop/v1/records/products   3,200 films with genres and people\n  blog  {url}/p/blog/v1/records/posts\n\
             Their documents are at {url}/p/shop/v1/docs and {url}/p/blog/v1/docs.\n\
             Sign up as a customer with POST {url}/p/shop/v1/auth/sign-up.\n\
             Sign in as the operator with POST {url}/admin/v1/session.\n",
        OPERATOR.0, OPERATOR.1
    ))
}

/// Goes on with what takes longer, beside the requests.
pub fn start(supervisor: &Supervisor, services: &Services) {
    let services = services.clone();
    supervisor.run("posters", move || posters::hang(services.clone()));
}

/// What the demo's records are made with: it passes rules, as a key does.
struct Maker {
    services: Services,
    project: Arc<Project>,
    asker: Asker,
}

impl Maker {
    /// Of a project that is made first.
    async fn make(services: &Services, id: &str, name: &str) -> Result<Self, String> {
        let (id, name) = (id.to_owned(), name.to_owned());
        let create = Command::ProjectCreate {
            id: id.clone(),
            name,
        };
        commands::run(services, create).await?;
        Self::of(services, &id).await
    }

    /// Of a project that is there.
    async fn of(services: &Services, id: &str) -> Result<Self, String> {
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

    /// Gives a collection more fields.
    async fn extend(&self, collection: &str, change: Value) -> Result<(), String> {
        let Value::Object(object) = change else {
            return Err("a change is an object".to_owned());
        };
        let (data, project) = (&self.services.data, &self.project);
        let changed = data
            .update_collection(project, &self.asker, collection, object, None)
            .await;
        changed
            .map(|_| ())
            .map_err(|e| commands::sentence(&e.into()))
    }

    /// Changes the project's settings.
    async fn settle(&self, change: Value) -> Result<(), String> {
        let Value::Object(object) = change else {
            return Err("a change is an object".to_owned());
        };
        let by = By {
            actor: None,
            network: "local".to_owned(),
            request_id: "demo".to_owned(),
            now: self.services.gate.clock().now(),
        };
        let gate = &self.services.gate;
        let changed = gate.update_settings(&self.project, &by, None, Input::new(object));
        changed
            .await
            .map(|_| ())
            .map_err(|e| commands::sentence(&e))
    }

    async fn bucket(&self, definition: Value) -> Result<(), String> {
        let Value::Object(object) = definition else {
            return Err("a bucket is an object".to_owned());
        };
        let asker = self.files_asker();
        let made = self
            .services
            .files
            .create_bucket(&self.project, &asker, Input::new(object), None)
            .await;
        made.map(|_| ()).map_err(|e| commands::sentence(&e.into()))
    }

    fn files_asker(&self) -> files::Asker {
        files::Asker {
            who: self.asker.who.clone(),
            now: self.services.gate.clock().now(),
            request: self.asker.request.clone(),
            request_id: self.asker.request_id.clone(),
        }
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

async fn blog(services: &Services) -> Result<(), String> {
    let maker = Maker::make(services, "blog", "Shopkeeper's blog").await?;
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
