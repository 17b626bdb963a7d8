//! Values: constants, functions and arithmetic.

use super::arithmetic::arithmetic;
use super::{Resolver, fit};
use crate::error::{ErrorKind, RuleError, Span};
use crate::syntax::{Node, NodeKind, Operator};
use crate::times::{self, Part};
use crate::tree::{Value, ValueKind};
use crate::value::{Ty, Val};

/// What may be written besides operators, for the hint at anything else.
const FUNCTIONS: &str = "has, size, lower, timestamp, duration, contains, startsWith, endsWith, \
    matches_like, json, point, box, distance, within, exists, all, exists_one, collection and date \
    parts such as getFullYear";

impl Resolver<'_> {
    pub(super) fn value(&mut self, node: &Node) -> Result<Value, RuleError> {
        let span = node.span;
        let constant = |ty, val| {
            Ok(Value {
                span,
                ty,
                kind: ValueKind::Const(val),
            })
        };
        match &node.kind {
            NodeKind::Bool(b) => constant(Ty::Bool, Val::Bool(*b)),
            NodeKind::Int(n) => constant(Ty::Int, Val::Int(*n)),
            NodeKind::Float(n) => constant(Ty::Float, Val::Float(*n)),
            NodeKind::Text(s) => constant(Ty::Text, Val::Text(s.clone())),
            NodeKind::Null => Err(RuleError::new(
                ErrorKind::Type,
                span,
                "null can only be compared, with `==` and `!=`",
            )),
            NodeKind::List(_) => Err(RuleError::new(
                ErrorKind::Type,
                span,
                "a list can only stand after `in`",
            )),
            NodeKind::Name(_) | NodeKind::Select(..) => self.path(node),
            NodeKind::Not(_)
            | NodeKind::And(_)
            | NodeKind::Or(_)
            | NodeKind::Compare(..)
            | NodeKind::In(_) => self.truth(node),
            NodeKind::If(three) => {
                let [cond, a, b] = three.as_ref();
                let cond = self.cond(cond)?;
                let (a, b) = fit::unify(self.value(a)?, self.value(b)?, span)?;
                let (a, b) = (fit::settle(a)?, fit::settle(b)?);
                let ty = a.ty;
                Ok(Value {
                    span,
                    ty,
                    kind: ValueKind::If(Box::new(cond), Box::new([a, b])),
                })
            }
            NodeKind::Negative(inner) => {
                let value = self.value(inner)?;
                if let (Ty::Duration, ValueKind::Const(Val::Duration(n))) = (value.ty, &value.kind)
                {
                    return constant(Ty::Duration, Val::Duration(-n));
                }
                let zero = Value {
                    span,
                    ty: Ty::Int,
                    kind: ValueKind::Const(Val::Int(0)),
                };
                arithmetic(Operator::Subtract, zero, value, span)
            }
            NodeKind::Arithmetic(operator, both) => {
                let [a, b] = both.as_ref();
                let (a, b) = (self.value(a)?, self.value(b)?);
                arithmetic(*operator, a, b, span)
            }
            NodeKind::Call { name, target, args } => self.call(node, name, target.as_deref(), args),
        }
    }

    fn truth(&mut self, node: &Node) -> Result<Value, RuleError> {
        let cond = Box::new(self.cond(node)?);
        Ok(Value {
            span: node.span,
            ty: Ty::Bool,
            kind: ValueKind::Truth(cond),
        })
    }

    fn call(
        &mut self,
        node: &Node,
        name: &str,
        target: Option<&Node>,
        args: &[Node],
    ) -> Result<Value, RuleError> {
        let span = node.span;
        let value = |ty, kind| Ok(Value { span, ty, kind });
        match (name, target, args) {
            ("has", None, [_])
            | ("within", None, [_, ..])
            | ("contains" | "startsWith" | "endsWith" | "matches_like", Some(_), [_])
            | ("exists" | "all" | "exists_one", Some(_), [_, _]) => self.truth(node),
            ("size", None, [of]) | ("size", Some(of), []) => self.size_of(of, span),
            ("lower", None, [of]) | ("lower", Some(of), []) => {
                let text = self.text_value(of)?;
                value(Ty::Text, ValueKind::Lower(Box::new(text)))
            }
            (
                "timestamp",
                None,
                [
                    Node {
                        kind: NodeKind::Text(text),
                        span: at,
                    },
                ],
            ) => match times::moment(text) {
                Some(at) => value(Ty::DateTime, ValueKind::Const(Val::DateTime(at))),
                None => Err(fit::malformed(text, Ty::DateTime, *at)),
            },
            ("timestamp", None, [of]) => {
                let inner = self.value(of)?;
                fit::expect(inner, Ty::DateTime)
            }
            (
                "duration",
                None,
                [
                    Node {
                        kind: NodeKind::Text(text),
                        span: at,
                    },
                ],
            ) => match times::duration(text) {
                Some(micros) => value(Ty::Duration, ValueKind::Const(Val::Duration(micros))),
                None => Err(fit::malformed(text, Ty::Duration, *at)),
            },
            ("duration", None, [of]) => Err(RuleError::new(
                ErrorKind::Type,
                of.span,
                "`duration` takes a text in quotes, such as \"90m\"",
            )),
            ("json", None, [field, path]) => self.inside(field, path, span),
            ("point", None, [lat, lon]) => self.point(lat, lon, span),
            ("distance", None, [a, b]) => self.distance(a, b, span),
            (_, Some(of), [] | [_]) if Part::named(name).is_some() => {
                self.part(name, of, args.first(), span)
            }
            _ => Err(refused(name, target.is_some(), args.len(), span)),
        }
    }

    fn size_of(&mut self, of: &Node, span: Span) -> Result<Value, RuleError> {
        let is_rows = matches!(&of.kind, NodeKind::Call { name, target: None, .. } if name == "collection")
            || self.names_rows(of);
        if is_rows {
            let (source, _) = self.source(of)?;
            let kind = ValueKind::Count(Box::new(source));
            return Ok(Value {
                span,
                ty: Ty::Int,
                kind,
            });
        }
        let value = self.value(of)?;
        if value.ty == Ty::Texts {
            let kind = ValueKind::Items(Box::new(value));
            return Ok(Value {
                span,
                ty: Ty::Int,
                kind,
            });
        }
        let text = fit::expect(value, Ty::Text)?;
        Ok(Value {
            span,
            ty: Ty::Int,
            kind: ValueKind::Length(Box::new(text)),
        })
    }

    fn part(
        &mut self,
        name: &str,
        of: &Node,
        zone: Option<&Node>,
        span: Span,
    ) -> Result<Value, RuleError> {
        let Some(part) = Part::named(name) else {
            return Err(refused(name, true, 0, span));
        };
        let value = self.value(of)?;
        let value = if value.ty == Ty::Date {
            if !part.of_a_day() {
                let message = format!("a date has no time of day for `{name}`");
                return Err(RuleError::new(ErrorKind::Type, span, message));
            }
            if let Some(zone) = zone {
                let message = "a date is the same everywhere: it takes no zone";
                return Err(RuleError::new(ErrorKind::Type, zone.span, message));
            }
            value
        } else {
            let value = fit::expect(value, Ty::DateTime)?;
            fit::settle(value)?
        };
        let offset = zone.map(offset).transpose()?;
        Ok(Value {
            span,
            ty: Ty::Int,
            kind: ValueKind::Part(part, offset, Box::new(value)),
        })
    }
}

