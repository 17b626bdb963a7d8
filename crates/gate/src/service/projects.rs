//! Projects: made, listed, renamed, suspended; opened once, at first use, and handed out from memory afterwards.

use super::Gate;
use crate::audit::{By, record_instance};
use crate::cache::{Changes, Fresh, Mark};
use crate::project::Core;
use crate::query::ListQuery;
use crate::roles::Reach;
use crate::rows::projects::{self, Model, root_key_place};
use crate::sealed::RootKey;
use crate::settings::SettingsCell;
use crate::views::ProjectView;
use crate::{Input, Problem, Project};
use kernel::{Code, Page, parse_slug};
use secrecy::SecretBox;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};
use store::{StoreError, Topic, WriteTx};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// How long a project that did not open is left alone, so that a flood of requests does not try it each time.
const HOLD_OFF: Duration = Duration::from_secs(5);

const ACTIVE: &str = "active";
const SUSPENDED: &str = "suspended";

/// A new project, as it was asked for.
#[derive(Clone, Debug)]
pub struct ProjectIn {
    id: String,
    name: String,
}

impl ProjectIn {
    /// From the members `id` and `name`; the name is the id unless one is given.
    pub fn read(mut input: Input) -> Result<Self, Problem> {
        let id = input.text("id", 1, 200);
        if !id.is_empty() && parse_slug(&id).is_none() {
            let message = "This must be 3 to 40 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last; www, api, admin, dashboard and p are reserved.";
            input.fault("id", "not_a_slug", message);
        }
        let name = input
            .optional_text("name", 1, 100)
            .unwrap_or_else(|| id.clone());
        input.finish().map(|()| Self { id, name })
    }
}

/// The projects that were used, by slug.
pub(crate) struct Projects {
    fresh: Fresh,
    changes: Changes,
    slots: RwLock<HashMap<String, Slot>>,
    cores: Mutex<HashMap<Uuid, Arc<OnceCell<Core>>>>,
    failed: Mutex<HashMap<Uuid, Instant>>,
}

struct Slot {
    project: Result<Arc<Project>, Code>,
    read: Mark,
    /// When it was last asked for.
    used: Mark,
}

impl Projects {
    pub(crate) fn new(fresh: Fresh) -> Self {
        Self {
            fresh,
            changes: Changes::default(),
            slots: RwLock::default(),
            cores: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    fn cached(&self, slug: &str) -> Option<Result<Arc<Project>, Problem>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let slot = slots.get(slug)?;
        slot.used.touch(&self.fresh);
        (!slot.read.is_due(&self.fresh)).then(|| slot.project.clone().map_err(Problem::from))
    }

    /// Keeps what was read at `changes`, unless something was changed since.
    fn keep(&self, slug: &str, project: Result<Arc<Project>, Code>, changes: u64) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if self.changes.now() == changes {
            slots.insert(
                slug.to_owned(),
                Slot {
                    project,
                    read: self.fresh.mark(),
                    used: self.fresh.mark(),
                },
            );
        }
    }

    /// Drops a project that is not there any more. Says nothing to those who read meanwhile: strangers can ask for any
    /// name, and must not keep others from being remembered by that.
    fn drop_one(&self, slug: &str) {
        let is_there = |slots: &HashMap<String, Slot>| slots.contains_key(slug);
        if is_there(&self.slots.read().unwrap_or_else(PoisonError::into_inner)) {
            self.slots
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(slug);
        }
    }

    /// Lets go of projects that nobody has asked for in `rest` and nobody holds; their connections close with them.
    fn close_idle(&self, rest: Duration) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let in_use = |project: &Arc<Project>| Arc::strong_count(project) > 1;
        slots.retain(|_, slot| {
            slot.used.age(&self.fresh) < rest || slot.project.as_ref().is_ok_and(in_use)
        });
        let kept: HashSet<Uuid> = slots
            .values()
            .filter_map(|slot| Some(slot.project.as_ref().ok()?.uid))
            .collect();
        // Whoever opens a project at this moment holds its cell.
        self.cores
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|uid, cell| kept.contains(uid) || Arc::strong_count(cell) > 1);
    }

    fn open(&self) -> usize {
        let cores = self.cores.lock().unwrap_or_else(PoisonError::into_inner);
        cores.values().filter(|cell| cell.initialized()).count()
    }

    fn forget(&self, slug: &str) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.one_more();
        slots.remove(slug);
    }

    /// Reads a project anew at its next use. One that is refused has no uid here: all of those are.
    pub(crate) fn doubt(&self, uid: Uuid) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.one_more();
        slots.retain(|_, slot| slot.project.as_ref().is_ok_and(|p| p.uid != uid));
    }

    /// Reads all projects anew.
    pub(crate) fn doubt_all(&self) {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        self.changes.one_more();
        slots.clear();
    }

    fn cell(&self, uid: Uuid) -> Arc<OnceCell<Core>> {
        self.cores
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(uid)
            .or_default()
            .clone()
    }

    fn is_held_off(&self, uid: Uuid) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.get(&uid).is_some_and(|at| at.elapsed() < HOLD_OFF)
    }

    fn hold_off(&self, uid: Uuid) {
        self.failed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(uid, Instant::now());
    }
}

