//! The tables of what users are given, and of teams: who is in them, and who is asked to be.

use super::{column, index, table};
use sea_orm::sea_query::{ColumnDef, Index, Table};
use store::Ddl;

pub(super) fn people(ddl: &mut Ddl) {
    let id = |name: &str| column(name).uuid().not_null().to_owned();
    let text = |name: &str| column(name).text().not_null().to_owned();
    let json = |name: &str| -> ColumnDef { column(name).json_binary().not_null().to_owned() };
    let time = |name: &str| {
        column(name)
            .timestamp_with_time_zone()
            .not_null()
            .to_owned()
    };
    ddl.table(
        Table::create()
            .table(table("_grants"))
            .col(id("user_id").primary_key())
            .col(json("roles"))
            .col(json("claims"))
            .col(time("updated_at")),
    );
    ddl.table(
        Table::create()
            .table(table("_teams"))
            .col(id("id").primary_key())
            .col(text("name"))
            .col(time("created_at"))
            .col(time("updated_at")),
    );
    ddl.table(
        Table::create()
            .table(table("_team_members"))
            .col(id("team_id"))
            .col(id("user_id"))
            .col(text("role"))
            .col(time("joined_at"))
            .primary_key(Index::create().col("team_id").col("user_id")),
    );
    ddl.index(&index("_team_members_user", "_team_members", &["user_id"]));
    ddl.table(
        Table::create()
            .table(table("_team_invitations"))
            .col(id("id").primary_key())
            .col(id("team_id"))
            .col(text("email"))
            .col(text("email_key"))
            .col(text("role"))
            .col(column("invited_by").text().null())
            .col(time("created_at"))
            .col(time("expires_at")),
    );
    let once = ["team_id", "email_key"];
    ddl.index(index("_team_invitations_team", "_team_invitations", &once).unique());
    let address = ["email_key"];
    ddl.index(&index(
        "_team_invitations_email",
        "_team_invitations",
        &address,
    ));
    let end = ["expires_at"];
    ddl.index(&index("_team_invitations_end", "_team_invitations", &end));
}
