//! Accounts through their routes, on SQLite and on PostgreSQL, with a directory of the tests' own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod anonymous;
mod by_mail;
mod cookies;
mod custom;
mod devices;
mod directory;
mod document;
mod email_change;
mod impersonation;
mod imports;
mod identities;
mod captcha;
mod hooks;
mod inbox;
mod invitations;
mod kit;
mod lockout;
mod newcomers;
mod pages;
mod password;
mod people;
mod phone;
mod phone_limits;
mod phone_sending;
mod password_policy;
mod peer;
mod places;
mod receiver;
mod recovery;
mod refresh;
mod rows;
mod sessions;
mod sign_in;
mod sign_up;
mod smtp;
mod teams;
mod templates;
mod timing;
mod tokens;
mod users;
