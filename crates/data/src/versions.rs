//! What collections were: each change of a schema keeps the definition before and after it, with who and when.

use crate::cursor;
use crate::error::DataError;
use crate::rows;
use crate::service::{Asker, Data};
use gate::{ListQuery, Problem, Project};
use kernel::{Code, Page, Stamp};
use serde_json::{Value as Json, json};

/// Versions that are kept of a collection; older ones go when newer ones come.
pub(crate) const KEPT_MAX: u64 = 100;
/// A change of the schema as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The schema's version since.
    pub version: i64,
    /// `collection.create`, `collection.update` or `collection.delete`.
    pub action: String,
    /// Who did it: `key:<id>`, `operator:<id>`, or nobody.
    pub actor: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// When.
    pub at: Stamp,
}

impl Entry {
    pub(crate) fn new(version: i64, action: &str, asker: &Asker) -> Self {
        Self {
            version,
            action: action.to_owned(),
            actor: asker.actor(),
            request_id: Some(asker.request_id.clone()),
            at: asker.now,
        }
    }

    pub(crate) fn view(&self) -> Json {
        json!({
            "version": self.version,
            "action": self.action,
            "actor": self.actor,
            "request_id": self.request_id,
            "at": self.at.to_string(),
        })
    }
}

impl Data {
    /// The changes of a collection that are kept, newest first. The last hundred of each collection are.
    pub async fn list_versions(
        &self,
        project: &Project,
        name: &str,
        query: &ListQuery,
    ) -> Result<Page<Json>, DataError> {
        let schema = self.schema(project).await?;
        let id = schema.collection(name)?.def.id;
        let print = cursor::fingerprint(&["versions", &id.to_string()]);
        let key = project.derive_key("cursor");
        let open = |cursor: &str| cursor::open(&key, &print, cursor);
        let last = query.cursor.as_deref().map(open).transpose();
        let below = last
            .map_err(Problem::from)?
            .and_then(|l| l.first().and_then(Json::as_i64));
        let below = below.unwrap_or(i64::MAX);
        let mut kept = rows::versions(&project.db, id, below, query.fetch()).await?;
        let more = kept.len() > query.limit as usize;
        kept.truncate(query.limit as usize);
        let last = kept.last().filter(|_| more);
        let total = match query.count {
            true => Some(rows::count_versions(&project.db, id).await?),
            false => None,
        };
        Ok(Page {
            next_cursor: last.map(|e| cursor::seal(&key, &print, &format!("[{}]", e.version))),
            items: kept.iter().map(Entry::view).collect(),
            total,
        })
    }

    /// A collection as it was at a version of the schema: since the last change of it until then.
    pub async fn get_version(
        &self,
        project: &Project,
        name: &str,
        version: i64,
    ) -> Result<Json, DataError> {
        let schema = self.schema(project).await?;
        let id = schema.collection(name)?.def.id;
        let found = rows::version_at(&project.db, id, version).await?;
        let (entry, before, after) = found.ok_or_else(|| Problem::new(Code::VersionNotFound))?;
        let mut view = entry.view();
        view["before"] = before.unwrap_or_default();
        view["definition"] = after.unwrap_or_default();
        Ok(view)
    }
}
