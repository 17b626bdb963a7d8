//! What a query expands: the text form and the JSON form, read into one tree of relations.
//!
//! `author,author.team,comments_via_post(limit:3,sort:-created_at,filter:approved,expand:author)`
//!
//! ```text
//! list   = item *( "," item )
//! item   = name *( "." name ) [ "(" option *( "," option ) ")" [ "." item ] ]
//! option = "limit:" number | "sort:" keys | "fields:" names | "filter:" expression | "expand:" list
//! ```
//!
//! A word with a colon behind a comma begins the next option; a filter ends at a comma or a bracket that none of its
//! own brackets and strings holds.

use gate::Problem;
use kernel::{Code, FieldError};
use serde_json::{Map, Value as Json};

/// Steps from a record to what comes along with it.
pub(crate) const HOPS_MAX: usize = 4;
/// Relations of one query, those of all hops together.
pub(crate) const RELATIONS_MAX: usize = 16;
/// Records of a back relation that come along with one record, unless more or fewer are asked for.
pub(crate) const RELATED_DEFAULT: u32 = 30;
/// Records of a back relation that can be asked for.
pub(crate) const RELATED_MAX: u32 = 100;

const OPTIONS: &str = "The options are limit, sort, filter, fields and expand.";

/// A relation that comes along, with what comes along with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expand {
    /// A relation field, or `<collection>_via_<field>`.
    pub name: String,
    /// Records of a back relation at most, for each record.
    pub limit: Option<u32>,
    /// Their order.
    pub sort: Option<String>,
    /// Which of them.
    pub filter: Option<String>,
    /// Values for the filter's `params.*`; without it those of the query hold.
    pub params: Option<Map<String, Json>>,
    /// Which fields.
    pub fields: Option<Vec<String>>,
    /// What comes along with each.
    pub expand: Vec<Expand>,
    at: Place,
}

/// Where in the request something stands.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    /// At a character of the parameter `expand`.
    Text(usize),
    /// At a place of the body.
    Body(String),
}

impl Default for Place {
    fn default() -> Self {
        Self::Text(0)
    }
}

impl Place {
    fn error(&self, code: &'static str, message: &str) -> FieldError {
        match self {
            Self::Text(at) => FieldError {
                path: "?expand".to_owned(),
                code,
                message: format!("{message} (At character {at}.)"),
            },
            Self::Body(path) => FieldError {
                path: path.clone(),
                code,
                message: message.to_owned(),
            },
        }
    }
}

fn problem(error: FieldError) -> Problem {
    Problem::new(Code::InvalidParameter).errors(vec![error])
}

impl Expand {
    /// Reads the parameter `expand`.
    pub fn parse(text: &str) -> Result<Vec<Self>, Problem> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let chars: Vec<char> = text.chars().collect();
        let mut reader = Reader {
            chars: &chars,
            at: 0,
            count: 0,
        };
        let mut tree = Vec::new();
        let read = reader
            .list(&mut tree, 0)
            .and_then(|()| reader.end("A comma or the end was expected."));
        read.map(|()| tree).map_err(problem)
    }

    /// Reads the member `expand` of a body: `{"author": true, "comments_via_post": {"limit": 3}}`, or the text form.
    pub(super) fn parse_body(json: Json) -> Result<Vec<Self>, Problem> {
        match json {
            Json::String(text) => Self::parse(&text),
            json => {
                let (mut tree, mut count, mut errors) = (Vec::new(), 0, Vec::new());
                read_body(json, "/expand", 0, &mut tree, &mut count, &mut errors);
                if errors.is_empty() {
                    Ok(tree)
                } else {
                    Err(Problem::new(Code::InvalidParameter).errors(errors))
                }
            }
        }
    }

    /// A fault of this relation.
    pub(crate) fn fault(&self, code: &'static str, message: &str) -> Problem {
        problem(self.at.error(code, message))
    }

    /// All that decides the SQL, for a plan's name in the cache. Parameters count by their kinds.
    pub(crate) fn shape(tree: &[Self], kind: fn(&Json) -> u8, out: &mut String) {
        use std::fmt::Write;
        for e in tree {
            let params = e.params.as_ref();
            let params = params.map(|p| p.iter().map(|(n, v)| (n, kind(v))).collect::<Vec<_>>());
            // Writing to a text does not fail.
            let _ = write!(
                out,
                "{:?}{:?}{:?}{:?}{:?}{params:?}(",
                e.name, e.limit, e.sort, e.filter, e.fields
            );
            Self::shape(&e.expand, kind, out);
            out.push(')');
        }
    }

    /// Whether it has options that only a back relation takes.
    pub(super) fn is_for_many(&self) -> bool {
        self.limit.is_some()
            || self.sort.is_some()
            || self.filter.is_some()
            || self.params.is_some()
    }

    pub(super) fn has_options(&self) -> bool {
        self.is_for_many() || self.fields.is_some()
    }
}

