//! The rows of push and every statement on them, a module for each table.

pub(crate) mod deliveries;
pub(crate) mod devices;
pub(crate) mod inbox;
pub(crate) mod keys;
pub(crate) mod messages;
