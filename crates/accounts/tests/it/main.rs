//! Accounts through their routes, on SQLite and on PostgreSQL, with a directory of the tests' own.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test fail it as the test itself does"
)]

mod anonymous;
mod authenticator;
mod by_mail;
mod captcha;
mod confirm_email;
mod cookies;
mod custom;
mod devices;
mod directory;
mod document;
mod doors;
mod email_change;
mod hand;
mod hooks;
mod identities;
mod impersonation;
mod imports;
mod inbox;
mod invitations;
mod issuer;
mod keys;
mod kit;
mod linked;
mod lockout;
mod newcomers;
mod pages;
mod passkeys;
mod password;
mod password_policy;
mod peer;
mod people;
mod phone;
mod phone_limits;
mod phone_sending;
mod places;
mod provider;
mod receiver;
mod recovery;
mod refresh;
mod rows;
mod second_factor;
mod second_factor_policy;
mod sessions;
mod sign_in;
mod sign_up;
mod smtp;
mod social;
mod social_cases;
mod step_up;
mod teams;
mod templates;
mod timing;
mod tokens;
mod users;
