//! The request log: a bounded queue, written in batches each second, that a flood can neither stop nor swell.

use crate::Problem;
use crate::config::RequestLogConfig;
use crate::rows::requests::{self, Model};
use kernel::{Clock, Ids, Stamp};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Db, WriteTx};

/// A request that takes longer than this is worth keeping before others.
const SLOW: Duration = Duration::from_millis(500);
/// Of the entries of a second, the part that is kept free for errors and slow ones: one in four.
const RESERVED: u64 = 4;
/// Bytes of a path at most.
const PATH_MAX: usize = 500;
/// Bytes of a row, about, indexes included.
const ROW_BYTES: u64 = 400;
/// Batches between two prunings.
const PRUNE_EVERY: u32 = 600;

/// What is known about a request that was answered.
pub(crate) struct Answered<'a> {
    pub(crate) at: Stamp,
    pub(crate) request_id: &'a str,
    pub(crate) project: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    pub(crate) took: Duration,
    pub(crate) actor: Option<String>,
    pub(crate) network: &'a str,
    pub(crate) code: Option<&'static str>,
}

/// The log. Cheap to clone.
#[derive(Clone)]
pub struct RequestLog(Arc<Inner>);

struct Inner {
    db: Db,
    most: u64,
    kept: Duration,
    rows_max: u64,
    /// Entries taken since the last batch.
    taken: AtomicU64,
    waiting: Mutex<Vec<Model>>,
}

impl RequestLog {
    pub(crate) fn new(db: Db, config: &RequestLogConfig) -> Self {
        Self(Arc::new(Inner {
            db,
            most: u64::from(config.requests_per_second_max),
            kept: Duration::from_secs(config.kept_days * 86_400),
            rows_max: config.size_megabytes_max * 1_000_000 / ROW_BYTES,
            taken: AtomicU64::new(0),
            waiting: Mutex::default(),
        }))
    }

    pub(crate) fn db(&self) -> &Db {
        &self.0.db
    }

    /// Whether this second still has room for such a request. Asked first, because most requests of a busy second are
    /// dropped and should cost nothing.
    pub(crate) fn wants(&self, status: u16, took: Duration) -> bool {
        let most = if status >= 400 || took >= SLOW {
            self.0.most
        } else {
            self.0.most - self.0.most / RESERVED
        };
        self.0.taken.load(Ordering::Relaxed) < most
            && self.0.taken.fetch_add(1, Ordering::Relaxed) < most
    }

    pub(crate) fn push(&self, entry: Answered<'_>) {
        let row = Model {
            id: Ids.new_id(),
            at: entry.at.time(),
            request_id: entry.request_id.to_owned(),
            project: entry.project.map(str::to_owned),
            method: entry.method.to_owned(),
            path: cut(entry.path),
            status: i64::from(entry.status),
            duration_us: i64::try_from(entry.took.as_micros()).unwrap_or(i64::MAX),
            actor: entry.actor,
            network: entry.network.to_owned(),
            code: entry.code.map(str::to_owned),
        };
        self.0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(row);
    }

    /// Writes what waits. A batch that fails is lost, and said so: this is a log, not a ledger.
    pub async fn flush(&self) {
        let rows = std::mem::take(
            &mut *self
                .0
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.0.taken.store(0, Ordering::Relaxed);
        if rows.is_empty() {
            return;
        }
        let count = rows.len();
        let done = self
            .0
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                Ok(requests::insert_all(tx, &rows).await?)
            });
        if let Err(problem) = done.await {
            tracing::warn!(%problem, count, "entries of the request log were lost");
        }
    }

    /// Removes what is older or more than the configuration allows.
    pub async fn prune(&self, now: Stamp) -> Result<(), Problem> {
        let (cutoff, most) = (now.minus(self.0.kept).time(), self.0.rows_max);
        self.0
            .db
            .write(async move |tx: &WriteTx| Ok(requests::prune(tx, cutoff, most).await?))
            .await
    }

    /// Writes a batch each second and prunes now and then, until it is dropped; then call [`RequestLog::flush`].
    pub async fn run(self, clock: Clock) {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for batch in 0_u32.. {
            second.tick().await;
            self.flush().await;
            if batch % PRUNE_EVERY == 0
                && let Err(problem) = self.prune(clock.now()).await
            {
                tracing::warn!(%problem, "the request log was not pruned");
            }
        }
    }
}

fn cut(path: &str) -> String {
    let end = (0..=PATH_MAX.min(path.len()))
        .rev()
        .find(|i| path.is_char_boundary(*i))
        .unwrap_or(0);
    path[..end].to_owned()
}
