//! What a written path names: a field, a field some hops away, or a slot of the request.

use super::rows::ROWS;
use super::{RESERVED, Resolver};
use crate::catalogue::{Kind, Mode};
use crate::error::{ErrorKind, RuleError, Span};
use crate::limits::{HOPS_MAX, Limit};
use crate::slot::{From, Slot};
use crate::syntax::{Node, NodeKind};
use crate::tree::{FieldRef, Hop, RowRef, Value, ValueKind};
use crate::value::Ty;

/// The names of a path with where each ends.
type Names = Vec<(String, Span)>;

/// A path's row, its collection, the steps to it, and the names that follow.
struct Rooted {
    row: RowRef,
    collection: String,
    steps: usize,
    rest: Names,
}

impl Resolver<'_> {
    /// The value a path names.
    pub(super) fn path(&mut self, node: &Node) -> Result<Value, RuleError> {
        let names = names_of(node)?;
        let root = names
            .first()
            .map(|(name, _)| name.clone())
            .unwrap_or_default();
        let root = root.as_str();
        let is_var = self.vars.iter().any(|var| var.name == root);
        let slot = match root {
            _ if is_var => None,
            "auth" => {
                self.names_auth = true;
                Some(auth_slot(&names, node.span)?)
            }
            "request" => Some(request_slot(&names, node.span)?),
            "now" if names.len() == 1 => Some(Slot::new(From::Now, Ty::DateTime, node.span)),
            "now" => return Err(no_such(&names, node.span)),
            "params" => Some(self.param_slot(&names, node.span)?),
            _ => None,
        };
        if let Some(slot) = slot {
            return Ok(Value {
                span: node.span,
                ty: slot.ty,
                kind: ValueKind::Slot(slot),
            });
        }
        let (row, collection, last, _) = self.walk(names, node.span)?.ok_or_else(|| {
            let message = format!("`{root}` is a record, not a value");
            RuleError::new(ErrorKind::Type, node.span, message).hint(format!("write `{root}.id`"))
        })?;
        let (field, kind) = self.field(row, &collection, &last, node.span)?;
        match kind {
            Kind::Relations { .. } => Err(list_of_records(&last, node.span).hint(format!(
                "write `{last}.exists(x, ...)`, `id in {last}` or `size({last})`"
            ))),
            Kind::Point => Ok(super::places::point_field(field, node.span)),
            _ => Ok(Value {
                span: node.span,
                ty: field.ty,
                kind: ValueKind::Field(field),
            }),
        }
    }

    /// Follows a path to the row its last name belongs to: that row, its collection, the name, and
    /// the steps to it. None where the path is a row itself.
    fn walk(
        &mut self,
        names: Names,
        span: Span,
    ) -> Result<Option<(RowRef, String, String, usize)>, RuleError> {
        let Rooted {
            mut row,
            mut collection,
            mut steps,
            mut rest,
        } = self.rooted(names)?;
        let Some((last, _)) = rest.pop() else {
            return Ok(None);
        };
        for (name, at) in rest {
            let (field, kind) = self.field(row, &collection, &name, at)?;
            let Kind::Relation { to } = kind else {
                return Err(no_fields(&name, &kind, at));
            };
            steps += 1;
            if steps > HOPS_MAX {
                return Err(RuleError::limit(Limit::Hops, span));
            }
            row = RowRef::Hop(self.hop(field, &to));
            collection = to;
        }
        Ok(Some((row, collection, last, steps)))
    }

    /// The row, its collection and the name of the rows that a path ends with, and the steps to it.
    pub(super) fn rows_path(
        &mut self,
        node: &Node,
    ) -> Result<(RowRef, String, String, usize), RuleError> {
        let not_rows = || {
            RuleError::new(ErrorKind::Type, node.span, "this is not a list of records").hint(ROWS)
        };
        if !matches!(node.kind, NodeKind::Name(_) | NodeKind::Select(..)) {
            return Err(not_rows());
        }
        let names = names_of(node)?;
        let root = names.first().map_or("", |(name, _)| name.as_str());
        if matches!(root, "auth" | "request" | "now" | "params") {
            return Err(not_rows().hint("`x in list` tests for membership of a list of values"));
        }
        self.walk(names, node.span)?.ok_or_else(not_rows)
    }

    fn rooted(&mut self, mut names: Names) -> Result<Rooted, RuleError> {
        let root = names
            .first()
            .map(|(name, _)| name.clone())
            .unwrap_or_default();
        if let Some(var) = self.vars.iter().find(|var| var.name == root) {
            let (row, collection, steps) = (RowRef::Var(var.id), var.collection.clone(), var.steps);
            names.remove(0);
            return Ok(Rooted {
                row,
                collection,
                steps,
                rest: names,
            });
        }
        let row = match root.as_str() {
            "next" => {
                self.names_next = true;
                RowRef::Next
            }
            _ => RowRef::Record,
        };
        if RESERVED.contains(&root.as_str()) {
            names.remove(0);
        }
        Ok(Rooted {
            row,
            collection: self.collection.to_owned(),
            steps: 0,
            rest: names,
        })
    }

    /// A field of a row, with its kind; recorded as named.
    pub(super) fn field(
        &mut self,
        row: RowRef,
        collection: &str,
        name: &str,
        span: Span,
    ) -> Result<(FieldRef, Kind), RuleError> {
        let Some(field) = self.catalogue.field(collection, name) else {
            if self.catalogue.back_relation(collection, name).is_some() {
                return Err(list_of_records(name, span)
                    .hint(format!("write `{name}.exists(x, ...)` or `size({name})`")));
            }
            return Err(self.unknown(collection, name, span));
        };
        let mask = match self.mode {
            Mode::Rule => None,
            Mode::Filter => self.catalogue.field_read_rule(collection, name),
        };
        if let Some(rule) = &mask {
            self.needs_sql |= rule.needs_sql;
            self.names_auth |= rule.names_auth;
        }
        self.fields.insert((collection.to_owned(), name.to_owned()));
        let reference = FieldRef {
            row,
            name: name.to_owned(),
            column: field.column,
            ty: Ty::of(&field.kind),
            half: None,
            mask,
        };
        Ok((reference, field.kind))
    }

    pub(super) fn unknown(&self, collection: &str, name: &str, span: Span) -> RuleError {
        let message = format!("there is no field `{name}` in `{collection}`");
        RuleError::new(ErrorKind::UnknownName, span, message)
    }

    /// The hop along a relation, shared by all values of one test.
    fn hop(&mut self, base: FieldRef, to: &str) -> usize {
        self.needs_sql = true;
        let known = self.atoms.last().and_then(|hops| {
            hops.iter().copied().find(|hop| {
                self.hops
                    .get(*hop)
                    .is_some_and(|hop| hop.base.row == base.row && hop.base.name == base.name)
            })
        });
        if let Some(hop) = known {
            return hop;
        }
        let number = self.hops.len();
        let guard = self.guard(to);
        self.hops.push(Hop {
            base,
            collection: to.to_owned(),
            table: self.catalogue.table(to),
            id: self.id_field(RowRef::Hop(number), to),
            guard,
        });
        if let Some(hops) = self.atoms.last_mut() {
            hops.push(number);
        }
        number
    }

    fn param_slot(&self, names: &Names, span: Span) -> Result<Slot, RuleError> {
        let (name, json) = self.param(names, span)?;
        let (ty, list) = match json {
            serde_json::Value::Bool(_) => (Ty::Bool, false),
            serde_json::Value::Number(n) => {
                let whole = n.is_i64() || n.as_f64().is_some_and(|n| n.fract() == 0.0);
                (if whole { Ty::Int } else { Ty::Float }, false)
            }
            serde_json::Value::String(_) => (Ty::Open, false),
            serde_json::Value::Array(_) => (Ty::Open, true),
            serde_json::Value::Null => {
                let message = format!("`params.{name}` is null");
                return Err(RuleError::new(ErrorKind::Param, span, message)
                    .hint("null is tested for with `field == null`"));
            }
            serde_json::Value::Object(_) => {
                let message = format!("`params.{name}` is an object, not a value");
                return Err(RuleError::new(ErrorKind::Param, span, message));
            }
        };
        let mut slot = Slot::new(From::Param(name), ty, span);
        slot.list = list;
        Ok(slot)
    }

    fn param(&self, names: &Names, span: Span) -> Result<(String, &serde_json::Value), RuleError> {
        if self.mode == Mode::Rule {
            let message = "a rule has no parameters";
            return Err(RuleError::new(ErrorKind::UnknownName, span, message)
                .hint("`params` belongs to filters; a rule can use `request.query`"));
        }
        let [_, (name, _)] = names.as_slice() else {
            return Err(no_such(names, span));
        };
        match self.params.and_then(|params| params.get(name)) {
            Some(json) => Ok((name.clone(), json)),
            None => {
                let message = format!("the parameter `params.{name}` is missing");
                Err(RuleError::new(ErrorKind::Param, span, message))
            }
        }
    }

    /// Whether a path names a parameter, and if so whether that is null: the one question that
    /// is answered while resolving, since a null has no type.
    pub(super) fn param_is_null(&self, node: &Node) -> Result<Option<bool>, RuleError> {
        match &node.kind {
            NodeKind::Select(target, _) if matches!(&target.kind, NodeKind::Name(name) if name == "params") =>
            {
                let names = names_of(node)?;
                Ok(Some(self.param(&names, node.span)?.1.is_null()))
            }
            _ => Ok(None),
        }
    }
}

