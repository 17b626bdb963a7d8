//! What a caller asks of the change log.

use gate::{Problem, QueryInput};
use kernel::limits::PAGE_MAX;

/// Changes of a page when no limit is named.
const LIMIT_DEFAULT: u32 = 100;
/// Collections of one request at most: each is a seek of its own.
pub(super) const COLLECTIONS_MAX: usize = 100;

/// Where a page of changes begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Nowhere: only the present place is asked for.
    Now,
    /// After this place; after 0 stands the oldest change that is kept.
    Place(i64),
}

/// The parameters of a page of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesQuery {
    /// Where it begins.
    pub since: Since,
    /// The collections; `None` for all that the caller may list.
    pub collections: Option<Vec<String>>,
    /// Changes that are looked at, 1 to 1,000.
    pub limit: u32,
}

impl ChangesQuery {
    /// Reads the parameters `since`, which is required, `collections` and `limit`; tells all faults at once.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut query = QueryInput::parse(text)?;
        let since = match query.take("since").as_deref() {
            Some("now") => Some(Since::Now),
            Some(text) => text.parse().ok().filter(|n| *n >= 0).map(Since::Place),
            None => None,
        };
        if since.is_none() {
            let message = "This must be \"now\", 0, or what an answer gave as next_since.";
            query.fault("since", message);
        }
        let collections = query.take("collections").map(|text| {
            let names = text.split(',').map(str::to_owned);
            names.collect::<Vec<String>>()
        });
        if let Some(names) = &collections {
            if names.len() > COLLECTIONS_MAX {
                query.fault("collections", too_many());
            } else if names.iter().any(String::is_empty) {
                query.fault("collections", "This must be names, separated by commas.");
            }
        }
        let limit = query.take("limit").map(|text| {
            let number = text.parse::<u32>().ok();
            number.filter(|n| (1..=PAGE_MAX).contains(n))
        });
        if limit == Some(None) {
            let message = format!("This must be a number from 1 to {PAGE_MAX}.");
            query.fault("limit", message);
        }
        query.finish()?;
        Ok(Self {
            since: since.unwrap_or(Since::Now),
            collections,
            limit: limit.flatten().unwrap_or(LIMIT_DEFAULT),
        })
    }
}

pub(super) fn too_many() -> String {
    format!("At most {COLLECTIONS_MAX} collections can be named.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_together() {
        let bad = [
            ("", vec!["?since"]),
            ("since=", vec!["?since"]),
            ("since=-1", vec!["?since"]),
            ("since=9223372036854775808", vec!["?since"]),
            ("since=1.0&limit=0", vec!["?since", "?limit"]),
            ("since=0&limit=1001", vec!["?limit"]),
            ("since=0&collections=", vec!["?collections"]),
            ("since=0&collections=a,,b", vec!["?collections"]),
            ("since=0&since=1", vec!["?since"]),
            (
                "since=x&filter=a&limit=x",
                vec!["?since", "?limit", "?filter"],
            ),
        ];
        for (text, want) in bad {
            let problem = ChangesQuery::parse(text).unwrap_err();
            let paths: Vec<&str> = problem
                .field_errors()
                .iter()
                .map(|e| e.path.as_str())
                .collect();
            assert_eq!(paths, want, "{text}");
        }
        let many = vec!["a"; 101].join(",");
        assert!(ChangesQuery::parse(&format!("since=0&collections={many}")).is_err());
        let query = ChangesQuery::parse("since=7&collections=b,a&limit=1000").unwrap();
        assert_eq!(
            (query.since, query.limit, query.collections),
            (
                Since::Place(7),
                1_000,
                Some(vec!["b".to_owned(), "a".to_owned()])
            )
        );
        let now = ChangesQuery::parse("since=now").unwrap();
        assert_eq!(
            (now.since, now.limit, now.collections),
            (Since::Now, 100, None)
        );
    }
}
