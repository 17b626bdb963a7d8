//! Reading a collection's definition as developers write it, with all faults at once.

use super::{Collection, CollectionKind, Field, Index, RULE_NAMES, Rules, owner_rules};
use crate::fields::Type;
use gate::{Input, Problem};
use kernel::limits::FIELDS_MAX;
use kernel::{FieldError, Stamp};
use serde_json::Value as Json;
use uuid::Uuid;

/// Names that cannot be fields: those of the language and of the engines (api and rules reserve them).
const RESERVED_FIELDS: &[&str] = &[
    "id",
    "created_at",
    "updated_at",
    "_version",
    "expand",
    "rowid",
    "oid",
    "ctid",
    "xmin",
    "xmax",
    "cmin",
    "cmax",
    "tableoid",
    "record",
    "next",
    "auth",
    "request",
    "now",
    "params",
    "true",
    "false",
    "null",
    "in",
    "has",
    "size",
];

/// Whether `name` may name a collection or a field: `^[a-z][a-z0-9_]{0,58}$` and no reserved prefix.
fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 59
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !["sqlite_", "pg_", "galley_"]
            .iter()
            .any(|p| name.starts_with(p))
}

fn is_field_name(name: &str) -> bool {
    // `_via_` names back relations.
    is_name(name) && !RESERVED_FIELDS.contains(&name) && !name.contains("_via_")
}

fn is_collection_name(name: &str) -> bool {
    // `project` is the schema marker of statements; the others are functions that SQLite finds as tables.
    is_name(name)
        && !["project", "json_each", "json_tree"].contains(&name)
        && !name.starts_with("pragma_")
        && !name.contains("_via_")
}

impl Collection {
    /// Reads a new collection. Rules are checked later, against the whole schema.
    pub fn parse(mut input: Input, id: Uuid, now: Stamp) -> Result<Self, Problem> {
        let name = input.text("name", 1, 59);
        if !name.is_empty() && !is_collection_name(&name) {
            input.fault("name", "not_a_name", "A name has at most 59 of a-z, 0-9 and _, begins with a letter and is not reserved.");
        }
        match input.optional_text("kind", 0, 20).as_deref() {
            None | Some("table") => {}
            Some(_) => input.fault("kind", "unknown_kind", "The kind is table."),
        }
        let fields = parse_fields(&mut input);
        let indexes = parse_indexes(&mut input, &fields);
        let mut rules = Rules::default();
        match input.optional_text("template", 0, 20).as_deref() {
            None => {}
            Some("owner") if fields.iter().any(|f| f.name == "owner") => rules = owner_rules(),
            Some("owner") => input.fault(
                "template",
                "no_owner",
                "The template owner needs a relation field owner to users.",
            ),
            Some(_) => input.fault("template", "unknown_template", "The template is owner."),
        }
        rules.parse(&mut input);
        let collection = Self {
            id,
            name,
            kind: CollectionKind::Table,
            fields,
            indexes,
            rules,
            created_at: now,
            updated_at: now,
        };
        collection.check_index_sizes(&mut input);
        input.finish()?;
        Ok(collection)
    }

    /// Reads a change of the rules.
    pub fn patch(&self, mut input: Input, now: Stamp) -> Result<Self, Problem> {
        let mut changed = self.clone();
        changed.rules.parse(&mut input);
        changed.updated_at = now;
        input.finish()?;
        Ok(changed)
    }

    /// PostgreSQL refuses index rows beyond a third of a page: texts that are indexed must be short.
    fn check_index_sizes(&self, input: &mut Input) {
        for fields in self.all_indexes().into_iter().map(|i| i.fields) {
            let chars: usize = fields
                .iter()
                .filter_map(|f| self.field(f))
                .map(|f| f.kind.index_chars())
                .sum();
            if chars > 600 {
                let text = format!(
                    "Indexed texts must be short: set max so that the fields {} have at most 600 characters together.",
                    fields.join(", ")
                );
                input.push(FieldError {
                    path: "/fields".to_owned(),
                    code: "index_too_wide",
                    message: text,
                });
            }
        }
    }
}

