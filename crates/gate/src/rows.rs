//! The gate's entities and queries: the only SQL of this crate, one file per resource.

pub(crate) mod audit;
pub(crate) mod guesses;
pub(crate) mod keys;
pub(crate) mod nodes;
pub(crate) mod operators;
pub(crate) mod projects;
pub(crate) mod requests;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod setup;
