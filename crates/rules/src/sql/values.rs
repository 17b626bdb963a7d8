//! Values in SQL: columns behind their masks, slots and constants with their casts, arithmetic.
//!
//! On SQLite values are bound in their own types; on PostgreSQL every value is bound as text
//! within a cast, which serves indexes all the same, and what the cast would refuse was refused
//! before.

use sea_orm::DbBackend;
use sea_orm::sea_query::{
    BinOper, CaseStatement, Expr, ExprTrait, Func, Keyword, Query, SelectStatement, Value as Sql,
};

use super::{Compiler, Frame, PlaceRef, constant, function, iden};
use crate::binds::{sentinel, sql_value};
use crate::slot::{From, Slot};
use crate::syntax::{Comparison, Operator};
use crate::times::{self, Part};
use crate::tree::{FieldRef, Value, ValueKind};
use crate::value::{self, Ty, Val};

impl Compiler {
    pub(super) fn value(&mut self, value: &Value, frame: &Frame<'_>) -> Expr {
        match &value.kind {
            ValueKind::Const(Val::Bool(b)) => constant(*b),
            ValueKind::Const(val) => self.cast(sql_value(val, value.ty, self.backend), value.ty),
            ValueKind::Field(field) => self.column(field, frame),
            ValueKind::Slot(slot) => self.slot(slot),
            ValueKind::Arithmetic(operator, both) => {
                let [a, b] = both.as_ref();
                let whole = value.ty == Ty::Int;
                let (a, b) = (self.value(a, frame), self.value(b, frame));
                arithmetic(*operator, a, b, whole)
            }
            ValueKind::Real(inner) => {
                let number = self.value(inner, frame);
                self.real_of(number, inner.ty)
            }
            ValueKind::Rescaled(inner, digits) => {
                let number = self.value(inner, frame);
                if self.postgres() {
                    cast(number, "numeric")
                } else {
                    // What does not fit becomes a double, greater than any decimal still.
                    number.binary(BinOper::Mul, power_of_ten(*digits))
                }
            }
            ValueKind::Calm(inner) => {
                let inner = self.value(inner, frame);
                let size = function("abs", vec![inner.clone()]);
                let edge = |n: f64| Expr::Constant(Sql::Double(Some(n)));
                let zero = self.real(Expr::Constant(0.into()));
                let tiny = size.clone().binary(BinOper::SmallerThan, edge(1e-50));
                let usual = size.binary(BinOper::SmallerThanOrEqual, edge(1e50));
                case(CaseStatement::new().case(tiny, zero).case(usual, inner))
            }
            ValueKind::Lower(inner) => self.lowered(inner, frame),
            ValueKind::Length(inner) => {
                let text = self.value(inner, frame);
                self.counted_in(["length", "length"], text)
            }
            ValueKind::Items(inner) => {
                let list = self.value(inner, frame);
                let list = if self.postgres() {
                    cast(list, "jsonb")
                } else {
                    list
                };
                self.counted_in(["json_array_length", "jsonb_array_length"], list)
            }
            ValueKind::Part(part, offset, inner) => {
                let of = self.value(inner, frame);
                match offset {
                    None => self.part(*part, of, inner.ty, 0),
                    Some(minutes) => {
                        let edge = |at: &str| {
                            let at = Val::DateTime(at.to_owned());
                            self.cast(sql_value(&at, Ty::DateTime, self.backend), Ty::DateTime)
                        };
                        let from = edge(times::OFFSET_FROM);
                        let to = edge(times::OFFSET_TO);
                        let inside = of.clone().gte(from).and(of.clone().lt(to));
                        let part = self.part(*part, of, inner.ty, *minutes);
                        case(CaseStatement::new().case(inside, part))
                    }
                }
            }
            ValueKind::Inside(inner, path) => {
                let json = self.value(inner, frame);
                self.inside(json, path, value.ty)
            }
            ValueKind::Ranged(half, inner) => {
                let number = self.value(inner, frame);
                let limit = half.limit();
                let limits = [-limit, limit].map(|n| self.real(Expr::Constant(n.into())));
                let [least, most] = limits;
                let fits = number.clone().gte(least).and(number.clone().lte(most));
                case(CaseStatement::new().case(fits, number))
            }
            ValueKind::Distance(four) => {
                let four = four.each_ref().map(|half| self.value(half, frame));
                self.distance(four)
            }
            ValueKind::If(cond, both) => {
                let [a, b] = both.as_ref();
                case(
                    CaseStatement::new()
                        .case(self.side(cond, true, frame), self.value(a, frame))
                        .case(self.side(cond, false, frame), self.value(b, frame)),
                )
            }
            ValueKind::Truth(cond) => case(
                CaseStatement::new()
                    .case(self.side(cond, true, frame), constant(true))
                    .case(self.side(cond, false, frame), constant(false)),
            ),
            ValueKind::Count(source) => self.counted(source, frame),
            // Comparisons and functions have taken these apart; standing alone they are refused.
            ValueKind::Moved(..) | ValueKind::Between(_) | ValueKind::Point(_) => {
                Expr::Keyword(Keyword::Null)
            }
        }
    }