impl Rules {
    /// Reads the rules that are there; those that are not keep their value.
    fn parse(&mut self, input: &mut Input) {
        let Some(value) = input.take("rules") else {
            return;
        };
        let Json::Object(object) = value else {
            input.fault("rules", "not_an_object", "This must be an object.");
            return;
        };
        for (name, rule) in object {
            let path = format!("/rules/{name}");
            let fault = |code, message: &str| FieldError {
                path: path.clone(),
                code,
                message: message.to_owned(),
            };
            match rule {
                _ if !RULE_NAMES.contains(&name.as_str()) => input.push(fault("unknown_rule", "The rules are list, view, create, update and delete.")),
                Json::Null => self.set(&name, None),
                Json::String(text) if !text.trim().is_empty() => self.set(&name, Some(text)),
                Json::String(_) => input.push(fault("empty_rule", "An empty rule does not exist: write true, or null for keys and operators only.")),
                _ => input.push(fault("not_a_text", "A rule is a text or null.")),
            }
        }
    }
}

impl Field {
    fn parse(mut input: Input) -> (Option<Self>, Result<(), Problem>) {
        let name = input.text("name", 1, 59);
        if !name.is_empty() && !is_field_name(&name) {
            input.fault("name", "not_a_name", "A name has at most 59 of a-z, 0-9 and _, begins with a letter and is not reserved.");
        }
        let kind = Type::parse(&mut input);
        let mut flag = |name: &str| input.optional_bool(name).unwrap_or(false);
        let (required, unique, hidden) = (flag("required"), flag("unique"), flag("hidden"));
        let default = input.take("default").filter(|d| !d.is_null());
        if let (Some(default), Some(kind)) = (&default, &kind)
            && let Err((code, message)) = kind.value(default)
        {
            input.fault("default", code, message);
        }
        let field = kind.map(|kind| Self {
            name,
            kind,
            required,
            unique,
            hidden,
            system: false,
            read_rule: None,
            default,
        });
        (field, input.finish())
    }
}

fn parse_fields(input: &mut Input) -> Vec<Field> {
    let items = match input.take("fields") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items,
        Some(_) => {
            input.fault("fields", "not_a_list", "This must be a list.");
            return Vec::new();
        }
    };
    // The system fields count too.
    if items.len() + 4 > FIELDS_MAX {
        input.fault(
            "fields",
            "too_many",
            format!("A collection has at most {} fields.", FIELDS_MAX - 4),
        );
        return Vec::new();
    }
    let mut fields: Vec<Field> = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        let Json::Object(object) = item else {
            input.push(FieldError {
                path: format!("/fields/{i}"),
                code: "not_an_object",
                message: "This must be an object.".to_owned(),
            });
            continue;
        };
        let (field, checked) = Field::parse(Input::new(object));
        if let Err(problem) = checked {
            for error in problem.field_errors() {
                input.push(FieldError {
                    path: format!("/fields/{i}{}", error.path),
                    ..error.clone()
                });
            }
        }
        let Some(field) = field else { continue };
        if fields.iter().any(|f| f.name == field.name) {
            input.push(FieldError {
                path: format!("/fields/{i}/name"),
                code: "duplicate",
                message: "Another field has this name.".to_owned(),
            });
        }
        fields.push(field);
    }
    fields
}

