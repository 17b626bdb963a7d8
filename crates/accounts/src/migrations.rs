//! The tables of accounts in a project's database: credentials, sessions and signing keys, all keyed by user id.

use sea_orm::sea_query::{Alias, ColumnDef, Index, IntoTableRef, Table, TableRef};
use store::{Ddl, SCHEMA, Step};

/// The steps, in order.
pub(crate) const STEPS: &[Step] = &[Step {
    name: "accounts/1-tables",
    up: tables,
}];

fn table(name: &str) -> TableRef {
    (Alias::new(SCHEMA), Alias::new(name)).into_table_ref()
}

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

fn tables(ddl: &mut Ddl) {
    ddl.table(
        Table::create()
            .table(table("_credentials"))
            .col(column("user_id").uuid().not_null().primary_key())
            .col(column("password_hash").text().not_null())
            .col(column("changed_at").timestamp_with_time_zone().not_null()),
    );
    ddl.table(
        Table::create()
            .table(table("_sessions"))
            .col(column("id").uuid().not_null().primary_key())
            .col(column("user_id").uuid().not_null())
            .col(column("counter").big_integer().not_null())
            .col(column("secret").text().not_null())
            .col(column("created_at").timestamp_with_time_zone().not_null())
            .col(column("used_at").timestamp_with_time_zone().not_null())
            .col(column("rotated_at").timestamp_with_time_zone().not_null())
            .col(column("expires_at").timestamp_with_time_zone().not_null())
            .col(column("ended_at").timestamp_with_time_zone().null())
            .col(column("user_agent").text().null())
            .col(column("network").text().not_null()),
    );
    ddl.index(
        Index::create()
            .name("_sessions_user")
            .table(table("_sessions"))
            .col(Alias::new("user_id")),
    );
    ddl.table(
        Table::create()
            .table(table("_signing_keys"))
            .col(column("kid").text().not_null().primary_key())
            .col(column("algorithm").text().not_null())
            .col(column("private").text().not_null())
            .col(column("public").json_binary().not_null())
            .col(column("created_at").timestamp_with_time_zone().not_null())
            .col(column("retired_at").timestamp_with_time_zone().null()),
    );
}
