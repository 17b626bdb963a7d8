//! One project's handles, given to handlers by the front door and to nobody else.

use crate::Problem;
use crate::sealed::RootKey;
use crate::settings::{SETTINGS_PLACE, Settings, SettingsCell};
use kernel::Code;
use std::sync::{Arc, OnceLock};
use store::{Db, Store, Topic};
use uuid::Uuid;

/// A project that is open: its names, its database and its secrets.
pub struct Project {
    /// The slug by which it is addressed and that tokens carry as `aud`.
    pub id: String,
    /// Names its folder, schema and keys, so that a slug used again inherits nothing.
    pub uid: Uuid,
    /// The name that people read.
    pub name: String,
    /// `{public_url}/p/{id}`, the `iss` of its tokens, whatever host was asked.
    pub issuer: String,
    /// Its database.
    pub db: Db,
    /// 32 random bytes from which keys are derived per purpose.
    root_key: Arc<RootKey>,
    /// That of cursors, which every list needs.
    cursor_key: OnceLock<[u8; 32]>,
    settings: Arc<SettingsCell>,
    /// Tells other nodes; none in tests of one service.
    store: Option<Store>,
}

impl Project {
    pub(crate) fn new(id: &str, name: &str, public_url: &str, core: &Core) -> Self {
        Self {
            id: id.to_owned(),
            uid: core.uid,
            name: name.to_owned(),
            issuer: format!("{public_url}/p/{id}"),
            db: core.db.clone(),
            root_key: core.root_key.clone(),
            cursor_key: OnceLock::new(),
            settings: core.settings.clone(),
            store: core.store.clone(),
        }
    }

    /// Tells other nodes that what they keep in memory of this project is out of date. To be called after the commit;
    /// a node that does not hear it reads again within a second.
    pub fn announce(&self, topic: Topic) {
        if let Some(store) = &self.store {
            store.announce(self.uid, topic);
        }
    }

    /// The key for one purpose, such as `access-tokens` (HKDF-SHA256 of the root key, the uid as salt).
    #[must_use]
    pub fn derive_key(&self, purpose: &str) -> [u8; 32] {
        self.root_key.derive(purpose)
    }

    /// The key that cursors are signed with, derived once.
    #[must_use]
    pub fn cursor_key(&self) -> &[u8; 32] {
        let derive = || self.root_key.derive("cursor");
        self.cursor_key.get_or_init(derive)
    }

    /// Seals a secret for its `place`, a table and row such as `_keys/1`, so that it opens nowhere else (AES-256-GCM
    /// with a random nonce, behind the key's id).
    pub fn seal(&self, place: &str, plain: &[u8]) -> Result<String, Problem> {
        self.root_key.seal(place, plain)
    }

    /// Opens what [`Project::seal`] made for the same `place`.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, Problem> {
        self.root_key.open(place, sealed)
    }

    /// Its settings as they are now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.get().1
    }

    /// The password of its own mail server, if it has one with a password.
    pub fn mail_password(&self) -> Result<Option<String>, Problem> {
        let settings = self.settings();
        let sealed = settings
            .mail
            .smtp
            .as_ref()
            .and_then(|smtp| smtp.password.as_ref());
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        self.open_setting(sealed).map(Some)
    }

    /// A secret that its settings hold sealed.
    pub fn open_setting(&self, sealed: &str) -> Result<String, Problem> {
        let plain = self.open(SETTINGS_PLACE, sealed)?;
        String::from_utf8(plain).map_err(Problem::internal)
    }

    /// The secret that proofs of its CAPTCHA are verified with, if it has one.
    pub fn captcha_secret(&self) -> Result<Option<String>, Problem> {
        let settings = self.settings();
        let sealed = settings.captcha.as_ref().and_then(|c| c.secret.as_ref());
        let plain = sealed.map(|sealed| self.open(SETTINGS_PLACE, sealed));
        plain
            .transpose()?
            .map(|plain| String::from_utf8(plain).map_err(Problem::internal))
            .transpose()
    }

    /// The app's secret at a provider of this project's settings, if it has one.
    pub fn client_secret(&self, of: &crate::SocialProvider) -> Result<Option<String>, Problem> {
        let Some(sealed) = &of.client_secret else {
            return Ok(None);
        };
        let plain = self.open(SETTINGS_PLACE, sealed)?;
        let text = String::from_utf8(plain);
        text.map(Some).map_err(Problem::internal)
    }

    pub(crate) fn settings_cell(&self) -> &SettingsCell {
        &self.settings
    }

    /// A project over an open database, for the tests of other crates.
    ///
    /// The database must have been brought to [`crate::project_steps`] and the steps of the crate under test.
    #[doc(hidden)]
    pub fn for_tests(db: Db, slug: &str) -> Result<Arc<Self>, Problem> {
        let uid = kernel::Ids.new_id();
        let root_key = Arc::new(RootKey::new(RootKey::fresh()?, uid.as_bytes())?);
        let core = Core {
            uid,
            db,
            root_key,
            settings: Arc::default(),
            store: None,
        };
        let slug = kernel::parse_slug(slug).ok_or(Code::ProjectNotFound)?;
        Ok(Arc::new(Self::new(
            slug,
            slug,
            "http://127.0.0.1:8090",
            &core,
        )))
    }
}

impl Project {
    /// Gives it other settings, for the tests of other crates.
    #[doc(hidden)]
    pub fn set_for_tests(&self, settings: Settings) {
        let (version, _) = self.settings.get();
        self.settings.set(version + 1, settings);
    }

    /// Seals a secret as its settings hold it, for the tests of other crates.
    #[doc(hidden)]
    pub fn seal_for_tests(&self, plain: &str) -> Result<String, Problem> {
        self.seal(SETTINGS_PLACE, plain.as_bytes())
    }
}

impl std::fmt::Debug for Project {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Project")
            .field("id", &self.id)
            .field("uid", &self.uid)
            .finish_non_exhaustive()
    }
}

/// What is opened once, whatever the project is called.
pub(crate) struct Core {
    pub(crate) uid: Uuid,
    pub(crate) db: Db,
    pub(crate) root_key: Arc<RootKey>,
    pub(crate) settings: Arc<SettingsCell>,
    pub(crate) store: Option<Store>,
}
