//! The one place that speaks to C directly, for what neither rusqlite nor the standard library offers.
#![expect(unsafe_code, reason = "neither function has a safe wrapper")]

use rusqlite::{Connection, ffi};

/// Whether the open transaction has foreign keys that do not hold yet (`SQLITE_DBSTATUS_DEFERRED_FKS`).
pub(crate) fn has_deferred_foreign_keys(connection: &Connection) -> bool {
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

/// Gives the system back what was freed, where the C library keeps it for later: glibc, and nothing elsewhere. Takes
/// some milliseconds, in which other threads may wait for memory.
pub fn release_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: it may be called by any thread at any time (malloc_trim(3): MT-Safe).
    unsafe {
        libc::malloc_trim(0);
    }
}
