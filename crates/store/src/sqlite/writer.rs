//! The writer: jobs of one database run one after another on one connection and are committed in groups.
//!
//! A job is acknowledged only after the fsync of its COMMIT. The threads are those of `pool`.

use super::tx::{Session, SqliteTx};
use crate::WriteTx;
use crate::error::{StoreError, from_sqlite};
use futures_util::task::noop_waker_ref;
use rusqlite::Connection;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Jobs of one commit at most.
const BATCH_MAX: usize = 256;
/// Jobs that may wait for one database; more are refused as busy.
const QUEUE_MAX: usize = 8_192;
/// How often a job is run again after its batch was undone by another.
const RETRIES_MAX: u8 = 3;
/// After a job has failed among others, so many batches keep their jobs apart by savepoints.
const CAREFUL_BATCHES: u32 = 64;

/// A unit of work in the queue.
pub(super) trait Job: Send {
    /// Runs in the open transaction, again if need be; false asks to take it back.
    fn run(&mut self, tx: &WriteTx) -> bool;
    /// Answers the caller: with the closure's own result, or with the store's failure.
    fn finish(self: Box<Self>, result: Result<(), StoreError>);
    /// Whether the caller has gone.
    fn is_cancelled(&self) -> bool;
}

struct Work<F, T, E> {
    f: F,
    out: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Work<F, T, E>
where
    F: AsyncFn(&WriteTx) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, tx: &WriteTx) -> bool {
        let future = pin!((self.f)(tx));
        // Everything a job may await is ready at once, so one poll with no waker is enough.
        let out = match future.poll(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Ready(out) => out,
            Poll::Pending => Err(E::from(StoreError::Yielded)),
        };
        let keep = out.is_ok();
        self.out = Some(out);
        keep
    }

    fn finish(self: Box<Self>, result: Result<(), StoreError>) {
        let answer = match (result, self.out) {
            (Err(e), _) => Err(E::from(e)),
            (Ok(()), Some(out)) => out,
            (Ok(()), None) => Err(E::from(StoreError::Panicked)),
        };
        let _ = self.reply.send(answer);
    }

    fn is_cancelled(&self) -> bool {
        self.reply.is_closed()
    }
}

/// One database's queue and its connection.
pub(super) struct Writer {
    state: Mutex<State>,
    session: Session,
    suspended: AtomicBool,
    closed: AtomicBool,
    ended: AtomicBool,
    /// Becomes true when the log of the closed database has been moved into its file.
    gone: watch::Sender<bool>,
    commits: AtomicU64,
    jobs: AtomicU64,
    /// Batches that still keep their jobs apart.
    careful: AtomicU32,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Queued>,
    /// In the ready queue or on a thread.
    scheduled: bool,
}

struct Queued {
    job: Box<dyn Job>,
    retries: u8,
    /// How long it may take, if it is a long one: such a job is a batch of its own.
    long: Option<Duration>,
}

