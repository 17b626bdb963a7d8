//! Membership: `x in [...]` and `x in` a list that the request brings.

use super::{Resolver, fit};
use crate::error::{ErrorKind, RuleError, Span};
use crate::json::Path;
use crate::slot::{From, Slot};
use crate::syntax::{Node, NodeKind};
use crate::tree::{List, Test, Value, ValueKind};
use crate::value::Ty;

impl Resolver<'_> {
    pub(super) fn membership(&mut self, both: &[Node; 2]) -> Result<Test, RuleError> {
        let [needle, list] = both;
        let value = self.value(needle)?;
        if let NodeKind::List(nodes) = &list.kind {
            let mut items = Vec::with_capacity(nodes.len());
            for node in nodes
                .iter()
                .filter(|node| !matches!(node.kind, NodeKind::Null))
            {
                items.push(self.value(node)?);
            }
            return self.items(value, items);
        }
        let not_a_list = |span: Span| {
            RuleError::new(
                ErrorKind::Type,
                span,
                "after `in` there must be a list of values",
            )
            .hint("`[a, b]`, a list parameter, auth.roles, auth.teams or a claim")
        };
        if matches!(&list.kind, NodeKind::Call { name, target: None, .. } if name == "json") {
            let array = self.value(list)?;
            return in_array(value, array);
        }
        if !matches!(list.kind, NodeKind::Name(_) | NodeKind::Select(..)) {
            return Err(not_a_list(list.span));
        }
        if let Some(pairs) = self.pairs_of(list)? {
            let value = fit::expect(value, Ty::Uuid)?;
            let list = List::Pairs(pairs);
            return Ok(Test::In { value, list });
        }
        let haystack = self.value(list)?;
        if haystack.ty == Ty::Texts {
            let value = fit::expect(value, Ty::Text)?;
            return in_array(
                value,
                Value {
                    span: haystack.span,
                    ty: Ty::Texts,
                    kind: ValueKind::Inside(Box::new(haystack), Path::root()),
                },
            );
        }
        match haystack.kind {
            ValueKind::Slot(mut slot)
                if slot.list || (slot.ty == Ty::Open && matches!(slot.from, From::Claim(_))) =>
            {
                let value = match value.ty {
                    Ty::Dynamic => fit::fit(value, self.items_of(&slot))?,
                    _ => fit::settle(value)?,
                };
                if matches!(value.ty, Ty::Json | Ty::Texts | Ty::Duration) {
                    let message = format!("{} cannot be looked for in a list", value.ty.words());
                    return Err(RuleError::new(ErrorKind::Type, value.span, message));
                }
                slot.list = true;
                slot.ty = value.ty;
                Ok(Test::In {
                    value,
                    list: List::Slot(slot),
                })
            }
            _ => Err(not_a_list(list.span)),
        }
    }

    /// The type that the inside of a json value takes beside a list: that of a parameter's first item.
    fn items_of(&self, slot: &Slot) -> Ty {
        let items = match &slot.from {
            From::Param(name) => self.params.and_then(|params| params.get(name)),
            _ => None,
        };
        let first = items.and_then(|items| items.as_array()?.iter().find(|item| !item.is_null()));
        match first {
            Some(serde_json::Value::Number(_)) => Ty::Float,
            Some(serde_json::Value::Bool(_)) => Ty::Bool,
            _ => Ty::Text,
        }
    }

    /// Gives the value and all items one type: that of whichever has a type of its own.
    fn items(&self, value: Value, items: Vec<Value>) -> Result<Test, RuleError> {
        let firm = |value: &&Value| {
            !matches!(value.kind, ValueKind::Const(_) | ValueKind::Slot(_))
                && value.ty != Ty::Dynamic
        };
        let all = || std::iter::once(&value).chain(&items);
        let mut ty = all()
            .find(firm)
            .or_else(|| all().find(|value| !matches!(value.ty, Ty::Open | Ty::Text | Ty::Dynamic)))
            .map_or(Ty::Text, |value| value.ty);
        if let Some(json) = all().find(|value| value.ty == Ty::Dynamic) {
            let other = all().find(|value| value.ty == ty);
            ty = match other {
                Some(other) => fit::beside(other).ok_or_else(|| fit::untyped(json.span))?,
                None => ty,
            };
        }
        if ty.is_number() {
            // The type that takes all of them: doubles, or the most digits after the point.
            let scale = |value: &Value| match value.ty {
                Ty::Decimal(scale) => Some(scale),
                _ => None,
            };
            let widest = all().filter_map(scale).max();
            let real = |value: &Value| {
                value.ty == Ty::Float && (firm(&value) || !fit::can_fit(value, Ty::Int))
            };
            ty = match widest {
                Some(_) if all().any(|value| value.ty == Ty::Float && firm(&value)) => Ty::Float,
                Some(scale) => Ty::Decimal(scale),
                None if all().any(real) => Ty::Float,
                None => ty,
            };
        }
        if matches!(ty, Ty::Json | Ty::Texts | Ty::Duration | Ty::Point) {
            let message = format!("{} cannot be looked for in a list", ty.words());
            return Err(RuleError::new(ErrorKind::Type, value.span, message));
        }
        let value = fit::expect(value, ty)?;
        let items = items
            .into_iter()
            .map(|item| fit::expect(item, ty))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Test::In {
            value,
            list: List::Items(items),
        })
    }
}

/// Whether an array inside of a json field has a value: a text, a number or a boolean.
fn in_array(value: Value, mut array: Value) -> Result<Test, RuleError> {
    let ty = fit::beside(&value).ok_or_else(|| {
        let message = format!("{} cannot be looked for in json", value.ty.words());
        RuleError::new(ErrorKind::Type, value.span, message)
    })?;
    let value = fit::expect(value, ty)?;
    array.ty = ty;
    let list = List::Inside(array);
    Ok(Test::In { value, list })
}
