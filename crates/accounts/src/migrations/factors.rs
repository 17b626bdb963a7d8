//! Passkeys, apps that make codes, recovery codes, and what waits for its answer.

use super::{column, index, table};
use sea_orm::sea_query::Table;
use store::Ddl;

pub(super) fn factors(ddl: &mut Ddl) {
    let id = |name: &str| column(name).uuid().not_null().to_owned();
    let text = |name: &str| column(name).text().not_null().to_owned();
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
            .table(table("_passkeys"))
            .col(id("id").primary_key())
            .col(id("user_id"))
            .col(text("credential_id").unique_key())
            .col(text("public_key"))
            .col(number("sign_count"))
            .col(text("name"))
            .col(flag("second_factor"))
            .col(text("transports"))
            .col(flag("backup_eligible"))
            .col(flag("backed_up"))
            .col(flag("user_verified"))
            .col(id("aaguid"))
            .col(time("created_at"))
            .col(some_time("used_at")),
    );
    ddl.index(&index("_passkeys_user", "_passkeys", &["user_id"]));
    ddl.table(
        Table::create()
            .table(table("_factors"))
            .col(id("user_id").primary_key())
            .col(text("secret"))
            .col(number("step"))
            .col(number("guesses"))
            .col(time("guesses_from"))
            .col(time("created_at")),
    );
    ddl.table(
        Table::create()
            .table(table("_recovery_codes"))
            .col(text("hash").primary_key())
            .col(id("user_id"))
            .col(time("created_at")),
    );
    let codes = index("_recovery_codes_user", "_recovery_codes", &["user_id"]);
    ddl.index(&codes);
    ddl.table(
        Table::create()
            .table(table("_ceremonies"))
            .col(id("id").primary_key())
            .col(text("purpose"))
            .col(id("user_id"))
            .col(text("bound_to"))
            .col(text("secret"))
            .col(number("attempts"))
            .col(time("expires_at")),
    );
    ddl.index(&index("_ceremonies_user", "_ceremonies", &["user_id"]));
    ddl.index(&index("_ceremonies_end", "_ceremonies", &["expires_at"]));
    ddl.table(
        Table::create()
            .table(table("_pending_factors"))
            .col(text("hash").primary_key())
            .col(id("user_id"))
            .col(text("methods"))
            .col(flag("enrols"))
            .col(number("attempts"))
            .col(time("expires_at")),
    );
    let pending = index("_pending_factors_user", "_pending_factors", &["user_id"]);
    ddl.index(&pending);
    let end = ["expires_at"];
    ddl.index(&index("_pending_factors_end", "_pending_factors", &end));
}
