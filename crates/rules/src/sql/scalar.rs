//! Values that stand alone, not within a condition: the SQL of a formula.

use std::collections::HashMap;

use sea_orm::DbBackend;
use sea_orm::sea_query::{Expr, Keyword};

use super::{Compiler, Frame, Given, Place, RowSource};
use crate::tree::{Hop, Value};

/// A value of a row, through the rows that it hops to: NULL where one of them is missing.
pub(crate) fn scalar(
    backend: DbBackend,
    hops: &[Hop],
    through: &[usize],
    value: &Value,
    record: RowSource,
) -> Expr {
    let mut compiler = Compiler {
        backend,
        aliases: 0,
    };
    let place = |given: Given| match &record {
        RowSource::Alias(alias) => Place::Alias(alias.clone()),
        RowSource::Given => Place::Given(given),
    };
    let frame = Frame {
        hops,
        record: place(Given::Record),
        next: place(Given::Next),
        vars: HashMap::new(),
        hopped: HashMap::new(),
    };
    compiler.scalar(through, value, &frame)
}

impl Compiler {
    fn scalar(&mut self, hops: &[usize], value: &Value, frame: &Frame<'_>) -> Expr {
        let Some((first, rest)) = hops.split_first() else {
            return self.value(value, frame);
        };
        let Some((mut select, inner)) = self.hopped(*first, frame) else {
            return Expr::Keyword(Keyword::Null);
        };
        select
            .clear_selects()
            .expr(self.scalar(rest, value, &inner));
        Expr::from(select)
    }
}
