//! Rows: what macros and `size` go over, and the guards of those rows.

use super::{RESERVED, Resolver};
use crate::catalogue::{HopRule, Kind, Mode};
use crate::error::{ErrorKind, RuleError, Span};
use crate::limits::{HOPS_MAX, Limit};
use crate::slot::Slot;
use crate::syntax::{Node, NodeKind};
use crate::tree::{
    CondKind, FieldRef, Guard, Link, PairsRef, Quantified, Quantifier, RowRef, Source,
    slots_of_cond,
};
use crate::value::Ty;

/// What is told where rows were expected.
pub(super) const ROWS: &str = "macros go over `<collection>_via_<field>`, a list of records, or \
    `collection(\"name\")`";

impl Resolver<'_> {
    pub(super) fn quantified(
        &mut self,
        quantifier: Quantifier,
        over: &Node,
        var: &Node,
        body: &Node,
    ) -> Result<CondKind, RuleError> {
        let name = match &var.kind {
            NodeKind::Name(name)
                if !RESERVED.contains(&name.as_str())
                    && !self.vars.iter().any(|known| known.name == *name) =>
            {
                name.clone()
            }
            _ => {
                return Err(RuleError::new(
                    ErrorKind::Syntax,
                    var.span,
                    "the first argument of a macro is a new name for each row",
                )
                .hint("for example `comments_via_post.exists(c, c.hidden)`"));
            }
        };
        self.atoms.push(Vec::new());
        let source = self.source(over);
        let hops = self.atoms.pop().unwrap_or_default();
        let (source, steps) = source?;
        self.vars.push(super::Var {
            name,
            id: source.var,
            collection: source.collection.clone(),
            steps,
        });
        let body = self.cond(body);
        self.vars.pop();
        let body = body?;
        let mut guards: Vec<Slot> = Vec::new();
        slots_of_cond(&body, &mut |slot| {
            if slot.may_be_absent() && !guards.contains(slot) {
                guards.push(slot.clone());
            }
        });
        Ok(CondKind::Quantified(Box::new(Quantified {
            hops,
            quantifier,
            source,
            body,
            guards,
        })))
    }

    /// The rows a macro or `size` goes over, and how many steps away they are.
    pub(super) fn source(&mut self, node: &Node) -> Result<(Source, usize), RuleError> {
        self.needs_sql = true;
        let var = self.vars_made;
        let (collection, link, steps) = match &node.kind {
            NodeKind::Call {
                name,
                target: None,
                args,
            } if name == "collection" => {
                let steps = self.vars.last().map_or(0, |var| var.steps);
                (self.named_collection(node.span, args)?, Link::All, steps)
            }
            _ => self.linked(RowRef::Var(var), node)?,
        };
        let steps = steps + 1;
        if steps > HOPS_MAX {
            return Err(RuleError::limit(Limit::Hops, node.span));
        }
        self.vars_made += 1;
        let source = Source {
            var,
            table: self.catalogue.table(&collection),
            guard: self.guard(&collection),
            collection,
            link,
        };
        Ok((source, steps))
    }

    fn named_collection(&mut self, span: Span, args: &[Node]) -> Result<String, RuleError> {
        let [
            Node {
                kind: NodeKind::Text(name),
                span: at,
            },
        ] = args
        else {
            let message = "`collection` takes one name in quotes";
            return Err(RuleError::new(ErrorKind::Type, span, message));
        };
        if !self.catalogue.has_collection(name) {
            let message = format!("there is no collection `{name}`");
            return Err(RuleError::new(ErrorKind::UnknownName, *at, message));
        }
        self.fields.insert((name.clone(), "id".to_owned()));
        Ok(name.clone())
    }

    /// The collection a path of rows leads to, which of its rows, and the steps before it.
    fn linked(&mut self, there: RowRef, node: &Node) -> Result<(String, Link, usize), RuleError> {
        let (row, of, name, steps) = self.rows_path(node)?;
        if let Some(list) = self.pairs(row, &of, &name, node.span)? {
            let to = list.1;
            let id = self.id_field(there, &to);
            return Ok((to, Link::Pairs { id, list: list.0 }, steps));
        }
        let Some((collection, field)) = self.catalogue.back_relation(&of, &name) else {
            return Err(self.unknown(&of, &name, node.span).hint(ROWS));
        };
        let here = self.id_field(row, &of);
        if let Some((list, _)) = self.pairs(there, &collection, &field, node.span)? {
            return Ok((collection, Link::Listing { list, here }, steps));
        }
        let there = self.field(there, &collection, &field, node.span)?.0;
        Ok((collection, Link::Back { there, here }, steps))
    }

    /// The list of ids that a field is, and the collection they are of; none if it is another field.
    fn pairs(
        &mut self,
        row: RowRef,
        of: &str,
        name: &str,
        span: Span,
    ) -> Result<Option<(PairsRef, String)>, RuleError> {
        let Some(Kind::Relations { to, pairs }) =
            self.catalogue.field(of, name).map(|field| field.kind)
        else {
            return Ok(None);
        };
        let field = self.field(row, of, name, span)?.0;
        let id = self.id_field(row, of);
        Ok(Some((PairsRef { field, id, pairs }, to)))
    }

    /// The list of ids that a written path names, if it names one.
    pub(super) fn pairs_of(&mut self, node: &Node) -> Result<Option<PairsRef>, RuleError> {
        let Ok((row, of, name, _)) = self.rows_path(node) else {
            return Ok(None);
        };
        let pairs = self.pairs(row, &of, &name, node.span)?;
        self.needs_sql |= pairs.is_some();
        Ok(pairs.map(|(list, _)| list))
    }

    /// Whether a path names rows rather than a value.
    pub(super) fn names_rows(&mut self, node: &Node) -> bool {
        match self.rows_path(node) {
            Ok((_, of, name, _)) => match self.catalogue.field(&of, &name) {
                Some(field) => matches!(field.kind, Kind::Relations { .. }),
                None => self.catalogue.back_relation(&of, &name).is_some(),
            },
            Err(_) => false,
        }
    }

    pub(super) fn guard(&mut self, collection: &str) -> Guard {
        match self.mode {
            Mode::Rule => Guard::Open,
            Mode::Filter => match self.catalogue.hop_rule(collection) {
                HopRule::Open => Guard::Open,
                HopRule::Closed => Guard::Closed,
                HopRule::Rule(rule) => {
                    self.names_auth |= rule.names_auth;
                    Guard::Rule(rule)
                }
            },
        }
    }

    /// The id of a row, which is there whatever the viewer may name.
    pub(super) fn id_field(&self, row: RowRef, collection: &str) -> FieldRef {
        let column = self
            .catalogue
            .field(collection, "id")
            .map_or_else(|| "id".to_owned(), |field| field.column);
        FieldRef {
            row,
            name: "id".to_owned(),
            column,
            ty: Ty::Uuid,
            half: None,
            mask: None,
        }
    }
}
