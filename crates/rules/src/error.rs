//! What can be wrong with a text or with a parameter, always with a position and, where one
//! helps, a hint.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::Limit;

/// A range of characters (not bytes) in the text, the end excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The first character.
    pub start: usize,
    /// The character after the last.
    pub end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    pub(crate) fn cover(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// The characters of `text` that this span covers.
    #[must_use]
    pub fn of(self, text: &str) -> String {
        text.chars()
            .skip(self.start)
            .take(self.end.saturating_sub(self.start))
            .collect()
    }
}

/// What kind of mistake it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A limit was passed; its name and value are in the message.
    Limit(Limit),
    /// The text is not an expression.
    Syntax,
    /// A name that does not exist for this viewer.
    UnknownName,
    /// A function or operator outside the allow-list.
    UnknownFunction,
    /// It cannot be said here or not yet.
    Unsupported,
    /// Types do not fit.
    Type,
    /// A constant that its type does not take, such as a malformed id.
    Value,
    /// A parameter that is missing or that its type does not take.
    Param,
    /// A moment outside the years 1 to 9999 after arithmetic.
    Overflow,
}

impl ErrorKind {
    /// A stable word for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Limit(_) => "limit",
            Self::Syntax => "syntax",
            Self::UnknownName => "unknown_name",
            Self::UnknownFunction => "unknown_function",
            Self::Unsupported => "unsupported",
            Self::Type => "type",
            Self::Value => "value",
            Self::Param => "param",
            Self::Overflow => "overflow",
        }
    }
}

/// One mistake in one place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RuleError {
    /// What kind of mistake it is.
    pub kind: ErrorKind,
    /// One sentence for whoever wrote the text.
    pub message: String,
    /// Where it is.
    pub span: Span,
    /// What to write instead, where that can be said.
    pub hint: Option<String>,
}

impl RuleError {
    pub(crate) fn new(kind: ErrorKind, span: Span, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            span,
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn limit(limit: Limit, span: Span) -> Self {
        Self::new(ErrorKind::Limit(limit), span, limit.sentence())
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} (characters {} to {})",
            self.message, self.span.start, self.span.end
        )?;
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}