impl Gate {
    /// The open project with this slug. Opened and migrated at its first use, once however many ask.
    ///
    /// 404 `project_not_found`, 503 `project_suspended`, or 503 `project_unavailable` for this project alone.
    pub async fn project(&self, slug: &str) -> Result<Arc<Project>, Problem> {
        match self.0.projects.cached(slug) {
            Some(found) => found,
            None => self.load(slug).await,
        }
    }

    /// Closes projects that nobody has used for `rest`; the next use opens them again. To be called now and then.
    pub fn close_idle_projects(&self, rest: Duration) {
        self.0.projects.close_idle(rest);
    }

    /// How many projects are open.
    #[must_use]
    pub fn open_projects(&self) -> usize {
        self.0.projects.open()
    }

    async fn load(&self, slug: &str) -> Result<Arc<Project>, Problem> {
        let slug = parse_slug(slug).ok_or(Code::ProjectNotFound)?;
        let changes = self.0.projects.changes.now();
        let Some(row) = projects::by_slug(&self.0.db, slug).await? else {
            self.0.projects.drop_one(slug);
            return Err(Code::ProjectNotFound.into());
        };
        let project = if row.status == SUSPENDED {
            Err(Code::ProjectSuspended)
        } else {
            Ok(self.opened(&row).await?)
        };
        self.0.projects.keep(slug, project.clone(), changes);
        Ok(project?)
    }

    /// The project of a row, whatever its status.
    pub(crate) async fn opened(&self, row: &Model) -> Result<Arc<Project>, Problem> {
        let cell = self.0.projects.cell(row.uid);
        let was_open = cell.initialized();
        let core = cell.get_or_try_init(|| self.open_core(row)).await?;
        let project = Project::new(&row.slug, &row.name, &self.0.public_url, core);
        if was_open {
            // Another node may have changed them; on SQLite this is a read of one row, at the first use only.
            self.reload_settings(&project).await?;
        }
        Ok(Arc::new(project))
    }

    async fn open_core(&self, row: &Model) -> Result<Core, Problem> {
        if self.0.projects.is_held_off(row.uid) {
            return Err(Problem::new(Code::ProjectUnavailable).retry_after(HOLD_OFF.as_secs()));
        }
        let opened = self.try_open(row).await;
        opened.map_err(|e| {
            self.0.projects.hold_off(row.uid);
            tracing::error!(alarm = "project_unavailable", project = %row.slug, uid = %row.uid, error = %e, "the project did not open");
            Problem::new(Code::ProjectUnavailable).retry_after(HOLD_OFF.as_secs())
        })
    }

