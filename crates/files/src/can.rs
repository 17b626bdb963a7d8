//! The permissions of buckets and files.

use gate::{Holders, InProject};

gate::permissions! {
    /// Reads buckets.
    BucketsRead = "buckets.read", InProject, Holders::Granted;
    /// Makes, changes and deletes buckets.
    BucketsWrite = "buckets.write", InProject, Holders::Granted;
    /// Reads files; for users and strangers rules decide.
    FilesRead = "files.read", InProject, Holders::Everyone;
    /// Uploads and deletes files; for users and strangers rules decide.
    FilesWrite = "files.write", InProject, Holders::Everyone;
}
