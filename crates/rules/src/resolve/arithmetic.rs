//! Arithmetic: doubles, exact sums of decimals, and moments that are moved to the side where an index still serves.

use super::fit::{compare, expect, fit};
use crate::error::{ErrorKind, RuleError, Span};
use crate::syntax::{Comparison, Operator};
use crate::times;
use crate::tree::{Test, Value, ValueKind};
use crate::value::{Ty, Val, from_json};

/// `a - b` compared with a duration, as a comparison of two moments.
pub(super) fn between(
    comparison: Comparison,
    two: Box<[Value; 2]>,
    by: i64,
    span: Span,
) -> Result<Test, RuleError> {
    let [a, b] = *two;
    compare(comparison, a, moved(b, by)?, span)
}

/// Moves what was added to a field over to the other, constant side: SQLite's own arithmetic on
/// moments is too coarse, and a field left alone can use its index.
pub(super) fn same_moment_side(
    a: Value,
    b: Value,
    span: Span,
) -> Result<(Value, Value), RuleError> {
    let peel = |value: Value| match value.kind {
        ValueKind::Moved(inner, by) => (*inner, by),
        _ => (value, 0),
    };
    let ((a, by_a), (b, by_b)) = (peel(a), peel(b));
    let net = by_a.checked_sub(by_b).ok_or_else(|| overflow(span))?;
    if net == 0 {
        return Ok((a, b));
    }
    let constant = |value: &Value| matches!(value.kind, ValueKind::Const(_) | ValueKind::Slot(_));
    if constant(&b) {
        let b = moved(b, -net)?;
        Ok((a, b))
    } else if constant(&a) {
        Ok((moved(a, net)?, b))
    } else {
        Err(two_fields(span))
    }
}

/// A moment moved by microseconds.
fn moved(mut value: Value, by: i64) -> Result<Value, RuleError> {
    let span = value.span;
    match &mut value.kind {
        ValueKind::Const(Val::DateTime(at)) => {
            *at = times::moved(at, by).ok_or_else(|| overflow(span))?;
        }
        ValueKind::Slot(slot) => {
            slot.moved = slot.moved.checked_add(by).ok_or_else(|| overflow(span))?;
        }
        ValueKind::Moved(_, sum) => *sum = sum.checked_add(by).ok_or_else(|| overflow(span))?,
        _ => {
            return Ok(Value {
                span,
                ty: Ty::DateTime,
                kind: ValueKind::Moved(Box::new(value), by),
            });
        }
    }
    Ok(value)
}

/// Arithmetic on numbers, moments and durations.
pub(super) fn arithmetic(
    operator: Operator,
    a: Value,
    b: Value,
    span: Span,
) -> Result<Value, RuleError> {
    let timely = |ty| matches!(ty, Ty::DateTime | Ty::Duration);
    if timely(a.ty) || timely(b.ty) {
        return time_arithmetic(operator, a, b, span);
    }
    let number = |value: Value| -> Result<Value, RuleError> {
        let open = if operator == Operator::Remainder {
            Ty::Int
        } else {
            Ty::Float
        };
        let value = match value.ty {
            Ty::Open => expect(value, open)?,
            Ty::Dynamic => expect(value, Ty::Float)?,
            _ => value,
        };
        match value.ty {
            Ty::Int | Ty::Float | Ty::Decimal(_) => Ok(value),
            ty => Err(RuleError::new(
                ErrorKind::Type,
                value.span,
                format!(
                    "`{}` needs numbers, but this is {}",
                    operator.sign(),
                    ty.words()
                ),
            )),
        }
    };
    let (a, b) = (number(a)?, number(b)?);
    let (a, b) = match exact_sum(operator, a, b, span)? {
        Ok(sum) => return Ok(sum),
        Err(both) => both,
    };
    let whole = a.ty == Ty::Int && b.ty == Ty::Int;
    match operator {
        Operator::Divide | Operator::Remainder if whole => {
            let kind = ValueKind::Arithmetic(operator, Box::new([a, b]));
            Ok(Value {
                span,
                ty: Ty::Int,
                kind,
            })
        }
        Operator::Remainder => Err(RuleError::new(
            ErrorKind::Type,
            span,
            "`%` needs integers; sums, differences and products are doubles",
        )),
        _ => {
            let both = Box::new([calm(a)?, calm(b)?]);
            let value = Value {
                span,
                ty: Ty::Float,
                kind: ValueKind::Arithmetic(operator, both),
            };
            let (low, high) = reach(&value);
            if low < -300.0 || high > 300.0 {
                let message = "this arithmetic can leave the range of numbers";
                return Err(RuleError::new(ErrorKind::Type, span, message));
            }
            Ok(value)
        }
    }
}

