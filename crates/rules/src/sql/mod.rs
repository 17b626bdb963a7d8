//! From the resolved tree to SQL: every condition becomes two expressions, "is true" and "is
//! false", because a single one fails open (`NOT EXISTS (... WHERE 1 = NULL)` is true).

mod places;
mod rows;
mod scalar;
mod values;

use std::collections::HashMap;

pub(crate) use scalar::scalar;

use sea_orm::DbBackend;
use sea_orm::sea_query::{Alias, BinOper, Expr, ExprTrait, Func, Keyword, Query, SelectStatement};

use crate::tree::{Cond, CondKind, FieldRef, Hop, Resolved, RowRef, Test, TextTest};

/// The schema that every table is written with. The store replaces `"project".` in the text by
/// the project's schema.
pub const PROJECT_SCHEMA: &str = "project";

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowSource {
    /// The columns of the table with this alias.
    Alias(String),
    /// The row is not in the table now: its fields are bound from [`crate::Env`].
    Given,
}

/// The two expressions. Neither being true means UNKNOWN. Each may be NULL instead of false: put
/// them where only true counts, and never negate them.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// True exactly where the text is true.
    pub truth: Expr,
    /// True exactly where the text is false.
    pub falsity: Expr,
}

impl Resolved {
    /// Compiles for an engine. The expressions hold sentinel values that
    /// [`crate::Binds::from_values`] recognises after the statement was built.
    #[must_use]
    pub fn to_sql(&self, backend: DbBackend, record: RowSource, next: RowSource) -> Compiled {
        let mut compiler = Compiler {
            backend,
            aliases: 0,
        };
        let place = |source: RowSource, given: Given| match source {
            RowSource::Alias(alias) => Place::Alias(alias),
            RowSource::Given => Place::Given(given),
        };
        let frame = Frame {
            hops: &self.hops,
            record: place(record, Given::Record),
            next: place(next, Given::Next),
            vars: HashMap::new(),
            hopped: HashMap::new(),
        };
        Compiled {
            truth: compiler.side(&self.root, true, &frame),
            falsity: compiler.side(&self.root, false, &frame),
        }
    }
}

/// Which of the rows that come with the request.
#[derive(Clone, Copy)]
enum Given {
    Record,
    Next,
}

impl Given {
    fn is_next(self) -> bool {
        matches!(self, Self::Next)
    }
}

#[derive(Clone)]
enum Place {
    Alias(String),
    Given(Given),
}

/// Where the rows of one text are. A rule that is compiled into another text has its own frame.
#[derive(Clone)]
struct Frame<'a> {
    hops: &'a [Hop],
    record: Place,
    next: Place,
    vars: HashMap<usize, String>,
    hopped: HashMap<usize, String>,
}

struct Compiler {
    backend: DbBackend,
    aliases: usize,
}

impl Compiler {
    /// The expression that is true exactly where `cond` is true, or where it is false.
    fn side(&mut self, cond: &Cond, want: bool, frame: &Frame<'_>) -> Expr {
        match &cond.kind {
            CondKind::Const(b) => constant(*b == want),
            CondKind::Not(inner) => self.side(inner, !want, frame),
            CondKind::And(terms) | CondKind::Or(terms) => {
                let conjunction = matches!(cond.kind, CondKind::And(_)) == want;
                let sides = terms
                    .iter()
                    .map(|term| self.side(term, want, frame))
                    .collect();
                join(sides, conjunction)
            }
            CondKind::If(three) => {
                let [c, a, b] = three.as_ref();
                let first = self.side(c, true, frame).and(self.side(a, want, frame));
                first.or(self.side(c, false, frame).and(self.side(b, want, frame)))
            }
            CondKind::Atom { hops, test } => {
                self.through(hops, frame, &mut |this, frame| this.test(test, want, frame))
            }
            CondKind::Quantified(over) => self.through(&over.hops, frame, &mut |this, frame| {
                this.quantified(over, want, frame)
            }),
        }
    }

    fn test(&mut self, test: &Test, want: bool, frame: &Frame<'_>) -> Expr {
        match test {
            Test::Flag(value) => {
                let value = self.value(value, frame);
                value.binary(BinOper::Equal, constant(want))
            }
            Test::Compare(comparison, a, b) => {
                let operator = if want {
                    *comparison
                } else {
                    comparison.opposite()
                };
                let band = self.band(operator, a, b, frame);
                let (a, b) = (self.value(a, frame), self.value(b, frame));
                let compared = a.binary(values::comparison(operator), b);
                band.into_iter().fold(compared, ExprTrait::and)
            }
            Test::Null { value, negated } => {
                let value = self.value(value, frame);
                if *negated == want {
                    value.is_not_null()
                } else {
                    value.is_null()
                }
            }
            Test::In { value, list } => self.membership(value, list, want, frame),
            Test::Like { value, pattern } => {
                let text = self.lowered(value, frame);
                let pattern = self.value(pattern, frame);
                let escaped = pattern.binary(BinOper::Escape, Expr::Constant("!".into()));
                text.binary(
                    if want {
                        BinOper::Like
                    } else {
                        BinOper::NotLike
                    },
                    escaped,
                )
            }
            Test::Text { how, value, part } => {
                let (text, part) = (self.value(value, frame), self.value(part, frame));
                self.text_test(*how, text, part, want)
            }
        }
    }

