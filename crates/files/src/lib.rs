//! Buckets of files: streamed uploads and downloads under rules, and files that fields of records hold.
//!
//! Invariants:
//! - A row never names an object that is not on the disk: object, fsync, row, in this order; an old object is deleted
//!   by the outbox after the row has let go of it, and what nobody names is swept within 24 hours.
//! - A rule is asked in the transaction of its write, of the whole row, whatever was asked before the first byte.
//! - What users uploaded never runs: only pictures, audio and video that are known by their bytes are shown in place.
//! - Nothing is held whole in memory, and no database connection is held while bytes move.
//! - What a caller may not see is answered as if it were not there.
//!
//! It knows no records: whoever owns them implements [`ports::OwnerGate`] and calls [`Files::claim`] and
//! [`Files::release`] in the transactions of its writes. Background work is [`Files::tick`].

mod buckets;
pub mod can;
mod catalogue;
mod config;
mod download;
mod error;
mod fields;
mod http;
mod jobs;
mod list;
mod migrations;
mod model;
mod objects;
mod person;
pub mod ports;
mod routes;
mod rows;
mod service;
mod sniff;
mod upload;
pub mod views;

pub use config::FilesConfig;
pub use error::FilesError;
pub use fields::{FileClaim, FileOwner, FileRelease};
pub use list::FilesQuery;
pub use model::{Bucket, FilePath, Kind, Limits, is_bucket_name};
pub use routes::configure_project;
pub use rows::Which;
pub use service::{Asker, Files, FilesParts};
pub use upload::{Body, Condition, Put};
