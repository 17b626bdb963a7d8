//! In a project in development, a refused write says by itself which clause refused it.

use super::{Act, ExplainIn, ExplanationView, RuleCheck, TruthView};
use crate::error::DataError;
use crate::service::{Asker, Data};
use gate::{Problem, Project};
use kernel::{Code, parse_id};
use serde_json::{Map, Value as Json};

impl Data {
    /// What is to be explained if a write is refused: nothing outside of development, nor to whom rules do not bind.
    pub(crate) fn doubtful(
        project: &Project,
        asker: &Asker,
        act: Act,
        record: Option<&str>,
        data: Option<&Map<String, Json>>,
    ) -> Option<ExplainIn> {
        let asked = project.settings().development && !asker.privileged();
        asked.then(|| ExplainIn::own(act, record.and_then(parse_id), data.cloned()))
    }

    /// The same result; a refusal by a rule has a hint if it was doubtful.
    pub(crate) async fn hinted<T>(
        &self,
        project: &Project,
        asker: &Asker,
        name: &str,
        doubtful: Option<ExplainIn>,
        result: Result<T, DataError>,
    ) -> Result<T, DataError> {
        let (Err(DataError::Denied), Some(input)) = (&result, doubtful) else {
            return result;
        };
        // What has changed meanwhile may be explained otherwise: then there is nothing to add.
        let told = Box::pin(self.explain(project, asker, name, input));
        let told = told.await.ok();
        match told.as_ref().and_then(hint) {
            Some(hint) => Err(Problem::new(Code::RuleDenied).hint(hint).into()),
            None => result,
        }
    }
}

/// The clause that failed, in a sentence. Its values are for those who ask for them.
fn hint(told: &ExplanationView) -> Option<String> {
    let fails = |check: &&RuleCheck| check.answer != TruthView::True;
    let check = told
        .checks
        .iter()
        .find(fails)
        .filter(|_| told.status == 403)?;
    let rule = check.rule;
    Some(match (&check.text, &check.clause) {
        (None, _) => format!("The rule {rule} is null: only keys and operators pass."),
        (Some(text), None) => format!("The rule {rule} does not hold: {text}"),
        (_, Some(clause)) => format!(
            "In the rule {rule}, characters {} to {}, this is {}: {}",
            clause.start,
            clause.end,
            match clause.answer {
                TruthView::Unknown => "unknown",
                _ => "not true",
            },
            clause.text
        ),
    })
}
