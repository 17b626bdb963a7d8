//! Whether the schema bears a collection that is made or changed: its rules, defaults, relations, names and indexes.

use crate::fields::Type;
use crate::model::{Alter, Collection, INDEXES_ADDED};
use crate::names::{Names, keeper_of, unfit_table};
use crate::schema::{Schema, broken_rules, formula, resolve};
use crate::sql::ddl;
use gate::Problem;
use kernel::{Code, FieldError};
use sea_orm::DbBackend;

/// Checks the rules and defaults of a collection that is made, or changed by `alter`, against the schema that will hold
/// it; tells all faults at once.
pub(crate) fn check_rules(
    schema: &Schema,
    collection: &Collection,
    alter: Option<&Alter>,
) -> Result<(), Problem> {
    let all = schema.with(alter.map(|a| a.before.name.as_str()), collection);
    let names = Names { collections: &all };
    let mut errors = Vec::new();
    for (rule, error) in broken_rules(collection, &names) {
        errors.push(FieldError {
            path: format!("/rules/{rule}"),
            code: "invalid_rule",
            message: error.to_string(),
        });
    }
    let mut code = Code::InvalidRule;
    for (i, field) in collection.fields.iter().filter(|f| !f.system).enumerate() {
        let place = alter.and_then(|a| a.places.get(&field.name).cloned());
        let place = place.unwrap_or_else(|| format!("/fields/{i}"));
        for (rule, text) in field.rules() {
            if let Err(error) = resolve(collection, text, &names) {
                errors.push(FieldError {
                    path: format!("{place}/{rule}"),
                    code: "invalid_rule",
                    message: error.to_string(),
                });
            }
        }
        if let Type::Relation(r) = &field.kind
            && !all.contains_key(&r.collection)
        {
            code = Code::ValidationFailed;
            errors.push(FieldError {
                path: format!("{place}/collection"),
                code: "unknown_collection",
                message: format!("There is no collection {}.", r.collection),
            });
        }
        if field.kind.is_joined()
            && let Some(message) = unfit_table(&all, collection, field)
        {
            code = Code::ValidationFailed;
            let known = alter.is_none_or(|a| a.places.contains_key(&field.name));
            let path = if known {
                format!("{place}/name")
            } else {
                "/name".to_owned()
            };
            errors.push(FieldError {
                path,
                code: "name_taken",
                message,
            });
        }
        if let Some(Err(error)) = formula(collection, field, &names) {
            code = Code::ValidationFailed;
            errors.push(FieldError {
                path: format!("{place}/default"),
                code: "invalid_expression",
                message: error.to_string(),
            });
        }
    }
    if let Some((of, field)) = keeper_of(&all, &collection.name) {
        code = Code::ValidationFailed;
        errors.push(FieldError {
            path: "/name".to_owned(),
            code: "name_taken",
            message: format!("The table of this name keeps the relation {field} of {of}."),
        });
    }
    let known = alter.map(|a| a.indexes.len());
    for (i, index) in collection.indexes.iter().enumerate() {
        let place = match known {
            Some(known) if i >= known => format!("{INDEXES_ADDED}/{}", i - known),
            _ => format!("/indexes/{i}"),
        };
        // What resolves does so for either engine.
        let condition = index.condition.as_ref();
        let checked = condition.map(|text| ddl::partial(collection, text, DbBackend::Sqlite));
        if let Some(Err(message)) = checked {
            code = Code::ValidationFailed;
            errors.push(FieldError {
                path: format!("{place}/where"),
                code: "invalid_expression",
                message,
            });
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(code).errors(errors))
    }
}