/// What becomes of a database after its turn on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing waits.
    Idle,
    /// More jobs wait.
    Ready,
    /// Its failed commit has not healed yet.
    Later,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            state: Mutex::default(),
            session: Session::new(connection)?,
            suspended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            gone: watch::Sender::new(false),
            commits: AtomicU64::new(0),
            jobs: AtomicU64::new(0),
            careful: AtomicU32::new(0),
        })
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspended.load(Ordering::Relaxed)
    }

    /// Refuses further jobs. Whether the caller must schedule the turn that ends the database.
    fn close(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = !self.closed.swap(true, Ordering::SeqCst);
        first && !std::mem::replace(&mut state.scheduled, true)
    }

    pub(super) fn counts(&self) -> crate::WriteCounts {
        crate::WriteCounts {
            jobs: self.jobs.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
        }
    }

    fn take_jobs(&self) -> Vec<Queued> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.jobs.drain(..).collect()
    }

    /// The jobs of the next commit: a long one alone, others up to the next long one.
    fn take_batch(&self) -> Vec<Queued> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let others = state.jobs.iter().take(BATCH_MAX);
        let n = match others.take_while(|queued| queued.long.is_none()).count() {
            0 => state.jobs.len().min(1),
            n => n,
        };
        state.jobs.drain(..n).collect()
    }

    /// One turn on a thread, whatever happens in it: a database whose `scheduled` stood for ever would be lost.
    pub(super) fn turn(&self) -> Next {
        let again = catch_unwind(AssertUnwindSafe(|| self.work())).unwrap_or_else(|_| {
            // Not a job's own panic, which is caught where it runs, but one while its remains were dropped.
            tracing::error!("a writer panicked outside of a job");
            Vec::new()
        });
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for queued in again.into_iter().rev() {
            state.jobs.push_front(queued);
        }
        let closed = self.closed.load(Ordering::SeqCst);
        let next = if closed && !self.ended.load(Ordering::SeqCst) {
            // It was closed while this turn was under way.
            Next::Ready
        } else if self.is_suspended() && !closed {
            Next::Later
        } else if state.jobs.is_empty() {
            Next::Idle
        } else {
            Next::Ready
        };
        state.scheduled = next != Next::Idle;
        next
    }

    /// Runs everything that waits, at most one batch, or tries to heal. Returns the jobs that must run again.
    fn work(&self) -> Vec<Queued> {
        if self.closed.load(Ordering::SeqCst) {
            fail_all(self.take_jobs(), || StoreError::Closed);
            self.end();
            return Vec::new();
        }
        if self.is_suspended() {
            // Whoever waits learns at once that nothing of theirs was tried.
            fail_all(self.take_jobs(), || StoreError::Suspended);
            if self.repair() {
                self.suspended.store(false, Ordering::SeqCst);
                tracing::info!("the failed commit has healed");
            }
            return Vec::new();
        }
        let batch = self.take_batch();
        self.run_batch(batch)
    }

    /// Leaves the file without a log, unless a failed commit's frames are in it, whose fate is not known.
    fn end(&self) {
        if self.ended.swap(true, Ordering::SeqCst) {
            return;
        }
        self.roll_back();
        if !self.is_suspended()
            && let Err(e) = self.session.checkpoint()
        {
            tracing::warn!(error = %e, "the log of a closed database stays beside it");
        }
        self.gone.send_replace(true);
    }

    /// Runs and commits one batch; returns the jobs that must run again because another undid them.
    fn run_batch(&self, mut waiting: Vec<Queued>) -> Vec<Queued> {
        waiting.retain(|q| !q.job.is_cancelled());
        if waiting.is_empty() {
            return Vec::new();
        }
        self.roll_back();
        if let Err(e) = self.session.control("BEGIN IMMEDIATE") {
            // Those who came meanwhile have waited too: nobody waits longer than the timeout of one attempt.
            waiting.extend(self.take_jobs());
            fail_all(waiting, || from_sqlite(&e));
            return Vec::new();
        }
        let careful = self.careful.load(Ordering::Relaxed);
        self.careful
            .store(careful.saturating_sub(1), Ordering::Relaxed);
        let mut done: Vec<(Queued, Result<(), StoreError>)> = Vec::with_capacity(waiting.len());
        let mut waiting = waiting.into_iter();
        while let Some(mut queued) = waiting.next() {
            if queued.job.is_cancelled() {
                continue;
            }
            self.session.set_deadline(queued.long);
            let apart = if done.is_empty() {
                Apart::First
            } else if careful > 0 {
                Apart::Savepoint
            } else {
                Apart::Not
            };
            let ran = self.run_job(&mut *queued.job, apart);
            self.session.set_deadline(None);
            match ran {
                Ran::Ended(result) => done.push((queued, result)),
                Ran::EndedAll(result) => {
                    // The statement ended the whole transaction: the earlier jobs must run again, this one has failed.
                    self.roll_back();
                    finish(queued, result);
                    let mut again = Vec::new();
                    for (mut earlier, result) in done {
                        earlier.retries += 1;
                        match result {
                            Ok(()) if earlier.retries <= RETRIES_MAX => again.push(earlier),
                            Ok(()) => finish(earlier, Err(StoreError::Aborted)),
                            Err(e) => finish(earlier, Err(e)),
                        }
                    }
                    again.extend(waiting);
                    return again;
                }
                Ran::Mixed => {
                    // What this one did is mixed with what the earlier ones did: all run again, kept apart.
                    self.careful.store(CAREFUL_BATCHES, Ordering::Relaxed);
                    self.roll_back();
                    let mut again: Vec<Queued> = done.into_iter().map(|(job, _)| job).collect();
                    again.push(queued);
                    again.extend(waiting);
                    return again;
                }
            }
        }
        match self.session.control("COMMIT") {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.jobs.fetch_add(done.len() as u64, Ordering::Relaxed);
                for (queued, result) in done {
                    finish(queued, result);
                }
            }
            Err(e) => self.commit_failed(&e, done),
        }
        Vec::new()
    }

    fn commit_failed(&self, e: &rusqlite::Error, done: Vec<(Queued, Result<(), StoreError>)>) {
        self.roll_back();
        let error = from_sqlite(e);
        if matches!(error, StoreError::Full | StoreError::Busy(_)) {
            // Both come before the frame that makes a commit valid is written: nothing of it was applied, nor can be.
            fail_all(done.into_iter().map(|(queued, _)| queued), || {
                from_sqlite(e)
            });
            return;
        }
        self.suspended.store(true, Ordering::SeqCst);
        let text = error.to_string();
        tracing::error!(error = %text, "a commit failed; writes are suspended until it has healed");
        fail_all(done.into_iter().map(|(queued, _)| queued), || {
            StoreError::CommitUnknown(text.clone())
        });
    }

    /// Runs a job so that it leaves nothing behind when it fails. The first of a transaction needs no savepoint for
    /// that: it takes the whole transaction back. Nor do others as long as none fails. Under a savepoint SQLite keeps a
    /// copy of each page that is changed, in a list that it walks after each statement: that is a fifth of what small
    /// jobs cost, and the square of its length for a long one.
    fn run_job(&self, job: &mut dyn Job, apart: Apart) -> Ran {
        self.session.take_broken();
        if apart == Apart::Savepoint
            && let Err(e) = self.session.control("SAVEPOINT j")
        {
            return Ran::EndedAll(Err(from_sqlite(&e)));
        }
        let tx = WriteTx::Sqlite(SqliteTx::job(&self.session));
        let ran = catch_unwind(AssertUnwindSafe(|| job.run(&tx)));
        let poisoned = matches!(&tx, WriteTx::Sqlite(tx) if tx.is_poisoned());
        drop(tx);
        let (keep, result) = match ran {
            Err(_) => (false, Err(StoreError::Panicked)),
            Ok(false) => (false, Ok(())),
            Ok(true) if poisoned => (false, Err(StoreError::Poisoned)),
            Ok(true) if self.session.has_deferred_foreign_keys() => {
                (false, Err(StoreError::DeferredForeignKey))
            }
            Ok(true) => (true, Ok(())),
        };
        if self.session.is_autocommit() || self.session.take_broken() {
            return Ran::EndedAll(if keep {
                Err(StoreError::Poisoned)
            } else {
                result
            });
        }
        let control = |text| self.session.control(text);
        let ended = match (apart, keep) {
            (Apart::First | Apart::Not, true) => Ok(()),
            (Apart::First, false) => match control("ROLLBACK").map(|()| control("BEGIN IMMEDIATE"))
            {
                Ok(Err(_)) => return Ran::EndedAll(result),
                undone => undone.map(|_| ()),
            },
            (Apart::Not, false) => return Ran::Mixed,
            (Apart::Savepoint, true) => control("RELEASE j"),
            (Apart::Savepoint, false) => {
                control("ROLLBACK TO j").and_then(|()| control("RELEASE j"))
            }
        };
        match ended {
            Ok(()) => Ran::Ended(result),
            // What should be undone may still be there, so nothing around it may be committed.
            Err(e) => Ran::EndedAll(Err(from_sqlite(&e))),
        }
    }

    fn roll_back(&self) {
        if !self.session.is_autocommit()
            && let Err(e) = self.session.control("ROLLBACK")
        {
            // The next BEGIN will fail, and be told to its callers.
            tracing::error!(error = %e, "a transaction could not be rolled back");
        }
    }

    /// Commits a one-row transaction; whether it succeeded. The connection is kept: opening a new one would find the
    /// failed commit's frames in the WAL and make them appear after their callers were told that they might have failed.
    fn repair(&self) -> bool {
        self.roll_back();
        self.session.control("BEGIN IMMEDIATE").is_ok()
            && self
                .session
                .lock()
                .execute_batch("UPDATE _heartbeat SET beats = beats + 1")
                .is_ok()
            && self.session.control("COMMIT").is_ok()
    }
}

