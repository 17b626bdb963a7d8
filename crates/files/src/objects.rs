//! The bytes of files: objects on the local disk, one directory per project, named by generated ids.
//!
//! An object is written beside its place, fsynced, renamed into it, and its directory fsynced; only then may a row name
//! it. `projects/<uid>/files/<two hex digits>/<object>`; `<object>#<n>` is one that is still being written.

use crate::error::FilesError;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt, try_unfold};
use gate::{Problem, Project};
use kernel::Stamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetResultPayload, MultipartUpload, ObjectStore, ObjectStoreExt};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use uuid::Uuid;

/// Bytes that are gathered before they are written. An upload holds at most this and what the connection buffers.
const PART_BYTES: usize = 256 * 1024;
/// Bytes that are read at once. A download holds at most this and what the connection buffers.
const READ_BYTES: u64 = 128 * 1024;

/// Bytes on their way to a reader.
pub(crate) type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// The objects of all projects.
pub(crate) struct Objects {
    /// The data directory.
    root: PathBuf,
    stores: RwLock<HashMap<Uuid, Arc<LocalFileSystem>>>,
    flights: Arc<Flights>,
}

/// What this process is writing now, and what it has let fall.
#[derive(Default)]
struct Flights {
    /// Objects that an upload of this process has named and not yet finished with.
    aloft: Mutex<HashSet<Uuid>>,
    /// Published objects whose upload went away before any row could name them, with their project.
    fallen: Mutex<Vec<(Uuid, Uuid)>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn place(object: Uuid) -> Path {
    // The last bits of a UUIDv7 are random; its first ones would put a day's uploads into one directory.
    let [.., last] = object.into_bytes();
    Path::from(format!("{last:02x}/{object}"))
}

impl Objects {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            stores: RwLock::default(),
            flights: Arc::default(),
        }
    }

    /// The project's own store; its directory is made and fsynced at the first use.
    async fn of(&self, project: &Project) -> Result<Arc<LocalFileSystem>, FilesError> {
        let kept = |stores: &HashMap<Uuid, Arc<LocalFileSystem>>| stores.get(&project.uid).cloned();
        if let Some(store) = kept(&self.stores.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(store);
        }
        let (root, uid) = (self.root.clone(), project.uid);
        let made = tokio::task::spawn_blocking(move || make_directory(&root, uid)).await;
        let folder = made.map_err(Problem::internal)?.map_err(generic)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        let mut stores = self.stores.write().unwrap_or_else(PoisonError::into_inner);
        Ok(stores.entry(uid).or_insert_with(|| Arc::new(store)).clone())
    }

    /// Begins to write an object under a new name.
    pub(crate) async fn begin(
        &self,
        project: &Project,
        object: Uuid,
    ) -> Result<Incoming, FilesError> {
        let store = self.of(project).await?;
        // It counts as being written before its first trace is on the disk.
        lock(&self.flights.aloft).insert(object);
        let flight = Flight {
            flights: self.flights.clone(),
            project: project.uid,
            object,
            stage: Stage::Writing,
        };
        let upload = store.put_multipart(&place(object)).await?;
        Ok(Incoming {
            upload,
            flight,
            buffer: BytesMut::new(),
        })
    }

    /// The bytes of an object, or nothing if it is not there. What is being read stays readable to its end although the
    /// object is deleted meanwhile.
    pub(crate) async fn open(
        &self,
        project: &Project,
        object: Uuid,
        range: Range<u64>,
    ) -> Result<Option<ByteStream>, FilesError> {
        let store = self.of(project).await?;
        let options = GetOptions {
            range: (!range.is_empty()).then(|| range.clone().into()),
            ..GetOptions::default()
        };
        let found = match store.get_opts(&place(object), options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(match found.payload {
            // The library reads a file in pieces of 8 KiB, each by a thread of its own.
            GetResultPayload::File(file, _) => read_file(file, range),
            GetResultPayload::Stream(stream) => stream.map_err(std::io::Error::other).boxed(),
        }))
    }

    /// Deletes an object. One that is not there is deleted already.
    pub(crate) async fn delete(&self, project: &Project, object: Uuid) -> Result<(), FilesError> {
        match self.of(project).await?.delete(&place(object)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes the project's objects that this process has let fall.
    pub(crate) async fn delete_fallen(&self, project: &Project) -> Result<(), FilesError> {
        let taken: Vec<Uuid> = {
            let mut fallen = lock(&self.flights.fallen);
            let all = std::mem::take(&mut *fallen);
            let (ours, others) = all.into_iter().partition(|(uid, _)| *uid == project.uid);
            *fallen = others;
            let ours: Vec<(Uuid, Uuid)> = ours;
            ours.into_iter().map(|(_, object)| object).collect()
        };
        for object in taken {
            self.delete(project, object).await?;
            // One that could not be published has its staged file still, which has no name in the library.
            let mut staged = folder(&self.root, project.uid);
            staged.push(format!("{}#1", place(object)));
            let removed = tokio::task::spawn_blocking(move || std::fs::remove_file(staged)).await;
            drop(removed.map_err(Problem::internal)?);
        }
        Ok(())
    }

    /// Removes what dead processes were writing. Only one process writes a data directory, so that what is staged and
    /// not this process's is nobody's.
    pub(crate) async fn delete_staged(&self, project: &Project) -> Result<usize, FilesError> {
        self.of(project).await?;
        let folder = folder(&self.root, project.uid);
        let flights = self.flights.clone();
        let work = move || delete_staged(&folder, &flights);
        let done = tokio::task::spawn_blocking(work).await;
        Ok(done.map_err(Problem::internal)?.map_err(generic)?)
    }

    /// The published objects that were last written before `before` and are not being written now, in pages.
    pub(crate) async fn old(
        &self,
        project: &Project,
        before: Stamp,
    ) -> Result<BoxStream<'static, Result<Vec<Uuid>, FilesError>>, FilesError> {
        let store = self.of(project).await?;
        let flights = self.flights.clone();
        let old = store.list(None).try_filter_map(move |meta| {
            let is_old = meta.last_modified.timestamp_micros() < before.unix_micros();
            let object = meta.location.filename().and_then(kernel::parse_id);
            let rests = |object: &Uuid| !lock(&flights.aloft).contains(object);
            std::future::ready(Ok(object.filter(|_| is_old).filter(rests)))
        });
        Ok(old
            .try_chunks(500)
            .map_err(|e| FilesError::from(e.1))
            .boxed())
    }
}

