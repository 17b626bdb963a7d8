//! The configuration of the instance: defaults, then the file, then the environment, then flags; unknown keys are errors.

use accounts::AccountsConfig;
use files::FilesConfig;
use gate::GateConfig;
use push::PushConfig;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use store::{Engine, PgOptions, SqliteOptions};
use utoipa::{PartialSchema, ToSchema};

/// Everything that is read at start.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server listens and what it is called outside.
    pub server: ServerConfig,
    /// Where databases live.
    pub database: DatabaseConfig,
    /// The key that seals every secret.
    pub secrets: SecretsConfig,
    /// What the server writes about itself.
    pub log: LogConfig,
    /// Who is let in, from where, and how often.
    pub gate: GateConfig,
    /// Accounts of projects' users.
    pub accounts: AccountsConfig,
    /// Uploads.
    pub files: FilesConfig,
    /// Messages to devices.
    pub push: PushConfig,
}

/// Where the server listens and what it is called outside.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// Address and port to listen on. Port 0 takes a free one and prints it.
    pub listen: String,
    /// The address by which clients reach the instance, such as `https://api.example.com`. Empty: `http://` and the listening address.
    pub public_url: String,
    /// Threads that serve requests. 0: one per core.
    pub workers: usize,
    /// Connections at most, on all threads together.
    pub connections_max: usize,
    /// Seconds that running requests have to end after SIGTERM.
    pub drain_seconds: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8090".to_owned(),
            public_url: String::new(),
            workers: 0,
            connections_max: 25_000,
            drain_seconds: 25,
        }
    }
}

/// Where databases live.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseConfig {
    /// A PostgreSQL server: `postgres://user:password@host:port/database`. Empty: SQLite files in the data directory.
    pub url: String,
    /// A file that holds `url`.
    pub url_file: String,
    /// PostgreSQL: connections for reads at most, shared out among the cores.
    pub read_connections: u32,
    /// PostgreSQL: connections for writes at most.
    pub write_connections: u32,
    /// PostgreSQL: milliseconds that a statement may run.
    pub statement_timeout_ms: u64,
    /// SQLite: milliseconds that a read may hold its thread before it is moved to the slow lane. 0 turns the budget off.
    pub read_budget_ms: u64,
    /// SQLite: milliseconds that a read may take on the slow lane.
    pub slow_deadline_ms: u64,
    /// SQLite: threads of the slow lane.
    pub slow_threads: usize,
    /// SQLite: reads that may wait for the slow lane.
    pub slow_queue: usize,
    /// SQLite: threads that commit for all projects.
    pub writer_threads: usize,
    /// SQLite: MiB that the reader connections of all threads together may take: at least 256 KiB each, and what is left of
    /// it for pages of their databases, 16 MiB each at most.
    pub reader_memory_mib: usize,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        let (sqlite, pg) = (SqliteOptions::default(), PgOptions::new(String::new()));
        Self {
            url: String::new(),
            url_file: String::new(),
            read_connections: pg.read_connections,
            write_connections: pg.write_connections,
            statement_timeout_ms: pg.statement_timeout_ms,
            read_budget_ms: sqlite.read_budget_ms,
            slow_deadline_ms: sqlite.slow_deadline_ms,
            slow_threads: sqlite.slow_threads,
            slow_queue: sqlite.slow_queue,
            writer_threads: sqlite.writer_threads,
            reader_memory_mib: sqlite.reader_memory_mib,
        }
    }
}

/// The key that seals every secret.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// 32 bytes in base64, the same on every node. Needed on PostgreSQL; on SQLite the first start makes one in the data directory.
    pub master_key: String,
    /// A file that holds `master_key`.
    pub master_key_file: String,
}

/// What the server writes about itself.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// What is written: error, warn, info, debug or trace, or filters such as info,store=debug.
    pub level: String,
    /// How it is written: text or json.
    pub format: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: "text".to_owned(),
        }
    }
}

impl Config {
    /// Reads defaults, the file if one is named, and `GALLEY_SECTION__KEY` of the environment.
    pub fn read(file: Option<&Path>) -> Result<Self, String> {
        let mut builder = config::Config::builder();
        if let Some(file) = file {
            builder = builder.add_source(config::File::from(file).format(config::FileFormat::Toml));
        }
        let environment = config::Environment::with_prefix("GALLEY")
            .prefix_separator("_")
            .separator("__")
            .ignore_empty(true)
            .try_parsing(true)
            .list_separator(",");
        let environment = lists().into_iter().fold(environment, |environment, key| {
            environment.with_list_parse_key(&key)
        });
        // The data directory and the file itself are flags with variables of their own.
        let vars = std::env::vars().filter(|(k, _)| {
            !matches!(k.as_str(), "GALLEY_DATA_DIR" | "GALLEY_CONFIG")
                && !k.starts_with("GALLEY_TEST_")
        });
        builder = builder.add_source(environment.source(Some(vars.collect())));
        let mut config: Self = builder
            .build()
            .and_then(config::Config::try_deserialize)
            .map_err(|e| format!("configuration: {e}"))?;
        for (value, file, name) in [
            (
                &mut config.database.url,
                &config.database.url_file,
                "database.url",
            ),
            (
                &mut config.secrets.master_key,
                &config.secrets.master_key_file,
                "secrets.master_key",
            ),
            (
                &mut config.accounts.mail.smtp_password,
                &config.accounts.mail.smtp_password_file,
                "accounts.mail.smtp_password",
            ),
        ] {
            if !file.is_empty() {
                if !value.is_empty() {
                    return Err(format!(
                        "configuration: {name} and {name}_file are both set"
                    ));
                }
                let text = std::fs::read_to_string(file)
                    .map_err(|e| format!("configuration: {name}_file {file}: {e}"))?;
                *value = text.trim().to_owned();
            }
        }
        config.validate()?;
        Ok(config)
    }

