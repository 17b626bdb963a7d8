//! What an answer depends on beside the row and the caller: other collections, the moment, the request.

use std::collections::BTreeSet;

use crate::slot::From;
use crate::tree::{Cond, CondKind, List, Resolved, Source, Test, Value, ValueKind};

/// What can change an answer although neither the row nor the caller has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The collections whose rows it looks at.
    pub collections: BTreeSet<String>,
    /// Whether it reads the clock.
    pub time: bool,
    /// Whether it reads anything else of the request.
    pub request: bool,
}

impl Reach {
    /// Takes in what another text depends on.
    pub fn add(&mut self, other: &Self) {
        self.collections.extend(other.collections.iter().cloned());
        self.time |= other.time;
        self.request |= other.request;
    }

    fn source(&mut self, source: &Source) {
        self.collections.insert(source.collection.clone());
    }

    fn slot(&mut self, from: &From) {
        match from {
            From::Now | From::Time => self.time = true,
            From::Method | From::IpNetwork | From::Query(_) => self.request = true,
            _ => {}
        }
    }

    fn cond(&mut self, cond: &Cond) {
        match &cond.kind {
            CondKind::Const(_) => {}
            CondKind::Not(inner) => self.cond(inner),
            CondKind::And(terms) | CondKind::Or(terms) => terms.iter().for_each(|c| self.cond(c)),
            CondKind::If(three) => three.iter().for_each(|c| self.cond(c)),
            CondKind::Atom { test, .. } => {
                test.values().into_iter().for_each(|v| self.value(v));
                if let Test::In {
                    list: List::Slot(slot),
                    ..
                } = test.as_ref()
                {
                    self.slot(&slot.from);
                }
            }
            CondKind::Quantified(over) => {
                self.source(&over.source);
                self.cond(&over.body);
            }
        }
    }

    fn value(&mut self, value: &Value) {
        match &value.kind {
            ValueKind::Slot(slot) => self.slot(&slot.from),
            ValueKind::If(cond, _) | ValueKind::Truth(cond) => self.cond(cond),
            ValueKind::Count(source) => self.source(source),
            _ => {}
        }
        value.parts().into_iter().for_each(|v| self.value(v));
    }
}

impl Resolved {
    /// What its answer depends on. Of a rule: what guards the hops of a filter is not looked into.
    #[must_use]
    pub fn reach(&self) -> Reach {
        let mut reach = Reach::default();
        let hops = self.hops.iter().map(|hop| hop.collection.clone());
        reach.collections.extend(hops);
        reach.cond(&self.root);
        reach
    }
}
