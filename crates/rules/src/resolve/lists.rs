//! Membership: `x in [...]` and `x in` a list that the request brings.

use super::{Resolver, fit};
use crate::error::{ErrorKind, RuleError, Span};
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
        if !matches!(list.kind, NodeKind::Name(_) | NodeKind::Select(..)) {
            return Err(not_a_list(list.span));
        }
        let haystack = self.value(list)?;
        match haystack.kind {
            ValueKind::Slot(mut slot)
                if slot.list
                    || (slot.ty == Ty::Open
                        && matches!(slot.from, crate::slot::From::Claim(_))) =>
            {
                let value = fit::settle(value)?;
                if matches!(value.ty, Ty::Json | Ty::Duration) {
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

    /// Gives the value and all items one type: that of whichever has a type of its own.
    fn items(&self, value: Value, items: Vec<Value>) -> Result<Test, RuleError> {
        let firm = |value: &&Value| !matches!(value.kind, ValueKind::Const(_) | ValueKind::Slot(_));
        let all = || std::iter::once(&value).chain(&items);
        let mut ty = all()
            .find(firm)
            .or_else(|| all().find(|value| !matches!(value.ty, Ty::Open | Ty::Text)))
            .map_or(Ty::Text, |value| value.ty);
        if ty == Ty::Int && all().any(|item| item.ty == Ty::Float && !fit::can_fit(item, Ty::Int)) {
            ty = Ty::Float;
        }
        if matches!(ty, Ty::Json | Ty::Duration) {
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
