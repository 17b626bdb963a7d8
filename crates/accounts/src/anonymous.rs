//! Users without an identity: made at once, promoted later with all that they have, and erased when nobody comes back.

use crate::Accounts;
use crate::door::{Admitted, Entered, Method, Proof};
use crate::error::Error;
use crate::ports::NewUser;
use crate::rows::{anonymous, tallies};
use crate::service::Ask;
use gate::Project;
use kernel::{Code, Stamp};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::WriteTx;
use uuid::Uuid;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
/// How many are looked for at once to be erased.
const SLICE: u64 = 100;
/// After which time no more are erased in one go.
const ERASE_TIME: Duration = Duration::from_secs(1);

impl Accounts {
    /// Makes a user without an identity, and signs it in. The fields of its profile are those of a sign-up.
    pub async fn sign_in_anonymous(
        &self,
        ask: &Ask,
        profile: Map<String, Value>,
    ) -> Result<Entered, Error> {
        let settings = ask.project.settings();
        if !settings.sign_in.anonymous {
            return Err(Error::MethodDisabled);
        }
        self.inner.directory.check(&ask.project, &profile).await?;
        let user = NewUser {
            anonymous: true,
            profile,
            ..NewUser::new(self.inner.ids.new_id(), ask.now, ask.actor.clone())
        };
        let newcomer = self.admit_new(ask, user, Method::Anonymous).await?;
        let (this, of, max) = (
            self.clone(),
            ask.clone(),
            settings.anonymous.per_network_hour,
        );
        let make = async move |tx: &WriteTx| -> Result<Admitted, Error> {
            let who = ("anonymous", &*of.network);
            if !tallies::take(tx, who, HOUR, max, of.now).await? {
                return Err(Error::TooManyAnonymous);
            }
            let made = this.make_new(&of, tx, &newcomer).await?;
            anonymous::insert(tx, made.id, of.now).await?;
            Ok(Admitted::as_before(made))
        };
        self.enter(ask, Proof::one(Method::Anonymous), make).await
    }

    /// Erases anonymous users whom nobody used for as long as the project says, a bounded part of them; whether there
    /// may be more.
    pub(crate) async fn erase_abandoned(
        &self,
        project: &Arc<Project>,
        now: Stamp,
    ) -> Result<bool, Error> {
        let days = project.settings().anonymous.erased_after_days;
        if days == 0 {
            return Ok(false);
        }
        let before = now.minus(DAY * days);
        let started = Instant::now();
        while started.elapsed() < ERASE_TIME {
            let found = anonymous::abandoned(&project.db, before, now.minus(DAY), SLICE).await?;
            for user in &found {
                self.erase_one(project, *user, before, now).await?;
            }
            if found.len() < usize::try_from(SLICE).unwrap_or(usize::MAX) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn erase_one(
        &self,
        project: &Arc<Project>,
        user: Uuid,
        before: Stamp,
        now: Stamp,
    ) -> Result<(), Error> {
        let (this, of) = (self.clone(), project.clone());
        let erase = async move |tx: &WriteTx| -> Result<(), Error> {
            // Somebody may have come back since it was looked for.
            let found = this.inner.directory.lock(&of, tx, user).await?;
            if found.is_some_and(|found| !found.anonymous) {
                return Ok(anonymous::delete(tx, user).await?);
            }
            if !anonymous::is_abandoned(tx, user, before).await? {
                return Ok(());
            }
            this.erase_within(&of, tx, user, now, None).await.map(drop)
        };
        match project.db.write(erase).await {
            Ok(()) => {
                self.user_changed(project, user);
                Ok(())
            }
            // Other records must have it, or it is gone already: it is looked at again in a day.
            Err(Error::Problem(problem))
                if matches!(
                    problem.code(),
                    Code::Referenced | Code::RecordNotFound | Code::UserNotFound
                ) =>
            {
                let note = async move |tx: &WriteTx| -> Result<(), Error> {
                    Ok(anonymous::tried(tx, user, now).await?)
                };
                project.db.write(note).await
            }
            Err(other) => Err(other),
        }
    }
}
