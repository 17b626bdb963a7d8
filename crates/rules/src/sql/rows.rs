//! Rows in SQL: hops and macros become EXISTS, lists become subqueries.

use std::collections::HashMap;

use sea_orm::DbBackend;
use sea_orm::sea_query::{BinOper, CaseStatement, Expr, ExprTrait, SelectStatement};

use super::values::case;
use super::{
    Compiler, Frame, Place, PlaceRef, constant, count, function, iden, is_not_true, join, rows,
};
use crate::slot::{From, Slot};
use crate::tree::{
    Guard, Link, List, PairsRef, Quantified, Quantifier, Resolved, Source, Value, ValueKind,
};
use crate::value::Ty;

impl Compiler {
    /// What `make` says within the rows that are hopped to: where one is missing, it is not true.
    pub(super) fn through(
        &mut self,
        hops: &[usize],
        frame: &Frame<'_>,
        make: &mut dyn FnMut(&mut Self, &Frame<'_>) -> Expr,
    ) -> Expr {
        let Some((first, rest)) = hops.split_first() else {
            return make(self, frame);
        };
        let Some((mut select, inner)) = self.hopped(*first, frame) else {
            return constant(false);
        };
        select.and_where(self.through(rest, &inner, make));
        Expr::exists(select)
    }

    /// The row that a hop leads to, as a select, and the frame in which it can be named.
    pub(super) fn hopped<'f>(
        &mut self,
        hop: usize,
        frame: &Frame<'f>,
    ) -> Option<(SelectStatement, Frame<'f>)> {
        let to = frame.hops.get(hop)?;
        let alias = self.alias();
        let mut inner = frame.clone();
        inner.hopped.insert(hop, alias.clone());
        let base = self.column(&to.base, frame);
        let mut select = rows(&to.table, &alias);
        select.and_where(self.column(&to.id, &inner).eq(base));
        self.guard(&mut select, &to.guard, &alias);
        Some((select, inner))
    }

    fn guard(&mut self, select: &mut SelectStatement, guard: &Guard, alias: &str) {
        match guard {
            Guard::Open => {}
            Guard::Closed => {
                select.and_where(constant(false));
            }
            Guard::Rule(rule) => {
                select.and_where(self.rule_of_row(rule, &Place::Alias(alias.to_owned())));
            }
        }
    }

    /// Where another text is true for a row.
    pub(super) fn rule_of_row(&mut self, rule: &Resolved, row: &Place) -> Expr {
        let frame = Frame {
            hops: &rule.hops,
            record: row.clone(),
            next: row.clone(),
            vars: HashMap::new(),
            hopped: HashMap::new(),
        };
        self.side(&rule.root, true, &frame)
    }

    pub(super) fn membership(
        &mut self,
        value: &Value,
        list: &List,
        want: bool,
        frame: &Frame<'_>,
    ) -> Expr {
        let operator = if want { BinOper::In } else { BinOper::NotIn };
        match list {
            List::Items(items) if items.is_empty() => constant(!want),
            List::Items(items) => {
                let plain = |item: &Value| matches!(item.kind, ValueKind::Const(_));
                let mut wanted: Vec<Expr> = Vec::with_capacity(items.len());
                if want || items.iter().all(plain) {
                    wanted.extend(items.iter().map(|item| self.value(item, frame)));
                    let value = self.value(value, frame);
                    return value.binary(operator, Expr::tuple(wanted));
                }
                // Nulls in a list are dropped, so that they must not make "is not in" unknown.
                for item in items {
                    let differs = self.value(value, frame).ne(self.value(item, frame));
                    wanted.push(self.value(item, frame).is_null().or(differs));
                }
                join(wanted, true)
            }
            List::Slot(slot) => {
                let present = self.slot(slot).is_not_null();
                let alias = self.alias();
                let items = self.items(slot, &alias);
                present.and(self.is_among(value, items, want, frame))
            }
            List::Inside(array) => {
                let alias = self.alias();
                let (present, items) = self.items_inside(array, &alias, frame);
                present.and(self.is_among(value, items, want, frame))
            }
            List::Pairs(list) => {
                // Where the value is the same for all rows, an index finds the rows that have it.
                let fixed = matches!(value.kind, ValueKind::Const(_) | ValueKind::Slot(_));
                if want
                    && fixed
                    && let Some(found) = self.holding(value, list, frame)
                {
                    return found;
                }
                let (present, items) = self.pairs(list, frame);
                let value = self.value(value, frame);
                let found = if want {
                    value.in_subquery(items)
                } else {
                    value.not_in_subquery(items)
                };
                join(present.into_iter().chain([found]).collect(), true)
            }
        }
    }

    fn is_among(
        &mut self,
        value: &Value,
        items: SelectStatement,
        want: bool,
        frame: &Frame<'_>,
    ) -> Expr {
        let value = self.value(value, frame);
        match (self.backend, want) {
            // As an array the list serves an index; as a subquery it becomes a join.
            (DbBackend::Postgres, true) => {
                value.eq(function("any", vec![function("array", vec![items.into()])]))
            }
            (DbBackend::Postgres, false) => {
                value.ne(function("all", vec![function("array", vec![items.into()])]))
            }
            (_, true) => value.in_subquery(items),
            (_, false) => value.not_in_subquery(items),
        }
    }

