//! Types: what fits what, constants and slots taking the type of the other side, and the
//! arithmetic of numbers and moments.

use crate::error::{ErrorKind, RuleError, Span};
use crate::slot::From;
use crate::syntax::{Comparison, Operator};
use crate::times;
use crate::tree::{Test, Value, ValueKind};
use crate::value::{Ty, Val, from_json, whole};

/// Whether a value can be taken as a type. A malformed constant counts as fitting: the error
/// about its value is the better one.
pub(super) fn can_fit(value: &Value, ty: Ty) -> bool {
    if matches!(&value.kind, ValueKind::Slot(slot) if slot.list) {
        return false;
    }
    if value.ty == ty && ty != Ty::Open {
        return !matches!(value.kind, ValueKind::Moved(..) | ValueKind::Between(_));
    }
    match (&value.kind, value.ty, ty) {
        (ValueKind::Const(_), Ty::Text, Ty::Uuid | Ty::DateTime | Ty::Date | Ty::Decimal(_)) => {
            true
        }
        (ValueKind::Const(_), Ty::Int | Ty::Float, Ty::Decimal(_)) => true,
        (ValueKind::Const(Val::Float(n)), _, Ty::Int) => whole(*n).is_some(),
        (ValueKind::Slot(_), Ty::Open, to) => !matches!(to, Ty::Open | Ty::Json | Ty::Duration),
        (ValueKind::Slot(slot), Ty::Uuid, Ty::Text) => slot.from == From::AuthId,
        (ValueKind::Slot(slot), Ty::Int | Ty::Float, Ty::Decimal(_)) => {
            matches!(slot.from, From::Param(_))
        }
        (_, Ty::Int, Ty::Float) => true,
        _ => false,
    }
}

/// The value as that type; [`can_fit`] said that it can be.
pub(super) fn fit(mut value: Value, ty: Ty) -> Result<Value, RuleError> {
    if value.ty == ty {
        return Ok(value);
    }
    match &mut value.kind {
        ValueKind::Const(constant) => {
            let json = constant.json(value.ty);
            match from_json(&json, ty) {
                Some(converted) => *constant = converted,
                None => {
                    let text = json
                        .as_str()
                        .map_or_else(|| json.to_string(), str::to_owned);
                    return Err(malformed(&text, ty, value.span));
                }
            }
        }
        ValueKind::Slot(slot) => slot.ty = ty,
        _ => {
            let span = value.span;
            return Ok(Value {
                span,
                ty,
                kind: ValueKind::Real(Box::new(value)),
            });
        }
    }
    value.ty = ty;
    Ok(value)
}

/// The value as that type, or the sentence that it is another.
pub(super) fn expect(value: Value, ty: Ty) -> Result<Value, RuleError> {
    if can_fit(&value, ty) {
        return fit(value, ty);
    }
    let value = settle(value)?;
    let message = format!(
        "this must be {}, but it is {}",
        ty.words(),
        value.ty.words()
    );
    Err(RuleError::new(ErrorKind::Type, value.span, message))
}

/// A value whose type nothing else decides: a text if it was open. Refuses what only exists
/// within a comparison.
pub(super) fn settle(value: Value) -> Result<Value, RuleError> {
    if let ValueKind::Slot(slot) = &value.kind
        && slot.list
    {
        let message = format!("`{}` is a list; it can only stand after `in`", slot.name());
        return Err(RuleError::new(ErrorKind::Type, value.span, message));
    }
    match value.kind {
        ValueKind::Moved(..) | ValueKind::Between(_) => Err(two_fields(value.span)),
        _ if value.ty == Ty::Open => fit(value, Ty::Text),
        _ => Ok(value),
    }
}

/// A value for a test for null, where any type will do.
pub(super) fn settle_null(mut value: Value) -> Result<Value, RuleError> {
    if let ValueKind::Slot(slot) = &mut value.kind
        && value.ty == Ty::Open
    {
        // Lists count as one value: absent or not is all that is asked.
        slot.list = false;
        slot.ty = Ty::Json;
        value.ty = Ty::Json;
    }
    settle(value)
}

