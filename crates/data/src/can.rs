//! The permissions of collections and records.

use gate::{Holders, InProject};

gate::permissions! {
    /// Reads the schema.
    CollectionsRead = "collections.read", InProject, Holders::Granted;
    /// Changes the schema.
    CollectionsWrite = "collections.write", InProject, Holders::Granted;
    /// Reads records; for users and strangers the collection's rules decide.
    RecordsRead = "records.read", InProject, Holders::Everyone;
    /// Writes records; for users and strangers the collection's rules decide.
    RecordsWrite = "records.write", InProject, Holders::Everyone;
}
