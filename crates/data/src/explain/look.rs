//! One rule, looked into: its answer, the clause that decided it, and the values that the asker may know.

use super::view::{ClauseView, RuleCheck, Seen, TruthView};
use super::world::{Others, Source};
use crate::error::DataError;
use crate::schema::{Loaded, Rule, Schema};
use crate::service::{Alone, Asker, Data, allows_outside};
use gate::Project;
use rules::{Explanation, Resolved, Row, Span};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use uuid::Uuid;

/// Rounds of reading at most; each follows a hop further.
const ROUNDS_MAX: usize = 12;

/// What one explanation is made with.
pub(super) struct Looking<'a> {
    pub data: &'a Data,
    pub project: &'a Project,
    pub schema: &'a Schema,
    pub collection: &'a Arc<Loaded>,
    /// Who acts.
    pub whom: &'a Asker,
    /// Who asks.
    pub reader: &'a Asker,
    /// Whether who asks may know every value.
    pub in_full: bool,
}

/// The record that a rule is asked of.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    /// How it is called in the answer.
    pub called: Option<&'static str>,
    pub before: &'a Row,
    pub after: &'a Row,
    /// Whether the record after stands among the others already.
    pub done: bool,
}

impl<'a> Of<'a> {
    /// One record, which is there before and after.
    pub(super) fn one(called: &'static str, row: &'a Row) -> Self {
        Self {
            called: Some(called),
            before: row,
            after: row,
            done: false,
        }
    }
}

impl Looking<'_> {
    pub(super) fn source(&self) -> Source<'_> {
        Source {
            data: self.data,
            project: self.project,
            schema: self.schema,
            asker: self.reader,
        }
    }

    /// Asks one of the collection's rules.
    pub(super) async fn rule(
        &self,
        name: &'static str,
        rule: &Rule,
        of: Of<'_>,
    ) -> Result<RuleCheck, DataError> {
        let text = self.collection.def.rules.get(name);
        self.asked((name, None), text, rule, of).await
    }

    /// Asks the write rule of a field.
    pub(super) async fn write_rule(&self, field: &str, of: Of<'_>) -> Result<RuleCheck, DataError> {
        let known = self.collection.column(field, true);
        let rule = known.map_or(&Rule::Open, |c| &c.write);
        let text = self.collection.def.field(field);
        let text = text.and_then(|f| f.write.text());
        self.asked(("write", Some(field)), text, rule, of).await
    }

    async fn asked(
        &self,
        (name, field): (&'static str, Option<&str>),
        text: Option<&str>,
        rule: &Rule,
        of: Of<'_>,
    ) -> Result<RuleCheck, DataError> {
        let text = text.map(str::to_owned);
        let known = |answer| RuleCheck {
            rule: name,
            field: field.map(str::to_owned),
            record: of.called,
            text: text.clone(),
            answer,
            clause: None,
        };
        let resolved = match rule {
            Rule::Closed => return Ok(known(TruthView::False)),
            Rule::Open => return Ok(known(TruthView::True)),
            Rule::When(rule) => &rule.resolved,
        };
        let params = Map::new();
        match self.explained(resolved, of, &params).await? {
            Some(explanation) => Ok(RuleCheck {
                clause: self.clause(&explanation, of),
                ..known(explanation.answer.into())
            }),
            // Too many records to look at here: the database answers, without a reason, and over the others as they are.
            None => {
                let allows =
                    allows_outside(rule, self.whom, &self.project.db, of.before, of.after).await?;
                Ok(known(if allows {
                    TruthView::True
                } else {
                    TruthView::False
                }))
            }
        }
    }

    /// Asks a list's filter.
    pub(super) async fn filter(
        &self,
        filter: &Resolved,
        params: &Map<String, Json>,
        row: &Row,
    ) -> Result<RuleCheck, DataError> {
        let of = Of::one("stored", row);
        let found = self.explained(filter, of, params).await?;
        let answer = found.as_ref().map(|e| e.answer.into());
        Ok(RuleCheck {
            rule: "filter",
            field: None,
            record: of.called,
            text: Some(filter.text().to_owned()),
            answer: answer.unwrap_or(TruthView::Unknown),
            clause: found.and_then(|e| self.clause(&e, of)),
        })
    }

    /// The explanation, or none if it takes too many records.
    async fn explained(
        &self,
        rule: &Resolved,
        of: Of<'_>,
        params: &Map<String, Json>,
    ) -> Result<Option<Explanation>, DataError> {
        let explain = |world: &dyn rules::World| {
            self.whom
                .with_env(params, Some(of.before), Some(of.after), |env| {
                    rule.explain(env, world)
                })
        };
        if !rule.needs_sql() {
            return Ok(Some(explain(&Alone)));
        }
        let mut others = Others::default();
        if of.done {
            let name = self.collection.def.name.clone();
            others.instead = Some((name, of.after.clone()));
        }
        for _ in 0..ROUNDS_MAX {
            let explanation = explain(&others);
            if others.is_tired() {
                break;
            }
            if !others.wants() {
                return Ok(Some(explanation));
            }
            if !others.read(&self.source()).await? {
                break;
            }
        }
        Ok(None)
    }

    fn clause(&self, explanation: &Explanation, of: Of<'_>) -> Option<ClauseView> {
        let clause = explanation.clause.as_ref()?;
        let Span { start, end } = clause.span;
        let seen = |(name, value): &(String, Json)| Seen {
            name: name.clone(),
            value: self.may_know(name, of).then(|| value.clone()),
        };
        Some(ClauseView {
            text: clause.text.clone(),
            start,
            end,
            answer: clause.answer.into(),
            values: clause.values.iter().map(seen).collect(),
        })
    }

    /// Whether the asker may know a value by how it is written: its own and the request's, and fields of the record that
    /// it can read. What lies behind a hop, or is computed, is not looked into.
    fn may_know(&self, written: &str, of: Of<'_>) -> bool {
        if self.in_full {
            return true;
        }
        let mut words = written.split('.');
        let root = words.next().unwrap_or_default();
        let (row, field) = match root {
            "auth" | "request" | "now" => return true,
            "record" => (of.before, words.next()),
            "next" => (of.after, words.next()),
            field => (of.before, Some(field)),
        };
        let column = field.and_then(|name| self.collection.column(name, false));
        let Some(column) = column.filter(|_| words.next().is_none()) else {
            return false;
        };
        column
            .mask
            .as_ref()
            .map(|mask| &mask.resolved)
            .is_none_or(|mask| {
                let shown = self
                    .reader
                    .with_env(&Map::new(), Some(row), Some(row), |env| {
                        mask.eval(env, &Alone)
                    });
                // One that looks at other records would be asked of a world without any.
                !mask.needs_sql() && shown.allows()
            })
    }

    /// The record as it is stored. To whoever is bound by rules, one that it cannot view is absent.
    pub(super) async fn stored(&self, id: Uuid) -> Result<Row, DataError> {
        let row = self.source().stored(&self.collection.def.name, id).await?;
        let view = &self.collection.rules.view;
        if self.in_full || allows_outside(view, self.reader, &self.project.db, &row, &row).await? {
            Ok(row)
        } else {
            Err(DataError::NoRecord)
        }
    }
}
