//! Types: what fits what, and constants and slots taking the type of the other side.

use super::arithmetic::{between, same_moment_side, two_fields};
use crate::error::{ErrorKind, RuleError, Span};
use crate::slot::From;
use crate::syntax::Comparison;
use crate::tree::{Test, Value, ValueKind};
use crate::value::{Ty, Val, from_json, whole};

const WHOLE_JSON: &str = "a json field is tested for null; its inside is `json(field, \"a.b[0]\")`";

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
        (ValueKind::Const(_), Ty::Float, Ty::Decimal(_)) => true,
        (ValueKind::Const(Val::Float(n)), _, Ty::Int) => whole(*n).is_some(),
        (ValueKind::Slot(_), Ty::Open, to) => !matches!(
            to,
            Ty::Open | Ty::Json | Ty::Texts | Ty::Dynamic | Ty::Point | Ty::Rows | Ty::Duration
        ),
        (ValueKind::Inside(..), Ty::Dynamic, to) => {
            matches!(to, Ty::Text | Ty::Float | Ty::Bool | Ty::Present)
        }
        (_, Ty::Int, Ty::Decimal(_)) => true,
        (_, Ty::Decimal(scale), Ty::Decimal(wider)) => scale <= wider,
        (_, Ty::Decimal(_), Ty::Float) => true,
        (ValueKind::Slot(slot), Ty::Uuid, Ty::Text) => slot.from == From::AuthId,
        (ValueKind::Slot(slot), Ty::Float, Ty::Decimal(_)) => matches!(slot.from, From::Param(_)),
        (_, Ty::Int, Ty::Float) => true,
        _ => false,
    }
}

/// The value as that type; [`can_fit`] said that it can be.
pub(super) fn fit(mut value: Value, ty: Ty) -> Result<Value, RuleError> {
    if value.ty == ty {
        return Ok(value);
    }
    let span = value.span;
    match &mut value.kind {
        ValueKind::Const(constant) => {
            let json = constant.json(value.ty);
            match from_json(&json, ty) {
                Some(converted) => *constant = converted,
                None => {
                    let text = json
                        .as_str()
                        .map_or_else(|| json.to_string(), str::to_owned);
                    return Err(malformed(&text, ty, span));
                }
            }
        }
        ValueKind::Slot(slot) => slot.ty = ty,
        ValueKind::Inside(..) => {}
        _ => {
            let kind = match (value.ty, ty) {
                (Ty::Decimal(from), Ty::Decimal(to)) => {
                    ValueKind::Rescaled(Box::new(value), to - from)
                }
                (_, Ty::Decimal(to)) => ValueKind::Rescaled(Box::new(value), to),
                _ => ValueKind::Real(Box::new(value)),
            };
            return Ok(Value { span, ty, kind });
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
        _ if value.ty == Ty::Dynamic => Err(untyped(value.span)),
        _ if value.ty == Ty::Point => {
            let message = "points are not compared with each other";
            Err(RuleError::new(ErrorKind::Type, value.span, message).hint(
                "write `distance(a, b) < metres` or `within(p, box(south, west, north, east))`",
            ))
        }
        _ => Ok(value),
    }
}

/// The error for the inside of a json value that nothing gives a type.
pub(super) fn untyped(span: Span) -> RuleError {
    let message = "the inside of a json field has a type only beside a text, a number or a boolean";
    RuleError::new(ErrorKind::Type, span, message)
        .hint("compare it as in `json(field, \"a.b\") == \"x\"`")
}

/// The type that the inside of a json value takes beside a value.
pub(super) fn beside(value: &Value) -> Option<Ty> {
    match (&value.kind, value.ty) {
        (_, Ty::Text | Ty::Open) => Some(Ty::Text),
        (ValueKind::Slot(slot), Ty::Uuid) if slot.from == From::AuthId => Some(Ty::Text),
        (_, Ty::Int | Ty::Float | Ty::Decimal(_)) => Some(Ty::Float),
        (_, Ty::Bool) => Some(Ty::Bool),
        _ => None,
    }
}

/// A value for a test for null, where any type will do.
pub(super) fn settle_null(mut value: Value) -> Result<Value, RuleError> {
    if let ValueKind::Slot(slot) = &mut value.kind
        && value.ty == Ty::Open
    {
        // Lists count as one value: absent or not is all that is asked.
        slot.list = false;
        slot.ty = Ty::Present;
        value.ty = Ty::Present;
    }
    match value.kind {
        ValueKind::Inside(..) => fit(value, Ty::Present),
        // A point is there if its latitude is.
        ValueKind::Point(both) => match *both {
            [lat, _] if matches!(lat.kind, ValueKind::Field(_)) => Ok(lat),
            [lat, _] => Err(RuleError::new(
                ErrorKind::Type,
                lat.span,
                "of points only fields are tested for null",
            )),
        },
        _ => settle(value),
    }
}

/// Both values with one type.
pub(super) fn unify(a: Value, b: Value, span: Span) -> Result<(Value, Value), RuleError> {
    if a.ty == b.ty && a.ty != Ty::Open {
        return Ok((a, b));
    }
    let json = match (a.ty, b.ty) {
        (Ty::Dynamic, _) => Some((a.span, beside(&b))),
        (_, Ty::Dynamic) => Some((b.span, beside(&a))),
        _ => None,
    };
    if let Some((at, ty)) = json {
        let ty = ty.ok_or_else(|| untyped(at))?;
        return Ok((expect(a, ty)?, expect(b, ty)?));
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
    let scale = |value: &Value| match value.ty {
        Ty::Decimal(scale) => Some(scale),
        _ => None,
    };
    if let Some(wider) = scale(&a).max(scale(&b)).map(Ty::Decimal)
        && can_fit(&a, wider)
        && can_fit(&b, wider)
    {
        return Ok((fit(a, wider)?, fit(b, wider)?));
    }
    if can_fit(&a, Ty::Float) && can_fit(&b, Ty::Float) && a.ty.is_number() && b.ty.is_number() {
        return Ok((fit(a, Ty::Float)?, fit(b, Ty::Float)?));
    }
    let (a, b) = (settle(a)?, settle(b)?);
    let message = format!("{} cannot be compared with {}", a.ty.words(), b.ty.words());
    let error = RuleError::new(ErrorKind::Type, span, message);
    Err(match (a.ty, b.ty) {
        (Ty::Date, Ty::DateTime) | (Ty::DateTime, Ty::Date) => {
            error.hint("give the day in quotes or as a parameter")
        }
        (Ty::Json, _) | (_, Ty::Json) => error.hint(WHOLE_JSON),
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
                .hint(WHOLE_JSON),
        ),
        Ty::Texts => {
            Err(
                RuleError::new(ErrorKind::Type, span, "lists of texts cannot be compared")
                    .hint("write `\"a\" in list` or `size(list)`"),
            )
        }
        Ty::Bool if !comparison.is_equality() => Err(RuleError::new(
            ErrorKind::Type,
            span,
            "booleans have no order",
        )),
        _ => Ok(Test::Compare(comparison, a, b)),
    }
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
