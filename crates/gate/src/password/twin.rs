//! A thread beside each hashing thread, which computes only while a core has nothing else to do: so a flood of sign-ins
//! costs other requests nothing. On a machine that is never idle, the hashing thread computes itself.

use crate::Problem;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::cell::RefCell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

/// Memory and passes of a hash: the least that OWASP recommends for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// The system's allocator gives allocations beyond 32 MiB back at once and keeps smaller ones. Pages that are reserved
/// and not touched cost nothing.
const MEMORY_RESERVED_KIB: usize = 36 * 1_024;

/// A hash takes some twentieth of it on a free core: a twin that needs longer is starved.
const PATIENCE: Duration = Duration::from_millis(500);

type Digest = Result<[u8; 32], Problem>;

enum Ask {
    Digest { password: Vec<u8>, salt: Vec<u8> },
    Forget,
}

/// The hashing thread's end. It alone meets the locks that requests take as well: a twin that held one while others
/// push it aside would hold them up too.
struct Twin {
    asks: SyncSender<Ask>,
    answers: Receiver<Digest>,
    /// Whether it still owes an answer that nobody waits for any more.
    is_late: bool,
}

thread_local! {
    /// The thread's twin, since its first hash.
    static TWIN: RefCell<Option<Twin>> = const { RefCell::new(None) };
    /// What a thread hashes in, kept from one hash to the next: new memory would take the lock on the memory of the
    /// process, which a thread that is pushed aside would keep.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Argon2id of a password with our parameters, by the twin of this thread, or here where that is starved.
pub(super) fn digest(password: &[u8], salt: &[u8]) -> Digest {
    let by_twin = TWIN.with_borrow_mut(|twin| {
        if twin.is_none() {
            *twin = Twin::begin();
        }
        twin.as_mut()?.digest(password, salt)
    });
    by_twin.unwrap_or_else(|| compute(password, salt))
}

/// Gives back the memory that this thread and its twin keep, which holds what passwords were hashed from.
pub(super) fn forget() {
    MEMORY.take();
    TWIN.with_borrow(|twin| {
        if let Some(twin) = twin {
            // One that is full of work forgets after its next rest.
            let _ = twin.asks.try_send(Ask::Forget);
        }
    });
}

impl Twin {
    fn begin() -> Option<Self> {
        // One ask that is worked on, and to forget.
        let (asks, asked) = sync_channel(2);
        let (answer, answers) = sync_channel(2);
        let thread = std::thread::Builder::new().name("hashing-behind".to_owned());
        let begun = thread.spawn(move || work(&asked, &answer));
        if let Err(error) = &begun {
            tracing::error!(%error, "a thread for hashing cannot be made");
        }
        begun.ok().map(|_| Self {
            asks,
            answers,
            is_late: false,
        })
    }

    /// None where the twin has no time.
    fn digest(&mut self, password: &[u8], salt: &[u8]) -> Option<Digest> {
        if self.is_late {
            let _ = self.answers.try_recv().ok()?;
            self.is_late = false;
        }
        let (password, salt) = (password.to_vec(), salt.to_vec());
        self.asks.try_send(Ask::Digest { password, salt }).ok()?;
        match self.answers.recv_timeout(PATIENCE) {
            Ok(digest) => Some(digest),
            Err(RecvTimeoutError::Timeout) => {
                self.is_late = true;
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}

/// The twin's life, which ends with its owner's.
fn work(asked: &Receiver<Ask>, answer: &SyncSender<Digest>) {
    store::run_when_idle();
    while let Ok(ask) = asked.recv() {
        match ask {
            Ask::Digest { password, salt } => {
                let digest = store::compute_in_slices(|| compute(&password, &salt));
                if answer.send(digest).is_err() {
                    return;
                }
            }
            Ask::Forget => drop(MEMORY.take()),
        }
    }
}

fn compute(password: &[u8], salt: &[u8]) -> Digest {
    let broken = |e: argon2::Error| Problem::internal(format!("argon2: {e}"));
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(broken)?;
    let blocks = params.block_count();
    let mut out = [0; 32];
    MEMORY.with_borrow_mut(|memory| {
        memory.reserve_exact(blocks.max(MEMORY_RESERVED_KIB).saturating_sub(memory.len()));
        memory.resize(blocks, Block::default());
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(password, salt, &mut out, memory)
            .map_err(broken)
    })?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_twin_without_time_is_not_waited_for_twice() {
        let want = compute(b"a password", b"salt of it").unwrap();
        // A twin that never answers.
        let (asks, asked) = sync_channel(2);
        let (answer, answers) = sync_channel(2);
        let is_late = false;
        TWIN.set(Some(Twin {
            asks,
            answers,
            is_late,
        }));
        let begun = std::time::Instant::now();
        for _ in 0..3 {
            assert_eq!(digest(b"a password", b"salt of it").unwrap(), want);
        }
        let waited = begun.elapsed();
        assert!(waited >= PATIENCE, "{waited:?}");
        assert_eq!(asked.try_iter().count(), 1, "asked while it is late");
        // Its late answer is nobody's, and it is asked again.
        answer.send(Ok([7; 32])).unwrap();
        answer.send(Ok([8; 32])).unwrap();
        assert_eq!(digest(b"a password", b"salt of it").unwrap(), [8; 32]);
        assert_eq!(asked.try_iter().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_twin_runs_when_nobody_else_does() {
        digest(b"a password", b"salt of it").unwrap();
        let twins = std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter(|task| {
                let path = task.as_ref().unwrap().path();
                let stat = std::fs::read_to_string(path.join("stat")).unwrap_or_default();
                let policy = stat
                    .rsplit_once(") ")
                    .and_then(|(_, rest)| rest.split(' ').nth(38));
                stat.contains("(hashing-behind)") && policy == Some("5")
            });
        assert!(twins.count() > 0, "no thread has SCHED_IDLE");
    }
}