/// Both values with one type.
pub(super) fn unify(a: Value, b: Value, span: Span) -> Result<(Value, Value), RuleError> {
    if a.ty == b.ty && a.ty != Ty::Open {
        return Ok((a, b));
    }
    let constant = |value: &Value| matches!(value.kind, ValueKind::Const(_));
    let slot = |value: &Value| matches!(value.kind, ValueKind::Slot(_));
    let flexible: [fn(&Value) -> bool; 2] = [
        |value| matches!(value.kind, ValueKind::Const(_)),
        |value| matches!(value.kind, ValueKind::Slot(_)),
    ];
    for is_flexible in flexible {
        if is_flexible(&a) && can_fit(&a, b.ty) {
            let ty = b.ty;
            return Ok((fit(a, ty)?, b));
        }
        if is_flexible(&b) && can_fit(&b, a.ty) {
            let ty = a.ty;
            return Ok((a, fit(b, ty)?));
        }
    }
    if a.ty == Ty::Open && b.ty == Ty::Open && (slot(&a) || constant(&a)) {
        return Ok((expect(a, Ty::Text)?, expect(b, Ty::Text)?));
    }
    if can_fit(&a, Ty::Float) && can_fit(&b, Ty::Float) && a.ty.is_number() && b.ty.is_number() {
        return Ok((fit(a, Ty::Float)?, fit(b, Ty::Float)?));
    }
    let (a, b) = (settle(a)?, settle(b)?);
    let message = format!("{} cannot be compared with {}", a.ty.words(), b.ty.words());
    let error = RuleError::new(ErrorKind::Type, span, message);
    Err(match (a.ty, b.ty) {
        (Ty::Decimal(_), Ty::Decimal(_)) => error.hint("their scales differ"),
        (Ty::Date, Ty::DateTime) | (Ty::DateTime, Ty::Date) => {
            error.hint("give the day in quotes or as a parameter")
        }
        (Ty::Json, _) | (_, Ty::Json) => error.hint("a json field can only be tested for null"),
        _ => error,
    })
}

/// A comparison of two values.
pub(super) fn compare(
    comparison: Comparison,
    a: Value,
    b: Value,
    span: Span,
) -> Result<Test, RuleError> {
    let (a, b) = unify(a, b, span)?;
    let (a, b) = match a.ty {
        Ty::Duration => match (a.kind, b.kind) {
            (ValueKind::Between(two), ValueKind::Const(Val::Duration(by))) => {
                return between(comparison, two, by, span);
            }
            (ValueKind::Const(Val::Duration(by)), ValueKind::Between(two)) => {
                return between(comparison.mirrored(), two, by, span);
            }
            (a_kind @ ValueKind::Const(_), b_kind @ ValueKind::Const(_)) => (
                Value {
                    span: a.span,
                    ty: a.ty,
                    kind: a_kind,
                },
                Value {
                    span: b.span,
                    ty: b.ty,
                    kind: b_kind,
                },
            ),
            _ => return Err(two_fields(span)),
        },
        Ty::DateTime => same_moment_side(a, b, span)?,
        _ => (a, b),
    };
    let (a, b) = (settle(a)?, settle(b)?);
    match a.ty {
        Ty::Json => Err(
            RuleError::new(ErrorKind::Type, span, "json values cannot be compared")
                .hint("a json field can only be tested for null"),
        ),
        Ty::Bool if !comparison.is_equality() => Err(RuleError::new(
            ErrorKind::Type,
            span,
            "booleans have no order",
        )),
        _ => Ok(Test::Compare(comparison, a, b)),
    }
}

/// `a - b` compared with a duration, as a comparison of two moments.
fn between(
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
fn same_moment_side(a: Value, b: Value, span: Span) -> Result<(Value, Value), RuleError> {
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
        let value = if value.ty == Ty::Open {
            expect(value, open)?
        } else {
            value
        };
        match value.ty {
            Ty::Int | Ty::Float => Ok(value),
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

fn two_fields(span: Span) -> RuleError {
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

/// The error for a constant that its type does not take.
pub(super) fn malformed(text: &str, ty: Ty, span: Span) -> RuleError {
    let shown: String = text.chars().take(80).collect();
    let message = format!("`{shown}` is not {}", ty.words());
    let error = RuleError::new(ErrorKind::Value, span, message);
    match ty {
        Ty::Uuid => error.hint("an id looks like 01890a5d-ac96-774b-bcce-b302099a8057"),
        Ty::DateTime => error.hint("a timestamp looks like 2026-01-31T12:00:00Z"),
        Ty::Date => error.hint("a date looks like 2026-01-31"),
        Ty::Duration => error.hint("a duration looks like 90m or 1h30m; a day is 24h"),
        Ty::Decimal(scale) => error.hint(format!("this field has {scale} digits after the point")),
        _ => error,
    }
}
