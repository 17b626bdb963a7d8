//! Values between sea-query and a connection of `pipe`: each is bound as the type that sqlx would bind it as.

use bytes::BytesMut;
use sea_orm::{Statement, Value};
use std::error::Error;
use tokio_postgres::types::{IsNull, Json, ToSql, Type};

/// A value on its way into a statement.
#[derive(Debug)]
pub(super) struct Bound<'a>(&'a Value);

/// The values of a statement, unless one is of a kind that is not bound here.
pub(super) fn values(statement: &Statement) -> Option<Vec<Bound<'_>>> {
    let values = statement.values.as_ref().map_or(&[][..], |v| &v.0);
    let bound = values.iter().map(|value| kind(value).map(|_| Bound(value)));
    bound.collect()
}

fn kind(value: &Value) -> Option<Type> {
    Some(match value {
        Value::Bool(_) => Type::BOOL,
        Value::Int(_) => Type::INT4,
        Value::BigInt(_) => Type::INT8,
        Value::Double(_) => Type::FLOAT8,
        Value::String(_) => Type::TEXT,
        Value::Json(_) => Type::JSONB,
        Value::Uuid(_) => Type::UUID,
        Value::TimeDateTimeWithTimeZone(_) => Type::TIMESTAMPTZ,
        _ => return None,
    })
}

impl Bound<'_> {
    /// The type that the statement is prepared with.
    pub(super) fn kind(&self) -> Type {
        kind(self.0).unwrap_or(Type::UNKNOWN)
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Value::Bool(v) => v.to_sql(ty, out),
            Value::Int(v) => v.to_sql(ty, out),
            Value::BigInt(v) => v.to_sql(ty, out),
            Value::Double(v) => v.to_sql(ty, out),
            Value::String(v) => v.to_sql(ty, out),
            Value::Json(v) => v.as_deref().map(Json).to_sql(ty, out),
            Value::Uuid(v) => v.to_sql(ty, out),
            Value::TimeDateTimeWithTimeZone(v) => v.to_sql(ty, out),
            other => Err(format!("a value of the kind {other:?} is not bound here").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}