/// The names of `a.b.c`. The parser guarantees few enough of them for recursion.
fn names_of(node: &Node) -> Result<Names, RuleError> {
    match &node.kind {
        NodeKind::Name(name) => {
            if name.starts_with('.') {
                let message = "a name cannot begin with a dot";
                return Err(RuleError::new(ErrorKind::Syntax, node.span, message));
            }
            Ok(vec![(name.clone(), node.span)])
        }
        NodeKind::Select(target, name) => {
            let mut names = names_of(target)?;
            names.push((name.clone(), node.span));
            Ok(names)
        }
        _ => Err(RuleError::new(
            ErrorKind::Type,
            node.span,
            "only names have fields",
        )),
    }
}

fn auth_slot(names: &Names, span: Span) -> Result<Slot, RuleError> {
    let words: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    let (from, ty, list) = match words.as_slice() {
        ["auth", "id"] => (From::AuthId, Ty::Uuid, false),
        ["auth", "email"] => (From::AuthEmail, Ty::Text, false),
        ["auth", "verified"] => (From::AuthVerified, Ty::Bool, false),
        ["auth", "anonymous"] => (From::AuthAnonymous, Ty::Bool, false),
        ["auth", "level"] => (From::AuthLevel, Ty::Int, false),
        ["auth", "roles"] => (From::AuthRoles, Ty::Open, true),
        ["auth", "teams"] => (From::AuthTeams, Ty::Open, true),
        ["auth", "claims", path @ ..] if !path.is_empty() => {
            let path = path.iter().map(|name| (*name).to_owned()).collect();
            (From::Claim(path), Ty::Open, false)
        }
        ["auth"] => {
            return Err(
                RuleError::new(ErrorKind::Type, span, "`auth` is not a value")
                    .hint("`auth.id != null` tests whether somebody is signed in"),
            );
        }
        _ => return Err(no_such(names, span)),
    };
    let mut slot = Slot::new(from, ty, span);
    slot.list = list;
    Ok(slot)
}

