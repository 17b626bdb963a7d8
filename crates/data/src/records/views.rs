//! Files in answers: where a file field is expanded, its id gives way to the file's view, one question per thousand files.

use super::members::Members;
use crate::error::DataError;
use crate::query::{Later, What};
use crate::service::Data;
use gate::{Problem, Project};
use kernel::limits::RESPONSE_BYTES_MAX;
use kernel::parse_id;
use serde_json::value::RawValue;
use std::collections::{HashMap, HashSet};
use store::{Doc, StoreError};
use uuid::Uuid;

/// Files asked for at once.
const ASKED_MAX: usize = 1_000;

fn id_of(value: &str) -> Option<Uuid> {
    serde_json::from_str::<&str>(value).ok().and_then(parse_id)
}

/// The ids of a list of files; nothing where the value is none.
fn ids_of(value: &str) -> Option<Vec<Uuid>> {
    let list: Vec<&str> = serde_json::from_str(value).ok()?;
    Some(list.into_iter().filter_map(parse_id).collect())
}

fn has_files(later: &[Later]) -> bool {
    later.iter().any(|l| match &l.what {
        What::File => true,
        What::Within(inner) => has_files(inner),
        What::Related(of) => has_files(&of.later),
    })
}

impl Data {
    /// Puts the views of files in the place of their ids under `expand`.
    pub(super) async fn with_files(
        &self,
        project: &Project,
        later: &[Later],
        docs: &mut [Doc],
    ) -> Result<(), DataError> {
        if !has_files(later) {
            return Ok(());
        }
        let mut ids = HashSet::new();
        for doc in docs.iter() {
            collect(&doc.json, later, &mut ids)?;
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let mut views = HashMap::new();
        for some in ids.chunks(ASKED_MAX) {
            views.extend(self.files().views(project, some).await?);
        }
        let mut bytes = 0;
        for doc in docs {
            let mut out = String::with_capacity(doc.json.len() * 2);
            write(&mut out, &doc.json, later, &views)?;
            bytes += out.len();
            if bytes > RESPONSE_BYTES_MAX {
                return Err(StoreError::TooLarge.into());
            }
            doc.json = out;
        }
        Ok(())
    }
}

/// The records of a page that came along.
fn items<'a>(page: &Members<'a>) -> Result<Vec<&'a RawValue>, Problem> {
    serde_json::from_str(page.get("items").unwrap_or("[]"))
        .map_err(|e| Problem::internal(format!("a page is no JSON: {e}")))
}

fn collect(json: &str, later: &[Later], ids: &mut HashSet<Uuid>) -> Result<(), Problem> {
    let expand = Members::read(json)?.and_then(|record| record.get("expand"));
    let Some(expand) = expand.map(Members::read).transpose()?.flatten() else {
        return Ok(());
    };
    for part in later {
        let value = expand.get(&part.name).unwrap_or("null");
        match &part.what {
            What::File => {
                ids.extend(ids_of(value).unwrap_or_else(|| id_of(value).into_iter().collect()))
            }
            What::Within(inner) => collect(value, inner, ids)?,
            What::Related(of) => {
                let Some(page) = Members::read(value)? else {
                    continue;
                };
                for item in items(&page)? {
                    collect(item.get(), &of.later, ids)?;
                }
            }
        }
    }
    Ok(())
}

fn write(
    out: &mut String,
    json: &str,
    later: &[Later],
    views: &HashMap<Uuid, String>,
) -> Result<(), Problem> {
    let Some(record) = Members::read(json)? else {
        out.push_str("null");
        return Ok(());
    };
    record.write(out, |out, name, value| {
        if name != "expand" {
            return Ok(false);
        }
        let Some(expand) = Members::read(value)? else {
            return Ok(false);
        };
        expand.write(out, |out, name, value| {
            match later.iter().find(|l| l.name == name).map(|l| &l.what) {
                None => return Ok(false),
                Some(What::File) => {
                    let view =
                        |id: Option<Uuid>| id.and_then(|id| views.get(&id)).map(String::as_str);
                    match ids_of(value) {
                        None => out.push_str(view(id_of(value)).unwrap_or("null")),
                        Some(ids) => {
                            let all = ids.into_iter().map(|id| view(Some(id)).unwrap_or("null"));
                            let all: Vec<&str> = all.collect();
                            out.push_str(&format!("[{}]", all.join(",")));
                        }
                    }
                }
                Some(What::Within(inner)) => write(out, value, inner, views)?,
                Some(What::Related(of)) => write_page(out, value, &of.later, views)?,
            }
            Ok(true)
        })?;
        Ok(true)
    })
}

fn write_page(
    out: &mut String,
    json: &str,
    later: &[Later],
    views: &HashMap<Uuid, String>,
) -> Result<(), Problem> {
    let Some(page) = Members::read(json)? else {
        out.push_str("null");
        return Ok(());
    };
    page.write(out, |out, name, _| {
        if name != "items" {
            return Ok(false);
        }
        out.push('[');
        for (i, item) in items(&page)?.into_iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            write(out, item.get(), later, views)?;
        }
        out.push(']');
        Ok(true)
    })
}
