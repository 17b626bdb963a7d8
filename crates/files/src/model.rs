//! Buckets and paths of files: parsing with all faults at once.

use gate::{Input, Problem};
use kernel::limits::INTEGER_MAX;
use kernel::{Code, FieldError, Stamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;

/// Bytes of a path at most.
const PATH_BYTES_MAX: usize = 1_024;
/// Types that a bucket names at most.
const TYPES_MAX: usize = 100;
/// The acts that have rules, in the order in which they are told.
pub(crate) const RULE_NAMES: [&str; 5] = ["list", "view", "create", "update", "delete"];

/// What a bucket's files are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BucketKind)]
pub enum Kind {
    /// They live until they are deleted.
    Files,
    /// They exist for fields of records: one that no field holds is its uploader's alone, and collected after 24 hours.
    Attachments,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Attachments => "attachments",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "files" => Some(Self::Files),
            "attachments" => Some(Self::Attachments),
            _ => None,
        }
    }
}

/// What a bucket takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a file at most.
    pub size_bytes_max: Option<u64>,
    /// Types of files, in lower case: `image/png`, `image/*`.
    pub content_types: Option<Vec<String>>,
}

impl Limits {
    /// Whether files of this type are taken.
    #[must_use]
    pub fn takes(&self, content_type: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some("*/") => true,
            Some(prefix) => content_type.starts_with(prefix),
            None => pattern == content_type,
        };
        self.content_types
            .as_ref()
            .is_none_or(|all| all.iter().any(fits))
    }
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What its files are for.
    pub kind: Kind,
    /// The rules that are there; one that is absent lets keys and operators only.
    pub rules: BTreeMap<String, String>,
    /// What it takes.
    pub limits: Limits,
    /// Moves with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

impl Bucket {
    /// Reads a new bucket.
    pub fn parse(mut input: Input, now: Stamp) -> Result<Self, Problem> {
        let name = input.text("name", 0, 1_000);
        if !name.is_empty() && !is_bucket_name(&name) {
            let message = "A name has 1 to 59 of a-z, 0-9, _ and -, and begins with a letter.";
            input.fault("name", "invalid_name", message);
        }
        if name.is_empty() {
            input.fault("name", "invalid_name", "A bucket needs a name.");
        }
        let kind = match input.optional_text("kind", 0, 100).as_deref() {
            None => Kind::Files,
            Some(text) => Kind::parse(text).unwrap_or_else(|| {
                let message = "This must be \"files\" or \"attachments\".";
                input.fault("kind", "not_a_choice", message);
                Kind::Files
            }),
        };
        Self {
            name,
            kind,
            rules: BTreeMap::new(),
            limits: Limits::default(),
            version: 0,
            created_at: now,
            updated_at: now,
        }
        .patch(input, now)
    }

    /// Takes the rules and limits that are named; the others stay.
    pub fn patch(mut self, mut input: Input, now: Stamp) -> Result<Self, Problem> {
        let mut unknown = Vec::new();
        if let Some(mut rules) = object(&mut input, "rules") {
            for name in RULE_NAMES {
                match rules.shift_remove(name) {
                    None => {}
                    Some(Json::Null) => drop(self.rules.remove(name)),
                    Some(Json::String(text)) => drop(self.rules.insert(name.to_owned(), text)),
                    Some(_) => input.push(fault(
                        &format!("/rules/{name}"),
                        "not_a_text",
                        "This must be a text or null.",
                    )),
                }
            }
            unknown.extend(rules.keys().map(|n| format!("/rules/{n}")));
        }
        if let Some(mut limits) = object(&mut input, "limits") {
            self.limits.patch(&mut limits, &mut input);
            unknown.extend(limits.keys().map(|n| format!("/limits/{n}")));
        }
        if !unknown.is_empty() {
            let fault = |path: &String| fault(path, "unknown_field", "There is no such field.");
            let faults = unknown.iter().map(fault).collect();
            return Err(Problem::new(Code::UnknownField).errors(faults));
        }
        input.finish()?;
        self.version += 1;
        self.updated_at = now;
        Ok(self)
    }

    /// The rules and limits as they are stored.
    pub(crate) fn definition(&self) -> Json {
        json!({
            "rules": self.rules,
            "limits": {"size_bytes_max": self.limits.size_bytes_max, "content_types": self.limits.content_types},
        })
    }

    /// Reads back what [`Bucket::definition`] wrote.
    pub(crate) fn with_definition(mut self, definition: &Json) -> Self {
        let rules = definition["rules"].as_object();
        let text = |(n, v): (&String, &Json)| Some((n.clone(), v.as_str()?.to_owned()));
        self.rules = rules.into_iter().flatten().filter_map(text).collect();
        let limits = &definition["limits"];
        self.limits = Limits {
            size_bytes_max: limits["size_bytes_max"].as_u64(),
            content_types: limits["content_types"].as_array().map(|all| {
                let text = |v: &Json| v.as_str().map(str::to_owned);
                all.iter().filter_map(text).collect()
            }),
        };
        self
    }
}

impl Limits {
    fn patch(&mut self, limits: &mut Map<String, Json>, input: &mut Input) {
        match limits.shift_remove("size_bytes_max") {
            None => {}
            Some(Json::Null) => self.size_bytes_max = None,
            Some(value) => {
                let most = INTEGER_MAX.unsigned_abs();
                self.size_bytes_max = value.as_u64().filter(|n| (1..=most).contains(n));
                if self.size_bytes_max.is_none() {
                    let message = "This must be a positive integer.";
                    input.push(fault("/limits/size_bytes_max", "out_of_range", message));
                }
            }
        }
        match limits.shift_remove("content_types") {
            None => {}
            Some(Json::Null) => self.content_types = None,
            Some(value) => {
                let text = |v: &Json| v.as_str().and_then(type_pattern);
                let types = value.as_array().filter(|all| all.len() <= TYPES_MAX);
                let types = types.and_then(|all| all.iter().map(text).collect());
                if types.is_none() {
                    let message = format!(
                        "This must be a list of at most {TYPES_MAX} types such as image/png or image/*."
                    );
                    input.push(fault("/limits/content_types", "not_types", message));
                }
                self.content_types = types;
            }
        }
    }
}

