//! Values: constants, functions and arithmetic.

use super::{Resolver, fit};
use crate::error::{ErrorKind, RuleError, Span};
use crate::syntax::{Node, NodeKind, Operator};
use crate::times::{self, Part};
use crate::tree::{Value, ValueKind};
use crate::value::{Ty, Val};

/// What may be written besides operators, for the hint at anything else.
const FUNCTIONS: &str = "has, size, lower, timestamp, duration, contains, startsWith, endsWith, \
    matches_like, exists, all, exists_one, collection and date parts such as getFullYear";

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
                fit::arithmetic(Operator::Subtract, zero, value, span)
            }
            NodeKind::Arithmetic(operator, both) => {
                let [a, b] = both.as_ref();
                let (a, b) = (self.value(a)?, self.value(b)?);
                fit::arithmetic(*operator, a, b, span)
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
            (_, Some(of), []) if Part::named(name).is_some() => self.part(name, of, span),
            _ => Err(refused(name, target.is_some(), args.len(), span)),
        }
    }

    fn size_of(&mut self, of: &Node, span: Span) -> Result<Value, RuleError> {
        let is_rows = matches!(&of.kind, NodeKind::Call { name, target: None, .. } if name == "collection")
            || self.is_back_relation(of);
        if is_rows {
            let (source, _) = self.source(of)?;
            let kind = ValueKind::Count(Box::new(source));
            return Ok(Value {
                span,
                ty: Ty::Int,
                kind,
            });
        }
        let text = self.text_value(of)?;
        Ok(Value {
            span,
            ty: Ty::Int,
            kind: ValueKind::Length(Box::new(text)),
        })
    }

    fn is_back_relation(&mut self, node: &Node) -> bool {
        match self.back_path(node) {
            Ok((_, of, name, _)) => {
                self.catalogue.field(&of, &name).is_none()
                    && self.catalogue.back_relation(&of, &name).is_some()
            }
            Err(_) => false,
        }
    }

    fn part(&mut self, name: &str, of: &Node, span: Span) -> Result<Value, RuleError> {
        let Some(part) = Part::named(name) else {
            return Err(refused(name, true, 0, span));
        };
        let value = self.value(of)?;
        let value = if value.ty == Ty::Date {
            if !part.of_a_day() {
                let message = format!("a date has no time of day for `{name}`");
                return Err(RuleError::new(ErrorKind::Type, span, message));
            }
            value
        } else {
            fit::expect(value, Ty::DateTime)?
        };
        Ok(Value {
            span,
            ty: Ty::Int,
            kind: ValueKind::Part(part, Box::new(value)),
        })
    }
}

fn refused(name: &str, method: bool, args: usize, span: Span) -> RuleError {
    let known = FUNCTIONS.split([',', ' ']).any(|word| word == name) || Part::named(name).is_some();
    let unsupported = |hint: &str| {
        let message = format!("`{name}` is not available yet");
        RuleError::new(ErrorKind::Unsupported, span, message).hint(hint)
    };
    match name {
        "json" => unsupported("give what you filter by a field of its own"),
        "point" | "distance" | "within" => {
            unsupported("keep latitude and longitude in number fields and compare those")
        }
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
