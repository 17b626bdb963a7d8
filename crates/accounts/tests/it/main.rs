//! Accounts through their routes, on SQLite and on PostgreSQL, with a directory of the tests' own.

mod document;
mod kit;
mod password;
mod refresh;
mod rows;
mod sessions;
mod sign_in;
mod sign_up;
mod tokens;