/// The offset that a zone in quotes is, in minutes.
fn offset(zone: &Node) -> Result<i32, RuleError> {
    let NodeKind::Text(text) = &zone.kind else {
        let message = "a zone is a text in quotes, such as \"+02:00\"";
        return Err(RuleError::new(ErrorKind::Type, zone.span, message));
    };
    times::offset(text).ok_or_else(|| {
        let shown: String = text.chars().take(80).collect();
        let message = format!("`{shown}` is not an offset from UTC");
        RuleError::new(ErrorKind::Value, zone.span, message).hint(
            "write \"UTC\" or an offset such as \"+02:00\"; zones with names change their rules, \
             and not on every engine at once",
        )
    })
}

fn refused(name: &str, method: bool, args: usize, span: Span) -> RuleError {
    let known = FUNCTIONS.split([',', ' ']).any(|word| word == name) || Part::named(name).is_some();
    match name {
        "matches" => RuleError::new(
            ErrorKind::UnknownFunction,
            span,
            "regular expressions are not in the language",
        )
        .hint("use contains, startsWith, endsWith or matches_like"),
        "map" | "filter" => RuleError::new(
            ErrorKind::UnknownFunction,
            span,
            format!("the macro `{name}` is not in the language"),
        )
        .hint("use exists, all or exists_one"),
        _ if known => {
            let how = if method { "x.f(...)" } else { "f(...)" };
            let message = format!("`{name}` cannot be called as {how} with {args} arguments");
            RuleError::new(ErrorKind::Type, span, message)
        }
        _ => RuleError::new(
            ErrorKind::UnknownFunction,
            span,
            format!("the function `{name}` is not in the language"),
        )
        .hint(format!("the functions are {FUNCTIONS}")),
    }
}
