//! What an explanation is sent as.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// An act that rules decide about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleAction)]
pub enum Act {
    /// A page of records.
    List,
    /// One record.
    View,
    /// A new record.
    Create,
    /// A change of a record.
    Update,
    /// The removal of a record.
    Delete,
}

/// What the rules answer to an act, and why.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = RuleExplanation)]
pub struct ExplanationView {
    /// The act.
    pub action: Act,
    /// The user it was asked about; null for strangers, for keys and operators, and for users who are made up.
    pub user: Option<String>,
    /// Whether rules do not bind whom it was asked about: then none is asked.
    pub passes_rules: bool,
    /// Whether the rules allow it. With `list` and a record: whether the list shows the record.
    pub allowed: bool,
    /// The status that the act would be answered with, as far as rules decide it.
    pub status: u16,
    /// The rules that were asked, in their order, up to the one that decided.
    pub checks: Vec<RuleCheck>,
    /// The statement of the list, for keys and operators; with `list` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub sql: Option<String>,
    /// How the database means to answer that statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub plan: Option<Vec<String>>,
}

/// One rule that was asked.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RuleCheck {
    /// `list`, `view`, `create`, `update` or `delete`; `write` for that of a field; or `filter` for the list's filter.
    pub rule: &'static str,
    /// The field whose rule it is; absent for those of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub field: Option<String>,
    /// Of which record: `stored` as it is, `after` as the act would leave it, `change` from the one to the other,
    /// `reread` once more among the other records as the act would leave them; null where no record decides.
    pub record: Option<&'static str>,
    /// What it says; null lets nobody but keys and operators pass.
    pub text: Option<String>,
    /// What it answered.
    pub answer: TruthView,
    /// The first clause that was false or unknown; null when the rule is true, or when only the database could answer it.
    pub clause: Option<ClauseView>,
}

/// The three answers. Only `true` allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RuleAnswer)]
pub enum TruthView {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// A value that it needs is absent.
    Unknown,
}

impl From<rules::Truth> for TruthView {
    fn from(truth: rules::Truth) -> Self {
        match truth {
            rules::Truth::True => Self::True,
            rules::Truth::False => Self::False,
            rules::Truth::Unknown => Self::Unknown,
        }
    }
}

/// A clause of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = RuleClause)]
pub struct ClauseView {
    /// Its text.
    pub text: String,
    /// Its first character in the rule's text.
    pub start: usize,
    /// The character after its last.
    pub end: usize,
    /// What it answered.
    pub answer: TruthView,
    /// The values that it saw.
    pub values: Vec<Seen>,
}

/// A value that a clause saw.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = RuleValue)]
pub struct Seen {
    /// As it stands in the clause.
    pub name: String,
    /// What it was, null where there was none; absent when it is not for the asker to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Option<serde_json::Value>)]
    pub value: Option<Json>,
}