/// What keeps a job's changes apart from those of the jobs before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Apart {
    /// There are none.
    First,
    /// A savepoint.
    Savepoint,
    /// Nothing.
    Not,
}

/// How a job ended.
enum Ran {
    /// Alone. `Ok` says that the closure's own result stands.
    Ended(Result<(), StoreError>),
    /// With the whole batch.
    EndedAll(Result<(), StoreError>),
    /// With changes that cannot be told from those before it: nothing is known of any of them.
    Mixed,
}

/// Answers a job. A panic of the caller's own types must not cost its neighbours their answers.
fn finish(queued: Queued, result: Result<(), StoreError>) {
    if catch_unwind(AssertUnwindSafe(|| queued.job.finish(result))).is_err() {
        tracing::error!("a job panicked while it was answered");
    }
}

fn fail_all(batch: impl IntoIterator<Item = Queued>, error: impl Fn() -> StoreError) {
    for queued in batch {
        finish(queued, Err(error()));
    }
}

impl super::SqliteDb {
    /// Refuses all further use through any clone; connections close as their threads come by, and the log is moved into
    /// the file.
    pub(crate) fn close(&self) {
        self.inner.closed.store(true, Ordering::SeqCst);
        if self.inner.writer.close() {
            let writers = &self.inner.runtime.writers;
            writers.schedule(self.inner.writer.clone());
        }
        super::reader::note_closed();
    }

