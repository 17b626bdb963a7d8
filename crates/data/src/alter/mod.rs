//! Changing a collection that is there: names, fields, indexes and rules, with the records that it has, in one transaction.

mod fit;

pub(crate) use fit::{Loss, count, demand};

use crate::checks::check_rules;
use crate::collections::{audit, held};
use crate::error::DataError;
use crate::fields::Type;
use crate::model::{Alter, Collection, INDEXES_ADDED};
use crate::records::{Keeper, field_removed, keep, replay};
use crate::references::references_of;
use crate::rows;
use crate::schema::{Loaded, Schema};
use crate::service::{Asker, Data};
use crate::sql::{alter as sql, pairs};
use crate::versions::Entry;
use fit::Fit;
use gate::{Problem, Project};
use kernel::{Code, FieldError};
use serde_json::{Map, Value as Json, json};
use std::sync::Arc;
use std::time::Duration;
use store::{Answer, Claim, StoreError, WriteTx};

/// How long a change may take. On SQLite other writes of the project wait for it.
const DEADLINE: Duration = Duration::from_secs(300);

/// What a change has done, or would do.
struct Altered {
    /// The collection as it is afterwards.
    collection: Collection,
    /// What is done to the table: a word and what it is about.
    steps: Vec<(&'static str, String)>,
    /// What records lose.
    losses: Vec<Loss>,
    /// Whether nothing was done.
    dry_run: bool,
}

impl Altered {
    fn answer(&self) -> Answer {
        Answer {
            status: 200,
            etag: None,
            body: Some(self.view().to_string()),
        }
    }

    /// The collection, or, of a dry run, what would be done.
    fn view(&self) -> Json {
        if !self.dry_run {
            return self.collection.view();
        }
        let step = |(kind, what): &(&str, String)| json!({"kind": kind, "of": what});
        json!({
            "dry_run": true,
            "steps": self.steps.iter().map(step).collect::<Vec<_>>(),
            "losses": self.losses.iter().map(Loss::view).collect::<Vec<_>>(),
            "collection": self.collection.view(),
        })
    }
}

/// Why a change was taken back.
enum Undone {
    /// It was to be tried only.
    Tried(Box<Altered>),
    Failed(DataError),
}

impl<E: Into<DataError>> From<E> for Undone {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Data {
    /// Changes a collection in one transaction: all of it, or nothing.
    ///
    /// What records would lose is refused unless `confirm` repeats the words of the refusal. A dry run does it all and
    /// takes it back, so that it tells the truth and takes as long; nothing is kept of it for its idempotency key. Ids,
    /// versions and times of records stay.
    pub async fn update_collection(
        &self,
        project: &Arc<Project>,
        asker: &Asker,
        name: &str,
        object: Map<String, Json>,
        claim: Option<Claim>,
    ) -> Result<Answer, DataError> {
        let known = self.schema(project).await?;
        if let Err(error) = self.plan(project, asker, &known, name, &object).await {
            // What a retry names may have got another name by its first try.
            return self.earlier(project, asker, claim).await?.ok_or(error);
        }
        let changing = self.changing();
        let (asker, name, data, project_) = (
            asker.clone(),
            name.to_owned(),
            self.clone(),
            project.clone(),
        );
        let job = async move |tx: &WriteTx| -> Result<Answer, Undone> {
            if let Some(answer) = replay(tx, &asker, claim.as_ref()).await? {
                return Ok(answer);
            }
            let (schema, version) = held(tx, &known).await?;
            let loaded = schema.collection(&name)?;
            let alter = Alter::parse(&loaded.def, object.clone(), asker.now)?;
            check(&schema, &alter)?;
            let keeper = Keeper {
                files: &**data.files(),
                project: &project_,
                asker: &asker,
            };
            let done = Work {
                tx,
                keeper,
                loaded,
                alter: &alter,
            }
            .run()
            .await?;
            if done.dry_run {
                return Err(Undone::Tried(Box::new(done)));
            }
            record(tx, &asker, &schema, &alter, version).await?;
            let answer = done.answer();
            keep(tx, &asker, claim.as_ref(), &answer).await?;
            Ok(answer)
        };
        let answer = match project.db.write_long(DEADLINE, job).await {
            Ok(answer) => answer,
            Err(Undone::Tried(tried)) => return Ok(tried.answer()),
            Err(Undone::Failed(error)) => return Err(error),
        };
        self.renew(project).await?;
        drop(changing);
        Ok(answer)
    }

    /// Refuses what is wrong with a change by itself, before it waits for anything.
    async fn plan(
        &self,
        project: &Project,
        asker: &Asker,
        known: &Schema,
        name: &str,
        object: &Map<String, Json>,
    ) -> Result<(), DataError> {
        let planned = Alter::parse(&known.collection(name)?.def, object.clone(), asker.now)?;
        self.check_buckets(project, &planned.after, Some(&planned.places))
            .await
    }

