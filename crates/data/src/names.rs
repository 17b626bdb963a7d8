//! The names that texts may use: everything for a developer's rules, what a viewer may know for a caller's filters.

use crate::fields::Type;
use crate::model::{Collection, Field, is_collection_name};
use crate::schema::{Rule, Schema};
use crate::sql::pairs;
use rules::{Catalogue, Field as RuleField, HopRule, Resolved};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The names that rules may use: everything.
pub(crate) struct Names<'a> {
    pub(crate) collections: &'a BTreeMap<String, Collection>,
}

/// The type of a field as rules and filters see it, with the name of its join table if it has one.
fn kind(collection: &str, field: &str, kind: &Type) -> rules::Kind {
    let mut kind = kind.kind();
    if let rules::Kind::Relations { pairs: known, .. } = &mut kind {
        known.table = pairs::name(collection, field);
    }
    kind
}

fn system_kind(name: &str) -> Option<rules::Kind> {
    match name {
        "id" => Some(rules::Kind::Uuid),
        "created_at" | "updated_at" => Some(rules::Kind::DateTime),
        "_version" => Some(rules::Kind::Integer),
        _ => None,
    }
}

impl Catalogue for Names<'_> {
    fn field(&self, collection: &str, field: &str) -> Option<RuleField> {
        let collection = self.collections.get(collection)?;
        if let Some(kind) = system_kind(field) {
            return Some(RuleField {
                column: field.to_owned(),
                kind,
                nullable: false,
            });
        }
        let field = collection.field(field)?;
        Some(RuleField {
            column: field.name.clone(),
            kind: kind(&collection.name, &field.name, &field.kind),
            nullable: !field.is_filled(),
        })
    }

    fn has_collection(&self, name: &str) -> bool {
        self.collections.contains_key(name)
    }

    fn table(&self, collection: &str) -> String {
        collection.to_owned()
    }

    fn back_relation(&self, collection: &str, name: &str) -> Option<(String, String)> {
        let (from, by) = name.split_once("_via_")?;
        match &self.collections.get(from)?.field(by)?.kind {
            Type::Relation(r) if r.collection == collection => {
                Some((from.to_owned(), by.to_owned()))
            }
            _ => None,
        }
    }

    fn hop_rule(&self, _collection: &str) -> HopRule {
        HopRule::Open
    }

    fn field_read_rule(&self, _collection: &str, _field: &str) -> Option<Arc<Resolved>> {
        None
    }
}

/// The names that a caller's filter may use, with what guards them.
pub(crate) struct FilterNames<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) privileged: bool,
}

impl Catalogue for FilterNames<'_> {
    fn field(&self, collection: &str, field: &str) -> Option<RuleField> {
        let column = self
            .schema
            .collections
            .get(collection)?
            .column(field, self.privileged)?;
        Some(RuleField {
            column: column.name.clone(),
            kind: kind(collection, &column.name, &column.kind),
            nullable: column.nullable,
        })
    }

    fn has_collection(&self, name: &str) -> bool {
        self.schema.collections.contains_key(name)
    }

    fn table(&self, collection: &str) -> String {
        collection.to_owned()
    }

    fn back_relation(&self, collection: &str, name: &str) -> Option<(String, String)> {
        let (from, by) = name.split_once("_via_")?;
        match &self
            .schema
            .collections
            .get(from)?
            .column(by, self.privileged)?
            .kind
        {
            Type::Relation(r) if r.collection == collection => {
                Some((from.to_owned(), by.to_owned()))
            }
            _ => None,
        }
    }

    fn hop_rule(&self, collection: &str) -> HopRule {
        if self.privileged {
            return HopRule::Open;
        }
        match self
            .schema
            .collections
            .get(collection)
            .map(|c| &c.rules.list)
        {
            None | Some(Rule::Closed) => HopRule::Closed,
            Some(Rule::Open) => HopRule::Open,
            Some(Rule::When(rule)) => HopRule::Rule(rule.resolved.clone()),
        }
    }

    fn field_read_rule(&self, collection: &str, field: &str) -> Option<Arc<Resolved>> {
        if self.privileged {
            return None;
        }
        self.schema
            .collections
            .get(collection)?
            .column(field, false)?
            .mask
            .as_ref()
            .map(|mask| mask.resolved.clone())
    }
}

/// The collection and the field whose join table is called so.
pub(crate) fn keeper_of(
    all: &BTreeMap<String, Collection>,
    table: &str,
) -> Option<(String, String)> {
    let mut joined = all.values().flat_map(|c| {
        let tables = pairs::of(c);
        tables.map(|(name, field)| (name, c.name.clone(), field.name.clone()))
    });
    let found = joined.find(|(name, _, _)| name == table);
    found.map(|(_, collection, field)| (collection, field))
}

/// Why a field cannot have its join table: each table has a name of its own, and one that tables may have.
pub(crate) fn unfit_table(
    all: &BTreeMap<String, Collection>,
    collection: &Collection,
    field: &Field,
) -> Option<String> {
    let table = pairs::name(&collection.name, &field.name);
    let of_many = |c: &Collection| pairs::of(c).filter(|(name, _)| *name == table).count();
    if !is_collection_name(&table) {
        Some(format!(
            "The pairs would be kept in a table {table}, which is no name that a table may have: it has at most 59 characters."
        ))
    } else if all.contains_key(&table) || all.values().map(of_many).sum::<usize>() > 1 {
        Some(format!(
            "The pairs would be kept in a table {table}, and there is one of this name."
        ))
    } else {
        None
    }
}