fn parse_indexes(input: &mut Input, fields: &[Field]) -> Vec<Index> {
    let items = match input.take("indexes") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) if items.len() <= 32 => items,
        Some(_) => {
            input.fault(
                "indexes",
                "not_a_list",
                "This must be a list of at most 32 indexes.",
            );
            return Vec::new();
        }
    };
    let mut indexes = Vec::new();
    for (i, item) in items.into_iter().enumerate() {
        let fault = |code, message: &str| FieldError {
            path: format!("/indexes/{i}"),
            code,
            message: message.to_owned(),
        };
        let Json::Object(object) = item else {
            input.push(fault("not_an_object", "This must be an object."));
            continue;
        };
        let mut one = Input::new(object);
        let names = one.optional_texts("fields").unwrap_or_default();
        let unique = one.optional_bool("unique").unwrap_or(false);
        if let Err(problem) = one.finish() {
            for error in problem.field_errors() {
                input.push(FieldError {
                    path: format!("/indexes/{i}{}", error.path),
                    ..error.clone()
                });
            }
        }
        let known = |name: &String| {
            fields.iter().any(|f| f.name == *name)
                || matches!(name.as_str(), "created_at" | "updated_at")
        };
        let distinct: std::collections::HashSet<&String> = names.iter().collect();
        if names.is_empty()
            || names.len() > 8
            || distinct.len() != names.len()
            || !names.iter().all(known)
        {
            input.push(fault(
                "unknown_fields",
                "An index names 1 to 8 different fields of the collection.",
            ));
            continue;
        }
        let index = Index {
            fields: names,
            unique,
        };
        if indexes.contains(&index) {
            input.push(fault("duplicate", "Another index is the same."));
            continue;
        }
        indexes.push(index);
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(json: Json) -> Result<Collection, Problem> {
        let Json::Object(map) = json else {
            panic!("an object")
        };
        Collection::parse(
            Input::new(map),
            Uuid::from_u128(7),
            Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
        )
    }

    #[test]
    fn definitions_read_back_as_they_were() {
        let collection = parse(json!({
            "name": "posts",
            "fields": [
                {"name": "title", "type": "text", "min": 1, "max": 200, "required": true, "unique": true},
                {"name": "stock", "type": "number", "format": "integer", "min": 0},
                {"name": "price", "type": "number", "default": 1.5},
                {"name": "open", "type": "bool"},
                {"name": "due", "type": "datetime"},
                {"name": "owner", "type": "relation", "collection": "users"}
            ],
            "indexes": [{"fields": ["price", "created_at"]}],
            "template": "owner",
            "rules": {"list": "true"}
        }))
        .unwrap();
        assert_eq!(collection.rules.view.as_deref(), Some("owner == auth.id"));
        let stored = Json::Object(collection.definition());
        let back = Collection::from_definition(
            collection.id,
            stored,
            collection.created_at,
            collection.updated_at,
        )
        .unwrap();
        assert_eq!(back, collection);
        let users = Collection::users(collection.created_at);
        let back = Collection::from_definition(
            users.id,
            Json::Object(users.definition()),
            users.created_at,
            users.updated_at,
        )
        .unwrap();
        assert_eq!(back, users);
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let problem = parse(json!({
            "name": "Posts",
            "fields": [
                {"name": "id", "type": "text"},
                {"name": "a", "type": "nothing"},
                {"name": "b", "type": "number", "format": "integer", "min": 1.5},
                {"name": "b", "type": "bool"}
            ],
            "indexes": [{"fields": ["zz"]}],
            "rules": {"list": "", "fly": "true"}
        }))
        .unwrap_err();
        let mut paths: Vec<&str> = problem
            .field_errors()
            .iter()
            .map(|e| e.path.as_str())
            .collect();
        paths.sort_unstable();
        assert_eq!(
            paths,
            [
                "/fields/0/name",
                "/fields/1/type",
                "/fields/2/min",
                "/fields/3/name",
                "/indexes/0",
                "/name",
                "/rules/fly",
                "/rules/list"
            ]
        );
    }

    #[test]
    fn hostile_names_are_refused() {
        for name in [
            "x\";drop table users;--",
            "a\",(select 1) \"b",
            "sqlite_x",
            "pg_x",
            "galley_x",
            "_x",
            "project",
            "SELECT",
            "а",
            "a-b",
            "",
            "a_via_b",
            &"a".repeat(60),
        ] {
            assert!(parse(json!({"name": name})).is_err(), "{name}");
        }
    }
}
