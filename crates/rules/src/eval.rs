//! The resolved tree asked in memory: for rows that are not stored, and for realtime, where one
//! change meets many subscribers.

use std::collections::HashMap;

use crate::env::{Env, Row, Truth, World};
use crate::slot::Filled;
use crate::syntax::Operator;
use crate::tree::{
    Cond, CondKind, FieldRef, Guard, Hop, List, Quantified, Quantifier, Resolved, RowRef, Source,
    Test, TextTest, Value, ValueKind,
};
use crate::value::{Val, from_json, like, lower};

impl Resolved {
    /// The answer for the rows in `env`; hops and macros ask `world`.
    #[must_use]
    pub fn eval(&self, env: &Env<'_>, world: &dyn World) -> Truth {
        Scope::new(self, env, world).cond(&self.root)
    }
}

/// The rows in reach of a condition.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    env: &'a Env<'a>,
    world: &'a dyn World,
    hops: &'a [Hop],
    record: Option<&'a Row>,
    next: Option<&'a Row>,
    vars: HashMap<usize, &'a Row>,
    hopped: HashMap<usize, &'a Row>,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(resolved: &'a Resolved, env: &'a Env<'a>, world: &'a dyn World) -> Self {
        Scope {
            env,
            world,
            hops: &resolved.hops,
            record: env.record,
            next: env.next,
            vars: HashMap::new(),
            hopped: HashMap::new(),
        }
    }

    pub(crate) fn cond(&self, cond: &Cond) -> Truth {
        match &cond.kind {
            CondKind::Const(b) => Truth::from(*b),
            CondKind::Not(inner) => self.cond(inner).negated(),
            CondKind::And(terms) => all(terms.iter().map(|term| self.cond(term))),
            CondKind::Or(terms) => any(terms.iter().map(|term| self.cond(term))),
            CondKind::If(three) => {
                let [c, a, b] = three.as_ref();
                match self.cond(c) {
                    Truth::True => self.cond(a),
                    Truth::False => self.cond(b),
                    Truth::Unknown => Truth::Unknown,
                }
            }
            CondKind::Atom { hops, test } => self
                .with_hops(hops, |scope| scope.test(test))
                .unwrap_or(Truth::Unknown),
            CondKind::Quantified(quantified) => self.quantified(quantified),
        }
    }

    /// Runs `f` where the hops lead somewhere the writer may see; none if one leads nowhere.
    pub(crate) fn with_hops<T>(
        &self,
        hops: &[usize],
        f: impl FnOnce(&Scope<'_>) -> T,
    ) -> Option<T> {
        let mut found: Vec<(usize, Row)> = Vec::with_capacity(hops.len());
        for number in hops {
            let hop = self.hops.get(*number)?;
            let mut scope = self.clone();
            scope
                .hopped
                .extend(found.iter().map(|(number, row)| (*number, row)));
            let Val::Uuid(id) = scope.field(&hop.base) else {
                return None;
            };
            let row = self.world.get(&hop.collection, &id)?;
            if !self.seen(&hop.guard, &row) {
                return None;
            }
            found.push((*number, row));
        }
        let mut scope = self.clone();
        scope
            .hopped
            .extend(found.iter().map(|(number, row)| (*number, row)));
        Some(f(&scope))
    }

    fn seen(&self, guard: &Guard, row: &Row) -> bool {
        match guard {
            Guard::Open => true,
            Guard::Closed => false,
            Guard::Rule(rule) => self.rule_of_row(rule, Some(row)),
        }
    }

    fn rule_of_row(&self, rule: &Resolved, row: Option<&Row>) -> bool {
        let scope = Scope {
            env: self.env,
            world: self.world,
            hops: &rule.hops,
            record: row,
            next: row,
            vars: HashMap::new(),
            hopped: HashMap::new(),
        };
        scope.cond(&rule.root).allows()
    }

    fn test(&self, test: &Test) -> Truth {
        match test {
            Test::Flag(value) => match self.value(value) {
                Val::Bool(b) => Truth::from(b),
                _ => Truth::Unknown,
            },
            Test::Compare(comparison, a, b) => match self.value(a).order(&self.value(b)) {
                Some(order) => Truth::from(comparison.holds(order)),
                None => Truth::Unknown,
            },
            Test::Null { value, negated } => {
                Truth::from((self.value(value) == Val::Null) != *negated)
            }
            Test::In { value, list } => self.membership(value, list),
            Test::Like { value, pattern } => match (self.value(value), self.value(pattern)) {
                (Val::Text(text), Val::Text(pattern)) => Truth::from(like(&lower(&text), &pattern)),
                _ => Truth::Unknown,
            },
            Test::Text { how, value, part } => match (self.value(value), self.value(part)) {
                (Val::Text(text), Val::Text(part)) => Truth::from(match how {
                    TextTest::Contains => text.contains(&part),
                    TextTest::StartsWith => text.starts_with(&part),
                    TextTest::EndsWith => text.ends_with(&part),
                }),
                _ => Truth::Unknown,
            },
        }
    }

    fn membership(&self, value: &Value, list: &List) -> Truth {
        let items: Vec<Val> = match list {
            List::Items(items) => items
                .iter()
                .map(|item| self.value(item))
                .filter(|item| *item != Val::Null)
                .collect(),
            List::Slot(slot) => match slot.read(self.env) {
                Ok(Filled::Many(items)) => items,
                _ => return Truth::Unknown,
            },
        };
        let value = self.value(value);
        if items.is_empty() {
            return Truth::False;
        }
        if value == Val::Null {
            return Truth::Unknown;
        }
        Truth::from(
            items
                .iter()
                .any(|item| value.order(item).is_some_and(|order| order.is_eq())),
        )
    }

    fn quantified(&self, over: &Quantified) -> Truth {
        let absent = |slot| matches!(slot_value(slot, self.env), Filled::One(Val::Null));
        if over.guards.iter().any(absent) {
            return Truth::Unknown;
        }
        let rows = self.rows(&over.source);
        let answers = rows.iter().map(|row| {
            let mut scope = self.clone();
            scope.vars.insert(over.source.var, row);
            scope.cond(&over.body)
        });
        match over.quantifier {
            Quantifier::Exists => any(answers),
            Quantifier::All => all(answers),
            Quantifier::ExistsOne => {
                let answers: Vec<Truth> = answers.collect();
                if answers.contains(&Truth::Unknown) {
                    return Truth::Unknown;
                }
                Truth::from(answers.iter().filter(|answer| answer.allows()).count() == 1)
            }
        }
    }

    fn rows(&self, source: &Source) -> Vec<Row> {
        let mut rows = match &source.link {
            None => self.world.rows(&source.collection),
            Some((there, here)) => match self.field(here) {
                Val::Uuid(id) => self.world.pointing(&source.collection, &there.name, &id),
                _ => return Vec::new(),
            },
        };
        if let Some((there, here)) = &source.link {
            let here = self.field(here);
            rows.retain(|row| {
                let mut scope = self.clone();
                scope.vars.insert(source.var, row);
                scope
                    .field(there)
                    .order(&here)
                    .is_some_and(|order| order.is_eq())
            });
        }
        rows.retain(|row| self.seen(&source.guard, row));
        rows
    }

    /// The items of a list slot; none if it is not a list.
    pub(crate) fn read(&self, slot: &crate::slot::Slot) -> Option<Vec<Val>> {
        match slot_value(slot, self.env) {
            Filled::Many(items) => Some(items),
            Filled::One(_) => None,
        }
    }

    pub(crate) fn value(&self, value: &Value) -> Val {
        match &value.kind {
            ValueKind::Const(val) => val.clone(),
            ValueKind::Field(field) => self.field(field),
            ValueKind::Slot(slot) => match slot_value(slot, self.env) {
                Filled::One(value) => value,
                Filled::Many(_) => Val::Null,
            },
            ValueKind::Arithmetic(operator, both) => {
                let [a, b] = both.as_ref();
                arithmetic(*operator, &self.value(a), &self.value(b))
            }
            ValueKind::Real(inner) => match self.value(inner) {
                #[expect(clippy::cast_precision_loss, reason = "both engines round it alike")]
                Val::Int(n) => Val::Float(n as f64),
                other => other,
            },
            ValueKind::Calm(inner) => match self.value(inner) {
                Val::Float(n) if n.abs() < 1e-50 => Val::Float(0.0),
                Val::Float(n) if n.abs() <= 1e50 => Val::Float(n),
                _ => Val::Null,
            },
            ValueKind::Lower(inner) => match self.value(inner) {
                Val::Text(text) => Val::Text(lower(&text)),
                _ => Val::Null,
            },
            ValueKind::Length(inner) => match self.value(inner) {
                Val::Text(text) => Val::Int(length(text.chars().count())),
                _ => Val::Null,
            },
            ValueKind::Part(part, inner) => match self.value(inner) {
                Val::DateTime(at) | Val::Date(at) => part.of(&at).map_or(Val::Null, Val::Int),
                _ => Val::Null,
            },
            ValueKind::If(cond, both) => {
                let [a, b] = both.as_ref();
                match self.cond(cond) {
                    Truth::True => self.value(a),
                    Truth::False => self.value(b),
                    Truth::Unknown => Val::Null,
                }
            }
            ValueKind::Truth(cond) => match self.cond(cond) {
                Truth::True => Val::Bool(true),
                Truth::False => Val::Bool(false),
                Truth::Unknown => Val::Null,
            },
            ValueKind::Count(source) => Val::Int(length(self.rows(source).len())),
            ValueKind::Moved(..) | ValueKind::Between(_) => Val::Null,
        }
    }

    /// A field of a row, null where its mask is not true.
    fn field(&self, field: &FieldRef) -> Val {
        let row = match field.row {
            RowRef::Record => self.record,
            RowRef::Next => self.next,
            RowRef::Var(var) => self.vars.get(&var).copied(),
            RowRef::Hop(hop) => self.hopped.get(&hop).copied(),
        };
        let readable = field
            .mask
            .as_ref()
            .is_none_or(|rule| self.rule_of_row(rule, row));
        let json = row.and_then(|row| row.get(&field.name));
        match json {
            Some(json) if readable => from_json(json, field.ty).unwrap_or(Val::Null),
            _ => Val::Null,
        }
    }
}

