//! Values between sea-query and SQLite, and rows back: one encoding for each type, the same on every path.

use kernel::Stamp;
use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use sea_orm::{DbErr, ProxyRow, Value};
use std::collections::BTreeMap;

/// A sea-query value on its way into a SQLite statement.
pub(crate) struct Bind<'a>(pub &'a Value);

impl rusqlite::ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        fn own<T: Into<Owned>>(value: Option<T>) -> ToSqlOutput<'static> {
            ToSqlOutput::Owned(value.map_or(Owned::Null, Into::into))
        }
        fn text(value: Option<String>) -> ToSqlOutput<'static> {
            own(value)
        }
        Ok(match self.0 {
            Value::Bool(v) => own(v.map(i64::from)),
            Value::TinyInt(v) => own(v.map(i64::from)),
            Value::SmallInt(v) => own(v.map(i64::from)),
            Value::Int(v) => own(v.map(i64::from)),
            Value::BigInt(v) => own(*v),
            Value::TinyUnsigned(v) => own(v.map(i64::from)),
            Value::SmallUnsigned(v) => own(v.map(i64::from)),
            Value::Unsigned(v) => own(v.map(i64::from)),
            // sea-query binds LIMIT and OFFSET as unsigned; larger than an i64 means "all".
            Value::BigUnsigned(v) => own(v.map(|v| i64::try_from(v).unwrap_or(i64::MAX))),
            Value::Float(v) => own(number(v.map(f64::from))?),
            Value::Double(v) => own(number(*v)?),
            Value::String(v) => v.as_deref().map_or(ToSqlOutput::Owned(Owned::Null), |s| {
                ToSqlOutput::Borrowed(ValueRef::Text(s.as_bytes()))
            }),
            Value::Char(v) => text(v.map(String::from)),
            Value::Bytes(v) => v.as_deref().map_or(ToSqlOutput::Owned(Owned::Null), |b| {
                ToSqlOutput::Borrowed(ValueRef::Blob(b))
            }),
            Value::Json(v) => text(v.as_ref().map(ToString::to_string)),
            Value::Uuid(v) => text(v.map(|id| id.to_string())),
            Value::TimeDateTimeWithTimeZone(v) => match v {
                None => text(None),
                Some(time) => {
                    let stamp = Stamp::from_time(*time)
                        .ok_or_else(|| unsupported("a time outside the years 1 to 9999"))?;
                    text(Some(stamp.to_string()))
                }
            },
            Value::TimeDate(v) => text(
                v.map(|d| format!("{:04}-{:02}-{:02}", d.year(), u8::from(d.month()), d.day())),
            ),
            other => return Err(unsupported(&format!("a value of the kind {other:?}"))),
        })
    }
}

/// SQLite would keep NaN as NULL.
fn number(value: Option<f64>) -> rusqlite::Result<Option<f64>> {
    if value.is_some_and(f64::is_nan) {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT_CHECK);
        return Err(rusqlite::Error::SqliteFailure(error, Some(NAN.to_owned())));
    }
    Ok(value)
}

/// What is said of a NaN on either engine.
pub(crate) const NAN: &str = "NaN is no number that can be kept";

/// Whether one of the values is a NaN, which PostgreSQL would take.
pub(crate) fn has_nan(values: &[Value]) -> bool {
    values.iter().any(|v| match v {
        Value::Double(v) => v.is_some_and(f64::is_nan),
        Value::Float(v) => v.is_some_and(f32::is_nan),
        _ => false,
    })
}

/// Binds the values by the number in `$n` or `?n`, or by position. SQLite takes `$n` for a name and would number it by
/// its first appearance, so that `b = $2 AND a = $1` got its values the wrong way round.
pub(crate) fn bind(
    statement: &mut rusqlite::Statement<'_>,
    values: &[Value],
) -> rusqlite::Result<()> {
    let count = statement.parameter_count();
    if count != values.len() {
        return Err(rusqlite::Error::InvalidParameterCount(values.len(), count));
    }
    for i in 1..=count {
        let number = match statement.parameter_name(i) {
            None => Some(i),
            Some(name) => name.get(1..).and_then(|n| n.parse::<usize>().ok()),
        };
        let Some(value) = number.and_then(|n| values.get(n.checked_sub(1)?)) else {
            return Err(rusqlite::Error::InvalidParameterName(
                statement.parameter_name(i).unwrap_or_default().to_owned(),
            ));
        };
        statement.raw_bind_parameter(i, Bind(value))?;
    }
    Ok(())
}

fn unsupported(what: &str) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(format!("{what} cannot be bound").into())
}

/// How a column is read back, by the type its table declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum As {
    Storage,
    Int,
    Text,
    Uuid,
    Bool,
    Double,
    Time,
    Json,
    Bytes,
}

fn column_as(decltype: Option<&str>) -> As {
    match decltype.map(str::to_ascii_lowercase).as_deref() {
        None => As::Storage,
        Some("uuid_text") => As::Uuid,
        Some("boolean") => As::Bool,
        Some("double" | "real" | "float") => As::Double,
        Some("timestamp_with_timezone_text") => As::Time,
        Some("json_text" | "jsonb_text") => As::Json,
        Some(t) if t.contains("blob") => As::Bytes,
        Some(t) if t.contains("int") => As::Int,
        Some(t) if t.contains("char") || t.contains("text") => As::Text,
        Some(_) => As::Storage,
    }
}

