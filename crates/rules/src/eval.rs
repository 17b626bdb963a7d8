//! The resolved tree asked in memory: for rows that are not stored, and for realtime, where one
//! change meets many subscribers.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::env::{Env, Row, Truth, World};
use crate::json;
use crate::slot::Filled;
use crate::syntax::Operator;
use crate::tree::{
    Cond, CondKind, FieldRef, Guard, Hop, Link, List, PairsRef, Quantified, Quantifier, Resolved,
    RowRef, Source, Test, TextTest, Value, ValueKind,
};
use crate::value::{Ty, Val, from_json, like, lower, power_of_ten};

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
        Self::over(&resolved.hops, env, world)
    }

    pub(crate) fn over(hops: &'a [Hop], env: &'a Env<'a>, world: &'a dyn World) -> Self {
        Scope {
            env,
            world,
            hops,
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
            CondKind::Quantified(over) => self
                .with_hops(&over.hops, |scope| scope.quantified(over))
                .unwrap_or(Truth::Unknown),
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
            List::Inside(array) => match &array.kind {
                ValueKind::Inside(json, path) => match self.value(json) {
                    Val::Json(json) => match path.find(&json) {
                        Some(Json::Array(items)) => items
                            .iter()
                            .map(|item| json::take(item, array.ty))
                            .filter(|item| *item != Val::Null)
                            .collect(),
                        _ => return Truth::Unknown,
                    },
                    _ => return Truth::Unknown,
                },
                _ => return Truth::Unknown,
            },
            List::Pairs(list) => match self.pairs(list) {
                Some(ids) => ids,
                None => return Truth::Unknown,
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
        let Some(rows) = self.rows(&over.source) else {
            return Truth::Unknown;
        };
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

    /// The rows of a source that the writer may see; none where there is no such list.
    fn rows(&self, source: &Source) -> Option<Vec<Row>> {
        let mut rows = match &source.link {
            Link::All => self.world.rows(&source.collection),
            Link::Back { there, here } => {
                let here = self.field(here);
                let mut rows = match &here {
                    Val::Uuid(id) => self.world.pointing(&source.collection, &there.name, id),
                    _ => Vec::new(),
                };
                rows.retain(|row| {
                    let mut scope = self.clone();
                    scope.vars.insert(source.var, row);
                    scope
                        .field(there)
                        .order(&here)
                        .is_some_and(|order| order.is_eq())
                });
                rows
            }
            Link::Listing { list, here } => {
                let here = self.field(here);
                let mut rows = match &here {
                    Val::Uuid(id) => {
                        let name = &list.field.name;
                        self.world.pointing(&source.collection, name, id)
                    }
                    _ => Vec::new(),
                };
                rows.retain(|row| {
                    let mut scope = self.clone();
                    scope.vars.insert(source.var, row);
                    scope.pairs(list).is_some_and(|ids| ids.contains(&here))
                });
                rows
            }
            Link::Pairs { list, .. } => {
                let mut ids = Vec::new();
                for id in self.pairs(list)? {
                    if let Val::Uuid(id) = id
                        && !ids.contains(&id)
                    {
                        ids.push(id);
                    }
                }
                let get = |id: String| self.world.get(&source.collection, &id);
                ids.into_iter().filter_map(get).collect()
            }
        };
        rows.retain(|row| self.seen(&source.guard, row));
        Some(rows)
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
                #[expect(clippy::cast_precision_loss, reason = "both engines round it alike")]
                Val::Decimal(n) => match inner.ty {
                    Ty::Decimal(scale) => Val::Float(n as f64 / power_of_ten(scale) as f64),
                    _ => Val::Null,
                },
                other => other,
            },
            ValueKind::Rescaled(inner, digits) => match self.value(inner) {
                // What does not fit is greater than any decimal still.
                Val::Int(n) | Val::Decimal(n) => {
                    Val::Decimal(n.saturating_mul(power_of_ten(*digits)))
                }
                other => other,
            },
            ValueKind::Inside(inner, path) => match self.value(inner) {
                Val::Json(json) => path
                    .find(&json)
                    .map_or(Val::Null, |found| json::take(found, value.ty)),
                _ => Val::Null,
            },
            ValueKind::Ranged(half, inner) => match self.value(inner) {
                Val::Float(degrees) if half.takes(degrees) => Val::Float(degrees),
                _ => Val::Null,
            },
            ValueKind::Distance(four) => match four.each_ref().map(|half| self.value(half)) {
                [
                    Val::Float(lat_a),
                    Val::Float(lon_a),
                    Val::Float(lat_b),
                    Val::Float(lon_b),
                ] => Val::Float(kernel::geo::distance_m((lat_a, lon_a), (lat_b, lon_b))),
                _ => Val::Null,
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
            ValueKind::Items(inner) => match self.value(inner) {
                Val::Json(Json::Array(items)) => {
                    i64::try_from(items.len()).map_or(Val::Null, Val::Int)
                }
                _ => Val::Null,
            },
            ValueKind::Length(inner) => match self.value(inner) {
                Val::Text(text) => Val::Int(length(text.chars().count())),
                _ => Val::Null,
            },
            ValueKind::Part(part, offset, inner) => match self.value(inner) {
                Val::DateTime(at) | Val::Date(at) => match offset {
                    None => part.of(&at),
                    Some(minutes) => part.at(&at, *minutes),
                }
                .map_or(Val::Null, Val::Int),
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
            ValueKind::Count(source) => self
                .rows(source)
                .map_or(Val::Null, |rows| Val::Int(length(rows.len()))),
            ValueKind::Moved(..) | ValueKind::Between(_) | ValueKind::Point(_) => Val::Null,
        }
    }

    /// A field of a row, null where its mask is not true.
    fn field(&self, field: &FieldRef) -> Val {
        let Some(json) = self.json(field) else {
            return Val::Null;
        };
        match field.half {
            None => from_json(json, field.ty).unwrap_or(Val::Null),
            Some(half) => half.of(json).map_or(Val::Null, Val::Float),
        }
    }

    /// A field of a row as it is on the wire; none where its mask is not true.
    pub(crate) fn json(&self, field: &FieldRef) -> Option<&Json> {
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
        row.and_then(|row| row.get(&field.name))
            .filter(|_| readable)
    }

    /// The ids in a list of records; none where there is no such list.
    fn pairs(&self, list: &PairsRef) -> Option<Vec<Val>> {
        let items = self.json(&list.field)?.as_array()?;
        Some(
            items
                .iter()
                .filter_map(|item| from_json(item, Ty::Uuid))
                .filter(|item| *item != Val::Null)
                .collect(),
        )
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
        (Val::Decimal(a), Val::Decimal(b)) => {
            let sum = match operator {
                Operator::Add => a.checked_add(*b),
                _ => a.checked_sub(*b),
            };
            sum.map_or(Val::Null, Val::Decimal)
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
