//! A text that gives a value, such as the default of a field: computed in memory, or by the database where it hops.

use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;
use serde_json::Value as Json;

use crate::env::{Env, World};
use crate::eval::Scope;
use crate::sql::{self, RowSource};
use crate::tree::{Hop, Value};
use crate::value::Val;

/// A value's text that was parsed, checked against a catalogue and typed.
#[derive(Debug)]
pub struct Formula {
    pub(crate) value: Value,
    /// The rows that the value hops to; where one is missing the value is null.
    pub(crate) through: Vec<usize>,
    pub(crate) hops: Vec<Hop>,
    pub(crate) needs_sql: bool,
}

impl Formula {
    /// Whether it looks at other rows, so that the row alone does not answer it.
    #[must_use]
    pub fn needs_sql(&self) -> bool {
        self.needs_sql
    }

    /// The value in wire form for the rows in `env`; null where something that it needs is absent.
    #[must_use]
    pub fn eval(&self, env: &Env<'_>, world: &dyn World) -> Json {
        let scope = Scope::over(&self.hops, env, world);
        let value = scope.with_hops(&self.through, |scope| scope.value(&self.value));
        value.unwrap_or(Val::Null).json(self.value.ty)
    }

    /// The value as an expression of the engine's own type, NULL where something that it needs is absent. It holds
    /// sentinels, as [`crate::Compiled`] does.
    #[must_use]
    pub fn to_sql(&self, backend: DbBackend, record: RowSource) -> Expr {
        sql::scalar(backend, &self.hops, &self.through, &self.value, record)
    }
}
