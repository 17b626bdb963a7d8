//! The connections that read, a pool for each thread: the socket of a connection belongs to the event loop of the
//! thread that opened it, and another thread that waits for an answer on it would be woken through that loop.

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Numbers the stores of a process.
static STORES: AtomicU64 = AtomicU64::new(0);
/// Numbers the threads that read.
static THREADS: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static POOLS: RefCell<Vec<(u64, PgPool)>> = const { RefCell::new(Vec::new()) };
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The pools of one store.
pub(super) struct Readers {
    store: u64,
    pool: PgPoolOptions,
    connect: PgConnectOptions,
    all: Mutex<Vec<PgPool>>,
}

impl Readers {
    /// None is opened yet. `max` connections are shared out among the cores.
    pub(super) fn new(pool: PgPoolOptions, connect: PgConnectOptions, max: u32) -> Self {
        let cores = u32::try_from(cores()).unwrap_or(1);
        Self {
            store: STORES.fetch_add(1, Ordering::Relaxed),
            pool: pool.max_connections(max.div_ceil(cores).max(1)),
            connect,
            all: Mutex::default(),
        }
    }

    /// This thread's.
    pub(super) fn here(&self) -> PgPool {
        POOLS.with_borrow_mut(|pools| {
            if let Some((_, pool)) = pools.iter().find(|(store, _)| *store == self.store) {
                return pool.clone();
            }
            pools.retain(|(_, pool)| !pool.is_closed());
            let pool = self.pool.clone().connect_lazy_with(self.connect.clone());
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(pool.clone());
            pools.push((self.store, pool.clone()));
            pool
        })
    }

    /// Closes them once their connections have come back.
    pub(super) async fn close(&self) {
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        for pool in all {
            pool.close().await;
        }
    }
}

/// How many queries of one project run at once, shared out among the cores: who waits is woken by its own thread.
pub(super) struct Lanes(Box<[Arc<Semaphore>]>);

impl Lanes {
    pub(super) fn new(max: usize) -> Self {
        let cores = cores();
        let share = max.div_ceil(cores).max(1);
        let lanes = (0..cores).map(|_| Arc::new(Semaphore::new(share)));
        Self(lanes.collect())
    }

    /// This thread's.
    pub(super) fn here(&self) -> &Arc<Semaphore> {
        &self.0[THREAD.with(|thread| *thread) % self.0.len()]
    }
}
