//! Which rules an act asks, in which order, and what it is answered.

use super::asked::ExplainIn;
use super::look::{Looking, Of};
use super::view::{Act, RuleCheck, TruthView};
use crate::error::DataError;
use crate::query;
use crate::records::{Trial, ruled};
use crate::schema::Rule;
use kernel::FieldError;
use rules::{Mode, Row};
use uuid::Uuid;

type Steps = (u16, Vec<RuleCheck>);

/// Who may write is told what is wrong with the values, as the write tells it.
fn sound(faults: Vec<FieldError>, steps: Steps) -> Result<Steps, DataError> {
    if faults.is_empty() {
        Ok(steps)
    } else {
        Err(DataError::invalid(faults))
    }
}

fn holds(check: &RuleCheck) -> bool {
    check.answer == TruthView::True
}

impl Looking<'_> {
    /// The status that the act would be answered with, and the rules that were asked.
    pub(super) async fn steps(&self, input: &ExplainIn) -> Result<Steps, DataError> {
        let record = input.record.unwrap_or_default();
        match input.act {
            Act::List => self.list(input).await,
            Act::View => self.view(record).await,
            Act::Create => self.create(input).await,
            Act::Update => self.update(input, record).await,
            Act::Delete => self.delete(record).await,
        }
    }

    fn passes(&self) -> bool {
        self.whom.privileged()
    }

    async fn list(&self, input: &ExplainIn) -> Result<Steps, DataError> {
        let rules = &self.collection.rules;
        let filter = input.query.filter.as_deref().map(|text| {
            let names = self.schema.names(self.passes());
            let params = Some(&input.query.params);
            rules::parse_and_resolve(
                text,
                &self.collection.def.name,
                Mode::Filter,
                &names,
                params,
            )
        });
        let filter = filter.transpose().map_err(query::filter_problem)?;
        let Some(id) = input.record else {
            let closed = !self.passes() && matches!(rules.list, Rule::Closed);
            if !closed {
                return Ok((200, Vec::new()));
            }
            let none = Row::new();
            let of = Of {
                called: None,
                ..Of::one("", &none)
            };
            return Ok((403, vec![self.rule("list", &rules.list, of).await?]));
        };
        let row = self.stored(id).await?;
        let mut checks = Vec::new();
        if !self.passes() {
            checks.push(
                self.rule("list", &rules.list, Of::one("stored", &row))
                    .await?,
            );
        }
        if let Some(filter) = filter.filter(|_| checks.iter().all(holds)) {
            checks.push(self.filter(&filter, &input.query.params, &row).await?);
        }
        let closed = !self.passes() && matches!(rules.list, Rule::Closed);
        Ok((if closed { 403 } else { 200 }, checks))
    }

    async fn view(&self, id: Uuid) -> Result<Steps, DataError> {
        let row = self.stored(id).await?;
        if self.passes() {
            return Ok((200, Vec::new()));
        }
        let view = &self.collection.rules.view;
        let check = self.rule("view", view, Of::one("stored", &row)).await?;
        Ok((if holds(&check) { 200 } else { 404 }, vec![check]))
    }

    async fn create(&self, input: &ExplainIn) -> Result<Steps, DataError> {
        let fresh = self.data.ids().new_id();
        let (db, data) = (&self.project.db, input.data.clone());
        let trial = Trial::create(db, self.collection, self.whom, data, fresh).await?;
        if self.passes() {
            return sound(trial.faults, (201, Vec::new()));
        }
        let create = &self.collection.rules.create;
        let check = self
            .rule("create", create, Of::one("after", &trial.after))
            .await?;
        let mut checks = vec![check];
        if checks.iter().all(holds) {
            let of = Of::one("after", &trial.after);
            self.fields(input, &[of], &[], &mut checks).await?;
        }
        if checks.iter().all(holds) {
            return sound(trial.faults, (201, checks));
        }
        Ok((403, checks))
    }

    async fn update(&self, input: &ExplainIn, id: Uuid) -> Result<Steps, DataError> {
        let before = self.stored(id).await?;
        let data = input.data.clone();
        let trial = Trial::update(self.collection, self.whom, id, &before, data)?;
        if self.passes() {
            return sound(trial.faults, (200, Vec::new()));
        }
        let (update, after) = (&self.collection.rules.update, &trial.after);
        let change = Of {
            called: Some("change"),
            before: &before,
            after,
            done: false,
        };
        // The first of these decides as of the record that is there: who may not know of it is told there is none.
        let mut asked = if update.names_next() {
            vec![change]
        } else {
            vec![Of::one("stored", &before), Of::one("after", after)]
        };
        if update.needs_sql() {
            let last = asked.last().copied().unwrap_or(change);
            asked.push(Of {
                called: Some("reread"),
                done: true,
                ..last
            });
        }
        let mut checks = Vec::new();
        for (i, of) in asked.into_iter().enumerate() {
            checks.push(self.rule("update", update, of).await?);
            if checks.iter().all(holds) {
                continue;
            }
            if i == 0 {
                return self.refused(checks, &before).await;
            }
            return Ok((403, checks));
        }
        let apart = [Of::one("stored", &before), Of::one("after", after)];
        self.fields(input, &apart, &[change], &mut checks).await?;
        if checks.iter().all(holds) {
            sound(trial.faults, (200, checks))
        } else {
            Ok((403, checks))
        }
    }

    /// Asks the write rules of the fields that are sent, until one denies. `changed` is for those that name the row after.
    async fn fields(
        &self,
        input: &ExplainIn,
        of: &[Of<'_>],
        changed: &[Of<'_>],
        checks: &mut Vec<RuleCheck>,
    ) -> Result<(), DataError> {
        for name in ruled(self.collection, self.whom, input.data.keys()) {
            let rule = self.collection.column(&name, true).map(|c| &c.write);
            let at_once = !changed.is_empty() && rule.is_some_and(Rule::names_next);
            for of in if at_once { changed } else { of } {
                checks.push(self.write_rule(&name, *of).await?);
                if !checks.iter().all(holds) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn delete(&self, id: Uuid) -> Result<Steps, DataError> {
        let row = self.stored(id).await?;
        if self.passes() {
            return Ok((204, Vec::new()));
        }
        let delete = &self.collection.rules.delete;
        let check = self.rule("delete", delete, Of::one("stored", &row)).await?;
        if holds(&check) {
            return Ok((204, vec![check]));
        }
        self.refused(vec![check], &row).await
    }

    /// Whether a refusal says that the record is there.
    async fn refused(&self, mut checks: Vec<RuleCheck>, row: &Row) -> Result<Steps, DataError> {
        let view = &self.collection.rules.view;
        let check = self.rule("view", view, Of::one("stored", row)).await?;
        let status = if holds(&check) { 403 } else { 404 };
        checks.push(check);
        Ok((status, checks))
    }
}