    async fn try_open(&self, row: &Model) -> Result<Core, Problem> {
        let bytes = self
            .0
            .master
            .unseal(&root_key_place(row.uid), &row.root_key)?;
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_| Problem::internal("a root key has another length"))?;
        let root_key = Arc::new(RootKey::new(
            SecretBox::new(Box::new(bytes)),
            row.uid.as_bytes(),
        )?);
        let db = self.0.store.project(row.uid, &self.0.steps).await?;
        let settings = Arc::new(SettingsCell::default());
        super::settings::reload(&db, &settings).await?;
        Ok(Core {
            uid: row.uid,
            db,
            root_key,
            settings,
            store: Some(self.0.store.clone()),
        })
    }

    /// Makes a project: its database first, then its row, so that a failure leaves no project behind.
    pub async fn create_project(&self, by: &By, new: ProjectIn) -> Result<ProjectView, Problem> {
        if projects::by_slug(&self.0.db, &new.id).await?.is_some() {
            return Err(taken());
        }
        let row = self.new_row(by, new)?;
        let project = self.opened(&row).await?;
        let (made, entry) = (
            row.clone(),
            by.did(
                "project.create",
                &row.slug,
                json!({"uid": row.uid, "name": row.name}),
            ),
        );
        let done = self.0.db.write(async move |tx: &WriteTx| {
            projects::insert(tx, &made)
                .await
                .map_err(|e| match StoreError::from(e) {
                    StoreError::Unique(_) => taken(),
                    e => e.into(),
                })?;
            record_instance(tx, entry.clone()).await
        });
        if let Err(problem) = done.await {
            self.0
                .projects
                .cores
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&row.uid);
            project.db.close();
            return Err(problem);
        }
        self.0.projects.forget(&row.slug);
        Ok(row.into())
    }

    fn new_row(&self, by: &By, new: ProjectIn) -> Result<Model, Problem> {
        let uid = self.0.ids.new_id();
        let root_key = RootKey::new(RootKey::fresh()?, uid.as_bytes())?;
        Ok(Model {
            uid,
            slug: new.id,
            name: new.name,
            status: ACTIVE.to_owned(),
            root_key: self
                .0
                .master
                .seal(&root_key_place(uid), root_key.expose())?,
            created_at: by.now.time(),
            updated_at: by.now.time(),
        })
    }

    /// The projects in reach, in the order in which they were made.
    pub async fn list_projects(
        &self,
        reach: &Reach,
        query: &ListQuery,
    ) -> Result<Page<ProjectView>, Problem> {
        let after = self.after("projects", query.cursor.as_deref())?;
        let only = reach.only();
        let rows = projects::page(&self.0.db, only.as_deref(), after, query.fetch()).await?;
        let mut page = self.page("projects", query.limit, rows, |r| r.uid, ProjectView::from);
        if query.count {
            page.total = Some(projects::count(&self.0.db, only.as_deref()).await?);
        }
        Ok(page)
    }

    /// One project in reach, suspended or not.
    pub async fn get_project(&self, reach: &Reach, slug: &str) -> Result<ProjectView, Problem> {
        Ok(self.project_row(reach, slug).await?.into())
    }

    pub(crate) async fn project_row(&self, reach: &Reach, slug: &str) -> Result<Model, Problem> {
        let row = projects::by_slug(&self.0.db, slug)
            .await?
            .ok_or(Code::ProjectNotFound)?;
        reach.see(row.uid).map(|()| row)
    }

    /// Changes the name that people read.
    pub async fn rename_project(
        &self,
        reach: &Reach,
        by: &By,
        slug: &str,
        name: String,
    ) -> Result<ProjectView, Problem> {
        let row = self.project_row(reach, slug).await?;
        let (uid, at) = (row.uid, by.now.time());
        let entry = by.did("project.rename", slug, json!({"name": name}));
        let done = self
            .0
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                projects::rename(tx, uid, &name, at).await?;
                record_instance(tx, entry.clone()).await
            });
        let done = done.await;
        self.0.projects.forget(slug);
        self.0.store.announce(row.uid, Topic::Settings);
        done?;
        self.get_project(reach, slug).await
    }

    /// Refuses all requests to the project, or lets them in again. Doing it twice changes nothing.
    pub async fn suspend_project(
        &self,
        reach: &Reach,
        by: &By,
        slug: &str,
        suspended: bool,
    ) -> Result<ProjectView, Problem> {
        let row = self.project_row(reach, slug).await?;
        let (status, action) = if suspended {
            (SUSPENDED, "project.suspend")
        } else {
            (ACTIVE, "project.resume")
        };
        let (uid, at, entry) = (row.uid, by.now.time(), by.did(action, slug, json!({})));
        let done = self
            .0
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                if projects::set_status(tx, uid, status, at).await? {
                    record_instance(tx, entry.clone()).await?;
                }
                Ok(())
            });
        let done = done.await;
        // Also when the outcome is not known: the next request reads the row.
        self.0.projects.forget(slug);
        self.0.store.announce(row.uid, Topic::Settings);
        done?;
        self.get_project(reach, slug).await
    }
}

fn taken() -> Problem {
    Problem::new(Code::ProjectTaken).errors(vec![kernel::FieldError::at(
        "id",
        "taken",
        "Another project has this id.",
    )])
}
