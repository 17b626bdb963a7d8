//! The request log, read newest first.

use super::Gate;
use crate::Problem;
use crate::query::{ListQuery, QueryInput};
use crate::rows::requests::{self, Filter};
use crate::views::RequestView;
use kernel::Page;

/// What the list of requests is narrowed to.
#[derive(Clone, Debug)]
pub struct RequestsQuery {
    list: ListQuery,
    filter: Filter,
}

impl RequestsQuery {
    /// Reads `project`, `status` (`404`, or a class such as `4xx`), `limit`, `cursor` and `count`.
    pub fn read(mut query: QueryInput) -> Result<Self, Problem> {
        let project = query.take("project");
        let status = query.take("status").and_then(|text| {
            let range = status_range(&text);
            if range.is_none() {
                query.fault(
                    "status",
                    "This must be a status such as 404, or a class such as 4xx.",
                );
            }
            range
        });
        let list = ListQuery::read_some(&mut query);
        query.finish().map(|()| Self {
            list,
            filter: Filter { project, status },
        })
    }
}

fn status_range(text: &str) -> Option<(i64, i64)> {
    if let Some(class) = text.strip_suffix("xx") {
        let class: i64 = class.parse().ok().filter(|c| (1..=5).contains(c))?;
        return Some((class * 100, class * 100 + 99));
    }
    let status = text.parse().ok().filter(|s| (100..=599).contains(s))?;
    Some((status, status))
}

impl Gate {
    /// The requests that this node has logged.
    pub async fn list_requests(&self, query: &RequestsQuery) -> Result<Page<RequestView>, Problem> {
        let Some(log) = &self.0.logs else {
            return Ok(Page {
                items: Vec::new(),
                next_cursor: None,
                total: query.list.count.then_some(0),
            });
        };
        let before = self.after("requests", query.list.cursor.as_deref())?;
        let rows = requests::page(log.db(), &query.filter, before, query.list.fetch()).await?;
        let limit = query.list.limit;
        let mut page = self.page("requests", limit, rows, |r| r.id, RequestView::from);
        if query.list.count {
            page.total = Some(requests::count(log.db(), &query.filter).await?);
        }
        Ok(page)
    }
}
