//! What the further ways to sign in keep: counters, the names that other systems know users by, and who is anonymous.

use super::{column, index, table};
use sea_orm::sea_query::{Index, Table};
use store::Ddl;

pub(super) fn ways(ddl: &mut Ddl) {
    let id = |name: &str| column(name).uuid().not_null().to_owned();
    let text = |name: &str| column(name).text().not_null().to_owned();
    let time = |name: &str| {
        column(name)
            .timestamp_with_time_zone()
            .not_null()
            .to_owned()
    };
    let some_time = |name: &str| column(name).timestamp_with_time_zone().null().to_owned();
    ddl.table(
        Table::create()
            .table(table("_tallies"))
            .col(text("kind"))
            .col(text("key"))
            .col(time("since"))
            .col(column("taken").big_integer().not_null())
            .primary_key(Index::create().col("kind").col("key").col("since")),
    );
    ddl.index(&index("_tallies_since", "_tallies", &["since"]));
    ddl.table(
        Table::create()
            .table(table("_externals"))
            .col(text("external_id").primary_key())
            .col(id("user_id"))
            .col(time("created_at")),
    );
    ddl.index(&index("_externals_user", "_externals", &["user_id"]));
    ddl.table(
        Table::create()
            .table(table("_anonymous"))
            .col(id("user_id").primary_key())
            .col(time("created_at"))
            .col(some_time("tried_at")),
    );
    ddl.index(&index("_anonymous_age", "_anonymous", &["created_at"]));
    for (of, column) in [
        // Where the code of a challenge goes, when it is not the user's yet.
        ("_challenges", "recipient"),
        // What a ticket hands on to its session, sealed in neither: a name of a device, and claims.
        ("_auth_tokens", "extra"),
        ("_sessions", "claims"),
    ] {
        ddl.raw(format!(
            r#"ALTER TABLE "project"."{of}" ADD COLUMN "{column}" text"#
        ));
    }
}
