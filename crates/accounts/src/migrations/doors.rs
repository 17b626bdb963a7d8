//! Sign-ups that wait for their address to be confirmed, and what a session is to keep while a second factor is due.

use super::{column, index, table};
use sea_orm::sea_query::Table;
use store::Ddl;

pub(super) fn doors(ddl: &mut Ddl) {
    let id = |name: &str| column(name).uuid().not_null().to_owned();
    let text = |name: &str| column(name).text().not_null().to_owned();
    let time = |name: &str| {
        column(name)
            .timestamp_with_time_zone()
            .not_null()
            .to_owned()
    };
    ddl.table(
        Table::create()
            .table(table("_sign_ups"))
            .col(id("id").primary_key())
            .col(id("user_id"))
            .col(text("email_key"))
            .col(text("password_hash"))
            .col(text("content"))
            .col(time("created_at"))
            .col(time("expires_at")),
    );
    let of = ["email_key", "id"];
    ddl.index(&index("_sign_ups_email", "_sign_ups", &of));
    ddl.index(&index("_sign_ups_user", "_sign_ups", &["user_id"]));
    ddl.index(&index("_sign_ups_end", "_sign_ups", &["expires_at"]));
    for name in ["device", "claims"] {
        ddl.raw(format!(
            r#"ALTER TABLE "project"."_pending_factors" ADD COLUMN "{name}" text"#
        ));
    }
}