    /// The answer to an earlier request with the same idempotency key.
    async fn earlier(
        &self,
        project: &Project,
        asker: &Asker,
        claim: Option<Claim>,
    ) -> Result<Option<Answer>, DataError> {
        let Some(claim) = claim else { return Ok(None) };
        let asker = asker.clone();
        let look = async move |tx: &WriteTx| replay(tx, &asker, Some(&claim)).await;
        project.db.write(look).await
    }
}

/// Refuses what the schema does not bear.
fn check(schema: &Schema, alter: &Alter) -> Result<(), DataError> {
    let (before, after) = (&alter.before.name, &alter.after.name);
    if before != after && schema.collections.contains_key(after) {
        return Err(DataError::CollectionTaken);
    }
    let references = references_of(schema, alter);
    if !references.is_empty() {
        return Err(Problem::new(Code::Referenced).errors(references).into());
    }
    Ok(check_rules(schema, &alter.after, Some(alter))?)
}

/// A change under way.
struct Work<'a> {
    tx: &'a WriteTx,
    keeper: Keeper<'a>,
    loaded: &'a Loaded,
    alter: &'a Alter,
}

impl Work<'_> {
    /// In this order: the table's lock, its new name, new values, what nobody agreed to lose, files, columns and indexes.
    async fn run(&self) -> Result<Altered, DataError> {
        let (tx, alter) = (self.tx, self.alter);
        rows::fence(tx, &alter.before, sql::is_structural(alter)).await?;
        let mut fit = Fit::default();
        for dropped in &alter.dropped {
            fit.drop(tx, &alter.before.name, dropped).await?;
        }
        self.release().await?;
        let mut steps = Vec::new();
        for step in pairs::renamed(alter, tx.backend()) {
            for text in &step.sql {
                rows::execute(tx, text).await?;
            }
            steps.push((step.kind, step.what));
        }
        for field in &alter.kept {
            fit.change(tx, &alter.after.name, alter, field).await?;
        }
        if !fit.faults.is_empty() {
            return Err(DataError::invalid(fit.faults));
        }
        if !alter.dry_run {
            demand(&fit.losses, |word| alter.confirm.contains(word))?;
        }
        steps.extend(fit.converted.into_iter().map(|field| ("copy", field)));
        let done = rows::alter(tx, alter).await.map_err(|e| unfit(alter, e))?;
        steps.extend(done.into_iter().map(|step| (step.kind, step.what)));
        Ok(Altered {
            collection: alter.after.clone(),
            steps,
            losses: fit.losses,
            dry_run: alter.dry_run,
        })
    }

    /// Lets go of the files of fields that go, and tells the names of those that stay.
    async fn release(&self) -> Result<(), DataError> {
        let (tx, alter, keeper) = (self.tx, self.alter, self.keeper);
        let is_file = |kind: &Type| matches!(kind, Type::File(_));
        for dropped in alter.dropped.iter().filter(|d| is_file(&d.field.kind)) {
            field_removed(tx, keeper, self.loaded, &dropped.field.name).await?;
        }
        let moved = alter.before.name != alter.after.name;
        let files = alter
            .kept
            .iter()
            .filter(|k| is_file(&k.before.kind) && (moved || k.is_renamed()));
        // Two fields may change their names with each other: a step aside keeps them apart.
        let aside = |name: &str| format!("~{name}");
        let files: Vec<_> = files.collect();
        let (from, to) = (&alter.before.name, &alter.after.name);
        for field in &files {
            let name = &field.before.name;
            keeper
                .files
                .renamed(tx, (from, name), (from, &aside(name)))
                .await?;
        }
        for field in &files {
            let name = aside(&field.before.name);
            keeper
                .files
                .renamed(tx, (from, &name), (to, &field.after.name))
                .await?;
        }
        Ok(())
    }
}

/// Writes what a change has made of the schema: the definitions, their versions, the audit log and the change log.
async fn record(
    tx: &WriteTx,
    asker: &Asker,
    schema: &Schema,
    alter: &Alter,
    version: i64,
) -> Result<(), DataError> {
    let entry = Entry::new(version, "collection.update", asker);
    rows::update(tx, &alter.after).await?;
    rows::remember(tx, &entry, Some(&alter.before), Some(&alter.after)).await?;
    let (before, after) = (&alter.before.name, &alter.after.name);
    if before != after {
        // Relations follow.
        for (name, def) in schema.with(Some(before), &alter.after) {
            if let Some(there) = schema
                .collections
                .get(&name)
                .filter(|l| l.def != def && name != *after)
            {
                rows::update(tx, &def).await?;
                rows::remember(tx, &entry, Some(&there.def), Some(&def)).await?;
            }
        }
        tx.log_schema_change(before, asker.actor(), asker.now)
            .await?;
    }
    audit(tx, asker, "collection.update", &alter.after).await
}

/// Tells where in the change the index stands that the records do not fit.
fn unfit(alter: &Alter, error: rows::Unfit) -> DataError {
    let index = match error {
        rows::Unfit::Equal(index) => index,
        rows::Unfit::Store(StoreError::Constraint(_)) => {
            let detail = "Records that are there do not fit.";
            return Problem::new(Code::ValidationFailed).detail(detail).into();
        }
        rows::Unfit::Store(StoreError::ForeignKey(_)) => {
            let detail = "Tables that refer to this one do not let it be made anew.";
            return Problem::new(Code::Referenced).detail(detail).into();
        }
        rows::Unfit::Store(error) => return error.into(),
    };
    let added = alter.after.indexes.iter().skip(alter.indexes.len());
    let place = added.clone().position(|i| *i == index);
    let field = index.fields.first().and_then(|f| alter.places.get(f));
    let path = match (place, field) {
        (Some(i), _) => format!("{INDEXES_ADDED}/{i}"),
        (None, Some(place)) => place.clone(),
        (None, None) => INDEXES_ADDED.to_owned(),
    };
    DataError::invalid(vec![FieldError {
        path,
        code: "not_unique",
        message: "Records that are there have equal values.".to_owned(),
    }])
}
