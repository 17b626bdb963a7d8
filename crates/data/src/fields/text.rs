//! The type `text`: Unicode, stored as sent, length in code points.

use super::Fault;
use gate::Input;
use regex::{Regex, RegexBuilder};
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// Code points of a text when the field names no `max`.
const MAX_DEFAULT: usize = 5_000;
/// Code points of a text at most.
pub(super) const MAX: usize = 500_000;
/// Code points of a pattern at most.
const PATTERN_MAX: usize = 1_000;
/// Bytes that a compiled pattern may take, and its cache as many again.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// A regular expression (the syntax of the crate `regex`: no look-around, no back-references), found in linear time.
/// As in JSON Schema it may match anywhere in the text: `^` and `$` hold it to the whole.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a pattern; the fault says what is wrong with it.
    fn new(text: &str) -> Result<Self, Fault> {
        let built = RegexBuilder::new(text)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                ("pattern_too_large", "This pattern is too large.".to_owned())
            }
            error => ("not_a_pattern", error.to_string()),
        })
    }

    /// As the developer wrote it.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

/// The options of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Code points at least.
    pub min: usize,
    /// Code points at most.
    pub max: usize,
    /// What the text must match.
    pub pattern: Option<Pattern>,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            min: 0,
            max: MAX_DEFAULT,
            pattern: None,
        }
    }
}

impl Text {
    pub(super) fn parse(input: &mut Input) -> Self {
        let min = count(input, "min", MAX).unwrap_or(0);
        let max = count(input, "max", MAX).unwrap_or(MAX_DEFAULT.max(min));
        if min > max {
            input.fault("max", "below_min", "max must not be below min.");
        }
        let pattern = input.optional_text("pattern", 1, PATTERN_MAX);
        let pattern = pattern.and_then(|text| {
            Pattern::new(&text)
                .map_err(|(code, message)| input.fault("pattern", code, message))
                .ok()
        });
        Self { min, max, pattern }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("min".to_owned(), self.min.into());
        into.insert("max".to_owned(), self.max.into());
        if let Some(pattern) = &self.pattern {
            into.insert("pattern".to_owned(), pattern.text().into());
        }
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        let text = plain(json)?;
        demand_length(text, self.min, self.max)?;
        if self.pattern.as_ref().is_some_and(|p| !p.0.is_match(text)) {
            let message = "This must match the pattern of the field.";
            return Err(("pattern_mismatch", message.to_owned()));
        }
        Ok(Value::String(Some(text.to_owned())))
    }

    pub(super) fn schema(&self) -> Json {
        let mut schema = json!({"type": "string", "maxLength": self.max});
        if self.min > 0 {
            schema["minLength"] = self.min.into();
        }
        // Groups with options are spelled otherwise in the document's language.
        let portable = |p: &&Pattern| !p.text().replace("(?:", "").contains("(?");
        if let Some(pattern) = self.pattern.as_ref().filter(portable) {
            schema["pattern"] = pattern.text().into();
        }
        schema
    }
}

/// A text that both engines can keep.
pub(super) fn plain(json: &Json) -> Result<&str, Fault> {
    match json.as_str() {
        None => Err(("not_a_text", "This must be a text.".to_owned())),
        Some(text) if text.contains('\0') => Err(("nul", "U+0000 is not allowed.".to_owned())),
        Some(text) => Ok(text),
    }
}

pub(super) fn demand_length(text: &str, min: usize, max: usize) -> Result<(), Fault> {
    // A text of n bytes has at most n code points: most values need no count.
    if text.len() <= max && min == 0 {
        return Ok(());
    }
    let length = text.chars().count();
    if length > max {
        let message = format!("At most {max} characters are allowed.");
        return Err(("too_long", message));
    }
    if length < min {
        let message = format!("At least {min} characters are needed.");
        return Err(("too_short", message));
    }
    Ok(())
}

/// Bytes sort alike on both engines only without a locale's rules.
pub(super) fn column(sqlite: bool) -> &'static str {
    if sqlite { "text" } else { "text COLLATE \"C\"" }
}

/// A length up to `most`.
pub(super) fn count(input: &mut Input, name: &str, most: usize) -> Option<usize> {
    match input.take(name) {
        None | Some(Json::Null) => None,
        Some(value) => match value
            .as_u64()
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| *n <= most)
        {
            Some(n) => Some(n),
            None => {
                input.fault(
                    name,
                    "not_a_length",
                    format!("This must be an integer from 0 to {most}."),
                );
                None
            }
        },
    }
}