    /// Exact tests of a text's inside, beginning and end.
    fn text_test(&self, how: TextTest, text: Expr, part: Expr, want: bool) -> Expr {
        let call = |name: &str, args: Vec<Expr>| function(name, args);
        let length = |of: Expr| function("length", vec![of]);
        let equal = |a: Expr, b: Expr| {
            a.binary(
                if want {
                    BinOper::Equal
                } else {
                    BinOper::NotEqual
                },
                b,
            )
        };
        let sqlite = self.backend == DbBackend::Sqlite;
        match how {
            TextTest::Contains => {
                let at = call(if sqlite { "instr" } else { "strpos" }, vec![text, part]);
                let zero = Expr::Constant(0.into());
                at.binary(
                    if want {
                        BinOper::GreaterThan
                    } else {
                        BinOper::Equal
                    },
                    zero,
                )
            }
            TextTest::StartsWith => {
                let start = if sqlite {
                    let one = Expr::Constant(1.into());
                    call("substr", vec![text, one, length(part.clone())])
                } else {
                    call("left", vec![text, length(part.clone())])
                };
                equal(start, part)
            }
            TextTest::EndsWith if sqlite => {
                let from = length(text.clone())
                    .binary(BinOper::Sub, length(part.clone()))
                    .binary(BinOper::Add, Expr::Constant(1.into()));
                let end = call("substr", vec![text.clone(), from]);
                let longer = length(text);
                if want {
                    let fits = longer.binary(BinOper::GreaterThanOrEqual, length(part.clone()));
                    fits.and(equal(end, part))
                } else {
                    let short = longer.binary(BinOper::SmallerThan, length(part.clone()));
                    short.or(equal(end, part))
                }
            }
            TextTest::EndsWith => equal(call("right", vec![text, length(part.clone())]), part),
        }
    }

    fn place<'f>(&self, field: &FieldRef, frame: &'f Frame<'_>) -> Option<PlaceRef<'f>> {
        match field.row {
            RowRef::Record => Some(PlaceRef::of(&frame.record)),
            RowRef::Next => Some(PlaceRef::of(&frame.next)),
            RowRef::Var(var) => frame.vars.get(&var).map(|alias| PlaceRef::Alias(alias)),
            RowRef::Hop(hop) => frame.hopped.get(&hop).map(|alias| PlaceRef::Alias(alias)),
        }
    }

    fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("_g{}", self.aliases)
    }
}

enum PlaceRef<'f> {
    Alias(&'f str),
    Given(Given),
}

impl<'f> PlaceRef<'f> {
    fn of(place: &'f Place) -> Self {
        match place {
            Place::Alias(alias) => Self::Alias(alias),
            Place::Given(given) => Self::Given(*given),
        }
    }

    fn owned(&self) -> Place {
        match self {
            Self::Alias(alias) => Place::Alias((*alias).to_owned()),
            Self::Given(given) => Place::Given(*given),
        }
    }
}

fn constant(b: bool) -> Expr {
    Expr::Keyword(Keyword::Custom(iden(if b { "TRUE" } else { "FALSE" })))
}

/// Always an owned name: the builder does not escape static ones.
fn iden(name: &str) -> sea_orm::sea_query::DynIden {
    use sea_orm::sea_query::IntoIden;
    Alias::new(name).into_iden()
}

fn function(name: &str, args: Vec<Expr>) -> Expr {
    Expr::from(Func::cust(iden(name)).args(args))
}

fn count() -> Expr {
    use sea_orm::sea_query::Asterisk;
    Expr::from(Func::count(Expr::col(Asterisk)))
}

fn is_not_true(expr: Expr) -> Expr {
    expr.binary(BinOper::IsNot, constant(true))
}

/// `SELECT 1 FROM "project"."table" AS "alias"`.
fn rows(table: &str, alias: &str) -> SelectStatement {
    let mut select = Query::select();
    select.expr(Expr::Constant(1.into()));
    select.from_as((iden(PROJECT_SCHEMA), iden(table)), iden(alias));
    select
}

/// All of them or any of them, as a balanced tree: SQLite limits the depth of expressions.
fn join(mut terms: Vec<Expr>, conjunction: bool) -> Expr {
    if terms.len() > 1 {
        let right = terms.split_off(terms.len() / 2);
        let (left, right) = (join(terms, conjunction), join(right, conjunction));
        return if conjunction {
            left.and(right)
        } else {
            left.or(right)
        };
    }
    terms.pop().unwrap_or_else(|| constant(conjunction))
}
