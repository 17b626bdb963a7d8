//! The master key: made at the first start beside embedded databases, given by configuration beside PostgreSQL.

use crate::Problem;
use crate::sealed::RootKey;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

/// Why the server refuses to start. Each text is the one line that is printed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No master key was given where one must be.
    #[error(
        "PostgreSQL holds the databases, so the master key must be given: set secrets.master_key to 32 random bytes in base64 (`openssl rand -base64 32`), the same on all nodes"
    )]
    NoMasterKey,
    /// The master key has another form.
    #[error("the master key in {0} is not 32 bytes in base64")]
    BadMasterKey(String),
    /// Others can read the master key.
    #[error(
        "{path} has mode {mode:o}, so that others can read the master key: run `chmod 600 {path}`"
    )]
    OpenMasterKey {
        /// The file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The file system refused.
    #[error("{path}: {error}")]
    File {
        /// The file or folder.
        path: String,
        /// What it said.
        error: std::io::Error,
    },
    /// A setting is not valid.
    #[error("the setting {0}")]
    Config(String),
    /// The instance's database did not open.
    #[error("the instance's database cannot be used: {0}")]
    Database(#[from] store::StoreError),
    /// Anything else; the trace has the story.
    #[error("the server cannot start: {0}")]
    Other(Problem),
}

impl From<Problem> for StartError {
    fn from(problem: Problem) -> Self {
        Self::Other(problem)
    }
}

/// The key that seals every project's root key. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Master(Arc<RootKey>);

impl Master {
    /// The key that was given, or the one in the data directory, which is made when it is absent. With
    /// `must_be_given` (PostgreSQL, where several nodes share it) there is no second way.
    pub fn open(
        data_dir: &Path,
        given: Option<&SecretString>,
        must_be_given: bool,
    ) -> Result<Self, StartError> {
        match given {
            Some(text) => Self::parse(text.expose_secret(), "secrets.master_key"),
            None if must_be_given => Err(StartError::NoMasterKey),
            None => Self::in_folder(&data_dir.join("secrets")),
        }
    }

    fn parse(text: &str, origin: &str) -> Result<Self, StartError> {
        let bad = || StartError::BadMasterKey(origin.to_owned());
        let bytes = STANDARD.decode(text.trim()).map_err(|_| bad())?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| bad())?;
        Self::over(SecretBox::new(Box::new(bytes)))
    }

    fn over(bytes: SecretBox<[u8; 32]>) -> Result<Self, StartError> {
        Ok(Self(Arc::new(RootKey::new(bytes, b"galley master")?)))
    }

    fn in_folder(folder: &Path) -> Result<Self, StartError> {
        let path = folder.join("master.key");
        let at = |path: &Path| {
            let path = path.display().to_string();
            move |error| StartError::File { path, error }
        };
        if !path.exists() {
            return Self::make(folder, &path);
        }
        let mut file = File::open(&path).map_err(at(&path))?;
        let mode = file.metadata().map_err(at(&path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(StartError::OpenMasterKey {
                path: path.display().to_string(),
                mode,
            });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(at(&path))?;
        Self::parse(&text, &path.display().to_string())
    }

    /// Writes beside and renames, so that a crash leaves no half key behind.
    fn make(folder: &Path, path: &Path) -> Result<Self, StartError> {
        let bytes = RootKey::fresh()?;
        let beside = folder.join("master.key.new");
        let text = STANDARD.encode(bytes.expose_secret());
        let write = || {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            std::fs::rename(&beside, path)?;
            File::open(folder)?.sync_all()?;
            folder
                .parent()
                .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
        };
        write().map_err(|error| StartError::File {
            path: path.display().to_string(),
            error,
        })?;
        Self::over(bytes)
    }

    /// The instance's own key for one purpose.
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        self.0.derive(purpose)
    }

    /// Seals a secret of the instance for its place, a table and row.
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<String, Problem> {
        self.0.seal(place, plain)
    }

    /// Opens a secret of the instance.
    pub fn unseal(&self, place: &str, sealed: &str) -> Result<Vec<u8>, Problem> {
        self.0.open(place, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_kept_private_and_refused_when_others_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = Master::open(dir.path(), None, false)
            .unwrap()
            .seal("a/1", b"x")
            .unwrap();
        assert_eq!(
            Master::open(dir.path(), None, false)
                .unwrap()
                .unseal("a/1", &sealed)
                .unwrap(),
            b"x"
        );
        let path = dir.path().join("secrets/master.key");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = Master::open(dir.path(), None, false)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
    }

    #[test]
    fn a_key_must_be_given_on_postgres_and_be_32_bytes() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Master::open(dir.path(), None, true),
            Err(StartError::NoMasterKey)
        ));
        assert!(matches!(
            Master::open(dir.path(), Some(&"c2hvcnQ=".into()), true),
            Err(StartError::BadMasterKey(_))
        ));
        assert!(Master::open(dir.path(), Some(&STANDARD.encode([1; 32]).into()), true).is_ok());
        assert!(!dir.path().join("secrets").exists());
    }
}
