//! Why a text did not allow: the first clause that was false or unknown, where it stands, and
//! the values it saw.

use serde_json::Value as Json;

use crate::env::{Env, Truth, World};
use crate::error::Span;
use crate::eval::Scope;
use crate::tree::{Cond, CondKind, List, Resolved, Test, Value, ValueKind};
use crate::value::{Ty, Val};

/// The answer and, unless it is true, the clause that decided it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The answer of the whole text.
    pub answer: Truth,
    /// The first clause that was false or unknown; none when the text is true.
    pub clause: Option<Clause>,
}

/// One clause of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// Where it stands.
    pub span: Span,
    /// Its text.
    pub text: String,
    /// What it was.
    pub answer: Truth,
    /// The values it saw, each with its text: null where there was none.
    pub values: Vec<(String, Json)>,
}

impl Resolved {
    /// Evaluates and says which clause was the first to fail.
    #[must_use]
    pub fn explain(&self, env: &Env<'_>, world: &dyn World) -> Explanation {
        let scope = Scope::new(self, env, world);
        let answer = scope.cond(&self.root);
        if answer.allows() {
            return Explanation {
                answer,
                clause: None,
            };
        }
        let cond = first_failing(&self.root, true, &scope);
        let clause = Clause {
            span: cond.span,
            text: cond.span.of(&self.text),
            answer: scope.cond(cond),
            values: self.seen(cond, &scope),
        };
        Explanation {
            answer,
            clause: Some(clause),
        }
    }

    /// The values of a clause that are not written in it.
    fn seen(&self, cond: &Cond, scope: &Scope<'_>) -> Vec<(String, Json)> {
        let mut seen: Vec<(String, Json)> = Vec::new();
        let mut add = |text: String, json: Json| {
            if !seen.iter().any(|(known, _)| *known == text) {
                seen.push((text, json));
            }
        };
        match &cond.kind {
            CondKind::Atom { hops, test } => {
                for value in leaves(test) {
                    let found = scope.with_hops(hops, |scope| scope.shown(value));
                    let json = found.unwrap_or_default();
                    add(value.span.of(&self.text), json);
                }
                if let Test::In {
                    list: List::Slot(slot),
                    ..
                } = test.as_ref()
                {
                    add(slot.name(), scope.list(slot));
                }
            }
            CondKind::Quantified(over) => {
                for slot in &over.guards {
                    add(slot.name(), scope.list(slot));
                }
            }
            _ => {}
        }
        seen
    }
}

impl Scope<'_> {
    /// A value as it is told: of a point both halves.
    fn shown(&self, value: &Value) -> Json {
        match &value.kind {
            ValueKind::Field(field) if field.half.is_some() => {
                self.json(field).cloned().unwrap_or_default()
            }
            _ => self.value(value).json(value.ty),
        }
    }

    fn list(&self, slot: &crate::slot::Slot) -> Json {
        match self.read(slot) {
            Some(values) => values.iter().map(|value| value.json(slot.ty)).collect(),
            None => {
                let value = Value {
                    span: slot.span,
                    ty: slot.ty,
                    kind: ValueKind::Slot(slot.clone()),
                };
                match self.value(&value) {
                    Val::Text(_) if slot.ty == Ty::Present => Json::from("present"),
                    value => value.json(slot.ty),
                }
            }
        }
    }
}

/// Walks to the clause that decided: `want` is the answer that would have allowed.
fn first_failing<'a>(cond: &'a Cond, want: bool, scope: &Scope<'_>) -> &'a Cond {
    let fails = |cond: &Cond, want: bool| scope.cond(cond) != Truth::from(want);
    match &cond.kind {
        CondKind::Not(inner) => first_failing(inner, !want, scope),
        CondKind::And(terms) | CondKind::Or(terms) => terms
            .iter()
            .find(|term| fails(term, want))
            .map_or(cond, |term| first_failing(term, want, scope)),
        CondKind::If(three) => {
            let [c, a, b] = three.as_ref();
            match scope.cond(c) {
                Truth::True => first_failing(a, want, scope),
                Truth::False => first_failing(b, want, scope),
                Truth::Unknown => first_failing(c, true, scope),
            }
        }
        _ => cond,
    }
}

/// The named values of a test, also those within arithmetic and functions.
fn leaves(test: &Test) -> Vec<&Value> {
    let mut leaves = Vec::new();
    let mut open = test.values();
    open.reverse();
    while let Some(value) = open.pop() {
        match &value.kind {
            ValueKind::Const(_) => {}
            ValueKind::Field(_) | ValueKind::Slot(_) | ValueKind::Truth(_) => leaves.push(value),
            ValueKind::Inside(..) => leaves.push(value),
            ValueKind::Count(_) | ValueKind::If(..) => leaves.push(value),
            _ => open.extend(value.parts().into_iter().rev()),
        }
    }
    leaves
}
