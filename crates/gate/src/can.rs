//! The gate's own permissions, and the macro by which every crate declares its own.

/// Declares permissions: `Name = "noun.verb", place, holders;`.
#[macro_export]
macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $place:ty, $holders:expr;)*) => {
        $(
            $(#[$doc])*
            pub struct $name;
            impl $crate::Permission for $name {
                type Place = $place;
                const NAME: &'static str = $text;
                const HOLDERS: $crate::Holders = $holders;
            }
        )*
        /// The names of these permissions.
        pub const PROJECT_SCOPES: &[&str] = &[$($text),*];
    };
}

pub use at_instance::{
    InstanceOpen, KeysRead, KeysWrite, LogsRead, OperatorsRead, OperatorsWrite, ProjectsRead,
    ProjectsWrite, SessionEnd, SessionRead,
};

/// Permissions of operators. A key cannot be given them.
pub mod at_instance {
    use crate::{Holders, InInstance};

    permissions! {
        /// Asks for nothing: health, the set-up, sign-in of operators.
        InstanceOpen = "instance.open", InInstance, Holders::Everyone;
        /// Reads projects.
        ProjectsRead = "projects.read", InInstance, Holders::Granted;
        /// Creates, renames and suspends projects.
        ProjectsWrite = "projects.write", InInstance, Holders::Granted;
        /// Reads operators.
        OperatorsRead = "operators.read", InInstance, Holders::Granted;
        /// Adds and removes operators.
        OperatorsWrite = "operators.write", InInstance, Holders::Granted;
        /// Reads project keys.
        KeysRead = "keys.read", InInstance, Holders::Granted;
        /// Creates and revokes project keys.
        KeysWrite = "keys.write", InInstance, Holders::Granted;
        /// Reads the audit and request logs of the instance.
        LogsRead = "logs.read", InInstance, Holders::Granted;
        /// Reads one's own operator session.
        SessionRead = "session.read", InInstance, Holders::Granted;
        /// Ends one's own operator session.
        SessionEnd = "session.end", InInstance, Holders::Granted;
    }
}

use crate::{Holders, InProject};

permissions! {
    /// Reads the project's settings.
    SettingsRead = "settings.read", InProject, Holders::Granted;
    /// Changes the project's settings.
    SettingsWrite = "settings.write", InProject, Holders::Granted;
    /// Reads the project's audit log.
    AuditRead = "audit.read", InProject, Holders::Granted;
}
