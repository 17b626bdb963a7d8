//! Accounts through their routes, on SQLite and on PostgreSQL, with a directory of the tests' own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod by_mail;
mod directory;
mod document;
mod email_change;
mod identities;
mod inbox;
mod issuer;
mod keys;
mod kit;
mod pages;
mod password;
mod provider;
mod receiver;
mod recovery;
mod refresh;
mod rows;
mod sessions;
mod sign_in;
mod sign_up;
mod smtp;
mod social;
mod social_cases;
mod templates;
mod tokens;
