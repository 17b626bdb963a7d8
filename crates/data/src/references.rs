//! What stands in the way of a change of a collection: rules, defaults and indexes that name what it touches.

use crate::fields::Type;
use crate::model::{Alter, Collection, Field, Kept};
use crate::names::Names;
use crate::schema::{Loaded, Schema, broken_rules, formula, resolve, resolves};
use crate::sql::ddl;
use kernel::FieldError;
use sea_orm::DbBackend;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What names a thing that a change takes away, renames or makes another: a fault at the place of each such change, in
/// whatever collection the name stands. What the change itself writes anew does not count.
pub(crate) fn references_of(schema: &Schema, alter: &Alter) -> Vec<FieldError> {
    let before = &alter.before;
    let mut all = Vec::new();
    let mut ask = |place: &str, changed: &Collection| {
        let world = schema.with(Some(&before.name), changed);
        all.extend(
            unresolved(schema, &world, alter)
                .into_iter()
                .map(|sentence| FieldError {
                    path: place.to_owned(),
                    code: "referenced",
                    message: sentence,
                }),
        );
    };
    let without = |name: &str| {
        let mut changed = before.clone();
        changed.fields.retain(|f| f.name != name);
        changed
    };
    for dropped in &alter.dropped {
        ask(&dropped.place, &without(&dropped.field.name));
    }
    for field in &alter.kept {
        if field.is_renamed() {
            ask(&field.place, &without(&field.before.name));
        } else if field.before.kind.kind() != field.after.kind.kind() {
            let mut changed = before.clone();
            for there in changed
                .fields
                .iter_mut()
                .filter(|f| f.name == field.before.name)
            {
                there.kind = field.after.kind.clone();
            }
            ask(&field.place, &changed);
        }
    }
    if before.name != alter.after.name {
        let mut changed = before.clone();
        changed.name.clone_from(&alter.after.name);
        ask("/name", &changed);
    }
    for dropped in &alter.dropped {
        let name = &dropped.field.name;
        for index in alter.indexes.iter().filter(|i| i.fields.contains(name)) {
            all.push(FieldError {
                path: dropped.place.clone(),
                code: "referenced",
                message: format!("The index on {} names it.", index.fields.join(", ")),
            });
        }
    }
    all
}

fn holds(field: &Field, rule: &str, text: &str) -> bool {
    field.rules().any(|known| known == (rule, text))
}

/// The rules and defaults that resolve now and would not in `world`, a sentence for each.
fn unresolved(schema: &Schema, world: &BTreeMap<String, Collection>, alter: &Alter) -> Vec<String> {
    let now: BTreeMap<String, Collection> = schema
        .collections
        .iter()
        .map(|(n, l)| (n.clone(), l.def.clone()))
        .collect();
    let (now, then) = (Names { collections: &now }, Names { collections: world });
    let mut all = Vec::new();
    for other in world.values() {
        let own = other.id == alter.before.id;
        let name = if own { &alter.before.name } else { &other.name };
        let Some(there) = now.collections.get(name) else {
            continue;
        };
        let known: Vec<&str> = broken_rules(there, &now)
            .into_iter()
            .map(|(rule, _)| rule)
            .collect();
        for (rule, _) in broken_rules(other, &then) {
            if !(known.contains(&rule) || own && alter.rules.contains(rule)) {
                all.push(format!("The rule {rule} of {name} names it."));
            }
        }
        for index in alter.indexes.iter().filter(|_| own) {
            let holds = |of: &Collection| {
                let condition = index.condition.as_ref();
                condition.is_none_or(|text| ddl::partial(of, text, DbBackend::Sqlite).is_ok())
            };
            if holds(there) && !holds(other) {
                let of = index.fields.join(", ");
                all.push(format!("The condition of the index on {of} names it."));
            }
        }
        for field in &other.fields {
            let same =
                |k: &Kept| k.before.name == field.name && k.before.default == k.after.default;
            let stays = !own || alter.kept.iter().any(same);
            let fell = matches!(formula(other, field, &then), Some(Err(_)))
                && matches!(formula(there, field, &now), Some(Ok(_)));
            if stays && fell {
                all.push(format!("The default of {} of {name} names it.", field.name));
            }
            for (rule, text) in field.rules() {
                let same = |k: &Kept| k.before.name == field.name && holds(&k.after, rule, text);
                let stays = !own || alter.kept.iter().any(same);
                if stays && resolves(there, text, &now) && !resolves(other, text, &then) {
                    all.push(format!(
                        "The rule {rule} of {} of {name} names it.",
                        field.name
                    ));
                }
            }
        }
    }
    all
}

/// What in other collections refers to `name`: places and sentences.
pub(crate) fn references_to(schema: &Schema, name: &str) -> Vec<FieldError> {
    let rest = |(n, l): (&String, &Arc<Loaded>)| (n != name).then(|| (n.clone(), l.def.clone()));
    let rest: BTreeMap<String, Collection> = schema.collections.iter().filter_map(rest).collect();
    let names = Names { collections: &rest };
    let found = |path: String, message: String| FieldError {
        path,
        code: "referenced",
        message,
    };
    let mut all = Vec::new();
    for other in rest.values() {
        for field in &other.fields {
            if matches!(&field.kind, Type::Relation(r) if r.collection == name) {
                let message = format!("The field {} of {} points to it.", field.name, other.name);
                all.push(found(format!("/{}/{}", other.name, field.name), message));
            }
        }
        // A rule can name a collection without any of its fields: what no longer resolves without it does.
        for (rule, _) in broken_rules(other, &names) {
            let message = format!("The rule {rule} of {} names it.", other.name);
            all.push(found(format!("/{}/rules/{rule}", other.name), message));
        }
        for field in &other.fields {
            for (rule, text) in field.rules() {
                if resolve(other, text, &names).is_err() {
                    let message = format!(
                        "The rule {rule} of {} of {} names it.",
                        field.name, other.name
                    );
                    let path = format!("/{}/{}/{rule}", other.name, field.name);
                    all.push(found(path, message));
                }
            }
            if let Some(Err(_)) = formula(other, field, &names) {
                let message = format!("The default of {} of {} names it.", field.name, other.name);
                let path = format!("/{}/{}/default", other.name, field.name);
                all.push(found(path, message));
            }
        }
    }
    all
}
