//! The data directory: its layout, its version, its lock, and the ballast that a full disk gives back.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The layout that this binary writes.
const VERSION: &str = "1";
/// Room that is freed by hand when the disk is full: without it not even deleting works.
const BALLAST_BYTES: u64 = 4 * 1_048_576;

/// An open data directory. The lock is held until it is dropped.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be opened.
#[derive(Debug)]
pub enum DataDirError {
    /// Another process holds the lock.
    Locked,
    /// Anything else, as a sentence.
    Broken(String),
}

impl DataDir {
    /// Opens or makes the directory and takes its lock.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let broken = |what: &str| {
            let place = path.display().to_string();
            let what = what.to_owned();
            move |e: std::io::Error| {
                DataDirError::Broken(format!("data directory {place}: {what}: {e}"))
            }
        };
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(path).map_err(broken("cannot be made"))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(broken("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Err(DataDirError::Locked),
            Err(std::fs::TryLockError::Error(e)) => return Err(broken("lock")(e)),
        }
        for folder in ["run", "secrets", "projects", "cache", "tmp"] {
            builder.create(path.join(folder)).map_err(broken(folder))?;
        }
        check_version(path)?;
        if !path.join("ballast").exists() {
            write_new(
                &path.join("ballast"),
                std::io::repeat(0x5a).take(BALLAST_BYTES),
            )
            .map_err(broken("ballast"))?;
        }
        // Whatever a killed process left is of no use.
        for entry in std::fs::read_dir(path.join("tmp"))
            .map_err(broken("tmp"))?
            .flatten()
        {
            let _ = std::fs::remove_file(entry.path());
        }
        let _ = std::fs::remove_file(path.join("run/galley.sock"));
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The socket by which the command line speaks to the server that holds the directory.
    #[must_use]
    pub fn socket(path: &Path) -> PathBuf {
        path.join("run/galley.sock")
    }
}

fn check_version(path: &Path) -> Result<(), DataDirError> {
    let file = path.join("VERSION");
    let mut text = String::new();
    match File::open(&file) {
        Ok(mut open) => {
            open.read_to_string(&mut text)
                .map_err(|e| DataDirError::Broken(format!("{}: {e}", file.display())))?;
            if text.trim() == VERSION {
                return Ok(());
            }
            Err(DataDirError::Broken(format!(
                "{} says {:?}, and this galley reads {VERSION}: use the release that wrote it, or a newer one",
                file.display(),
                text.trim()
            )))
        }
        Err(_) => write_new(&file, VERSION.as_bytes())
            .map_err(|e| DataDirError::Broken(format!("{}: {e}", file.display()))),
    }
}

/// Writes a file whole or not at all, durable with its name.
fn write_new(path: &Path, mut bytes: impl Read) -> std::io::Result<()> {
    let part = path.with_extension("part");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&part)?;
    // In small pieces: a large buffer, once freed, makes the allocator keep as much for ever.
    std::io::copy(&mut bytes, &mut file)?;
    file.sync_all()?;
    std::fs::rename(&part, path)?;
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_at_a_time_and_no_newer_layout() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        let first = DataDir::open(&path).unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Locked)));
        drop(first);
        drop(DataDir::open(&path).unwrap());
        std::fs::write(path.join("VERSION"), "999").unwrap();
        assert!(matches!(DataDir::open(&path), Err(DataDirError::Broken(_))));
    }
}
