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

/// Has the memory of this process made of the system's small pages alone: on Linux, and nowhere else. Where the system
/// gives huge ones to whoever asks for much (`transparent_hugepage` is `always`, as Debian has it), an idle server would
/// hold twice as much, and be no faster. To be called before anything is allocated: pages that are there stay.
pub fn use_small_pages() {
    #[cfg(target_os = "linux")]
    // SAFETY: plain numbers go in and out (PR_SET_THP_DISABLE(2const)); a failure leaves everything as it was.
    unsafe {
        let (on, none): (libc::c_ulong, libc::c_ulong) = (1, 0);
        libc::prctl(libc::PR_SET_THP_DISABLE, on, none, none, none);
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

/// Computes, and lets the core fall idle for a moment every half millisecond: on Linux, and nowhere else. A thread of
/// [`run_when_idle`] yields at once to whoever wakes on its core. Those who wait for another core are moved to this one at
/// once only where it falls idle, and else by the system's tick, up to 4 ms later.
pub fn compute_in_slices<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_os = "linux")]
    let _timer = slices::Timer::start();
    work()
}

#[cfg(target_os = "linux")]
mod slices {
    use std::mem::zeroed;
    use std::ptr::null_mut;
    use std::sync::OnceLock;

    /// How long is computed, in nanoseconds.
    const SLICE_NS: libc::c_long = 500_000;
    /// How long is paused, in nanoseconds; the system adds about as much.
    const PAUSE_NS: libc::c_long = 50_000;

    /// Signals its thread at the end of each slice, for as long as it lives.
    pub(super) struct Timer(libc::timer_t);

    impl Timer {
        /// None where the system has no timer left: then nothing pauses.
        pub(super) fn start() -> Option<Self> {
            let signal = signal()?;
            // SAFETY: zeros are a valid value of both structures, and both live through the calls. The signal goes to this
            // thread alone, and its action was set.
            unsafe {
                let mut event: libc::sigevent = zeroed();
                event.sigev_notify = libc::SIGEV_THREAD_ID;
                event.sigev_signo = signal;
                event.sigev_notify_thread_id = libc::gettid();
                let mut timer: libc::timer_t = zeroed();
                if libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) != 0 {
                    return None;
                }
                let timer = Self(timer);
                let mut times: libc::itimerspec = zeroed();
                times.it_interval.tv_nsec = SLICE_NS;
                times.it_value.tv_nsec = SLICE_NS;
                libc::timer_settime(timer.0, 0, &raw const times, null_mut());
                Some(timer)
            }
        }
    }

    impl Drop for Timer {
        fn drop(&mut self) {
            // SAFETY: it was made by this thread and is deleted once.
            unsafe {
                libc::timer_delete(self.0);
            }
        }
    }

    /// The signal whose action is to pause; none where that cannot be set.
    fn signal() -> Option<libc::c_int> {
        static SIGNAL: OnceLock<Option<libc::c_int>> = OnceLock::new();
        *SIGNAL.get_or_init(|| {
            let signal = libc::SIGRTMIN() + 1;
            // SAFETY: zeros are a valid action; the function is of the kind that an action without `SA_SIGINFO` calls.
            unsafe {
                let mut action: libc::sigaction = zeroed();
                action.sa_sigaction = pause as extern "C" fn(libc::c_int) as libc::sighandler_t;
                action.sa_flags = libc::SA_RESTART;
                (libc::sigaction(signal, &raw const action, null_mut()) == 0).then_some(signal)
            }
        })
    }

    extern "C" fn pause(_signal: libc::c_int) {
        let time = libc::timespec {
            tv_sec: 0,
            tv_nsec: PAUSE_NS,
        };
        // SAFETY: it may be called in a signal's action (signal-safety(7)), and lives through the call. What it says of
        // errors is kept from those who were interrupted: nobody asked for this sleep.
        unsafe {
            let errno = *libc::__errno_location();
            libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const time, null_mut());
            *libc::__errno_location() = errno;
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

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use std::time::{Duration, Instant};

    /// How often this thread let go of its core by itself while it computed for 50 ms.
    #[cfg(target_os = "linux")]
    fn pauses() -> u64 {
        let so_far = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("voluntary"));
            line.unwrap()
                .split_whitespace()
                .last()
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        let (before, begun) = (so_far(), Instant::now());
        while begun.elapsed() < Duration::from_millis(50) {}
        so_far() - before
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn who_computes_in_slices_pauses_until_it_is_done() {
        assert!(pauses() < 5);
        let within = super::compute_in_slices(pauses);
        assert!(within >= 5, "{within}");
        assert!(pauses() < 5);
    }
}
