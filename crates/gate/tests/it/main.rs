//! The gate on both engines: its service, and its front door before a small app.

mod front;
mod kit;
mod keys;
mod operators;
mod places;
mod projects;
mod requests;
mod settings;
