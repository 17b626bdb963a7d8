//! Why a rule answers as it does: which rules an act asks in which order, and which clause of which was the first to fail.
//!
//! Nothing is written and nothing is locked: rules are evaluated in memory over rows that are read as they are needed.

mod asked;
mod hint;
mod look;
mod steps;
mod view;
mod world;

pub use asked::ExplainIn;
pub use view::{Act, ClauseView, ExplanationView, RuleCheck, Seen, TruthView};

use crate::can::{RecordsRead, RulesExplain};
use crate::error::DataError;
use crate::query::{self, Query};
use crate::schema::{Loaded, Schema};
use crate::service::{Asker, Data};
use gate::{Permission, Problem, Project, Who};
use kernel::Code;
use look::Looking;
use sea_orm::{DbBackend, Value};
use std::sync::Arc;

impl Data {
    /// Says what the rules answer to an act, without doing it.
    ///
    /// Keys and operators, who need `records.read` too, ask about anybody and see every value. Users and strangers ask about themselves, while the
    /// project is in development; a record that they cannot view is absent to them, and of the values that a rule saw they
    /// are shown their own, the request's, and those fields of the record that they can read. What the act itself would
    /// be refused for before any rule is asked (an unknown field, a bad value, an absent record) is told as it tells it.
    pub async fn explain(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        input: ExplainIn,
    ) -> Result<ExplanationView, DataError> {
        self.may_explain(project, asker, &input)?;
        let explain = async |schema: &Arc<Schema>| {
            self.explain_by(schema, project, asker, name, &input).await
        };
        self.steady(project, explain).await
    }

    async fn explain_by(
        &self,
        schema: &Schema,
        project: &Project,
        asker: &Asker,
        name: &str,
        input: &ExplainIn,
    ) -> Result<ExplanationView, DataError> {
        let collection = schema.collection(name)?;
        let (who, made_up) = self.whom(project, asker, input).await?;
        let whom = input.asker(asker, who);
        let looking = Looking {
            data: self,
            project,
            schema,
            collection,
            whom: &whom,
            reader: asker,
            in_full: asker.privileged(),
        };
        let (status, checks) = looking.steps(input).await?;
        let (sql, plan) = if asker.privileged() && input.act == Act::List {
            let (sql, plan) = listing(project, schema, collection, &whom, &input.query).await?;
            (Some(sql), Some(plan))
        } else {
            (None, None)
        };
        Ok(ExplanationView {
            action: input.act,
            user: whom.who.auth().filter(|_| !made_up).map(|a| a.id.clone()),
            passes_rules: whom.privileged(),
            allowed: status < 400 && checks.iter().all(|c| c.answer == TruthView::True),
            status,
            checks,
            sql,
            plan,
        })
    }

    /// Refuses who may not ask at all, and who may not ask about others.
    fn may_explain(
        &self,
        project: &Project,
        asker: &Asker,
        input: &ExplainIn,
    ) -> Result<(), Problem> {
        let needs = |permission: &str| {
            Problem::new(Code::PermissionDenied)
                .detail(format!("This needs the permission {permission}."))
        };
        let development = project.settings().development;
        match &asker.who {
            // Rules look into records, and so does whoever looks into rules.
            Who::Key { .. } | Who::Operator { .. } => {
                let reads = asker.who.may(RecordsRead::NAME, RecordsRead::HOLDERS);
                reads.then_some(()).ok_or_else(|| needs(RecordsRead::NAME))
            }
            Who::Anonymous if !development => Err(Code::Unauthenticated.into()),
            Who::User(_) if !development => Err(needs(RulesExplain::NAME)),
            _ if input.is_about_another() => Err(needs(RulesExplain::NAME)),
            _ => Ok(()),
        }
    }
}

/// The statement of a list and how the engine means to answer it.
async fn listing(
    project: &Project,
    schema: &Schema,
    collection: &Loaded,
    whom: &Asker,
    query: &Query,
) -> Result<(String, Vec<String>), DataError> {
    let backend: DbBackend = project.db.backend();
    let prepared = query::prepare(schema, collection, query, whom.privileged(), None, backend)?;
    let params = prepared.params(&query.params);
    let limit = i64::from(query.limit()) + 1;
    let statement = whom.with_env(&params, None, None, |env| {
        prepared.page.statement(env, |_| Value::BigInt(Some(limit)))
    });
    let statement = statement.map_err(query::filter_problem)?;
    let sql = statement.sql.replace("\"project\".", "");
    let plan = crate::rows::plan(&project.db, statement).await?;
    Ok((sql, plan))
}
