//! The resolved tree: every name is a column, a slot or a constant of a known type, so that
//! compiling it and evaluating it cannot fail.

use std::sync::Arc;

use crate::catalogue::Pairs;
use crate::error::Span;
use crate::geo::Half;
use crate::json::Path;
use crate::slot::Slot;
use crate::syntax::{Comparison, Operator};
use crate::times::Part;
use crate::value::{Ty, Val};

/// A text that was parsed, checked against a catalogue and is ready to be compiled, evaluated
/// and explained.
#[derive(Debug)]
pub struct Resolved {
    pub(crate) text: String,
    pub(crate) root: Cond,
    pub(crate) hops: Vec<Hop>,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) names_next: bool,
    pub(crate) names_auth: bool,
    pub(crate) needs_sql: bool,
    /// How many conditions "is true" and "is false" compile to.
    pub(crate) size: Size,
}

impl Resolved {
    /// The text this was made from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it only compares the row's own fields with constants and each other: the same for every request, and
    /// quick to know without anything but the row. So it can say which rows an index holds.
    #[must_use]
    pub fn is_simple(&self) -> bool {
        !self.needs_sql && !self.names_next && self.hops.is_empty() && is_simple(&self.root)
    }

    /// Whether it looks at other rows, so that the row alone does not answer it.
    #[must_use]
    pub fn needs_sql(&self) -> bool {
        self.needs_sql
    }

    /// Whether it names `next`.
    #[must_use]
    pub fn names_next(&self) -> bool {
        self.names_next
    }

    /// Whether it names `auth`.
    #[must_use]
    pub fn names_auth(&self) -> bool {
        self.names_auth
    }

    /// Every (collection, field) it names, sorted, once each: a schema change that takes one of
    /// them away would break it. A collection that is named as a whole stands with its `id`.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

fn is_simple(cond: &Cond) -> bool {
    let plain = |value: &Value| match &value.kind {
        ValueKind::Const(_) => true,
        ValueKind::Field(field) => {
            field.mask.is_none() && !matches!(value.ty, Ty::Json | Ty::Texts)
        }
        _ => false,
    };
    match &cond.kind {
        CondKind::Const(_) => true,
        CondKind::Not(inner) => is_simple(inner),
        CondKind::And(terms) | CondKind::Or(terms) => terms.iter().all(is_simple),
        CondKind::Atom { hops, test } => {
            let kind = matches!(
                test.as_ref(),
                Test::Flag(_)
                    | Test::Compare(..)
                    | Test::Null { .. }
                    | Test::In {
                        list: List::Items(_),
                        ..
                    }
            );
            let null = matches!(test.as_ref(), Test::Null { value, .. } if matches!(&value.kind, ValueKind::Field(f) if f.mask.is_none()));
            hops.is_empty() && kind && (null || test.values().into_iter().all(plain))
        }
        CondKind::If(_) | CondKind::Quantified(_) => false,
    }
}

/// How large the two compiled expressions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub truth: u64,
    pub falsity: u64,
}

/// A three-valued condition.
#[derive(Debug)]
pub(crate) struct Cond {
    pub span: Span,
    pub kind: CondKind,
}

#[derive(Debug)]
pub(crate) enum CondKind {
    Const(bool),
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
    If(Box<[Cond; 3]>),
    /// A test of values. It is UNKNOWN when one of the rows it hops to is not found.
    Atom {
        hops: Vec<usize>,
        test: Box<Test>,
    },
    Quantified(Box<Quantified>),
}

