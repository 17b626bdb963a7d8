//! From what was written to what it means: conditions and the entry point. Names are in `names`,
//! macros in `rows`, values and functions in `values` and `places`, types in `fit` and `arithmetic`,
//! the size of the result in `size`.

mod arithmetic;
mod fit;
mod lists;
mod names;
mod places;
mod rows;
mod size;
mod values;

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::catalogue::{Catalogue, Kind, Mode};
use crate::error::{ErrorKind, RuleError, Span};
use crate::formula::Formula;
use crate::limits::{Limit, SIZE_MAX};
use crate::parse::parse;
use crate::syntax::{Comparison, Node, NodeKind};
use crate::tree::{Cond, CondKind, Hop, Quantifier, Resolved, Test, TextTest, Value, ValueKind};
use crate::value::{Ty, Val, like_pattern};

/// Parses a text, checks it against the catalogue and types it. `params` decide the types of
/// `params.*`; their values are bound later, so that the result can be kept for all requests
/// whose parameters have the same types.
pub fn parse_and_resolve(
    text: &str,
    collection: &str,
    mode: Mode,
    catalogue: &dyn Catalogue,
    params: Option<&Map<String, Json>>,
) -> Result<Resolved, RuleError> {
    let node = parse(text)?;
    let mut resolver = Resolver::new(catalogue, mode, collection, params);
    let root = resolver.cond(&node)?;
    let size = size::of_cond(&root, &resolver.hops);
    if size.truth.max(size.falsity) > SIZE_MAX {
        return Err(RuleError::limit(Limit::Size, node.span)
            .hint("`?:` and comparisons of conditions are written out twice: nest them less"));
    }
    Ok(Resolved {
        text: text.to_owned(),
        root,
        hops: resolver.hops,
        fields: resolver.fields.into_iter().collect(),
        names_next: resolver.names_next,
        names_auth: resolver.names_auth,
        needs_sql: resolver.needs_sql,
        size,
    })
}

/// Parses a text that gives a value of the type `want`, as a developer writes it for a record of `collection`.
pub fn parse_and_resolve_value(
    text: &str,
    collection: &str,
    want: &Kind,
    catalogue: &dyn Catalogue,
) -> Result<Formula, RuleError> {
    let node = parse(text)?;
    let mut resolver = Resolver::new(catalogue, Mode::Rule, collection, None);
    resolver.atoms.push(Vec::new());
    let value = resolver.value(&node)?;
    let through = resolver.atoms.pop().unwrap_or_default();
    let value = fit::expect(value, Ty::of(want))?;
    if size::of_value(&value, &resolver.hops) > SIZE_MAX {
        return Err(RuleError::limit(Limit::Size, node.span));
    }
    Ok(Formula {
        value,
        through,
        hops: resolver.hops,
        needs_sql: resolver.needs_sql,
    })
}

struct Resolver<'a> {
    catalogue: &'a dyn Catalogue,
    mode: Mode,
    collection: &'a str,
    params: Option<&'a Map<String, Json>>,
    /// The variables of the macros around, the innermost last.
    vars: Vec<Var>,
    vars_made: usize,
    hops: Vec<Hop>,
    /// The hops of the tests being read, the innermost last.
    atoms: Vec<Vec<usize>>,
    fields: BTreeSet<(String, String)>,
    names_next: bool,
    names_auth: bool,
    needs_sql: bool,
}

struct Var {
    name: String,
    id: usize,
    collection: String,
    /// Steps from the record to this row.
    steps: usize,
}

/// Names with a meaning of their own, which no field and no macro variable has.
const RESERVED: [&str; 6] = ["record", "next", "auth", "request", "now", "params"];

impl<'a> Resolver<'a> {
    fn new(
        catalogue: &'a dyn Catalogue,
        mode: Mode,
        collection: &'a str,
        params: Option<&'a Map<String, Json>>,
    ) -> Self {
        Self {
            catalogue,
            mode,
            collection,
            params,
            vars: Vec::new(),
            vars_made: 0,
            hops: Vec::new(),
            atoms: Vec::new(),
            fields: BTreeSet::new(),
            names_next: false,
            names_auth: false,
            needs_sql: false,
        }
    }
}

