//! Accounts elsewhere, browsers that are on their way to them, and since when a key of ours signs.

use super::{column, index, table};
use sea_orm::DbBackend;
use sea_orm::sea_query::Table;
use store::Ddl;

pub(super) fn identities(ddl: &mut Ddl) {
    let text = |name: &str| column(name).text().not_null().to_owned();
    let maybe = |name: &str| column(name).text().null().to_owned();
    let time = |name: &str| {
        column(name)
            .timestamp_with_time_zone()
            .not_null()
            .to_owned()
    };
    let some_time = |name: &str| column(name).timestamp_with_time_zone().null().to_owned();
    ddl.table(
        Table::create()
            .table(table("_identities"))
            .col(column("id").uuid().not_null().primary_key())
            .col(column("user_id").uuid().not_null())
            .col(text("provider"))
            .col(text("issuer"))
            .col(text("subject"))
            .col(maybe("email"))
            .col(column("email_verified").boolean().not_null())
            .col(maybe("name"))
            .col(maybe("picture"))
            .col(maybe("tokens"))
            .col(some_time("claimed_until"))
            .col(time("created_at"))
            .col(time("used_at")),
    );
    let person = ["provider", "issuer", "subject"];
    ddl.index(index("_identities_person", "_identities", &person).unique());
    ddl.index(&index("_identities_user", "_identities", &["user_id"]));
    ddl.table(
        Table::create()
            .table(table("_social_states"))
            .col(text("hash").primary_key())
            .col(text("provider"))
            .col(text("cookie_hash"))
            .col(text("redirect_to"))
            .col(text("challenge"))
            .col(text("secrets"))
            .col(time("created_at"))
            .col(time("expires_at")),
    );
    ddl.index(&index(
        "_social_states_end",
        "_social_states",
        &["expires_at"],
    ));
    ddl.table(
        Table::create()
            .table(table("_social_tickets"))
            .col(text("hash").primary_key())
            .col(text("challenge"))
            .col(text("content"))
            .col(time("expires_at")),
    );
    ddl.index(&index(
        "_social_tickets_end",
        "_social_tickets",
        &["expires_at"],
    ));
    let time = match ddl.backend() {
        DbBackend::Sqlite => "timestamp_with_timezone_text",
        _ => "timestamptz",
    };
    ddl.raw(format!(
        r#"ALTER TABLE "project"."_signing_keys" ADD COLUMN signs_at {time}"#
    ));
    ddl.raw(r#"UPDATE "project"."_signing_keys" SET signs_at = created_at"#);
}
