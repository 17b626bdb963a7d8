//! The gate's tables: of the instance, of each project, and of the request log.

use crate::rows::audit::Log;
use sea_orm::sea_query::{
    Alias, ColumnDef, Index, IndexCreateStatement, Table, TableCreateStatement,
};
use store::{Ddl, SCHEMA, Step};

/// The steps of the instance's database.
#[must_use]
pub fn instance_steps() -> Vec<Step> {
    vec![
        Step {
            name: "gate/1-instance",
            up: instance,
        },
        Step {
            name: "gate/2-nodes",
            up: nodes,
        },
        Step {
            name: "gate/3-guesses",
            up: guesses,
        },
    ]
}

/// The gate's steps of each project's database.
#[must_use]
pub fn project_steps() -> Vec<Step> {
    vec![Step {
        name: "gate/1-project",
        up: project,
    }]
}

/// The steps of the request log's database.
#[must_use]
pub fn log_steps() -> Vec<Step> {
    vec![Step {
        name: "gate/1-requests",
        up: requests,
    }]
}

fn instance(ddl: &mut Ddl) {
    ddl.table(&table(
        "projects",
        vec![
            id("uid"),
            text("slug").unique_key().take(),
            text("name"),
            text("status"),
            text("root_key"),
            time("created_at"),
            time("updated_at"),
        ],
    ));
    ddl.table(&table(
        "operators",
        vec![
            id("id"),
            text("email"),
            text("email_key").unique_key().take(),
            nullable_text("name"),
            text("password"),
            text("role"),
            json("projects"),
            time("created_at"),
        ],
    ));
    ddl.table(&table(
        "operator_sessions",
        vec![
            text("hash").primary_key().take(),
            uuid("operator"),
            time("created_at"),
            time("seen_at"),
            time("expires_at"),
        ],
    ));
    ddl.index(&index(
        "_operator_sessions_operator",
        "operator_sessions",
        &["operator"],
    ));
    ddl.table(&table(
        "setup",
        vec![text("hash").primary_key().take(), time("created_at")],
    ));
    ddl.table(&table(
        "project_keys",
        vec![
            id("id"),
            text("hash").unique_key().take(),
            uuid("project"),
            text("name"),
            json("scopes"),
            nullable_text("created_by"),
            time("created_at"),
            nullable_time("expires_at"),
            nullable_time("last_used_at"),
        ],
    ));
    ddl.index(&index(
        "_project_keys_project",
        "project_keys",
        &["project", "id"],
    ));
    ddl.table(&audit(Log::Instance));
}

fn nodes(ddl: &mut Ddl) {
    ddl.table(&table("nodes", vec![id("id"), time("seen_at")]));
}

fn guesses(ddl: &mut Ddl) {
    ddl.table(&table(
        "operator_guesses",
        vec![
            text("key").primary_key().take(),
            number("count"),
            time("last_at"),
        ],
    ));
    ddl.index(&index(
        "_operator_guesses_last",
        "operator_guesses",
        &["last_at"],
    ));
}

fn project(ddl: &mut Ddl) {
    ddl.table(&audit(Log::Project));
    ddl.table(&table(
        "_settings",
        vec![
            number("id").primary_key().take(),
            number("version"),
            json("value"),
            time("updated_at"),
        ],
    ));
}

fn requests(ddl: &mut Ddl) {
    ddl.table(&table(
        "requests",
        vec![
            id("id"),
            time("at"),
            text("request_id"),
            nullable_text("project"),
            text("method"),
            text("path"),
            number("status"),
            number("duration_us"),
            nullable_text("actor"),
            text("network"),
            nullable_text("code"),
        ],
    ));
    ddl.index(&index("_requests_project", "requests", &["project", "id"]));
}

fn audit(log: Log) -> TableCreateStatement {
    table(
        log.table(),
        vec![
            id("id"),
            time("at"),
            nullable_text("actor"),
            text("action"),
            text("target"),
            json("detail"),
            text("network"),
            text("request_id"),
        ],
    )
}

fn table(name: &str, columns: Vec<ColumnDef>) -> TableCreateStatement {
    let mut table = Table::create();
    table.table((Alias::new(SCHEMA), Alias::new(name)));
    for mut column in columns {
        table.col(&mut column);
    }
    table
}

fn index(name: &str, table: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(name)
        .table((Alias::new(SCHEMA), Alias::new(table)));
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}

fn id(name: &str) -> ColumnDef {
    uuid(name).primary_key().take()
}

fn uuid(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).uuid().not_null().take()
}

fn text(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().not_null().take()
}

fn nullable_text(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name)).text().take()
}

fn number(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
        .big_integer()
        .not_null()
        .take()
}

fn json(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
        .json_binary()
        .not_null()
        .take()
}

fn time(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
        .timestamp_with_time_zone()
        .not_null()
        .take()
}

fn nullable_time(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
        .timestamp_with_time_zone()
        .take()
}