/// The relation at the end of a path, made along the way; `depth` relations lead to `tree`.
fn reach<'t>(
    mut tree: &'t mut Vec<Expand>,
    path: &[(String, Place)],
    depth: usize,
    count: &mut usize,
) -> Result<&'t mut Expand, FieldError> {
    let mut left = path;
    let mut hops = depth;
    while let Some(((name, at), rest)) = left.split_first() {
        hops += 1;
        if hops > HOPS_MAX {
            let message = format!("An expansion is at most {HOPS_MAX} hops deep.");
            return Err(at.error("too_deep", &message));
        }
        let found = tree.iter().position(|e| e.name == *name);
        let i = match found {
            Some(i) => i,
            None => {
                *count += 1;
                if *count > RELATIONS_MAX {
                    let message = format!("At most {RELATIONS_MAX} relations can be expanded.");
                    return Err(at.error("too_many", &message));
                }
                tree.push(Expand {
                    name: name.clone(),
                    at: at.clone(),
                    ..Expand::default()
                });
                tree.len() - 1
            }
        };
        let nothing = || at.error("syntax", "A relation was expected.");
        let Some(expand) = tree.get_mut(i) else {
            return Err(nothing());
        };
        if rest.is_empty() {
            return Ok(expand);
        }
        left = rest;
        tree = &mut expand.expand;
    }
    Err(Place::Text(0).error("syntax", "A relation was expected."))
}

/// Reads the text form.
struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    count: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, c: char) -> bool {
        let there = self.peek() == Some(c);
        self.at += usize::from(there);
        there
    }

    fn spaces(&mut self) {
        while self.eat(' ') {}
    }

    fn fault(&self, message: &str) -> FieldError {
        Place::Text(self.at).error("syntax", message)
    }

    fn end(&self, message: &str) -> Result<(), FieldError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault(message)),
        }
    }

    fn word(&mut self) -> String {
        let is_word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let word: String = rest.iter().copied().take_while(|c| is_word(c)).collect();
        self.at += word.len();
        word
    }

    fn list(&mut self, tree: &mut Vec<Expand>, depth: usize) -> Result<(), FieldError> {
        loop {
            self.item(tree, depth)?;
            if !self.goes_on() {
                return Ok(());
            }
        }
    }

    /// Steps over a comma, unless an option begins behind it or there is none.
    fn goes_on(&mut self) -> bool {
        let before = self.at;
        self.spaces();
        if !self.eat(',') {
            return false;
        }
        self.spaces();
        let item = self.at;
        let option = !self.word().is_empty() && self.peek() == Some(':');
        self.at = if option { before } else { item };
        !option
    }

    fn item(&mut self, tree: &mut Vec<Expand>, depth: usize) -> Result<(), FieldError> {
        self.spaces();
        let mut path = Vec::new();
        loop {
            let at = Place::Text(self.at);
            let name = self.word();
            if name.is_empty() {
                return Err(self.fault("The name of a relation was expected."));
            }
            path.push((name, at));
            if !self.eat('.') {
                break;
            }
        }
        let hops = depth + path.len();
        let mut count = self.count;
        let expand = reach(tree, &path, depth, &mut count)?;
        self.count = count;
        let open = Place::Text(self.at);
        if !self.eat('(') {
            return Ok(());
        }
        if expand.has_options() {
            return Err(open.error("repeated", "This relation has options already."));
        }
        self.options(expand, hops)?;
        if self.eat('.') {
            return self.item(&mut expand.expand, hops);
        }
        Ok(())
    }

    fn options(&mut self, expand: &mut Expand, hops: usize) -> Result<(), FieldError> {
        let mut seen: Vec<String> = Vec::new();
        loop {
            self.spaces();
            let at = Place::Text(self.at);
            let name = self.word();
            if name.is_empty() || !self.eat(':') {
                let message = format!("An option with a colon was expected. {OPTIONS}");
                return Err(at.error("syntax", &message));
            }
            if seen.contains(&name) {
                return Err(at.error("repeated", "This option stands twice."));
            }
            self.spaces();
            match name.as_str() {
                "limit" => expand.limit = Some(self.limit()?),
                "sort" => expand.sort = Some(self.words(&at)?),
                "fields" => {
                    let words = self.words(&at)?;
                    expand.fields = Some(words.split(',').map(str::to_owned).collect());
                }
                "filter" => expand.filter = Some(self.expression()?),
                "expand" => self.list(&mut expand.expand, hops)?,
                _ => {
                    let message = format!("There is no option {name:?}. {OPTIONS}");
                    return Err(at.error("unknown_option", &message));
                }
            }
            seen.push(name);
            self.spaces();
            if self.eat(')') {
                return Ok(());
            }
            if !self.eat(',') {
                return Err(self.fault("A comma or a closing bracket was expected."));
            }
        }
    }

    fn limit(&mut self) -> Result<u32, FieldError> {
        let at = Place::Text(self.at);
        limit(self.word().parse().ok()).map_err(|message| at.error("out_of_range", &message))
    }

    /// Names with commas between them, as `sort` and `fields` have them.
    fn words(&mut self, at: &Place) -> Result<String, FieldError> {
        let mut out = String::new();
        loop {
            while let Some(c) = self.peek().filter(|c| !matches!(c, ',' | ')' | '(' | ' ')) {
                out.push(c);
                self.at += 1;
            }
            if !self.goes_on() {
                break;
            }
            out.push(',');
        }
        if out.is_empty() {
            return Err(at.error("empty", "This option needs a value."));
        }
        Ok(out)
    }

    /// A filter, to the comma or bracket that ends it.
    fn expression(&mut self) -> Result<String, FieldError> {
        let start = self.at;
        let mut open = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                ',' | ')' if open == 0 => break,
                '(' | '[' | '{' => open += 1,
                ')' | ']' | '}' => open = open.saturating_sub(1),
                '"' | '\'' => {
                    self.at = rules::end_of_string(self.chars, self.at);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        let text: String = self
            .chars
            .get(start..self.at)
            .unwrap_or_default()
            .iter()
            .collect();
        if self.peek().is_none() {
            return Err(self.fault("The bracket of the options is not closed."));
        }
        Ok(text.trim().to_owned())
    }
}