    pub(super) fn quantified(&mut self, over: &Quantified, want: bool, frame: &Frame<'_>) -> Expr {
        let alias = self.alias();
        let mut inner = frame.clone();
        inner.vars.insert(over.source.var, alias.clone());
        let mut source = rows(&over.source.table, &alias);
        let present = self.restrict(&mut source, &over.source, &alias, frame, &inner);
        let found = match (over.quantifier, want) {
            (Quantifier::Exists, true) | (Quantifier::All, false) => {
                source.and_where(self.side(&over.body, want, &inner));
                Expr::exists(source)
            }
            // No row for which it is otherwise than wanted, an UNKNOWN one included.
            (Quantifier::Exists, false) | (Quantifier::All, true) => {
                source.and_where(is_not_true(self.side(&over.body, want, &inner)));
                Expr::exists(source).not()
            }
            (Quantifier::ExistsOne, _) => {
                let truth = self.side(&over.body, true, &inner);
                let falsity = self.side(&over.body, false, &inner);
                let mut counted = source.clone();
                counted.clear_selects().expr(count());
                counted.and_where(truth.clone());
                source.and_where(is_not_true(truth));
                source.and_where(is_not_true(falsity));
                let operator = if want {
                    BinOper::Equal
                } else {
                    BinOper::NotEqual
                };
                let one = Expr::Constant(1.into());
                Expr::from(counted)
                    .binary(operator, one)
                    .and(Expr::exists(source).not())
            }
        };
        let mut terms: Vec<Expr> = over
            .guards
            .iter()
            .map(|slot| self.slot(slot).is_not_null())
            .chain(present)
            .collect();
        terms.push(found);
        join(terms, true)
    }

    pub(super) fn counted(&mut self, source: &Source, frame: &Frame<'_>) -> Expr {
        let alias = self.alias();
        let mut inner = frame.clone();
        inner.vars.insert(source.var, alias.clone());
        let mut select = rows(&source.table, &alias);
        let present = self.restrict(&mut select, source, &alias, frame, &inner);
        select.clear_selects().expr(count());
        if present.is_empty() {
            return Expr::from(select);
        }
        case(CaseStatement::new().case(join(present, true), Expr::from(select)))
    }

    /// The rows of a source: linked to the row it starts from, and seen by the writer. Gives what
    /// must hold for there to be such a list at all.
    fn restrict(
        &mut self,
        select: &mut SelectStatement,
        source: &Source,
        alias: &str,
        frame: &Frame<'_>,
        inner: &Frame<'_>,
    ) -> Vec<Expr> {
        let mut present = Vec::new();
        match &source.link {
            Link::All => {}
            Link::Back { there, here } => {
                let here = self.column(here, frame);
                select.and_where(self.column(there, inner).eq(here));
            }
            Link::Pairs { id, list } => {
                let (known, ids) = self.pairs(list, frame);
                present = known;
                select.and_where(self.column(id, inner).in_subquery(ids));
            }
            Link::Listing { list, here } => {
                let ids = self.listing(list, |this| this.column(here, frame));
                select.and_where(self.column(&list.id, inner).in_subquery(ids));
                if let Some(rule) = &list.field.mask {
                    select.and_where(self.rule_of_row(rule, &Place::Alias(alias.to_owned())));
                }
            }
        }
        self.guard(select, &source.guard, alias);
        present
    }

    /// Whether a row is among those whose list has a value; none of a row that is given, whose list is given, too.
    fn holding(&mut self, value: &Value, list: &PairsRef, frame: &Frame<'_>) -> Option<Expr> {
        let place = self.place(&list.field, frame)?;
        if matches!(place, PlaceRef::Given(_)) {
            return None;
        }
        let mask = list.field.mask.as_ref();
        let present = mask.map(|rule| self.rule_of_row(rule, &place.owned()));
        let ids = self.listing(list, |this| this.value(value, frame));
        let found = self.column(&list.id, frame).in_subquery(ids);
        Some(join(present.into_iter().chain([found]).collect(), true))
    }

    /// The ids of the rows whose list has what `there` is, as a subquery.
    fn listing(
        &mut self,
        list: &PairsRef,
        there: impl FnOnce(&mut Self) -> Expr,
    ) -> SelectStatement {
        let alias = self.alias();
        let column = |name: &str| Expr::col((iden(&alias), iden(name)));
        let mut ids = rows(&list.pairs.table, &alias);
        ids.clear_selects().expr(column(&list.pairs.here));
        ids.and_where(column(&list.pairs.there).eq(there(self)));
        ids
    }

    /// The ids of a list of records as a subquery, and what must hold for the list to be there.
    fn pairs(&mut self, list: &PairsRef, frame: &Frame<'_>) -> (Vec<Expr>, SelectStatement) {
        let mut present = Vec::new();
        let alias = self.alias();
        let Some(place) = self.place(&list.field, frame) else {
            return (vec![constant(false)], rows(&list.pairs.table, &alias));
        };
        if let Some(rule) = &list.field.mask {
            present.push(self.rule_of_row(rule, &place.owned()));
        }
        let ids = match place {
            PlaceRef::Given(given) => {
                let mut slot = Slot::new(
                    From::Field {
                        next: given.is_next(),
                        name: list.field.name.clone(),
                        half: None,
                    },
                    Ty::Uuid,
                    crate::Span::default(),
                );
                slot.list = true;
                present.push(self.slot(&slot).is_not_null());
                self.items(&slot, &alias)
            }
            PlaceRef::Alias(_) => {
                let column = |name: &str| Expr::col((iden(&alias), iden(name)));
                let mut ids = rows(&list.pairs.table, &alias);
                ids.clear_selects().expr(column(&list.pairs.there));
                let here = self.column(&list.id, frame);
                ids.and_where(column(&list.pairs.here).eq(here));
                ids
            }
        };
        (present, ids)
    }
}
