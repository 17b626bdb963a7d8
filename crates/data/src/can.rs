//! The permissions of collections and records.

use gate::{Holders, InProject, Permission};

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

/// Asks why a rule answers as it does. A key or operator needs [`CollectionsRead`]; of users and strangers the operation
/// itself refuses all but those of a project in development.
pub struct RulesExplain;

impl Permission for RulesExplain {
    type Place = InProject;
    const NAME: &'static str = CollectionsRead::NAME;
    const HOLDERS: Holders = Holders::Everyone;
}
