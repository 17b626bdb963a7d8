//! SQL of dynamic collections: the only place of this crate that builds statements from the catalogue.

pub(crate) mod aggregate;
pub(crate) mod alter;
pub(crate) mod bulk;
pub(crate) mod changes;
pub(crate) mod ddl;
#[cfg(test)]
mod explained;
pub(crate) mod formulas;
mod kept;
mod keyset;
pub(crate) mod list;
pub(crate) mod pairs;
pub(crate) mod plan;
pub(crate) mod projection;
pub(crate) mod related;
pub(crate) mod write;

/// Quotes an identifier. Names follow the catalogue's grammar; doubling quotes is the second line.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A column of an alias, quoted: an unknown bare name would be a string to SQLite.
pub(crate) fn column(alias: &str, name: &str) -> String {
    format!("{}.{}", quote(alias), quote(name))
}
