//! The tables that every project has for its schema, and the built-in collection of users.

use crate::model::Collection;
use crate::sql::ddl;
use kernel::Stamp;
use sea_orm::DbBackend;
use store::{Ddl, Step};

/// This crate's steps, for every project's database.
#[must_use]
pub fn steps() -> Vec<Step> {
    vec![
        Step {
            name: "data/1-collections",
            up: collections,
        },
        Step {
            name: "data/2-schema-versions",
            up: schema_versions,
        },
        Step {
            name: "data/3-identities",
            up: identities,
        },
    ]
}

/// What users are known by came later than the users: see [`collections`].
const LATER: [&str; 2] = ["phone_verified", "anonymous"];

/// Users without an identity, and telephone numbers as identities.
fn identities(ddl: &mut Ddl) {
    let Some(then) = Stamp::parse("2026-01-01T00:00:00Z") else {
        return;
    };
    let (users, backend) = (Collection::users(then), ddl.backend());
    for field in users.fields.iter().filter(|f| LATER.contains(&&*f.name)) {
        for sql in ddl::add_field(&users, field, backend) {
            ddl.raw(sql);
        }
    }
    let all = users.all_indexes();
    for index in all.iter().filter(|index| index.fields == ["phone"]) {
        ddl.raw(ddl::index_sql(&users, index, backend));
    }
}

/// What collections were. Those that are there begin with what they are.
fn schema_versions(ddl: &mut Ddl) {
    let (id, json, time) = types(ddl.backend());
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_schema_versions" (collection {id} NOT NULL, version bigint NOT NULL, action text NOT NULL,
           before {json}, definition {json}, actor text, request_id text, at {time} NOT NULL, PRIMARY KEY (collection, version))"#
    ));
    ddl.raw(
        r#"INSERT INTO "project"."_schema_versions" (collection, version, action, definition, at)
           SELECT c.id, v.value, 'collection.create', c.definition, c.updated_at
           FROM "project"."_collections" AS c, "project"."_counters" AS v WHERE v.name = 'schema'"#,
    );
}

/// The types of ids, JSON and times.
fn types(backend: DbBackend) -> (&'static str, &'static str, &'static str) {
    if backend == DbBackend::Sqlite {
        ("uuid_text", "json_text", "timestamp_with_timezone_text")
    } else {
        ("uuid", "jsonb", "timestamptz")
    }
}

fn collections(ddl: &mut Ddl) {
    let (id, json, time) = types(ddl.backend());
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_collections" (id {id} PRIMARY KEY NOT NULL, name text NOT NULL UNIQUE, definition {json} NOT NULL,
           created_at {time} NOT NULL, updated_at {time} NOT NULL)"#
    ));
    ddl.raw(r#"INSERT INTO "project"."_counters" (name, value) VALUES ('schema', 1)"#);
    // The built-in users are as old as time: a step has no clock.
    let Some(then) = Stamp::parse("2026-01-01T00:00:00Z") else {
        return;
    };
    let mut users = Collection::users(then);
    users.fields.retain(|f| !LATER.contains(&&*f.name));
    for field in &mut users.fields {
        field.unique &= field.name != "phone";
    }
    for sql in ddl::create(&users, ddl.backend()) {
        ddl.raw(sql);
    }
    let definition = serde_json::Value::Object(users.definition())
        .to_string()
        .replace('\'', "''");
    let row = format!(
        r#"INSERT INTO "project"."_collections" (id, name, definition, created_at, updated_at) VALUES ('{}', 'users', '{definition}', '{then}', '{then}')"#,
        users.id
    );
    ddl.raw(row);
}