/// A test of values.
#[derive(Debug)]
pub(crate) enum Test {
    /// A boolean value is itself the answer.
    Flag(Value),
    Compare(Comparison, Value, Value),
    /// Whether a value is null; never UNKNOWN.
    Null {
        value: Value,
        negated: bool,
    },
    In {
        value: Value,
        list: List,
    },
    Text {
        how: TextTest,
        value: Value,
        part: Value,
    },
    /// Case-insensitive; the pattern is ready-made, see `like_pattern`.
    Like {
        value: Value,
        pattern: Value,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
}

/// What a value is looked for in.
#[derive(Debug)]
pub(crate) enum List {
    Items(Vec<Value>),
    Slot(Slot),
    /// An array inside of a json field; items of other types than the value's do not count.
    Inside(Value),
    Pairs(PairsRef),
}

/// A macro over the rows of a source.
#[derive(Debug)]
pub(crate) struct Quantified {
    /// The steps to the row whose rows these are.
    pub hops: Vec<usize>,
    pub quantifier: Quantifier,
    pub source: Source,
    pub body: Cond,
    /// What the body names that a request may leave out: absent, it makes all of it UNKNOWN.
    pub guards: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Exists,
    All,
    ExistsOne,
}

/// The rows of a collection, all of them or those that point to a row.
#[derive(Debug)]
pub(crate) struct Source {
    pub var: usize,
    pub collection: String,
    pub table: String,
    pub link: Link,
    pub guard: Guard,
}

/// Which rows of a collection a source has.
#[derive(Debug)]
pub(crate) enum Link {
    All,
    /// Those whose field is the id over here.
    Back {
        there: FieldRef,
        here: FieldRef,
    },
    /// Those whose id is in a list.
    Pairs {
        id: FieldRef,
        list: PairsRef,
    },
    /// Those in whose list the id over here is.
    Listing {
        list: PairsRef,
        here: FieldRef,
    },
}

/// The ids of a field that points to any number of records.
#[derive(Clone, Debug)]
pub(crate) struct PairsRef {
    /// The field: of its row come the name of the list and its mask.
    pub field: FieldRef,
    /// The id of that row.
    pub id: FieldRef,
    pub pairs: Pairs,
}

/// Which rows of a source or a hop exist for whoever wrote the text.
#[derive(Clone, Debug)]
pub(crate) enum Guard {
    Open,
    Closed,
    Rule(Arc<Resolved>),
}

/// A step along a relation, used by one atom.
#[derive(Debug)]
pub(crate) struct Hop {
    pub base: FieldRef,
    pub collection: String,
    pub table: String,
    /// The id column over there.
    pub id: FieldRef,
    pub guard: Guard,
}

/// A row that a field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RowRef {
    Record,
    Next,
    /// A macro's variable.
    Var(usize),
    /// An index into [`Resolved::hops`].
    Hop(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct FieldRef {
    pub row: RowRef,
    pub name: String,
    pub column: String,
    pub ty: Ty,
    /// Which half of a point it is.
    pub half: Option<Half>,
    /// Where this is not true, the field is null for whoever wrote the text.
    pub mask: Option<Arc<Resolved>>,
}

/// A value of a known type.
#[derive(Debug)]
pub(crate) struct Value {
    pub span: Span,
    pub ty: Ty,
    pub kind: ValueKind,
}

#[derive(Debug)]
pub(crate) enum ValueKind {
    Const(Val),
    Field(FieldRef),
    Slot(Slot),
    /// The only computed number that stays an integer is a quotient or remainder of integers.
    Arithmetic(Operator, Box<[Value; 2]>),
    /// An integer or a decimal as a double.
    Real(Box<Value>),
    /// A decimal, or an integer, with more digits after the point.
    Rescaled(Box<Value>, u32),
    /// A double that arithmetic can take without overflow: tiny is zero, huge is null.
    Calm(Box<Value>),
    Lower(Box<Value>),
    Length(Box<Value>),
    /// How many items a list of texts has.
    Items(Box<Value>),
    /// A part of a moment, at an offset from UTC in minutes if one is given.
    Part(Part, Option<i32>, Box<Value>),
    /// What is at a path in a json field, as the value's type, if it is of that type.
    Inside(Box<Value>, Path),
    /// Latitude and longitude.
    Point(Box<[Value; 2]>),
    /// A number if it is such a coordinate.
    Ranged(Half, Box<Value>),
    /// Metres between two points, given by their halves.
    Distance(Box<[Value; 4]>),
    If(Box<Cond>, Box<[Value; 2]>),
    /// A condition as a boolean, null when UNKNOWN.
    Truth(Box<Cond>),
    Count(Box<Source>),
    /// A moment moved by microseconds; comparisons move the other side instead.
    Moved(Box<Value>, i64),
    /// The time between two moments; exists only within a comparison.
    Between(Box<[Value; 2]>),
}

impl Value {
    /// The values directly below; those within conditions and sources are not.
    pub fn parts(&self) -> Vec<&Value> {
        match &self.kind {
            ValueKind::Arithmetic(_, both) | ValueKind::Between(both) => both.iter().collect(),
            ValueKind::Point(both) => both.iter().collect(),
            ValueKind::Distance(four) => four.iter().collect(),
            ValueKind::Real(value)
            | ValueKind::Rescaled(value, _)
            | ValueKind::Inside(value, _)
            | ValueKind::Ranged(_, value)
            | ValueKind::Calm(value)
            | ValueKind::Lower(value)
            | ValueKind::Length(value)
            | ValueKind::Items(value)
            | ValueKind::Part(_, _, value)
            | ValueKind::Moved(value, _) => vec![value],
            ValueKind::If(_, both) => both.iter().collect(),
            ValueKind::Const(_)
            | ValueKind::Field(_)
            | ValueKind::Slot(_)
            | ValueKind::Truth(_)
            | ValueKind::Count(_) => Vec::new(),
        }
    }
}

impl Test {
    /// The values it tests.
    pub fn values(&self) -> Vec<&Value> {
        match self {
            Self::Flag(value) | Self::Null { value, .. } => vec![value],
            Self::Compare(_, a, b) => vec![a, b],
            Self::In {
                value,
                list: List::Slot(_) | List::Pairs(_),
            } => vec![value],
            Self::In {
                value,
                list: List::Inside(array),
            } => vec![value, array],
            Self::In {
                value,
                list: List::Items(items),
            } => std::iter::once(value).chain(items).collect(),
            Self::Text { value, part, .. } => vec![value, part],
            Self::Like { value, pattern } => vec![value, pattern],
        }
    }
}

/// Calls `f` with every slot below, in macros too, but not in the rules of others that are
/// compiled in: those are not the writer's words.
pub(crate) fn slots_of_cond(cond: &Cond, f: &mut dyn FnMut(&Slot)) {
    match &cond.kind {
        CondKind::Const(_) => {}
        CondKind::Not(inner) => slots_of_cond(inner, f),
        CondKind::And(terms) | CondKind::Or(terms) => {
            terms.iter().for_each(|term| slots_of_cond(term, f));
        }
        CondKind::If(three) => three.iter().for_each(|part| slots_of_cond(part, f)),
        CondKind::Atom { test, .. } => {
            test.values()
                .into_iter()
                .for_each(|value| slots_of_value(value, f));
            if let Test::In {
                list: List::Slot(slot),
                ..
            } = test.as_ref()
            {
                f(slot);
            }
        }
        CondKind::Quantified(quantified) => slots_of_cond(&quantified.body, f),
    }
}

fn slots_of_value(value: &Value, f: &mut dyn FnMut(&Slot)) {
    match &value.kind {
        ValueKind::Slot(slot) => f(slot),
        ValueKind::If(cond, _) | ValueKind::Truth(cond) => slots_of_cond(cond, f),
        _ => {}
    }
    value
        .parts()
        .into_iter()
        .for_each(|part| slots_of_value(part, f));
}
