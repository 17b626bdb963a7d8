//! A project's settings: read once, changed under a version, applied at once.

use super::Gate;
use crate::audit::{By, record};
use crate::egress::Egress;
use crate::rows::settings;
use crate::settings::{HookName, Patching, PreviousSecret, SETTINGS_PLACE, Settings, SettingsCell};
use crate::views::Versioned;
use crate::{Entry, Input, Problem, Project, webhook};
use kernel::{Code, FieldError};
use serde_json::json;
use std::time::Duration;
use store::{Db, StoreError, Topic, WriteTx};

/// How long calls of a hook are signed with the secret before too.
const PREVIOUS_KEPT: Duration = Duration::from_secs(86_400);

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
        let detail = json!({"before": before.shown(), "after": after.shown()});
        let entry = by.did("settings.update", "settings", detail);
        keep(project, entry, by, (version + 1, after.clone())).await?;
        Ok(Versioned {
            version: version + 1,
            value: after.shown(),
        })
    }

    /// Gives a hook a new secret, and tells it this once. The one before stays good for 24 hours.
    pub async fn make_hook_secret(
        &self,
        project: &Project,
        by: &By,
        name: HookName,
    ) -> Result<String, Problem> {
        reload(&project.db, project.settings_cell()).await?;
        let (version, before) = project.settings_cell().get();
        let mut after = (*before).clone();
        let hook = after.hooks.get_mut(name);
        let hook = hook.as_mut().ok_or(Code::HookNotFound)?;
        let secret = webhook::new_secret()?;
        let sealed = project.seal(SETTINGS_PLACE, secret.as_bytes())?;
        hook.previous = hook.secret.replace(sealed).map(|secret| PreviousSecret {
            secret,
            until: by.now.plus(PREVIOUS_KEPT),
        });
        let entry = by.did("settings.hook_secret", name.as_str(), json!({}));
        keep(project, entry, by, (version + 1, after)).await?;
        Ok(secret)
    }
}

/// Writes settings under their version; 412 where somebody else was faster.
async fn keep(
    project: &Project,
    entry: Entry,
    by: &By,
    (version, settings): (i64, Settings),
) -> Result<(), Problem> {
    let value = serde_json::to_value(&settings).map_err(Problem::internal)?;
    let at = by.now.time();
    project
        .db
        .write(async move |tx: &WriteTx| -> Result<(), Problem> {
            let written = settings::write(tx, version, value.clone(), at)
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
    project.settings_cell().set(version, settings);
    project.announce(Topic::Settings);
    Ok(())
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
