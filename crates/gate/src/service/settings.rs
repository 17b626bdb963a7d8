//! A project's settings: read once, changed under a version, applied at once.

use super::Gate;
use crate::audit::{By, record};
use crate::egress::Egress;
use crate::rows::settings;
use crate::settings::{Patching, SETTINGS_PLACE, Settings, SettingsCell};
use crate::views::Versioned;
use crate::{Input, Problem, Project};
use kernel::{Code, FieldError};
use serde_json::json;
use store::{Db, StoreError, Topic, WriteTx};

pub(super) async fn reload(db: &Db, cell: &SettingsCell) -> Result<(), Problem> {
    if let Some(row) = settings::read(db).await? {
        cell.set(row.version, parse(row.value)?);
    }
    Ok(())
}

fn parse(value: serde_json::Value) -> Result<Settings, Problem> {
    serde_json::from_value(value).map_err(|e| Problem::internal(format!("stored settings: {e}")))
}

impl Gate {
    pub(super) async fn reload_settings(&self, project: &Project) -> Result<(), Problem> {
        reload(&project.db, project.settings_cell()).await
    }

    /// The settings with their version, without what is sealed in them.
    #[must_use]
    pub fn get_settings(&self, project: &Project) -> Versioned<Settings> {
        let (version, settings) = project.settings_cell().get();
        Versioned {
            version,
            value: settings.shown(),
        }
    }

    /// Merges the members that were sent. `if_match` is the ETag of the version that is meant to be changed.
    pub async fn update_settings(
        &self,
        project: &Project,
        by: &By,
        if_match: Option<&str>,
        mut input: Input,
    ) -> Result<Versioned<Settings>, Problem> {
        reload(&project.db, project.settings_cell()).await?;
        let (version, before) = project.settings_cell().get();
        if if_match.is_some_and(|tags| !matches_etag(tags, version)) {
            return Err(Code::PreconditionFailed.into());
        }
        let seal = |plain: &str| project.seal(SETTINGS_PLACE, plain.as_bytes());
        let with = Patching {
            egress: &Egress::new(&self.0.config.egress),
            seal: &seal,
        };
        let after = (*before).clone().patch(&mut input, &with)?;
        for fault in self.judge(project, &before, &after).await? {
            input.push(fault);
        }
        input.finish()?;
        let value = serde_json::to_value(&after).map_err(Problem::internal)?;
        let detail = json!({"before": before.shown(), "after": after.shown()});
        let (entry, at) = (by.did("settings.update", "settings", detail), by.now.time());
        project
            .db
            .write(async move |tx: &WriteTx| -> Result<(), Problem> {
                let written = settings::write(tx, version + 1, value.clone(), at)
                    .await
                    .map_err(StoreError::from);
                match written {
                    Ok(true) => record(tx, entry.clone()).await,
                    // Somebody else was faster.
                    Ok(false) | Err(StoreError::Unique(_)) => Err(Code::PreconditionFailed.into()),
                    Err(e) => Err(e.into()),
                }
            })
            .await?;
        project.settings_cell().set(version + 1, after.clone());
        project.announce(Topic::Settings);
        Ok(Versioned {
            version: version + 1,
            value: after.shown(),
        })
    }
}

impl Gate {
    /// What a service says against the settings. Identities that stay as they are were judged before.
    async fn judge(
        &self,
        project: &Project,
        before: &Settings,
        after: &Settings,
    ) -> Result<Vec<FieldError>, Problem> {
        let (old, new) = (&before.sign_in, &after.sign_in);
        if old.identities == new.identities || new.own_fields().next().is_none() {
            return Ok(Vec::new());
        }
        match self.0.check.get() {
            Some(check) => check.identities(project, &new.identities).await,
            None => Ok(vec![FieldError::at(
                "sign_in",
                "not_a_field",
                "Only email, username and phone can be identities here.",
            )]),
        }
    }
}

/// Whether an `If-Match` (`*`, or a list of tags) names the version.
fn matches_etag(tags: &str, version: i64) -> bool {
    let own = format!("\"{version}\"");
    tags.split(',')
        .map(str::trim)
        .any(|tag| tag == "*" || tag == own)
}