fn read(value: ValueRef<'_>, kind: As) -> Result<Value, String> {
    let as_text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|e| e.to_string());
    Ok(match (kind, value) {
        // NULL must be the typed None: SeaORM's proxy rows check the variant.
        (As::Int, ValueRef::Null) => Value::BigInt(None),
        (As::Text | As::Storage, ValueRef::Null) => Value::String(None),
        (As::Uuid, ValueRef::Null) => Value::Uuid(None),
        (As::Bool, ValueRef::Null) => Value::Bool(None),
        (As::Double, ValueRef::Null) => Value::Double(None),
        (As::Time, ValueRef::Null) => Value::TimeDateTimeWithTimeZone(None),
        (As::Json, ValueRef::Null) => Value::Json(None),
        (As::Bytes, ValueRef::Null) => Value::Bytes(None),
        (As::Bool, ValueRef::Integer(i)) => Value::Bool(Some(i != 0)),
        #[expect(
            clippy::cast_precision_loss,
            reason = "a float column that holds an integer means that float"
        )]
        (As::Double, ValueRef::Integer(i)) => Value::Double(Some(i as f64)),
        (As::Uuid, ValueRef::Text(t)) => Value::Uuid(Some(
            uuid::Uuid::try_parse_ascii(t).map_err(|e| e.to_string())?,
        )),
        (As::Time, ValueRef::Text(t)) => {
            let text = as_text(t)?;
            let stamp = Stamp::parse(&text).ok_or_else(|| format!("{text} is no time"))?;
            Value::TimeDateTimeWithTimeZone(Some(stamp.time()))
        }
        (As::Json, ValueRef::Text(t)) => Value::Json(Some(Box::new(
            serde_json::from_slice(t).map_err(|e| e.to_string())?,
        ))),
        (As::Int | As::Storage, ValueRef::Integer(i)) => Value::BigInt(Some(i)),
        (As::Double | As::Storage, ValueRef::Real(f)) => Value::Double(Some(f)),
        (As::Text | As::Storage, ValueRef::Text(t)) => Value::String(Some(as_text(t)?)),
        (As::Bytes | As::Storage, ValueRef::Blob(b)) => Value::Bytes(Some(b.to_vec())),
        (kind, value) => {
            return Err(format!(
                "a column declared {kind:?} holds {:?}",
                value.data_type()
            ));
        }
    })
}

/// Steps a statement to its end and gives its rows by column name.
pub(crate) fn proxy_rows(
    statement: &mut rusqlite::CachedStatement<'_>,
    values: &[Value],
) -> Result<Vec<ProxyRow>, rusqlite::Error> {
    bind(statement, values)?;
    let mut columns: Vec<(String, As)> = Vec::new();
    let mut rows = statement.raw_query();
    let mut out = Vec::new();
    while let Some(row) = rows.next()? {
        if out.is_empty() {
            // Not before the first step: after a change of the schema it is the one that prepares the statement anew.
            columns = row
                .as_ref()
                .columns()
                .iter()
                .map(|c| (c.name().to_owned(), column_as(c.decl_type())))
                .collect();
        }
        let mut map = BTreeMap::new();
        for (i, (name, kind)) in columns.iter().enumerate() {
            let value = read(row.get_ref(i)?, *kind).map_err(|e| {
                rusqlite::Error::FromSqlConversionFailure(
                    i,
                    rusqlite::types::Type::Null,
                    format!("{name}: {e}").into(),
                )
            })?;
            if map.insert(name.clone(), value).is_some() {
                // Two columns of one name would collapse in a proxy row.
                return Err(rusqlite::Error::InvalidColumnName(name.clone()));
            }
        }
        out.push(ProxyRow::new(map));
    }
    Ok(out)
}

/// A record as the database made it: its JSON, its sort key and its version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doc {
    /// The first column: one JSON object.
    pub json: String,
    /// The second column: the sort key as a JSON array, or nothing.
    pub key: Option<String>,
    /// The third column: the record's version.
    pub version: i64,
}

/// Steps a statement of the columns (json, key, version) to its end.
pub(crate) fn docs(
    statement: &mut rusqlite::CachedStatement<'_>,
    values: &[Value],
) -> Result<Vec<Doc>, rusqlite::Error> {
    bind(statement, values)?;
    let mut rows = statement.raw_query();
    let mut out = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let doc = Doc {
            json: text(row, 0)?.ok_or(rusqlite::types::FromSqlError::InvalidType)?,
            key: text(row, 1)?,
            version: row.get_ref(2)?.as_i64()?,
        };
        bytes += doc.json.len();
        if bytes > kernel::limits::RESPONSE_BYTES_MAX {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_TOOBIG),
                None,
            ));
        }
        out.push(doc);
    }
    Ok(out)
}

fn text(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    Ok(text.map(str::to_owned))
}

/// A column of an expression, read loudly: on SQLite SeaORM turns every decoding error of an `Option` into
/// `None`, so that a wrong type would look like NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sq<T>(pub T);

impl<T: sea_orm::sea_query::ValueType> sea_orm::TryGetable for Sq<Option<T>>
where
    Option<T>: sea_orm::TryGetable,
{
    fn try_get_by<I: sea_orm::ColIdx>(
        res: &sea_orm::QueryResult,
        index: I,
    ) -> Result<Self, sea_orm::TryGetError> {
        let Some(row) = res.try_as_proxy_row() else {
            return Option::<T>::try_get_by(res, index).map(Sq);
        };
        let name = index
            .as_str()
            .ok_or_else(|| DbErr::Type("a proxy row is read by name".into()))?;
        let value = row
            .values
            .get(name)
            .ok_or_else(|| DbErr::Type(format!("no column {name}")))?;
        if value.is_null() {
            return Ok(Sq(None));
        }
        let value = T::try_from(value.clone())
            .map_err(|_| DbErr::Type(format!("the column {name} has another type")))?;
        Ok(Sq(Some(value)))
    }
}

trait IsNull {
    fn is_null(&self) -> bool;
}

impl IsNull for Value {
    fn is_null(&self) -> bool {
        *self == self.as_null()
    }
}
