//! Opens databases: the instance's own and one per project, on the engine the configuration names.

use crate::migrate::{self, Step};
use crate::news::{Desk, Listener, News, Topic};
use crate::pg::{PgDb, PgOptions, PgShared};
use crate::sqlite::{Durability, SqliteDb, SqliteOptions, SqliteRuntime};
use crate::{Db, StoreError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Which engine holds the databases.
#[derive(Clone, Debug)]
pub enum Engine {
    /// Files below the data directory.
    Sqlite(SqliteOptions),
    /// Schemas of one PostgreSQL database.
    Postgres(PgOptions),
}

/// The databases of a process.
#[derive(Clone)]
pub struct Store {
    engine: Started,
    /// The SQLite of local files beside PostgreSQL, once there is one.
    local: Arc<Mutex<Option<Arc<SqliteRuntime>>>>,
}

#[derive(Clone)]
enum Started {
    Sqlite(Arc<SqliteRuntime>, PathBuf, Arc<Desk>),
    Postgres(Arc<PgShared>),
}

impl Store {
    /// Starts the engine. `data_dir` must exist; PostgreSQL does not use it.
    pub async fn start(engine: &Engine, data_dir: &Path) -> Result<Self, StoreError> {
        let engine = match engine {
            Engine::Sqlite(options) => {
                let runtime = SqliteRuntime::start(options.clone())?;
                Started::Sqlite(runtime, data_dir.to_owned(), Desk::new())
            }
            Engine::Postgres(options) => Started::Postgres(PgShared::connect(options).await?),
        };
        Ok(Self {
            engine,
            local: Arc::default(),
        })
    }

    /// Opens the instance's database, `instance.db` or the schema `galley`, and brings it to `steps`.
    pub async fn instance(&self, steps: &[Step]) -> Result<Db, StoreError> {
        match &self.engine {
            Started::Sqlite(runtime, dir, _) => {
                sqlite(
                    runtime,
                    &dir.join("instance.db"),
                    Durability::Full,
                    1,
                    steps,
                )
                .await
            }
            Started::Postgres(shared) => postgres(shared, "galley", steps).await,
        }
    }

    /// Opens the database of the project with this uid, `projects/<uid>/data.db` or the schema `p_<uid>`, and brings it
    /// to `steps`. Creates it when it is absent.
    pub async fn project(&self, uid: Uuid, steps: &[Step]) -> Result<Db, StoreError> {
        match &self.engine {
            Started::Sqlite(runtime, dir, _) => {
                let folder = dir.join("projects").join(uid.to_string());
                std::fs::create_dir_all(&folder)
                    .map_err(|e| StoreError::Db(format!("{}: {e}", folder.display())))?;
                sqlite(runtime, &folder.join("data.db"), Durability::Full, 3, steps).await
            }
            Started::Postgres(shared) => {
                postgres(shared, &format!("p_{}", uid.simple()), steps).await
            }
        }
    }

    /// Opens or creates a SQLite file on this machine, whichever the engine is, and brings it to `steps`. Its writes
    /// survive a crash of the process but not of the machine: for what may be lost, such as the request log.
    pub async fn local(&self, path: &Path, steps: &[Step]) -> Result<Db, StoreError> {
        let runtime = match &self.engine {
            Started::Sqlite(runtime, ..) => runtime.clone(),
            Started::Postgres(_) => {
                let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
                match &*local {
                    Some(runtime) => runtime.clone(),
                    None => {
                        let options = SqliteOptions {
                            slow_threads: 1,
                            writer_threads: 1,
                            reader_memory_mib: 4,
                            ..SqliteOptions::default()
                        };
                        local.insert(SqliteRuntime::start(options)?).clone()
                    }
                }
            }
        };
        sqlite(&runtime, path, Durability::Relaxed, 0, steps).await
    }
}

impl Store {
    /// Tells every listener, of this process at once and of the other nodes within some ten milliseconds, that something
    /// of the project with this uid changed. To be called after the commit: a listener reads at once.
    pub fn announce(&self, project: Uuid, topic: Topic) {
        match &self.engine {
            Started::Sqlite(_, _, desk) => desk.tell(News::Changed(project, topic)),
            Started::Postgres(shared) => shared.announce(project, topic),
        }
    }

    /// Hears what is announced from now on, by this process too. On PostgreSQL the first call needs a runtime of tokio's
    /// around it and opens a connection beside the pools; [`News::Everything`] tells that it is there.
    #[must_use]
    pub fn listen(&self) -> Listener {
        match &self.engine {
            Started::Sqlite(_, _, desk) => desk.listen(),
            Started::Postgres(shared) => shared.listen(),
        }
    }

    /// Makes the role that the project's own SQL runs as (`SET LOCAL ROLE`): it cannot log in, owns nothing, and may read
    /// the tables of the project whose names do not begin with `_`, as they are now. Its name; `None` on SQLite, which
    /// has no roles. Fails with [`StoreError::NoCreateRole`] where it may not be made.
    pub async fn ensure_role(&self, project: Uuid) -> Result<Option<String>, StoreError> {
        match &self.engine {
            Started::Sqlite(..) => Ok(None),
            Started::Postgres(shared) => shared.ensure_role(project).await.map(Some),
        }
    }

    /// Removes the project's role, if it has one. To be called when the project is removed for good.
    pub async fn drop_role(&self, project: Uuid) -> Result<(), StoreError> {
        match &self.engine {
            Started::Sqlite(..) => Ok(()),
            Started::Postgres(shared) => shared.drop_role(project).await,
        }
    }

    /// Ends the use of all databases, when all else has ended: on SQLite every open file is left without a log beside
    /// it; on PostgreSQL the connections are closed.
    pub async fn shutdown(&self) {
        let local = self
            .local
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(runtime) = local {
            runtime.shutdown().await;
        }
        match &self.engine {
            Started::Sqlite(runtime, ..) => runtime.shutdown().await,
            Started::Postgres(shared) => shared.shutdown().await,
        }
    }
}

/// `folders` is how many of the folders above the file may be new with it.
async fn sqlite(
    runtime: &Arc<SqliteRuntime>,
    path: &Path,
    durability: Durability,
    folders: usize,
    steps: &[Step],
) -> Result<Db, StoreError> {
    let db = Db::Sqlite(SqliteDb::open(runtime, path, durability, folders)?);
    migrate::migrate(&db, steps).await?;
    Ok(db)
}

async fn postgres(shared: &Arc<PgShared>, schema: &str, steps: &[Step]) -> Result<Db, StoreError> {
    let pg = PgDb::new(shared, schema);
    pg.create_schema().await?;
    let db = Db::Postgres(pg.clone());
    migrate::migrate(&db, steps).await?;
    // A process may have died between a commit and its stamp.
    pg.wake_sequencer();
    Ok(db)
}
