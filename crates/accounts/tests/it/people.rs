//! What the tests of users and teams ask of a project beside its routes: its audit log, its hashes, and what is left of
//! somebody.

use crate::kit::{Kit, Reply};
use actix_web::http::Method;
use gate::{Settings, SignInMethods, Who};
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Query};
use sea_orm::{ConnectionTrait, EntityTrait};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// What a token says.
pub fn claims(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap()
}

impl Kit {
    /// Lets users make teams.
    pub fn allow_teams(&self) {
        self.project.set_for_tests(Settings {
            user_teams: true,
            ..Settings::default()
        });
    }

    /// Lets users sign in by links.
    pub fn allow_links(&self) {
        self.project.set_for_tests(Settings {
            sign_in: SignInMethods {
                magic_link: true,
                ..SignInMethods::default()
            },
            ..Settings::default()
        });
    }

    /// What the audit log tells of all acts of this name.
    pub async fn audit(&self, action: &str) -> Vec<Value> {
        let query = Query::select()
            .column(Alias::new("detail"))
            .from((Alias::new(store::SCHEMA), Alias::new("_audit")))
            .and_where(Expr::col(Alias::new("action")).eq(action))
            .to_owned();
        let statement = self.project.db.get_database_backend().build(&query);
        let rows = self.project.db.query_all_raw(statement).await.unwrap();
        rows.iter()
            .map(|row| row.try_get("", "detail").unwrap())
            .collect()
    }

    /// The hashes of passwords as they are kept.
    pub async fn kept_hashes(&self) -> Vec<String> {
        let all = accounts::rows::credential::Entity::find();
        let all = all.all(&self.project.db).await.unwrap();
        all.into_iter().map(|row| row.password_hash).collect()
    }

    /// The tables that still name a user.
    pub async fn leftovers(&self, user: &str) -> Vec<&'static str> {
        let id = kernel::parse_id(user).unwrap();
        let mut left = Vec::new();
        for table in [
            "_credentials",
            "_sessions",
            "_grants",
            "_team_members",
            "_auth_tokens",
            "_challenges",
            "_email_changes",
            "_sign_ups",
        ] {
            let query = Query::select()
                .column(Alias::new("user_id"))
                .from((Alias::new(store::SCHEMA), Alias::new(table)))
                .and_where(Expr::col(Alias::new("user_id")).eq(id))
                .to_owned();
            let statement = self.project.db.get_database_backend().build(&query);
            let rows = self.project.db.query_all_raw(statement).await.unwrap();
            if !rows.is_empty() {
                left.push(table);
            }
        }
        left
    }

    /// Sends lines of JSON as somebody who holds these permissions.
    pub async fn lines(&self, path: &str, scopes: &[&str], lines: &str) -> Reply {
        let scopes = scopes.iter().map(|s| (*s).to_owned());
        let who = Who::Key {
            id: Uuid::from_u128(1),
            scopes: scopes.collect::<Arc<[String]>>(),
        };
        let body = Some(Value::String(lines.to_owned()));
        let kind = [("content-type", "application/x-ndjson")];
        self.call_as(Method::POST, path, Ok(who), body, &kind).await
    }
}
