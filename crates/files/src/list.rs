//! Pages of a bucket's files, as its list rule shows them.

use crate::catalogue::{self, Rule};
use crate::error::FilesError;
use crate::model::is_bucket_name;
use crate::rows::{self, After, Page as RowPage, file};
use crate::service::{Asker, Files};
use crate::views::FileView;
use gate::{ListQuery, Problem, Project, QueryInput};
use kernel::{Code, Page, Stamp};
use sea_orm::Value;
use serde_json::{Value as Json, json};
use unicode_normalization::UnicodeNormalization;

/// What pages can be sorted by. None can be null.
const SORTABLE: [&str; 6] = [
    "id",
    "path",
    "size_bytes",
    "content_type",
    "created_at",
    "updated_at",
];

/// The parameters of a list.
#[derive(Clone, Debug)]
pub struct FilesQuery {
    list: ListQuery,
    prefix: Option<String>,
    filter: Option<String>,
    sort: Vec<(&'static str, bool)>,
}

impl FilesQuery {
    /// Reads `prefix`, `filter`, `sort`, `limit`, `cursor` and `count`.
    pub fn read(mut query: QueryInput) -> Result<Self, Problem> {
        let mut text = |name: &str| {
            let value = query.take(name);
            if value.as_ref().is_some_and(|v| v.contains('\0')) {
                query.fault(name, "U+0000 is not allowed.");
            }
            value
        };
        let (prefix, filter, sort) = (text("prefix"), text("filter"), text("sort"));
        let list = ListQuery::read_some(&mut query);
        query.finish()?;
        Ok(Self {
            list,
            prefix: prefix.map(|p| p.nfc().collect()),
            filter: filter.filter(|f| !f.is_empty()),
            sort: parse_sort(sort.as_deref().unwrap_or_default())?,
        })
    }

    /// Everything that a cursor depends on.
    fn fingerprint(&self, version: i64, bucket: &str, asker: &Asker) -> String {
        let parts = json!([
            bucket,
            version,
            self.prefix,
            self.filter,
            self.sort,
            asker.who.actor()
        ]);
        gate::token_hash(&parts.to_string())
    }
}

fn parse_sort(text: &str) -> Result<Vec<(&'static str, bool)>, Problem> {
    let mut keys: Vec<(&'static str, bool)> = Vec::new();
    for part in text.split(',').filter(|p| !p.is_empty()) {
        let (descending, name) = match part.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, part),
        };
        let known = SORTABLE.into_iter().find(|known| *known == name);
        let fault = |detail| Problem::new(Code::InvalidSort).detail(detail);
        let known = known.ok_or_else(|| fault(format!("There is no {name:?} to sort by.")))?;
        if keys.iter().any(|(name, _)| *name == known) {
            return Err(fault(format!("{name:?} stands twice.")));
        }
        keys.push((known, descending));
    }
    if keys.is_empty() {
        keys.push(("path", false));
    }
    // What follows a unique key decides nothing.
    let unique = |(name, _): &(&str, bool)| matches!(*name, "id" | "path");
    match keys.iter().position(unique) {
        Some(at) => keys.truncate(at + 1),
        None => keys.push(("id", keys.last().is_some_and(|(_, descending)| *descending))),
    }
    Ok(keys)
}

impl Files {
    /// A page of the files that the asker may list.
    pub async fn list_files(
        &self,
        project: &Project,
        asker: &Asker,
        bucket: &str,
        query: &FilesQuery,
    ) -> Result<Page<FileView>, FilesError> {
        if !is_bucket_name(bucket) {
            return Err(FilesError::NoBucket);
        }
        let loaded = self.loaded(project, bucket).await?;
        let rule = match &loaded.list {
            _ if asker.privileged() => None,
            // An empty page would say that there is nothing, where in truth nobody may look.
            Rule::Closed => return Err(FilesError::Denied),
            Rule::Open => None,
            Rule::When(rule) => Some(&**rule),
        };
        let filter = query.filter.as_deref().map(catalogue::filter).transpose()?;
        let key = project.derive_key("files-cursor");
        let print = query.fingerprint(loaded.bucket.version, bucket, asker);
        let after = match &query.list.cursor {
            None => None,
            Some(cursor) => Some(read_cursor(&key, cursor, &print, &query.sort)?),
        };
        let page = RowPage {
            bucket,
            prefix: query.prefix.as_deref().filter(|p| !p.is_empty()),
            rule,
            filter: filter.as_ref(),
            sort: &query.sort,
            after: after.as_ref(),
            limit: query.list.fetch(),
        };
        let backend = project.db.backend();
        let statements = asker.with_env(None, None, |env| page.statements(backend, env));
        let (rows, count) = statements.map_err(catalogue::filter_problem)?;
        let mut files = rows::page(&project.db, rows).await?;
        let total = if query.list.count {
            Some(rows::count(&project.db, count).await?)
        } else {
            None
        };
        let more = files.len() > query.list.limit as usize;
        files.truncate(query.list.limit as usize);
        let last = files.last().filter(|_| more);
        let cursor = |file: &file::Model| {
            let keys: Vec<Json> = query.sort.iter().map(|(n, _)| key_of(file, n)).collect();
            gate::sign_cursor(&key, &json!([print, keys]))
        };
        Ok(Page {
            next_cursor: last.map(cursor),
            items: files.iter().map(FileView::from).collect(),
            total,
        })
    }
}

fn key_of(file: &file::Model, name: &str) -> Json {
    let time = |t| Stamp::from_time(t).map(|s| s.to_string());
    match name {
        "id" => json!(file.id),
        "size_bytes" => json!(file.size_bytes),
        "content_type" => json!(file.content_type),
        "created_at" => json!(time(file.created_at)),
        "updated_at" => json!(time(file.updated_at)),
        _ => json!(file.path),
    }
}

fn read_cursor(
    key: &[u8; 32],
    cursor: &str,
    print: &str,
    sort: &[(&'static str, bool)],
) -> Result<After, Problem> {
    let value = gate::open_cursor(key, cursor)?;
    if value[0] != print {
        return Err(Code::CursorMismatch.into());
    }
    let read = |(i, (name, _)): (usize, &(&str, bool))| {
        let json = &value[1][i];
        let text = json.as_str();
        Some(match *name {
            "id" => Value::Uuid(Some(kernel::parse_id(text?)?)),
            "size_bytes" => Value::BigInt(Some(json.as_i64()?)),
            "created_at" | "updated_at" => {
                Value::TimeDateTimeWithTimeZone(Some(Stamp::parse(text?)?.time()))
            }
            _ => Value::String(Some(text?.to_owned())),
        })
    };
    let values: Option<Vec<Value>> = sort.iter().enumerate().map(read).collect();
    values.map(After).ok_or_else(|| Code::InvalidCursor.into())
}
