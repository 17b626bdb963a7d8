//! The one place that speaks to C directly, for what neither rusqlite nor the standard library offers.
#![expect(unsafe_code, reason = "none of these functions has a safe wrapper")]

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

/// Half of the way down: a tenth of the share of others, so that it is late under load and never starves.
#[cfg(target_os = "linux")]
const NICE: libc::c_int = 10;

/// Lets the calling thread run behind all others of the machine, for the rest of its life: on Linux, where a thread has
/// a priority of its own, and nowhere else.
pub fn yield_to_others() {
    #[cfg(target_os = "linux")]
    // SAFETY: plain numbers go in and out. `0` is the calling thread on Linux; a failure leaves it as it was.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS as _, 0, NICE);
    }
}

/// Lets the calling thread run only while a core has nothing else to do, for the rest of its life: on Linux, where a
/// thread has a priority of its own, and nowhere else. On a machine that is never idle it hardly runs at all, so it must
/// hold no lock that others want.
pub fn run_when_idle() {
    #[cfg(target_os = "linux")]
    {
        let priority = libc::sched_param { sched_priority: 0 };
        // SAFETY: the structure lives through the call. `0` is the calling thread; a failure leaves it as it was.
        unsafe {
            libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const priority);
        }
    }
}

/// Takes the pages of the program itself out of this process: they stay in the system's cache of files for as long as
/// it likes, and come back as they are used. Half a thousand of such faults are what the next request pays, less than a
/// millisecond.
pub fn release_program() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            /// Where the program begins, from the linker.
            static __executable_start: u8;
            /// Where its code ends, from the linker.
            static etext: u8;
        }
        let (start, end) = (&raw const __executable_start, &raw const etext);
        // SAFETY: it only asks.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let Some(page) = usize::try_from(page)
            .ok()
            .filter(|page| page.is_power_of_two())
        else {
            return;
        };
        let start = start.expose_provenance().next_multiple_of(page);
        let length = (end.addr() & !(page - 1)).saturating_sub(start);
        let start = std::ptr::with_exposed_provenance_mut(start);
        // SAFETY: what is between the two is mapped from the program's file and never written: it holds neither data
        // nor what the loader relocates. A page that is needed, this one too, is read from the file again.
        unsafe {
            libc::madvise(start, length, libc::MADV_DONTNEED);
        }
    }
}