/// The sum or difference of two decimals of one scale, or of one and a constant that it takes, which is exact: both are
/// below 10^18 when scaled, so that their sum is an integer still. What is computed already goes on as a double.
fn exact_sum(
    operator: Operator,
    a: Value,
    b: Value,
    span: Span,
) -> Result<Result<Value, (Value, Value)>, RuleError> {
    let ty = if matches!(a.ty, Ty::Decimal(_)) {
        a.ty
    } else {
        b.ty
    };
    let plain = |value: &Value| match &value.kind {
        ValueKind::Field(_) => value.ty == ty,
        ValueKind::Const(constant) => match (from_json(&constant.json(value.ty), ty), ty) {
            (Some(Val::Decimal(scaled)), Ty::Decimal(_)) => {
                scaled.abs() < 1_000_000_000_000_000_000
            }
            _ => false,
        },
        _ => false,
    };
    let exact = matches!(ty, Ty::Decimal(_))
        && matches!(operator, Operator::Add | Operator::Subtract)
        && plain(&a)
        && plain(&b);
    if !exact {
        return Ok(Err((a, b)));
    }
    let kind = ValueKind::Arithmetic(operator, Box::new([fit(a, ty)?, fit(b, ty)?]));
    Ok(Ok(Value { span, ty, kind }))
}

fn calm(value: Value) -> Result<Value, RuleError> {
    let value = fit(value, Ty::Float)?;
    Ok(match value.kind {
        ValueKind::Arithmetic(..) | ValueKind::Real(_) => value,
        _ => Value {
            span: value.span,
            ty: Ty::Float,
            kind: ValueKind::Calm(Box::new(value)),
        },
    })
}

/// The decimal exponents between which a computed number lies unless it is zero. PostgreSQL
/// raises an error on overflow and on underflow, so both are ruled out beforehand.
fn reach(value: &Value) -> (f64, f64) {
    match &value.kind {
        ValueKind::Calm(_) => (-50.0, 50.0),
        ValueKind::Real(of) if matches!(of.ty, Ty::Decimal(_)) => (-18.0, 19.0),
        ValueKind::Arithmetic(operator, both) => {
            let [(a_low, a_high), (b_low, b_high)] = [reach(&both[0]), reach(&both[1])];
            match operator {
                Operator::Multiply => (a_low + b_low, a_high + b_high),
                Operator::Divide => (a_low - b_high, a_high - b_low),
                _ => (a_low.min(b_low) - 17.0, a_high.max(b_high) + 1.0),
            }
        }
        _ => (0.0, 19.0),
    }
}

fn time_arithmetic(operator: Operator, a: Value, b: Value, span: Span) -> Result<Value, RuleError> {
    let known = |value: Value| {
        if value.ty == Ty::Open {
            expect(value, Ty::DateTime)
        } else {
            Ok(value)
        }
    };
    let (a, b) = (known(a)?, known(b)?);
    let wrong = || {
        RuleError::new(
            ErrorKind::Type,
            span,
            format!(
                "`{}` does not go with {} and {}",
                operator.sign(),
                a.ty.words(),
                b.ty.words()
            ),
        )
        .hint("a timestamp plus or minus a duration, or the difference of two timestamps")
    };
    let constant = |value: &Value| match value.kind {
        ValueKind::Const(Val::Duration(by)) => Some(by),
        _ => None,
    };
    let negative = |by: i64| {
        if operator == Operator::Subtract {
            -by
        } else {
            by
        }
    };
    match (operator, a.ty, b.ty) {
        (Operator::Add | Operator::Subtract, Ty::DateTime, Ty::Duration) => {
            let by = constant(&b).ok_or_else(|| two_fields(span))?;
            moved(a, negative(by)).map(|value| Value { span, ..value })
        }
        (Operator::Add, Ty::Duration, Ty::DateTime) => {
            let by = constant(&a).ok_or_else(|| two_fields(span))?;
            moved(b, by).map(|value| Value { span, ..value })
        }
        (Operator::Subtract, Ty::DateTime, Ty::DateTime) => {
            let kind = ValueKind::Between(Box::new([a, b]));
            Ok(Value {
                span,
                ty: Ty::Duration,
                kind,
            })
        }
        (Operator::Add | Operator::Subtract, Ty::Duration, Ty::Duration) => {
            let (Some(x), Some(y)) = (constant(&a), constant(&b)) else {
                return Err(two_fields(span));
            };
            let sum = x.checked_add(negative(y)).ok_or_else(|| overflow(span))?;
            Ok(Value {
                span,
                ty: Ty::Duration,
                kind: ValueKind::Const(Val::Duration(sum)),
            })
        }
        _ => Err(wrong()),
    }
}

pub(super) fn two_fields(span: Span) -> RuleError {
    RuleError::new(
        ErrorKind::Unsupported,
        span,
        "time arithmetic needs one constant side",
    )
    .hint("compare as in `created_at > now - duration(\"24h\")`")
}

fn overflow(span: Span) -> RuleError {
    RuleError::new(ErrorKind::Overflow, span, "this leaves the years 1 to 9999")
}
