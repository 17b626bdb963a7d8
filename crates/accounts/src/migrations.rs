//! The tables of accounts in a project's database: credentials, sessions and signing keys, all keyed by user id; mails
//! and the one-time secrets in them.

mod doors;
mod factors;
mod identities;
mod people;
mod policies;
mod sessions;
mod ways;

use sea_orm::sea_query::{
    Alias, ColumnDef, Index, IndexCreateStatement, IntoTableRef, Table, TableRef,
};
use store::{Ddl, SCHEMA, Step};

/// The steps, in order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "accounts/1-tables",
        up: tables,
    },
    Step {
        name: "accounts/2-mail",
        up: mail,
    },
    Step {
        name: "accounts/3-sessions",
        up: sessions::sessions,
    },
    Step {
        name: "accounts/4-identities",
        up: identities::identities,
    },
    Step {
        name: "accounts/5-factors",
        up: factors::factors,
    },
    Step {
        name: "accounts/6-people",
        up: people::people,
    },
    Step {
        name: "accounts/7-policies",
        up: policies::policies,
    },
    Step {
        name: "accounts/8-ways",
        up: ways::ways,
    },
    Step {
        name: "accounts/9-doors",
        up: doors::doors,
    },
];

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

fn index(name: &str, of: &str, columns: &[&str]) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table(of));
    for column in columns {
        index.col(Alias::new(*column));
    }
    index
}

fn mail(ddl: &mut Ddl) {
    let id = |name: &str| column(name).uuid().not_null().to_owned();
    let text = |name: &str| column(name).text().not_null().to_owned();
    let maybe = |name: &str| column(name).text().null().to_owned();
    let flag = |name: &str| column(name).boolean().not_null().to_owned();
    let number = |name: &str| column(name).big_integer().not_null().to_owned();
    let time = |name: &str| {
        column(name)
            .timestamp_with_time_zone()
            .not_null()
            .to_owned()
    };
    let some_time = |name: &str| column(name).timestamp_with_time_zone().null().to_owned();
    ddl.table(
        Table::create()
            .table(table("_mails"))
            .col(id("id").primary_key())
            .col(text("template"))
            .col(text("language"))
            .col(text("recipient"))
            .col(text("recipient_key"))
            .col(column("subject_id").uuid().null())
            .col(maybe("content"))
            .col(text("status"))
            .col(maybe("reason"))
            .col(number("attempts"))
            .col(some_time("due_at"))
            .col(time("created_at"))
            .col(time("expires_at"))
            .col(some_time("finished_at")),
    );
    ddl.index(&index("_mails_due", "_mails", &["due_at"]));
    ddl.index(&index("_mails_finished", "_mails", &["finished_at"]));
    ddl.index(&index("_mails_status", "_mails", &["status", "id"]));
    let recent = ["recipient_key", "created_at"];
    ddl.index(&index("_mails_recipient", "_mails", &recent));
    ddl.table(
        Table::create()
            .table(table("_mail_templates"))
            .col(text("name"))
            .col(text("language"))
            .col(text("subject"))
            .col(text("html"))
            .col(text("text"))
            .col(time("updated_at"))
            .primary_key(Index::create().col("name").col("language")),
    );
    ddl.table(
        Table::create()
            .table(table("_auth_tokens"))
            .col(text("hash").primary_key())
            .col(text("purpose"))
            .col(id("user_id"))
            .col(text("state"))
            .col(column("change_id").uuid().null())
            .col(some_time("claimed_until"))
            .col(time("created_at"))
            .col(time("expires_at")),
    );
    ddl.index(&index("_auth_tokens_user", "_auth_tokens", &["user_id"]));
    ddl.index(&index("_auth_tokens_end", "_auth_tokens", &["expires_at"]));
    ddl.table(
        Table::create()
            .table(table("_email_changes"))
            .col(id("user_id").primary_key())
            .col(id("id").unique_key())
            .col(text("new_email"))
            .col(flag("old_confirmed"))
            .col(flag("new_confirmed"))
            .col(time("expires_at")),
    );
    ddl.table(
        Table::create()
            .table(table("_challenges"))
            .col(id("id").primary_key())
            .col(id("user_id"))
            .col(text("code_hash"))
            .col(text("state"))
            .col(number("attempts"))
            .col(flag("used"))
            .col(time("created_at"))
            .col(time("expires_at")),
    );
    let recent = ["user_id", "created_at"];
    ddl.index(&index("_challenges_user", "_challenges", &recent));
}
