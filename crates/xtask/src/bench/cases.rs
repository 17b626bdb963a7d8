//! What is measured: the requests of each case, the same for all servers but for their dialect.

use serde_json::Value;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Case {
    /// One row by its id.
    Read,
    /// 30 rows that a condition finds, in the order of an indexed number.
    List,
    /// 30 rows with the one they refer to.
    Expand,
    /// One new row.
    Create,
    /// 100 new rows in one request.
    Batch,
}

/// In the order in which they are measured: what reads comes before what makes the table larger.
pub const CASES: [Case; 5] = [
    Case::Read,
    Case::List,
    Case::Expand,
    Case::Create,
    Case::Batch,
];

/// Rows of one batch.
pub const BATCH_ROWS: usize = 100;

impl Case {
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "point read",
            Self::List => "list of 30",
            Self::Expand => "list of 30, expanded",
            Self::Create => "create",
            Self::Batch => "batch of 100 creates",
        }
    }

    pub fn connections(self) -> usize {
        match self {
            Self::Read | Self::List | Self::Expand => 64,
            Self::Create => 256,
            Self::Batch => 16,
        }
    }
}

/// Requests of one case; each one sent is one of the paths, chosen at random.
pub struct Load {
    pub method: &'static str,
    pub paths: Vec<String>,
    pub body: Option<Value>,
}

impl Load {
    pub fn get(paths: Vec<String>) -> Self {
        Self {
            method: "GET",
            paths,
            body: None,
        }
    }

    pub fn post(path: &str, body: Value) -> Self {
        Self {
            method: "POST",
            paths: vec![path.to_owned()],
            body: Some(body),
        }
    }
}

/// The bounds below which prices are asked for: from a few rows to all of them.
pub fn prices() -> impl Iterator<Item = f64> {
    (1..=40).map(|step| 4.99 + f64::from(step) * 0.5)
}
