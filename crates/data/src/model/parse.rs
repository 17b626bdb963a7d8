//! Reading a collection's definition as developers write it, with all faults at once.

use super::fields::{parse_fields, parse_indexes};
use super::{Collection, CollectionKind, RULE_NAMES, Rules, owner_rules};
use gate::{Input, Problem};
use kernel::{FieldError, Stamp};
use serde_json::Value as Json;
use uuid::Uuid;

/// Whether `name` may name a collection or a field: `^[a-z][a-z0-9_]{0,58}$` and no reserved prefix.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name.len() <= 59
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !["sqlite_", "pg_", "galley_"]
            .iter()
            .any(|p| name.starts_with(p))
}

/// Whether `name` may name a collection, or any table beside them.
pub(crate) fn is_collection_name(name: &str) -> bool {
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
        let items = input.take("fields");
        let fields = parse_fields(&mut input, items, "/fields", &[]);
        let items = input.take("indexes");
        let indexes = parse_indexes(&mut input, items, "/indexes", &fields, &[]);
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

    /// PostgreSQL refuses index rows beyond a third of a page: texts that are indexed must be short.
    pub(super) fn check_index_sizes(&self, input: &mut Input) {
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
    pub(super) fn parse(&mut self, input: &mut Input) {
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
                {"name": "price", "type": "number", "default": 1.5, "read_only": true, "read": "owner == auth.id", "write": null},
                {"name": "state", "type": "select", "values": ["new", "old"], "default": "new"},
                {"name": "face", "type": "file", "bucket": "faces"},
                {"name": "since", "type": "datetime", "default": {"expression": "now"}, "write_once": true},
                {"name": "open", "type": "bool", "read": null, "write": "true"},
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