/// A slot's value; what cannot be taken denies as an absent value does, since evaluation has
/// nobody to report to.
fn slot_value(slot: &crate::slot::Slot, env: &Env<'_>) -> Filled {
    slot.read(env).unwrap_or(Filled::One(Val::Null))
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn arithmetic(operator: Operator, a: &Val, b: &Val) -> Val {
    match (a, b) {
        (Val::Int(a), Val::Int(b)) => {
            let result = match operator {
                _ if *a == i64::MIN => None,
                Operator::Divide => a.checked_div(*b),
                Operator::Remainder => a.checked_rem(*b),
                _ => None,
            };
            result.map_or(Val::Null, Val::Int)
        }
        (Val::Float(a), Val::Float(b)) => match operator {
            Operator::Add => Val::Float(a + b),
            Operator::Subtract => Val::Float(a - b),
            Operator::Multiply => Val::Float(a * b),
            Operator::Divide if *b != 0.0 => Val::Float(a / b),
            _ => Val::Null,
        },
        _ => Val::Null,
    }
}

fn all(answers: impl Iterator<Item = Truth>) -> Truth {
    any(answers.map(Truth::negated)).negated()
}

fn any(answers: impl Iterator<Item = Truth>) -> Truth {
    let mut sum = Truth::False;
    for answer in answers {
        match answer {
            Truth::True => return Truth::True,
            Truth::Unknown => sum = Truth::Unknown,
            Truth::False => {}
        }
    }
    sum
}
