//! A compiled statement: its text, and where each request's values go.

use rules::{Binds, Env, RuleError};
use sea_orm::sea_query::{Expr, PostgresQueryBuilder, SelectStatement, SqliteQueryBuilder};
use sea_orm::{DbBackend, Statement, Value};

/// A value of this crate's own that each request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    /// The record's id.
    Id,
    /// Rows at most.
    Limit,
    /// The records whose related records are asked for: a JSON array of their ids.
    Parents,
    /// A value of the cursor, by place.
    Key(usize),
}

impl Own {
    /// Stands for the value until it is known. A text with U+0000 cannot come from a request.
    pub(crate) fn mark(self) -> Value {
        let name = match self {
            Self::Id => "id".to_owned(),
            Self::Limit => "limit".to_owned(),
            Self::Parents => "parents".to_owned(),
            Self::Key(i) => format!("key{i}"),
        };
        Value::String(Some(format!("\u{0}own:{name}")))
    }

    pub(crate) fn expr(self) -> Expr {
        Expr::value(self.mark())
    }

    fn find(value: &Value) -> Option<Self> {
        let text = match value {
            Value::String(Some(text)) => text,
            Value::BigUnsigned(Some(LIMIT_MARK)) => return Some(Self::Limit),
            _ => return None,
        };
        match text.strip_prefix("\u{0}own:")? {
            "id" => Some(Self::Id),
            "limit" => Some(Self::Limit),
            "parents" => Some(Self::Parents),
            key => key.strip_prefix("key")?.parse().ok().map(Self::Key),
        }
    }
}

/// Stands for the number of rows until it is known. No statement asks for so many.
pub(crate) const LIMIT_MARK: u64 = u64::MAX - 1;

/// A compiled read.
#[derive(Debug)]
pub(crate) struct Plan {
    sql: String,
    binds: Binds,
    own: Vec<(usize, Own)>,
    backend: DbBackend,
}

impl Plan {
    pub(crate) fn new(select: &SelectStatement, backend: DbBackend) -> Self {
        let (sql, values) = match backend {
            DbBackend::Sqlite => {
                let (sql, values) = select.build(SqliteQueryBuilder);
                (store::placed_on_sqlite(sql), values)
            }
            _ => select.build(PostgresQueryBuilder),
        };
        let own = values
            .0
            .iter()
            .enumerate()
            .filter_map(|(i, v)| Some((i, Own::find(v)?)))
            .collect();
        Self {
            sql,
            binds: Binds::from_values(values),
            own,
            backend,
        }
    }

    /// Bytes of the statement's text.
    pub(crate) fn bytes(&self) -> usize {
        self.sql.len()
    }

    /// The statement for one request.
    pub(crate) fn statement(
        &self,
        env: &Env<'_>,
        value: impl Fn(Own) -> Value,
    ) -> Result<Statement, RuleError> {
        let mut values = self.binds.fill(env)?;
        for (place, own) in &self.own {
            if let Some(slot) = values.get_mut(*place) {
                *slot = value(*own);
            }
        }
        Ok(Statement::from_sql_and_values(
            self.backend,
            &self.sql,
            values,
        ))
    }
}

/// SQL text with expressions in it: what sea-query cannot say is written, what carries values is an expression.
pub(crate) struct Text {
    backend: DbBackend,
    text: String,
    exprs: Vec<Expr>,
}

impl Text {
    pub(crate) fn new(backend: DbBackend) -> Self {
        Self {
            backend,
            text: String::new(),
            exprs: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    pub(crate) fn push_expr(&mut self, expr: Expr) -> &mut Self {
        self.exprs.push(expr);
        match self.backend {
            DbBackend::Sqlite => self.text.push('?'),
            _ => self.text.push_str(&format!("${}", self.exprs.len())),
        }
        self
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the text is made of the catalogue's names and fixed words only"
    )]
    pub(crate) fn expr(self) -> Expr {
        Expr::cust_with_exprs(self.text, self.exprs)
    }
}
