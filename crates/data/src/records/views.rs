//! Files in answers: where a file field is expanded, its id gives way to the file's view, one question per page.

use crate::error::DataError;
use crate::schema::Loaded;
use crate::service::Data;
use gate::{Problem, Project};
use kernel::parse_id;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use store::Doc;
use uuid::Uuid;

/// The members of an object in their order; the values stay as they were written.
struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl Members<'_> {
    /// The object again, with other values where `f` gives one.
    fn write(&self, f: impl Fn(&str, &RawValue) -> Option<String>) -> String {
        let mut out = String::new();
        for (name, value) in &self.0 {
            out.push(if out.is_empty() { '{' } else { ',' });
            // A name follows the grammar of names: nothing in it needs escaping.
            out.push_str(&format!("\"{name}\":"));
            out.push_str(f(name, value).as_deref().unwrap_or(value.get()));
        }
        out.push('}');
        out
    }
}

fn members(json: &str) -> Result<Members<'_>, Problem> {
    serde_json::from_str(json)
        .map_err(|e| Problem::internal(format!("a stored record is no JSON: {e}")))
}

fn id_of(value: &RawValue) -> Option<Uuid> {
    serde_json::from_str::<&str>(value.get())
        .ok()
        .and_then(parse_id)
}

impl Data {
    /// Puts the views of files in the place of their ids under `expand`. `expand` is what the query asked for.
    pub(super) async fn with_files(
        &self,
        project: &Project,
        collection: &Loaded,
        expand: Option<&str>,
        docs: &mut [Doc],
    ) -> Result<(), DataError> {
        let asked = |(name, _): &(String, String)| {
            expand.is_some_and(|names| names.split(',').any(|n| n == name))
        };
        let files: HashSet<&str> = collection
            .files
            .iter()
            .filter(|f| asked(f))
            .map(|(name, _)| name.as_str())
            .collect();
        if files.is_empty() {
            return Ok(());
        }
        let mut ids = HashSet::new();
        for doc in docs.iter() {
            let expanded = members(&doc.json)?;
            let expanded = expanded.0.iter().find(|(name, _)| *name == "expand");
            if let Some((_, expanded)) = expanded {
                let inner = members(expanded.get())?;
                let held = inner.0.iter().filter(|(name, _)| files.contains(name));
                ids.extend(held.filter_map(|(_, value)| id_of(value)));
            }
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let views = if ids.is_empty() {
            HashMap::new()
        } else {
            self.files().views(project, &ids).await?
        };
        for doc in docs {
            doc.json = expanded(&doc.json, &files, &views)?;
        }
        Ok(())
    }
}

fn expanded(
    json: &str,
    files: &HashSet<&str>,
    views: &HashMap<Uuid, String>,
) -> Result<String, Problem> {
    let view = |value: &RawValue| id_of(value).and_then(|id| views.get(&id).cloned());
    let outer = members(json)?;
    let inner = outer.0.iter().find(|(name, _)| *name == "expand");
    let inner = inner.map(|(_, value)| members(value.get())).transpose()?;
    let inner = inner.map(|inner| {
        inner.write(|name, value| {
            let null = || Some("null".to_owned());
            files
                .contains(name)
                .then(|| view(value))
                .and_then(|v| v.or_else(null))
        })
    });
    Ok(outer.write(|name, _| inner.clone().filter(|_| name == "expand")))
}
