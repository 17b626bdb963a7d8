//! What sessions keep of how they began, and of who holds them.

use sea_orm::DbBackend;
use store::Ddl;

pub(super) fn sessions(ddl: &mut Ddl) {
    let time = if ddl.backend() == DbBackend::Sqlite {
        "timestamp_with_timezone_text"
    } else {
        "timestamptz"
    };
    // Those that are there began with a password, when they began.
    let columns = [
        "methods text NOT NULL DEFAULT 'password'".to_owned(),
        "level bigint NOT NULL DEFAULT 1".to_owned(),
        format!("proved_at {time}"),
        "device text".to_owned(),
        "impersonator text".to_owned(),
    ];
    for column in columns {
        ddl.raw(format!(
            r#"ALTER TABLE "project"."_sessions" ADD COLUMN {column}"#
        ));
    }
    ddl.raw(r#"UPDATE "project"."_sessions" SET proved_at = created_at"#);
}
