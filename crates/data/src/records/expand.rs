//! What comes along and is read after the records: one statement for each back relation, over all records that have it,
//! and then everything put in its place.
//!
//! A record that waits for a back relation has its own id in that place. All statements read one snapshot.

use super::members::Members;
use crate::cursor;
use crate::error::DataError;
use crate::query::{self, Later, Pointing, Query, Way, What};
use crate::schema::Schema;
use crate::service::Asker;
use crate::sql::plan::Own;
use gate::{Problem, Project};
use kernel::limits::RESPONSE_BYTES_MAX;
use sea_orm::Value;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use store::{Doc, Snapshot, StoreError};

/// Records of one back relation in one answer at most. Where there are more records that have it, each gets fewer, and
/// its cursor tells.
pub(crate) const RELATED_ROWS_MAX: usize = 1_000;

/// What stands in the place of a record that waits for nothing: it does not show the field.
const NOTHING: &str = "null";

/// All that the statements and cursors of an expansion need of their request.
#[derive(Clone)]
pub(super) struct Filling {
    asker: Asker,
    params: Vec<Map<String, Json>>,
    version: i64,
    key: [u8; 32],
}

/// Records of one hop, and what was found for them.
struct Set<'p> {
    docs: Vec<String>,
    later: &'p [Later],
    found: Vec<Found<'p>>,
}

/// One back relation of a set.
struct Found<'p> {
    of: &'p Pointing,
    /// The set that holds its records.
    set: usize,
    /// For each record that has it, its page.
    pages: HashMap<String, Items>,
}

/// One record's page of a back relation.
struct Items {
    /// The places of its records in their set.
    docs: Range<usize>,
    next_cursor: Option<String>,
}

impl Filling {
    pub(super) fn new(project: &Project, schema: &Schema, asker: &Asker, query: &Query) -> Self {
        Self {
            asker: asker.clone(),
            params: query::params_of(query),
            version: schema.version,
            key: *project.cursor_key(),
        }
    }

    /// Reads what is missing in `docs` and puts it there.
    pub(super) async fn fill(
        &self,
        snapshot: &Snapshot,
        later: &[Later],
        docs: &mut [Doc],
    ) -> Result<(), DataError> {
        if docs.is_empty() {
            return Ok(());
        }
        let top = docs.iter_mut().map(|d| std::mem::take(&mut d.json));
        let mut sets = vec![Set {
            docs: top.collect(),
            later,
            found: Vec::new(),
        }];
        let mut bytes = 0;
        let mut at = 0;
        while let Some(set) = sets.get(at) {
            let mut waiting = Vec::new();
            for json in &set.docs {
                collect(json, set.later, &mut waiting)?;
            }
            let waiting: Vec<_> = waiting.into_iter().map(|w| (w.of, w.ids)).collect();
            for (of, ids) in waiting {
                let (docs, pages) = self.read(snapshot, of, &ids).await?;
                bytes += bytes_of(&docs);
                if bytes > RESPONSE_BYTES_MAX {
                    return Err(StoreError::TooLarge.into());
                }
                let found = Found {
                    of,
                    set: sets.len(),
                    pages,
                };
                sets.push(Set {
                    docs,
                    later: &of.later,
                    found: Vec::new(),
                });
                if let Some(set) = sets.get_mut(at) {
                    set.found.push(found);
                }
            }
            at += 1;
        }
        // What was found last is the innermost.
        for at in (0..sets.len()).rev() {
            let woven = weave(&sets, at)?;
            if let (Some(set), Some(woven)) = (sets.get_mut(at), woven) {
                set.docs = woven;
            }
        }
        let done = sets.swap_remove(0).docs;
        for (doc, json) in docs.iter_mut().zip(done) {
            doc.json = json;
        }
        Ok(())
    }

    /// The records that point to those of `ids`, with the page of each.
    async fn read(
        &self,
        snapshot: &Snapshot,
        of: &Pointing,
        ids: &[String],
    ) -> Result<(Vec<String>, HashMap<String, Items>), DataError> {
        let share = (RELATED_ROWS_MAX / ids.len().max(1)).max(1);
        let share = share.min(of.limit as usize);
        let none = Map::new();
        let params = of.params(self.params.get(of.number).unwrap_or(&none));
        let parents = serde_json::to_string(ids).unwrap_or_default();
        let statement = self.asker.with_env(&params, None, None, |env| {
            of.plan.statement(env, |own| match own {
                Own::Limit => Value::BigInt(i64::try_from(share + 1).ok()),
                Own::Parents => Value::String(Some(parents.clone())),
                Own::Id | Own::Key(_) => Value::String(None),
            })
        });
        let rows = snapshot
            .docs(statement.map_err(query::filter_problem)?)
            .await?;
        let (mut docs, mut pages) = (Vec::new(), HashMap::new());
        for row in rows {
            let Some(id) = usize::try_from(row.version).ok().and_then(|i| ids.get(i)) else {
                continue;
            };
            let json = format!("[{}]", row.json);
            let items: Vec<(&RawValue, &RawValue)> = serde_json::from_str(&json)
                .map_err(|e| Problem::internal(format!("related records are no JSON: {e}")))?;
            let start = docs.len();
            let shown = items.iter().take(share);
            docs.extend(shown.map(|(record, _)| record.get().to_owned()));
            let last = items.get(share - 1).filter(|_| items.len() > share);
            let page = Items {
                docs: start..docs.len(),
                next_cursor: last.and_then(|(_, key)| self.cursor(of, id, &params, key.get())),
            };
            pages.insert(id.clone(), page);
        }
        Ok((docs, pages))
    }