fn fault(path: &str, code: &'static str, message: impl Into<String>) -> FieldError {
    FieldError {
        path: path.to_owned(),
        code,
        message: message.into(),
    }
}

fn object(input: &mut Input, name: &str) -> Option<Map<String, Json>> {
    match input.take(name) {
        None | Some(Json::Null) => None,
        Some(Json::Object(map)) => Some(map),
        Some(_) => {
            input.fault(name, "not_an_object", "This must be an object.");
            None
        }
    }
}

/// Whether a bucket may be called so: `^[a-z][a-z0-9_-]{0,58}$`.
#[must_use]
pub fn is_bucket_name(name: &str) -> bool {
    let rest = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    (1..=59).contains(&name.len())
        && name.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && name.bytes().all(rest)
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'+-.^_`|~".contains(&b))
}

/// The essence of a media type (RFC 9110, section 8.3.1) in lower case, without parameters.
#[must_use]
pub fn media_type(text: &str) -> Option<String> {
    let essence = text.split(';').next().unwrap_or_default().trim();
    let (kind, name) = essence.split_once('/')?;
    (essence.len() <= 100 && is_token(kind) && is_token(name)).then(|| essence.to_ascii_lowercase())
}

fn type_pattern(text: &str) -> Option<String> {
    let (kind, name) = text.split_once('/')?;
    let any = name == "*" && (kind == "*" || is_token(kind));
    (any && text.len() <= 100)
        .then(|| text.to_ascii_lowercase())
        .or_else(|| media_type(text).filter(|t| t.len() == text.len()))
}

/// The path of a file in its bucket: NFC, at most 1,024 bytes, no empty or dot segment, no backslash, no control
/// character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePath(String);

impl FilePath {
    /// Of the path as it stands in a request, decoded once: `%2F` and `/` are alike.
    pub fn decode(raw: &str) -> Result<Self, Problem> {
        let decoded = percent_decode(raw).ok_or_else(|| bad("The path is not UTF-8."))?;
        Self::parse(&decoded)
    }

    /// Of a path that is decoded already.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let path: String = text.nfc().collect();
        if path.len() > PATH_BYTES_MAX {
            return Err(bad("A path has at most 1,024 bytes."));
        }
        if path.chars().any(|c| c.is_control() || c == '\\') {
            return Err(bad("A path has no control character and no backslash."));
        }
        if path.split('/').any(|s| matches!(s, "" | "." | "..")) {
            return Err(bad("A path has no empty segment and no dot segment."));
        }
        Ok(Self(path))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn bad(detail: &str) -> Problem {
    Problem::new(Code::InvalidPath).detail(detail)
}

fn percent_decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            let digits = hex.bytes().all(|b| b.is_ascii_hexdigit());
            out.push(digits.then(|| u8::from_str_radix(hex, 16).ok())??);
            rest = tail.get(2..)?;
        } else {
            out.push(*first);
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once_and_read_one_way() {
        let long = "a".repeat(1_025);
        let cases = [
            ("a/b.png", Some("a/b.png")),
            ("a%2Fb.png", Some("a/b.png")),
            ("a%252Fb", Some("a%2Fb")),
            ("a+b%20c", Some("a+b c")),
            // NFD becomes NFC.
            ("u%CC%88.txt", Some("\u{fc}.txt")),
            ("%E2%80%AEgpj.exe", Some("\u{202e}gpj.exe")),
            ("A", Some("A")),
            ("...", Some("...")),
            ("", None),
            ("a/", None),
            ("a%2F%2Fb", None),
            ("a/../b", None),
            ("a%2F%2E%2E%2Fb", None),
            (".", None),
            ("a%5Cb", None),
            ("a%00", None),
            ("a%0D%0ASet-Cookie:x", None),
            ("a%C2%85b", None),
            ("%FF", None),
            ("%", None),
            ("%+1", None),
            (&long, None),
        ];
        for (raw, want) in cases {
            let got = FilePath::decode(raw).ok();
            assert_eq!(got.as_ref().map(FilePath::as_str), want, "{raw}");
        }
    }

    #[test]
    fn names_and_types_follow_their_grammars() {
        for good in ["a", "avatars", "a-b_9", &"a".repeat(59)] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in [
            "",
            "A",
            "9a",
            "-a",
            "a b",
            "a/b",
            "a.b",
            "é",
            &"a".repeat(60),
        ] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
        assert_eq!(media_type("Text/HTML;x").as_deref(), Some("text/html"));
        for bad in [
            "",
            "text",
            "text/",
            "/html",
            "text/ht ml",
            "text/a\r\nb",
            "a/b/c",
        ] {
            assert_eq!(media_type(bad), None, "{bad}");
        }
        let limits = Limits {
            size_bytes_max: None,
            content_types: Some(vec!["image/*".into(), "text/csv".into()]),
        };
        for (kind, want) in [
            ("image/png", true),
            ("imagex/png", false),
            ("text/csv", true),
            ("text/csvx", false),
        ] {
            assert_eq!(limits.takes(kind), want, "{kind}");
        }
        assert!(type_pattern("image/*").is_some() && type_pattern("*/*").is_some());
        for bad in ["image", "*", "*/png", "image/png; q=1", "im age/*"] {
            assert_eq!(type_pattern(bad), None, "{bad}");
        }
    }
}
