//! What records say of a person: those that name a user in a relation, as far as the user may list them itself.

use crate::error::DataError;
use crate::fields::Type;
use crate::query::Query;
use crate::service::{Asker, Data};
use gate::{Problem, Project};
use kernel::Code;
use kernel::limits::{PAGE_MAX, RESPONSE_BYTES_MAX};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

impl Data {
    /// The records that name the asking user in a relation to `users`, by collection; each stands once. Collections whose
    /// records it may not list are left out. `response_too_large` when there is more than an answer may hold.
    pub async fn records_of(
        &self,
        project: &Project,
        asker: &Asker,
    ) -> Result<Map<String, Json>, Problem> {
        let Some(user) = asker.who.auth().map(|auth| auth.id.clone()) else {
            return Ok(Map::new());
        };
        let schema = self.schema(project).await?;
        let (mut all, mut bytes) = (Map::new(), 0);
        for collection in schema.collections.values() {
            let name = &collection.def.name;
            let filters = collection.def.fields.iter().filter_map(|field| {
                let Type::Relation(relation) = &field.kind else {
                    return None;
                };
                let of_users = relation.collection == "users";
                of_users.then(|| match relation.many {
                    None => format!("{} == params.user", field.name),
                    Some(_) => format!("params.user in {}", field.name),
                })
            });
            let filters: Vec<String> = filters.collect();
            if filters.is_empty() {
                continue;
            }
            let mut query = Query {
                filter: Some(filters.join(" || ")),
                params: Map::from_iter([("user".to_owned(), Json::from(user.clone()))]),
                limit: Some(PAGE_MAX),
                ..Query::default()
            };
            let mut found = BTreeMap::new();
            loop {
                let page = match self.list(project, asker, name, &query).await {
                    Ok(page) => page,
                    // Its rules keep the records from the user, or the field.
                    Err(error) if is_hidden(&error) => break,
                    Err(error) => return Err(error.into()),
                };
                for doc in page.docs {
                    bytes += doc.json.len();
                    if bytes > RESPONSE_BYTES_MAX {
                        let hint = "List the records by themselves.";
                        return Err(Problem::new(Code::ResponseTooLarge).hint(hint));
                    }
                    let record: Map<String, Json> =
                        serde_json::from_str(&doc.json).map_err(|e| {
                            Problem::internal(format!("a stored record is no JSON: {e}"))
                        })?;
                    let id = record.get("id").cloned().unwrap_or_default();
                    found.insert(id.to_string(), Json::Object(record));
                }
                query.cursor = page.next_cursor;
                if query.cursor.is_none() {
                    break;
                }
            }
            if !found.is_empty() {
                all.insert(name.clone(), found.into_values().collect());
            }
        }
        Ok(all)
    }
}

/// Whether the asker may not look, rather than something went wrong.
fn is_hidden(error: &DataError) -> bool {
    match error {
        DataError::Denied => true,
        DataError::Problem(problem) => matches!(
            problem.code(),
            Code::RuleDenied | Code::InvalidFilter | Code::CollectionNotFound
        ),
        _ => false,
    }
}