    /// How long a value is, by the function of each engine: SQLite's, then PostgreSQL's.
    fn counted_in(&self, [sqlite, postgres]: [&str; 2], value: Expr) -> Expr {
        if self.postgres() {
            cast(function(postgres, vec![value]), "bigint")
        } else {
            function(sqlite, vec![value])
        }
    }

    /// A column by its alias, or a bound field, null where its mask is not true.
    pub(super) fn column(&mut self, field: &FieldRef, frame: &Frame<'_>) -> Expr {
        let Some(place) = self.place(field, frame) else {
            return Expr::Keyword(Keyword::Null);
        };
        let column = match place {
            PlaceRef::Alias(alias) => Expr::col((iden(alias), iden(&field.column))),
            PlaceRef::Given(given) => {
                let from = From::Field {
                    next: given.is_next(),
                    name: field.name.clone(),
                    half: field.half,
                };
                self.slot(&Slot::new(from, field.ty, crate::Span::default()))
            }
        };
        match &field.mask {
            None => column,
            Some(rule) => {
                let readable = self.rule_of_row(rule, &place.owned());
                case(CaseStatement::new().case(readable, column))
            }
        }
    }

    pub(super) fn slot(&mut self, slot: &Slot) -> Expr {
        let value = sentinel(slot, self.backend);
        if slot.list {
            self.cast(value, Ty::Text)
        } else {
            self.cast(value, slot.ty)
        }
    }

    /// The items of a list slot as a subquery.
    pub(super) fn items(&mut self, slot: &Slot, alias: &str) -> SelectStatement {
        let list = Expr::Value(sentinel(slot, self.backend));
        let item = Expr::col((iden(alias), iden("value")));
        let mut select = Query::select();
        if self.postgres() {
            let list = function_call("jsonb_array_elements_text", cast(list, "jsonb"));
            select
                .expr(self.cast_expr(item, slot.ty))
                .from_function(list, iden(alias));
        } else {
            select
                .expr(item)
                .from_function(function_call("json_each", list), iden(alias));
        }
        select
    }

    /// Lower case, ASCII only on both engines.
    pub(super) fn lowered(&mut self, value: &Value, frame: &Frame<'_>) -> Expr {
        let text = self.value(value, frame);
        let text = if self.postgres() {
            collate_c(text)
        } else {
            text
        };
        Expr::from(Func::lower(text))
    }

    fn part(&self, part: Part, of: Expr, ty: Ty, minutes: i32) -> Expr {
        let expr = if self.postgres() {
            postgres_part(part, of, ty, minutes)
        } else {
            sqlite_part(part, of, minutes)
        };
        if matches!(part, Part::Month | Part::DayOfMonth | Part::DayOfYear) {
            expr.binary(BinOper::Sub, Expr::Constant(1.into()))
        } else {
            expr
        }
    }

    /// An integer or a decimal as a double, by the same two roundings on every evaluator: that of the scaled integer
    /// and that of the quotient.
    fn real_of(&self, number: Expr, ty: Ty) -> Expr {
        let Ty::Decimal(scale) = ty else {
            return self.real(number);
        };
        let scaled = if self.postgres() {
            cast(number.binary(BinOper::Mul, power_of_ten(scale)), "bigint")
        } else {
            number
        };
        let divisor = self.real(power_of_ten(scale));
        self.real(scaled).binary(BinOper::Div, divisor)
    }

    pub(super) fn real(&self, expr: Expr) -> Expr {
        cast(
            expr,
            if self.postgres() {
                "double precision"
            } else {
                "REAL"
            },
        )
    }

    pub(super) fn cast(&self, value: Sql, ty: Ty) -> Expr {
        self.cast_expr(Expr::Value(value), ty)
    }

    fn cast_expr(&self, expr: Expr, ty: Ty) -> Expr {
        if !self.postgres() {
            return expr;
        }
        let name = match ty {
            Ty::Bool => "boolean",
            Ty::Int | Ty::Duration => "bigint",
            Ty::Float => "double precision",
            Ty::Decimal(_) => "numeric",
            Ty::DateTime => "timestamptz",
            Ty::Date => "date",
            Ty::Uuid => "uuid",
            Ty::Json | Ty::Texts => "jsonb",
            _ => return collate_c(cast(expr, "text")),
        };
        cast(expr, name)
    }

    pub(super) fn postgres(&self) -> bool {
        self.backend == DbBackend::Postgres
    }
}