    /// Refuses what cannot work, with a sentence that names the setting.
    pub fn validate(&self) -> Result<(), String> {
        self.server.listen.parse::<std::net::SocketAddr>().map_err(|_| {
            format!("configuration: server.listen is {:?}; it must be an address and a port, such as 127.0.0.1:8090", self.server.listen)
        })?;
        let url = &self.server.public_url;
        if !url.is_empty()
            && (!(url.starts_with("http://") || url.starts_with("https://")) || url.ends_with('/'))
        {
            return Err(format!(
                "configuration: server.public_url is {url:?}; it must begin with http:// or https:// and not end with /"
            ));
        }
        if !matches!(self.log.format.as_str(), "text" | "json") {
            return Err("configuration: log.format must be text or json".to_owned());
        }
        self.gate
            .validate()
            .map_err(|e| format!("configuration: {e}"))?;
        for section in [
            self.accounts.validate(),
            self.files.validate(),
            self.push.validate(),
        ] {
            section.map_err(|e| format!("configuration: {}", e.join("; ")))?;
        }
        Ok(())
    }

    /// The engine that holds the databases.
    #[must_use]
    pub fn engine(&self) -> Engine {
        let d = &self.database;
        if d.url.is_empty() {
            return Engine::Sqlite(SqliteOptions {
                read_budget_ms: d.read_budget_ms,
                slow_deadline_ms: d.slow_deadline_ms,
                slow_threads: d.slow_threads,
                slow_queue: d.slow_queue,
                writer_threads: d.writer_threads,
                reader_memory_mib: d.reader_memory_mib,
            });
        }
        Engine::Postgres(PgOptions {
            read_connections: d.read_connections,
            write_connections: d.write_connections,
            statement_timeout_ms: d.statement_timeout_ms,
            ..PgOptions::new(d.url.clone())
        })
    }

    /// Every setting with its default and its meaning, as TOML: the content of `config/galley.toml`.
    #[must_use]
    pub fn reference() -> String {
        let mut schemas = Vec::new();
        Self::schemas(&mut schemas);
        schemas.push((Self::name().into_owned(), Self::schema()));
        let schemas: serde_json::Map<String, serde_json::Value> = schemas
            .into_iter()
            .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_default()))
            .collect();
        let values = serde_json::to_value(Self::default()).unwrap_or_default();
        let mut out = String::from(
            "# Every setting of Galley with its default. Uncomment what you change.\n# The environment overrides the file: GALLEY_SERVER__LISTEN is server.listen.\n",
        );
        let root = schemas.get("Config").cloned().unwrap_or_default();
        section(&mut out, "", &root, &values, &schemas);
        out
    }
}

/// Writes one table: first its own keys, then the tables in it.
fn section(
    out: &mut String,
    path: &str,
    schema: &serde_json::Value,
    values: &serde_json::Value,
    schemas: &serde_json::Map<String, serde_json::Value>,
) {
    let empty = serde_json::Map::new();
    let properties = schema
        .get("properties")
        .and_then(|p| p.as_object())
        .unwrap_or(&empty);
    let mut tables = Vec::new();
    for (name, property) in properties {
        let value = values.get(name).unwrap_or(&serde_json::Value::Null);
        let text = property
            .get("description")
            .and_then(|d| d.as_str())
            .unwrap_or_default();
        if value.is_object() {
            tables.push((name, property, value, text));
            continue;
        }
        for line in text.lines() {
            out.push_str(&format!("# {line}\n"));
        }
        out.push_str(&format!("# {name} = {value}\n"));
    }
    for (name, property, value, text) in tables {
        let reference = property
            .get("$ref")
            .or_else(|| property.pointer("/allOf/0/$ref"))
            .and_then(|r| r.as_str())
            .unwrap_or_default();
        let target = reference.rsplit('/').next().unwrap_or_default();
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        out.push('\n');
        let inner = schemas.get(target).cloned().unwrap_or_default();
        let text = if text.is_empty() {
            inner
                .get("description")
                .and_then(|d| d.as_str())
                .unwrap_or_default()
                .to_owned()
        } else {
            text.to_owned()
        };
        for line in text.lines() {
            out.push_str(&format!("# {line}\n"));
        }
        out.push_str(&format!("[{path}]\n"));
        section(out, &path, &inner, value, schemas);
    }
}

/// The data directory's default.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    PathBuf::from("galley-data")
}

/// The settings that are lists; in the environment their items are separated by commas.
fn lists() -> Vec<String> {
    fn find(value: &serde_json::Value, name: &str, lists: &mut Vec<String>) {
        match value {
            serde_json::Value::Array(_) => lists.push(name.to_owned()),
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    let dot = if name.is_empty() { "" } else { "." };
                    find(value, &format!("{name}{dot}{key}"), lists);
                }
            }
            _ => {}
        }
    }
    let mut names = Vec::new();
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    find(&defaults, "", &mut names);
    names
}
