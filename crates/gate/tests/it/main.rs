//! The gate on both engines: its service, and its front door before a small app.

mod errors;
mod front;
mod keys;
mod kit;
mod operators;
mod origins;
mod places;
mod projects;
mod requests;
mod settings;
