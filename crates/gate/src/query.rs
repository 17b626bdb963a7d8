//! Query strings: each parameter at most once, none that is not known, and the two that every list takes.

use crate::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use kernel::limits::{PAGE_DEFAULT, PAGE_MAX};
use kernel::{Code, FieldError};
use std::future::{Ready, ready};

/// A query string being read. Take each parameter, then call [`QueryInput::finish`].
#[derive(Clone, Debug, Default)]
pub struct QueryInput {
    pairs: Vec<(String, String)>,
    faults: Vec<FieldError>,
}

impl QueryInput {
    /// Over the text behind the question mark.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text);
        let pairs = pairs
            .map_err(|_| {
                Problem::new(Code::InvalidParameter).detail("The query string is malformed.")
            })?
            .into_inner();
        Ok(Self {
            pairs,
            faults: Vec::new(),
        })
    }

    /// Takes a parameter; more than one of its name is a fault.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(n, _)| n == name)?;
        let (_, value) = self.pairs.remove(at);
        if self.pairs.iter().any(|(n, _)| n == name) {
            self.fault(name, "This parameter stands more than once.");
            self.pairs.retain(|(n, _)| n != name);
        }
        Some(value)
    }

    /// Takes all parameters that are left, in their order.
    pub fn rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.pairs)
    }

    /// Notes a fault of a parameter.
    pub fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.faults.push(FieldError {
            path: format!("?{name}"),
            code: "invalid_parameter",
            message: message.into(),
        });
    }

    /// Fails with 400 `invalid_parameter`, naming all faults and all parameters that were not taken.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.fault(&name, "There is no such parameter here.");
        }
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Problem::new(Code::InvalidParameter).errors(self.faults))
        }
    }
}

impl FromRequest for QueryInput {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()))
    }
}

/// What every list takes: `limit`, `cursor` and `count`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// Things of the page at most.
    pub limit: u32,
    /// Where the page begins: what the page before gave as `next_cursor`.
    pub cursor: Option<String>,
    /// Whether `total` was asked for, with `count=exact`.
    pub count: bool,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            limit: PAGE_DEFAULT,
            cursor: None,
            count: false,
        }
    }
}

impl ListQuery {
    /// Takes the three parameters and leaves the others.
    pub fn read_some(query: &mut QueryInput) -> Self {
        let limit = query.take("limit").map(|text| {
            text.parse::<u32>()
                .ok()
                .filter(|n| (1..=PAGE_MAX).contains(n))
        });
        if limit == Some(None) {
            query.fault(
                "limit",
                format!("This must be a number from 1 to {PAGE_MAX}."),
            );
        }
        let count = query.take("count");
        if count.as_deref().is_some_and(|c| c != "exact") {
            query.fault("count", "This must be \"exact\".");
        }
        Self {
            limit: limit.flatten().unwrap_or(PAGE_DEFAULT),
            cursor: query.take("cursor"),
            count: count.is_some(),
        }
    }

    /// Rows to fetch: one more than the page, to know whether there is another.
    #[must_use]
    pub fn fetch(&self) -> u64 {
        u64::from(self.limit) + 1
    }
}

impl FromRequest for ListQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(
            QueryInput::parse(request.query_string()).and_then(|mut query| {
                let list = Self::read_some(&mut query);
                query.finish().map(|()| list)
            }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_take_three_parameters_once_each() {
        let read = |text: &str| {
            let mut query = QueryInput::parse(text).unwrap();
            let list = ListQuery::read_some(&mut query);
            query.finish().map(|()| list)
        };
        assert_eq!(read("").unwrap(), ListQuery::default());
        assert_eq!(
            read("limit=1000&cursor=a%20b&count=exact").unwrap(),
            ListQuery {
                limit: 1000,
                cursor: Some("a b".into()),
                count: true
            }
        );
        for bad in [
            "limit=0",
            "limit=1001",
            "limit=x",
            "limit=1&limit=2",
            "offset=3",
            "count=yes",
            "api_key=gk_x",
        ] {
            assert_eq!(
                read(bad).map_err(|p| p.code()),
                Err(Code::InvalidParameter),
                "{bad}"
            );
        }
    }
}