fn limit(number: Option<u32>) -> Result<u32, String> {
    number
        .filter(|n| (1..=RELATED_MAX).contains(n))
        .ok_or_else(|| format!("This must be an integer from 1 to {RELATED_MAX}."))
}

fn read_body(
    json: Json,
    path: &str,
    depth: usize,
    tree: &mut Vec<Expand>,
    count: &mut usize,
    errors: &mut Vec<FieldError>,
) {
    let Json::Object(object) = json else {
        let message = "This must be an object of relations, such as {\"author\": true}.";
        errors.push(Place::Body(path.to_owned()).error("not_an_object", message));
        return;
    };
    for (name, value) in object {
        let own = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        let at = Place::Body(own.clone());
        let names: Vec<(String, Place)> = name
            .split('.')
            .map(|n| (n.to_owned(), at.clone()))
            .collect();
        let hops = depth + names.len();
        let expand = match reach(tree, &names, depth, count) {
            Ok(expand) => expand,
            Err(error) => {
                errors.push(error);
                return;
            }
        };
        match value {
            Json::Bool(true) => {}
            Json::Object(_) if expand.has_options() => {
                errors.push(at.error("repeated", "This relation has options already."));
            }
            Json::Object(options) => {
                for (option, value) in options {
                    let at = format!("{own}/{}", option.replace('~', "~0").replace('/', "~1"));
                    if option == "expand" {
                        read_body(value, &at, hops, &mut expand.expand, count, errors);
                    } else if let Err((code, message)) = expand.set(&option, value) {
                        errors.push(Place::Body(at).error(code, &message));
                    }
                }
            }
            _ => errors.push(at.error("not_options", "This must be true or an object of options.")),
        }
    }
}

impl Expand {
    fn set(&mut self, option: &str, value: Json) -> Result<(), (&'static str, String)> {
        match (option, value) {
            ("limit", value) => {
                let number = value.as_u64().and_then(|n| u32::try_from(n).ok());
                self.limit = Some(limit(number).map_err(|message| ("out_of_range", message))?);
            }
            ("sort", value) => self.sort = Some(super::sort_text(value)?),
            ("filter", Json::String(text)) => self.filter = Some(text),
            ("filter", _) => return Err(("not_a_text", "This must be a text.".to_owned())),
            ("params", Json::Object(params)) => self.params = Some(params),
            ("params", _) => return Err(("not_an_object", "This must be an object.".to_owned())),
            ("fields", value) => self.fields = Some(super::field_names(value)?),
            _ => {
                let message = format!("There is no such option. {OPTIONS}");
                return Err(("unknown_option", message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