fn generic(source: std::io::Error) -> object_store::Error {
    object_store::Error::Generic {
        store: "files",
        source: Box::new(source),
    }
}

fn folder(root: &std::path::Path, uid: Uuid) -> PathBuf {
    root.join("projects").join(uid.to_string()).join("files")
}

/// Makes a project's directory of files, and sees to it that it is still there after a power cut.
fn make_directory(root: &std::path::Path, uid: Uuid) -> std::io::Result<PathBuf> {
    let folder = folder(root, uid);
    std::fs::create_dir_all(&folder)?;
    for directory in folder.ancestors().take(4) {
        File::open(directory)?.sync_all()?;
    }
    Ok(folder)
}

fn delete_staged(folder: &std::path::Path, flights: &Flights) -> std::io::Result<usize> {
    let mut deleted = 0;
    for shard in std::fs::read_dir(folder)? {
        let shard = shard?;
        if !shard.file_type()?.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(shard.path())? {
            let entry = entry?;
            let name = entry.file_name();
            let Some((object, _)) = name.to_str().and_then(|n| n.split_once('#')) else {
                continue;
            };
            // An upload that begins now has another name than any that was listed before.
            let aloft = kernel::parse_id(object).is_some_and(|o| lock(&flights.aloft).contains(&o));
            if aloft {
                continue;
            }
            match std::fs::remove_file(entry.path()) {
                Ok(()) => deleted += 1,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(deleted)
}

/// Reads a part of a file piece by piece, each on a thread that may block.
fn read_file(file: File, range: Range<u64>) -> ByteStream {
    try_unfold((file, range), |(mut file, range)| async move {
        if range.is_empty() {
            return Ok(None);
        }
        let read = move || {
            let length = (range.end - range.start).min(READ_BYTES);
            let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
            file.seek(SeekFrom::Start(range.start))?;
            file.read_exact(&mut bytes)?;
            Ok((Bytes::from(bytes), (file, range.start + length..range.end)))
        };
        let read = tokio::task::spawn_blocking(read).await;
        read.map_err(std::io::Error::other)?.map(Some)
    })
    .boxed()
}

/// How far an upload has come, which decides what is left of it when it goes away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its staged file is removed by the library.
    Writing,
    /// Its object may be published already, and no row can name it.
    Published,
    /// A row may name its object, or the object is gone: nothing is to be done.
    Settled,
}

/// Keeps an object from being swept while it is written.
struct Flight {
    flights: Arc<Flights>,
    project: Uuid,
    object: Uuid,
    stage: Stage,
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.stage == Stage::Published {
            lock(&self.flights.fallen).push((self.project, self.object));
        }
        lock(&self.flights.aloft).remove(&self.object);
    }
}

/// An object that is being written. Dropped, it leaves nothing.
pub(crate) struct Incoming {
    // Before the flight: its staged file is given up first.
    upload: Box<dyn MultipartUpload>,
    flight: Flight,
    buffer: BytesMut,
}

impl Incoming {
    /// Adds bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PART_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), FilesError> {
        let part = self.buffer.split().freeze();
        Ok(self.upload.put_part(part.into()).await?)
    }

    /// Publishes the object: when this returns, it and its place survive a power cut.
    pub(crate) async fn publish(mut self) -> Result<Published, FilesError> {
        if !self.buffer.is_empty() {
            self.flush().await?;
        }
        self.flight.stage = Stage::Published;
        self.upload.complete().await?;
        Ok(Published(self.flight))
    }

    /// Gives up; nothing is left when this returns.
    pub(crate) async fn abort(mut self) {
        if let Err(error) = self.upload.abort().await {
            tracing::warn!(%error, "an upload could not be removed; it will be swept");
        }
    }
}

/// An object that is on the disk and that no row names yet. Dropped, it is deleted by the next tick.
pub(crate) struct Published(Flight);

impl Published {
    /// From now on a row may name the object, even if nobody waits for the outcome.
    pub(crate) fn is_being_named(&mut self) {
        self.0.stage = Stage::Settled;
    }

    /// A row certainly does not name the object: it is deleted.
    pub(crate) async fn discard(mut self, objects: &Objects, project: &Project) {
        self.0.stage = Stage::Published;
        match objects.delete(project, self.0.object).await {
            Ok(()) => self.0.stage = Stage::Settled,
            Err(error) => {
                tracing::warn!(%error, "an object could not be deleted; it will be later")
            }
        }
    }
}