fn request_slot(names: &Names, span: Span) -> Result<Slot, RuleError> {
    let words: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    let (from, ty) = match words.as_slice() {
        ["request", "method"] => (From::Method, Ty::Text),
        ["request", "time"] => (From::Time, Ty::DateTime),
        ["request", "ip_network"] => (From::IpNetwork, Ty::Text),
        ["request", "query", name] => (From::Query((*name).to_owned()), Ty::Open),
        _ => return Err(no_such(names, span)),
    };
    Ok(Slot::new(from, ty, span))
}

fn no_such(names: &Names, span: Span) -> RuleError {
    let path: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    RuleError::new(
        ErrorKind::UnknownName,
        span,
        format!("there is no `{}`", path.join(".")),
    )
}

fn list_of_records(name: &str, span: Span) -> RuleError {
    let message = format!("`{name}` is a list of records, not a value");
    RuleError::new(ErrorKind::Type, span, message)
}

fn no_fields(name: &str, kind: &Kind, span: Span) -> RuleError {
    let message = format!("`{name}` is {} and has no fields", Ty::of(kind).words());
    let error = RuleError::new(ErrorKind::Type, span, message);
    match kind {
        Kind::Json => error.hint(format!("write `json({name}, \"path.to.it\")`")),
        _ => error,
    }
}