pub(super) fn comparison(comparison: Comparison) -> BinOper {
    match comparison {
        Comparison::Equal => BinOper::Equal,
        Comparison::NotEqual => BinOper::NotEqual,
        Comparison::Less => BinOper::SmallerThan,
        Comparison::LessOrEqual => BinOper::SmallerThanOrEqual,
        Comparison::Greater => BinOper::GreaterThan,
        Comparison::GreaterOrEqual => BinOper::GreaterThanOrEqual,
    }
}

fn arithmetic(operator: Operator, a: Expr, b: Expr, whole: bool) -> Expr {
    let sign = match operator {
        Operator::Add => BinOper::Add,
        Operator::Subtract => BinOper::Sub,
        Operator::Multiply => BinOper::Mul,
        Operator::Divide => BinOper::Div,
        Operator::Remainder => BinOper::Mod,
    };
    let null_if = |a: Expr, b: Expr| function("nullif", vec![a, b]);
    let zero = || Expr::Constant(0.into());
    match operator {
        Operator::Divide | Operator::Remainder if whole => {
            // The least integer divided by -1 is the one quotient that does not fit.
            let least = Expr::Constant(Sql::BigInt(Some(i64::MIN + 1)))
                .binary(BinOper::Sub, Expr::Constant(1.into()));
            null_if(a, least).binary(sign, null_if(b, zero()))
        }
        Operator::Divide => a.binary(sign, null_if(b, zero())),
        _ => a.binary(sign, b),
    }
}

fn power_of_ten(digits: u32) -> Expr {
    Expr::Constant(Sql::BigInt(Some(value::power_of_ten(digits))))
}

fn sqlite_part(part: Part, of: Expr, minutes: i32) -> Expr {
    let of = if minutes == 0 || part == Part::Milliseconds {
        of
    } else {
        // To whole seconds, which SQLite's functions of time count exactly.
        let seconds = function(
            "substr",
            vec![of, Expr::Constant(1.into()), Expr::Constant(19.into())],
        );
        let format = Expr::Constant("%Y-%m-%dT%H:%M:%S".into());
        let by = Expr::Constant(format!("{minutes:+} minutes").into());
        function("strftime", vec![format, seconds, by])
    };
    let digits = |from: i32, length: i32| {
        let (from, length) = (Expr::Constant(from.into()), Expr::Constant(length.into()));
        cast(
            function("substr", vec![of.clone(), from, length]),
            "INTEGER",
        )
    };
    let calendar = |format: &str| {
        let day = function(
            "substr",
            vec![
                of.clone(),
                Expr::Constant(1.into()),
                Expr::Constant(10.into()),
            ],
        );
        cast(
            function("strftime", vec![Expr::Constant(format.into()), day]),
            "INTEGER",
        )
    };
    match part {
        Part::Year => digits(1, 4),
        Part::Month => digits(6, 2),
        Part::DayOfMonth | Part::Date => digits(9, 2),
        Part::Hours => digits(12, 2),
        Part::Minutes => digits(15, 2),
        Part::Seconds => digits(18, 2),
        Part::Milliseconds => digits(21, 3),
        Part::DayOfWeek => calendar("%w"),
        Part::DayOfYear => calendar("%j"),
    }
}

fn postgres_part(part: Part, of: Expr, ty: Ty, minutes: i32) -> Expr {
    let name = match part {
        Part::Year => "year",
        Part::Month => "month",
        Part::DayOfMonth | Part::Date => "day",
        Part::Hours => "hour",
        Part::Minutes => "minute",
        Part::Seconds => "second",
        Part::Milliseconds => "milliseconds",
        Part::DayOfWeek => "dow",
        Part::DayOfYear => "doy",
    };
    let local = match ty {
        Ty::Date => of,
        _ => {
            let zone = Expr::Constant(format!("{minutes} minutes").into());
            function("timezone", vec![cast(zone, "interval"), of])
        }
    };
    let number = function("date_part", vec![Expr::Constant(name.into()), local]);
    let whole = cast(function("floor", vec![number]), "bigint");
    match part {
        // PostgreSQL counts the milliseconds of the minute.
        Part::Milliseconds => whole.binary(BinOper::Mod, Expr::Constant(1000.into())),
        _ => whole,
    }
}

pub(super) fn case(statement: CaseStatement) -> Expr {
    Expr::Case(Box::new(statement))
}

pub(super) fn collate_c(text: Expr) -> Expr {
    text.binary(
        BinOper::Custom("COLLATE"),
        Expr::Keyword(Keyword::Custom(iden("\"C\""))),
    )
}

pub(super) fn cast(expr: Expr, ty: &str) -> Expr {
    Expr::from(Func::cast_as(expr, iden(ty)))
}

pub(super) fn function_call(name: &str, arg: Expr) -> sea_orm::sea_query::FunctionCall {
    Func::cust(iden(name)).arg(arg)
}