impl Resolver<'_> {
    fn cond(&mut self, node: &Node) -> Result<Cond, RuleError> {
        let kind = match &node.kind {
            NodeKind::Bool(b) => CondKind::Const(*b),
            NodeKind::Not(inner) => CondKind::Not(Box::new(self.cond(inner)?)),
            NodeKind::And(terms) => CondKind::And(self.conds(terms)?),
            NodeKind::Or(terms) => CondKind::Or(self.conds(terms)?),
            NodeKind::If(three) => {
                let [c, a, b] = three.as_ref();
                CondKind::If(Box::new([self.cond(c)?, self.cond(a)?, self.cond(b)?]))
            }
            NodeKind::Compare(comparison, both) => self.comparison(*comparison, both, node)?,
            NodeKind::In(both) => self.atom(|this| this.membership(both))?,
            NodeKind::Call { name, target, args } => {
                return self.call_cond(node, name, target.as_deref(), args);
            }
            NodeKind::Name(_) | NodeKind::Select(..) => self.atom(|this| this.flag(node))?,
            _ => return Err(not_a_condition(node.span, "this")),
        };
        Ok(Cond {
            span: node.span,
            kind,
        })
    }

    fn conds(&mut self, nodes: &[Node]) -> Result<Vec<Cond>, RuleError> {
        nodes.iter().map(|node| self.cond(node)).collect()
    }

    /// Reads a test and gathers the rows its values hop to.
    fn atom(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Test, RuleError>,
    ) -> Result<CondKind, RuleError> {
        self.atoms.push(Vec::new());
        let test = read(self);
        let hops = self.atoms.pop().unwrap_or_default();
        Ok(CondKind::Atom {
            hops,
            test: Box::new(test?),
        })
    }

    fn flag(&mut self, node: &Node) -> Result<Test, RuleError> {
        let value = self.value(node)?;
        if !fit::can_fit(&value, Ty::Bool) {
            return Err(not_a_condition(node.span, value.ty.words()));
        }
        Ok(Test::Flag(fit::fit(value, Ty::Bool)?))
    }

    fn comparison(
        &mut self,
        comparison: Comparison,
        both: &[Node; 2],
        node: &Node,
    ) -> Result<CondKind, RuleError> {
        let [a, b] = both;
        let null = |node: &Node| matches!(node.kind, NodeKind::Null);
        if !null(a) && !null(b) {
            return self.atom(|this| {
                let (a, b) = (this.value(a)?, this.value(b)?);
                fit::compare(comparison, a, b, node.span)
            });
        }
        if !comparison.is_equality() {
            let message = "null has no order; it can be compared with `==` and `!=` only";
            return Err(RuleError::new(ErrorKind::Type, node.span, message));
        }
        let negated = comparison == Comparison::NotEqual;
        match (null(a), null(b)) {
            (true, true) => Ok(CondKind::Const(!negated)),
            (true, false) => self.null_test(b, negated),
            _ => self.null_test(a, negated),
        }
    }

    fn null_test(&mut self, node: &Node, negated: bool) -> Result<CondKind, RuleError> {
        if let Some(is_null) = self.param_is_null(node)? {
            return Ok(CondKind::Const(is_null != negated));
        }
        self.atom(|this| {
            let value = fit::settle_null(this.value(node)?)?;
            Ok(Test::Null { value, negated })
        })
    }

    fn call_cond(
        &mut self,
        node: &Node,
        name: &str,
        target: Option<&Node>,
        args: &[Node],
    ) -> Result<Cond, RuleError> {
        let kind = match (name, target, args) {
            ("exists", Some(over), [var, body]) => {
                self.quantified(Quantifier::Exists, over, var, body)?
            }
            ("all", Some(over), [var, body]) => {
                self.quantified(Quantifier::All, over, var, body)?
            }
            ("exists_one", Some(over), [var, body]) => {
                self.quantified(Quantifier::ExistsOne, over, var, body)?
            }
            ("within", None, [point, edges @ ..]) => self.within(node, point, edges)?,
            ("has", None, [arg]) => self.null_test(arg, true)?,
            ("contains", Some(value), [part]) => self.text_test(TextTest::Contains, value, part)?,
            ("startsWith", Some(value), [part]) => {
                self.text_test(TextTest::StartsWith, value, part)?
            }
            ("endsWith", Some(value), [part]) => self.text_test(TextTest::EndsWith, value, part)?,
            ("matches_like", Some(value), [pattern]) => {
                self.atom(|this| this.like(value, pattern))?
            }
            _ => self.atom(|this| this.flag(node))?,
        };
        Ok(Cond {
            span: node.span,
            kind,
        })
    }

    fn text_test(
        &mut self,
        how: TextTest,
        value: &Node,
        part: &Node,
    ) -> Result<CondKind, RuleError> {
        self.atom(|this| {
            let (value, part) = (this.text_value(value)?, this.text_value(part)?);
            Ok(Test::Text { how, value, part })
        })
    }

    fn like(&mut self, value: &Node, pattern: &Node) -> Result<Test, RuleError> {
        let value = self.text_value(value)?;
        let mut pattern = self.text_value(pattern)?;
        match &mut pattern.kind {
            ValueKind::Const(Val::Text(text)) => *text = like_pattern(text),
            ValueKind::Slot(slot) => slot.pattern = true,
            _ => {
                return Err(RuleError::new(
                    ErrorKind::Type,
                    pattern.span,
                    "the pattern of `matches_like` must be a constant or a parameter",
                ));
            }
        }
        Ok(Test::Like { value, pattern })
    }

    fn text_value(&mut self, node: &Node) -> Result<Value, RuleError> {
        let value = self.value(node)?;
        fit::expect(value, Ty::Text)
    }
}

fn not_a_condition(span: Span, what: &str) -> RuleError {
    RuleError::new(ErrorKind::Type, span, format!("{what} is not a condition"))
        .hint("write a comparison, such as `field == value`")
}
