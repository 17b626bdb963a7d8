//! The one place that speaks to SQLite's C interface directly, for what rusqlite does not offer.
#![expect(unsafe_code, reason = "sqlite3_db_status has no safe wrapper")]

use rusqlite::{Connection, ffi};

/// Whether the open transaction has foreign keys that do not hold yet (`SQLITE_DBSTATUS_DEFERRED_FKS`).
pub(super) fn has_deferred_foreign_keys(connection: &Connection) -> bool {
    let (mut current, mut highest) = (0, 0);
    // SAFETY: the handle is valid while `connection` is borrowed, and both pointers are to live integers.
    let code = unsafe {
        ffi::sqlite3_db_status(
            connection.handle(),
            ffi::SQLITE_DBSTATUS_DEFERRED_FKS,
            &raw mut current,
            &raw mut highest,
            0,
        )
    };
    // An error of the question itself counts as "yes": the job is rolled back rather than the batch lost.
    code != ffi::SQLITE_OK || current != 0
}
