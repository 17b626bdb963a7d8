//! The values of one request and the rows around it: what a compiled text is asked with.

use serde_json::{Map, Value};

/// A record in wire form: moments as fixed-width text, UUIDs lower-case, decimals and wide
/// integers as strings.
pub type Row = Map<String, Value>;

/// One of the three answers. Only [`Truth::True`] allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// A value it needs is absent.
    Unknown,
}

impl Truth {
    /// The opposite; unknown stays unknown.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }

    /// Whether this answer allows.
    #[must_use]
    pub fn allows(self) -> bool {
        self == Self::True
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// Everything a text may name that is not a stored column.
#[derive(Clone, Copy, Debug)]
pub struct Env<'a> {
    /// Who asks; none when nobody is signed in.
    pub auth: Option<&'a Auth>,
    /// The request.
    pub request: &'a Request,
    /// The request's moment, `YYYY-MM-DDTHH:MM:SS.ffffffZ`, fixed once per request.
    pub now: &'a str,
    /// The values of `params.*`.
    pub params: &'a Map<String, Value>,
    /// The row itself (before, in an update), when it is not read from the table.
    pub record: Option<&'a Row>,
    /// The row after the write.
    pub next: Option<&'a Row>,
}

/// The signed-in caller, `auth` in a text.
#[derive(Clone, Debug, Default)]
pub struct Auth {
    /// The user's id.
    pub id: String,
    /// The e-mail address, if there is one.
    pub email: Option<String>,
    /// Whether the address was verified.
    pub verified: bool,
    /// Whether the account is an anonymous one.
    pub anonymous: bool,
    /// The user's roles.
    pub roles: Vec<String>,
    /// Custom claims.
    pub claims: Map<String, Value>,
    /// The ids of the user's teams.
    pub teams: Vec<String>,
    /// The strength of the sign-in: 1 for one factor, 2 for two.
    pub level: i64,
}

/// The request, `request` in a text.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The HTTP method, upper case.
    pub method: String,
    /// When it arrived, as fixed-width text.
    pub time: String,
    /// The caller's network (a /64 or an address), if known.
    pub ip_network: Option<String>,
    /// The query's parameters.
    pub query: Map<String, Value>,
}

/// Other rows, for hops and macros in memory. The guards of hops are applied by this crate, so a
/// world returns rows as they are.
pub trait World {
    /// The row with that id.
    fn get(&self, collection: &str, id: &str) -> Option<Row>;

    /// All rows of a collection.
    fn rows(&self, collection: &str) -> Vec<Row>;

    /// The rows of a collection whose `field` is `id`, or is a list that has it; what else is given is left out by this
    /// crate.
    fn pointing(&self, collection: &str, _field: &str, _id: &str) -> Vec<Row> {
        self.rows(collection)
    }
}
