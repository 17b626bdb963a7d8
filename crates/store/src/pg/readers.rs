//! The connections that read, a pool for each thread: the socket of a connection belongs to the event loop of the
//! thread that opened it, and another thread that waits for an answer on it would be woken through that loop.

use super::pipe::{Address, PIPES, Pipes};
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
    static HERE: RefCell<Vec<Here>> = const { RefCell::new(Vec::new()) };
    static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed);
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What one thread reads one store with.
#[derive(Clone)]
struct Here {
    store: u64,
    pool: PgPool,
    pipes: Option<Arc<Pipes>>,
}

/// The pools of one store.
pub(super) struct Readers {
    store: u64,
    pool: PgPoolOptions,
    connect: PgConnectOptions,
    /// How `pipes` are opened, if they can be.
    pipes: Option<Address>,
    all: Mutex<Vec<Here>>,
}

impl Readers {
    /// None is opened yet. `max` connections are shared out among the cores.
    pub(super) fn new(
        pool: PgPoolOptions,
        connect: PgConnectOptions,
        pipes: Option<Address>,
        max: u32,
    ) -> Self {
        let cores = u32::try_from(cores()).unwrap_or(1);
        let share = max.div_ceil(cores).max(1);
        let taken = if pipes.is_some() { PIPES } else { 0 };
        let taken = u32::try_from(taken).unwrap_or(0);
        Self {
            store: STORES.fetch_add(1, Ordering::Relaxed),
            pool: pool.max_connections(share.saturating_sub(taken).max(1)),
            connect,
            pipes,
            all: Mutex::default(),
        }
    }

    fn with_here<T>(&self, f: impl FnOnce(&Here) -> T) -> T {
        HERE.with_borrow_mut(|all| {
            if let Some(here) = all.iter().find(|here| here.store == self.store) {
                return f(here);
            }
            all.retain(|here| !here.pool.is_closed());
            let here = Here {
                store: self.store,
                pool: self.pool.clone().connect_lazy_with(self.connect.clone()),
                pipes: self
                    .pipes
                    .as_ref()
                    .map(|address| Arc::new(Pipes::new(address))),
            };
            let told = f(&here);
            let mut known = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            known.push(here.clone());
            all.push(here);
            told
        })
    }

    /// This thread's.
    pub(super) fn here(&self) -> PgPool {
        self.with_here(|here| here.pool.clone())
    }

    /// This thread's, if there are any.
    pub(super) fn pipes(&self) -> Option<Arc<Pipes>> {
        self.with_here(|here| here.pipes.clone())
    }

    /// Closes them once their connections have come back.
    pub(super) async fn close(&self) {
        let all = std::mem::take(&mut *self.all.lock().unwrap_or_else(PoisonError::into_inner));
        for here in all {
            if let Some(pipes) = &here.pipes {
                pipes.close();
            }
            here.pool.close().await;
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
