//! The values of a built statement: constants, and slots that each request fills. A slot travels
//! through the statement builder as a text that begins with NUL, which no user text can hold.

use sea_orm::DbBackend;
use sea_orm::sea_query::{Value as Sql, Values};

use crate::env::Env;
use crate::error::RuleError;
use crate::slot::{Filled, Slot};
use crate::value::{Ty, Val, write_decimal};

const SENTINEL: &str = "\u{0}slot:";

/// One place in a statement's list of values.
#[derive(Clone, Debug, PartialEq)]
pub enum Bind {
    /// The same for every request.
    Const(Sql),
    /// Filled by every request, in the form that the engine takes.
    Slot(Slot, DbBackend),
}

/// All places of one statement, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Binds(Vec<Bind>);

impl Binds {
    /// Finds the slots among the values of a statement that was built. The statement must hold
    /// no text of a user's with U+0000 in it: the wire refuses those everywhere.
    #[must_use]
    pub fn from_values(values: Values) -> Self {
        Self(values.0.into_iter().map(bind).collect())
    }

    /// The places, in order.
    #[must_use]
    pub fn places(&self) -> &[Bind] {
        &self.0
    }

    /// The values for one request. Fails only on a parameter that is missing, malformed or too
    /// long, or on a moment that leaves the calendar.
    pub fn fill(&self, env: &Env<'_>) -> Result<Vec<Sql>, RuleError> {
        self.0
            .iter()
            .map(|bind| match bind {
                Bind::Const(value) => Ok(value.clone()),
                Bind::Slot(slot, backend) => Ok(match slot.read(env)? {
                    Filled::One(value) => sql_value(&value, slot.ty, *backend),
                    Filled::Many(values) => {
                        let list: serde_json::Value = values
                            .iter()
                            .map(|value| match (value, backend) {
                                (Val::Decimal(scaled), DbBackend::Sqlite) => {
                                    serde_json::Value::from(*scaled)
                                }
                                _ => value.json(slot.ty),
                            })
                            .collect();
                        Sql::String(Some(list.to_string()))
                    }
                }),
            })
            .collect()
    }
}

fn bind(value: Sql) -> Bind {
    let slot = match &value {
        Sql::String(Some(text)) => text.strip_prefix(SENTINEL),
        _ => None,
    };
    let parsed = slot.and_then(|slot| match slot.split_at_checked(1) {
        Some(("p", slot)) => Some((serde_json::from_str(slot).ok()?, DbBackend::Postgres)),
        Some(("s", slot)) => Some((serde_json::from_str(slot).ok()?, DbBackend::Sqlite)),
        _ => None,
    });
    match parsed {
        Some((slot, backend)) => Bind::Slot(slot, backend),
        None => Bind::Const(value),
    }
}

/// What stands for a slot until the statement is built.
pub(crate) fn sentinel(slot: &Slot, backend: DbBackend) -> Sql {
    let engine = if backend == DbBackend::Postgres {
        'p'
    } else {
        's'
    };
    let slot = serde_json::to_string(slot).unwrap_or_default();
    Sql::String(Some(format!("{SENTINEL}{engine}{slot}")))
}

/// A value as the engine takes it: texts for PostgreSQL, native types for SQLite.
pub(crate) fn sql_value(value: &Val, ty: Ty, backend: DbBackend) -> Sql {
    let postgres = backend == DbBackend::Postgres;
    match value {
        Val::Null => Sql::String(None),
        Val::Text(s) | Val::DateTime(s) | Val::Date(s) | Val::Uuid(s) => {
            Sql::String(Some(s.clone()))
        }
        Val::Decimal(scaled) if postgres => {
            let scale = if let Ty::Decimal(scale) = ty {
                scale
            } else {
                0
            };
            Sql::String(Some(write_decimal(*scaled, scale)))
        }
        Val::Json(json) => Sql::String(Some(json.to_string())),
        Val::Bool(b) if postgres => Sql::String(Some(b.to_string())),
        Val::Int(n) | Val::Duration(n) if postgres => Sql::String(Some(n.to_string())),
        Val::Float(n) if postgres => Sql::String(Some(n.to_string())),
        Val::Bool(b) => Sql::BigInt(Some(i64::from(*b))),
        Val::Int(n) | Val::Decimal(n) | Val::Duration(n) => Sql::BigInt(Some(*n)),
        Val::Float(n) => Sql::Double(Some(*n)),
    }
}