    /// Waits until a closed database has no log any more.
    pub(crate) async fn ended(&self) {
        let mut gone = self.inner.writer.gone.subscribe();
        let _ = gone.wait_for(|gone| *gone).await;
    }

    /// Runs `f` in a transaction and answers after it is on the disk.
    /// With a deadline it is a long one, which runs alone.
    pub(crate) async fn write<T, E, F>(&self, f: F, long: Option<Duration>) -> Result<T, E>
    where
        F: AsyncFn(&WriteTx) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.open_check()?;
        let writer = &self.inner.writer;
        if writer.is_suspended() {
            return Err(StoreError::Suspended.into());
        }
        let (reply, answer) = oneshot::channel();
        let schedule = {
            let mut state = writer.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.jobs.len() >= QUEUE_MAX {
                return Err(StoreError::Busy("too many writes wait".to_owned()).into());
            }
            state.jobs.push_back(Queued {
                job: Box::new(Work {
                    f,
                    out: None,
                    reply,
                }),
                retries: 0,
                long,
            });
            !std::mem::replace(&mut state.scheduled, true)
        };
        if schedule {
            self.inner.runtime.writers.schedule(writer.clone());
        }
        // Without an answer the job's remains panicked while they were dropped, before or after the commit.
        answer.await.unwrap_or_else(|_| {
            Err(StoreError::CommitUnknown("the writer panicked".to_owned()).into())
        })
    }
}
