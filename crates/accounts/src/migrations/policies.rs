//! What is counted of wrong guesses, and from where users signed in lately.

use super::{column, index, table};
use sea_orm::sea_query::{Index, Table};
use store::Ddl;

pub(super) fn policies(ddl: &mut Ddl) {
    ddl.table(
        Table::create()
            .table(table("_guesses"))
            .col(column("key").text().not_null().primary_key())
            .col(column("failures").big_integer().not_null())
            .col(column("began_at").timestamp_with_time_zone().not_null())
            .col(column("last_at").timestamp_with_time_zone().not_null()),
    );
    ddl.index(&index("_guesses_last", "_guesses", &["last_at"]));
    ddl.table(
        Table::create()
            .table(table("_places"))
            .col(column("user_id").uuid().not_null())
            .col(column("place").text().not_null())
            .col(column("seen_at").timestamp_with_time_zone().not_null())
            .primary_key(Index::create().col("user_id").col("place")),
    );
    ddl.index(&index("_places_seen", "_places", &["seen_at"]));
}