    /// The cursor with which a list of the collection goes on: with the same sort, the relation as its filter, and the
    /// relation's own filter in brackets behind it. No list has the order in which a record names others.
    fn cursor(
        &self,
        of: &Pointing,
        id: &str,
        params: &Map<String, Json>,
        key: &str,
    ) -> Option<String> {
        if matches!(of.way, Way::Listed { .. }) && of.sort.is_none() {
            return None;
        }
        let mut filter = of.way.filter(id);
        let mut used = Map::new();
        if let Some(own) = &of.filter {
            filter = format!("{filter} && ({own})");
            let named = params.iter().filter(|(n, _)| names_param(own, n));
            used.extend(named.map(|(n, v)| (n.clone(), v.clone())));
        }
        let print = cursor::of_query(
            self.version,
            &of.collection,
            &self.asker,
            (of.sort.as_deref(), Some(&filter), &used),
        );
        Some(cursor::seal(&self.key, &print, key))
    }
}

/// Whether a filter's text names `params.{name}`.
fn names_param(filter: &str, name: &str) -> bool {
    filter.match_indices("params").any(|(at, word)| {
        let rest = filter.get(at + word.len()..).unwrap_or_default();
        let rest = rest.trim_start().strip_prefix('.').map(str::trim_start);
        let after = rest.and_then(|r| r.strip_prefix(name));
        after.is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

/// A back relation with the records that wait for it.
struct Waiting<'p, 'd> {
    of: &'p Pointing,
    ids: Vec<String>,
    known: HashSet<&'d str>,
}

/// Notes which back relations a record waits for, in it and in what is within it.
fn collect<'p, 'd>(
    json: &'d str,
    later: &'p [Later],
    all: &mut Vec<Waiting<'p, 'd>>,
) -> Result<(), Problem> {
    let expand = Members::read(json)?.and_then(|record| record.get("expand"));
    let Some(expand) = expand.map(Members::read).transpose()?.flatten() else {
        return Ok(());
    };
    for part in later {
        let Some(value) = expand.get(&part.name) else {
            continue;
        };
        match &part.what {
            What::File => {}
            What::Within(inner) => collect(value, inner, all)?,
            What::Related(_) if value == NOTHING => {}
            What::Related(of) => {
                let id = value.trim_matches('"');
                let at = all.iter().position(|w| std::ptr::eq(w.of, &**of));
                let at = at.unwrap_or_else(|| {
                    all.push(Waiting {
                        of,
                        ids: Vec::new(),
                        known: HashSet::new(),
                    });
                    all.len() - 1
                });
                if let Some(waiting) = all.get_mut(at)
                    && waiting.known.insert(id)
                {
                    waiting.ids.push(id.to_owned());
                }
            }
        }
    }
    Ok(())
}

/// The records of a set with all that belongs into them; nothing when nothing does.
fn weave(sets: &[Set<'_>], at: usize) -> Result<Option<Vec<String>>, DataError> {
    let Some(set) = sets.get(at).filter(|s| !s.found.is_empty()) else {
        return Ok(None);
    };
    let (mut out, mut bytes) = (Vec::with_capacity(set.docs.len()), 0);
    for json in &set.docs {
        let mut text = String::with_capacity(json.len() * 2);
        write_record(&mut text, json, set.later, set, sets)?;
        bytes += text.len();
        if bytes > RESPONSE_BYTES_MAX {
            return Err(StoreError::TooLarge.into());
        }
        out.push(text);
    }
    Ok(Some(out))
}

fn write_record(
    out: &mut String,
    json: &str,
    later: &[Later],
    set: &Set<'_>,
    sets: &[Set<'_>],
) -> Result<(), Problem> {
    let Some(record) = Members::read(json)? else {
        out.push_str("null");
        return Ok(());
    };
    record.write(out, |out, name, value| {
        let expand = if name == "expand" {
            Members::read(value)?
        } else {
            None
        };
        let Some(expand) = expand else {
            return Ok(false);
        };
        expand.write(out, |out, name, value| {
            match later.iter().find(|l| l.name == name).map(|l| &l.what) {
                None | Some(What::File) => return Ok(false),
                Some(What::Within(inner)) => write_record(out, value, inner, set, sets)?,
                Some(What::Related(of)) => write_page(out, value.trim_matches('"'), of, set, sets),
            }
            Ok(true)
        })?;
        Ok(true)
    })
}

fn write_page(out: &mut String, id: &str, of: &Pointing, set: &Set<'_>, sets: &[Set<'_>]) {
    if id == NOTHING {
        out.push_str(NOTHING);
        return;
    }
    let found = set.found.iter().find(|f| std::ptr::eq(f.of, of));
    let page = found.and_then(|f| Some((f.pages.get(id)?, sets.get(f.set)?)));
    let (docs, cursor) = match page {
        Some((page, set)) => (
            set.docs.get(page.docs.clone()).unwrap_or_default(),
            page.next_cursor.as_deref(),
        ),
        None => (&[][..], None),
    };
    super::write_page(out, docs.iter().map(String::as_str), cursor, None);
}

fn bytes_of(docs: &[String]) -> usize {
    docs.iter().map(String::len).sum()
}
