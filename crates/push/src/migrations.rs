//! The tables of push in a project's database: the key pair, devices, messages, what waits to be sent, and the
//! development inbox.

use sea_orm::sea_query::{
    Alias, ColumnDef, Index, IndexCreateStatement, IntoTableRef, Table, TableRef,
};
use store::{Ddl, SCHEMA, Step};

/// The steps, in order.
pub(crate) const STEPS: &[Step] = &[Step {
    name: "push/1-tables",
    up: tables,
}];

fn table(name: &str) -> TableRef {
    (Alias::new(SCHEMA), Alias::new(name)).into_table_ref()
}

fn column(name: &str) -> ColumnDef {
    ColumnDef::new(Alias::new(name))
}

fn time(name: &str) -> ColumnDef {
    column(name).timestamp_with_time_zone().not_null().take()
}

fn text(name: &str) -> ColumnDef {
    column(name).text().not_null().take()
}

fn number(name: &str) -> ColumnDef {
    column(name).big_integer().not_null().take()
}

fn flag(name: &str) -> ColumnDef {
    column(name).boolean().not_null().take()
}

fn id(name: &str) -> ColumnDef {
    column(name).uuid().not_null().take()
}

fn index(name: &str, on: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table(on)).take();
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}

fn tables(ddl: &mut Ddl) {
    ddl.table(
        Table::create()
            .table(table("_push_keys"))
            .col(number("id").primary_key())
            .col(text("public"))
            .col(text("private"))
            .col(time("created_at")),
    );
    devices(ddl);
    messages(ddl);
    ddl.table(
        Table::create()
            .table(table("_push_inbox"))
            .col(id("id").primary_key())
            .col(id("message_id"))
            .col(column("user_id").uuid().null())
            .col(column("device_id").uuid().null())
            .col(text("payload"))
            .col(text("outcome"))
            .col(column("reason").text().null())
            .col(time("created_at"))
            .col(time("updated_at")),
    );
    ddl.index(&index(
        "_push_inbox_delivery",
        "_push_inbox",
        &["message_id", "device_id"],
    ));
}

fn devices(ddl: &mut Ddl) {
    ddl.table(
        Table::create()
            .table(table("_push_devices"))
            .col(id("id").primary_key())
            .col(text("kind"))
            .col(id("user_id"))
            .col(id("session_id"))
            .col(text("endpoint_hash").unique_key())
            .col(text("service"))
            .col(text("subscription"))
            .col(column("locale").text().null())
            .col(column("timezone").text().null())
            .col(column("app_version").text().null())
            .col(number("version"))
            .col(time("created_at"))
            .col(time("last_seen_at")),
    );
    ddl.index(&index(
        "_push_devices_user",
        "_push_devices",
        &["user_id", "last_seen_at"],
    ));
    ddl.index(&index(
        "_push_devices_session",
        "_push_devices",
        &["session_id"],
    ));
    ddl.index(&index(
        "_push_devices_seen",
        "_push_devices",
        &["last_seen_at"],
    ));
}

fn messages(ddl: &mut Ddl) {
    ddl.table(
        Table::create()
            .table(table("_push_messages"))
            .col(id("id").primary_key())
            .col(column("actor").text().null())
            .col(text("audience"))
            .col(column("audience_size").big_integer().null())
            .col(column("target").json_binary().not_null())
            .col(text("payload"))
            .col(number("ttl_seconds"))
            .col(text("urgency"))
            .col(column("collapse_key").text().null())
            .col(flag("dry_run"))
            .col(text("status"))
            .col(column("cursor").uuid().null())
            .col(flag("fanned_out"))
            .col(number("waiting"))
            .col(column("counts").json_binary().not_null())
            .col(time("turn_at"))
            .col(time("created_at"))
            .col(time("expires_at"))
            .col(column("finished_at").timestamp_with_time_zone().null()),
    );
    ddl.index(&index(
        "_push_messages_turn",
        "_push_messages",
        &["fanned_out", "turn_at"],
    ));
    ddl.index(&index(
        "_push_messages_finished",
        "_push_messages",
        &["finished_at"],
    ));
    ddl.table(
        Table::create()
            .table(table("_push_deliveries"))
            .col(id("id").primary_key())
            .col(id("message_id"))
            .col(id("device_id"))
            .col(id("user_id"))
            .col(number("attempts"))
            .col(flag("leased"))
            .col(time("due_at")),
    );
    ddl.index(&index(
        "_push_deliveries_due",
        "_push_deliveries",
        &["due_at"],
    ));
    ddl.index(&index(
        "_push_deliveries_message",
        "_push_deliveries",
        &["message_id"],
    ));
}
