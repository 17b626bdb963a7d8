//! How inputs are bent: texts by their tokens and characters, JSON by its members.

use crate::conform::Dice;
use serde_json::{Map, Value as Json, json};

const TOKENS: [&str; 68] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ".",
    " ",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "&&",
    "||",
    "!",
    "?",
    ":",
    "+",
    "-",
    "*",
    "/",
    "%",
    " in ",
    "null",
    "true",
    "'",
    "\"",
    "\\",
    "'a'",
    "\"É\"",
    "'2026-03-01'",
    "0",
    "1",
    "-1",
    "2.5",
    "1e308",
    "1e-308",
    "9223372036854775807",
    "-9223372036854775808",
    "9007199254740993",
    "0x10",
    "1u",
    "title",
    "stock",
    "rating",
    "price",
    "open",
    "due",
    "labels",
    "meta",
    "owner",
    "author.name",
    "author.home",
    "note",
    "auth.id",
    "auth.roles",
    "now",
    "params.p",
    "params.n",
    "params.list",
    "params.nil",
    "\u{0}",
    "\u{202e}",
    "😀",
    "books_via_author",
];

/// A text between 0 and about 4,000 characters.
pub fn text(dice: &mut Dice, seeds: &[String]) -> String {
    let mut chars: Vec<char> = dice.pick(seeds).chars().collect();
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(chars.len() + 1);
        let to = (at + 1 + dice.roll(8)).min(chars.len());
        match dice.roll(9) {
            0 if at < to => drop(chars.drain(at..to)),
            1 if at < to => {
                let part: Vec<char> = chars[at..to].to_vec();
                let most = if dice.chance(20) { 400 } else { 3 };
                let times = 1 + dice.roll(most);
                let many = part.iter().copied().cycle().take(part.len() * times);
                chars.splice(at..at, many.collect::<Vec<_>>());
            }
            2 | 3 => drop(chars.splice(at..at, dice.pick(&TOKENS).chars())),
            4 if at < to => drop(chars.splice(at..to, dice.pick(&TOKENS).chars())),
            5 => {
                let other: Vec<char> = dice.pick(seeds).chars().collect();
                let from = dice.roll(other.len() + 1);
                chars.splice(at..at, other[from..].iter().copied());
            }
            6 if at < chars.len() => {
                let code = u32::try_from(dice.roll(0x3000)).unwrap_or_default();
                chars[at] = char::from_u32(code).unwrap_or('a');
            }
            7 => {
                // One whole text within another.
                let other = dice.pick(seeds);
                let joined = match dice.roll(4) {
                    0 => format!("({other}) && ("),
                    1 => format!("!({other}) || ("),
                    2 => format!("({other}) ? true : ("),
                    _ => "!(".to_owned(),
                };
                chars = joined.chars().chain(chars).chain([')']).collect();
            }
            _ => {
                // A token changes its place with another of its kind.
                let words: String = chars.iter().collect();
                let (a, b) = (*dice.pick(&TOKENS), *dice.pick(&TOKENS));
                if !a.trim().is_empty() {
                    chars = words.replacen(a, b, 1).chars().collect();
                }
            }
        }
        chars.truncate(4_000);
    }
    chars.into_iter().collect()
}

const NAMES: [&str; 34] = [
    "name",
    "fields",
    "rules",
    "indexes",
    "type",
    "required",
    "unique",
    "hidden",
    "default",
    "expression",
    "min",
    "max",
    "pattern",
    "values",
    "multiple",
    "max_items",
    "min_items",
    "collection",
    "on_delete",
    "precision",
    "scale",
    "format",
    "read",
    "write",
    "add",
    "drop",
    "rename",
    "change",
    "order",
    "where",
    "confirm",
    "dry_run",
    "template",
    "description",
];

fn leaf(dice: &mut Dice) -> Json {
    let all = json!([
        null, true, false, 0, 1, -1, 1.5, 1e308, 9_223_372_036_854_775_807_i64, 18_446_744_073_709_551_615_u64, "", "a", "title",
        "stock", "books", "users", "authors", "text", "number", "relation", "select", "json", "geo", "file", "datetime", "decimal",
        "wide", "integer", "true", "owner == auth.id", "title == 'a'", "posters", "cascade", "set_null", "restrict",
        "2026-03-01T00:00:00Z", "x\";drop table books;--", "(a+)+$", "[", "a{1000}{1000}", "\u{202e}", "É", "id", "_version",
        "9.99", "99999999999999999999", [], {}, ["title"], {"expression": "now"}, {"expression": "title"}, {"lat": 1, "lon": 2}
    ]);
    let n = all.as_array().map_or(1, Vec::len);
    let leaf = all[dice.roll(n)].clone();
    if dice.chance(40) {
        json!("x".repeat(1 + dice.roll(5_000)))
    } else {
        leaf
    }
}

/// A part of a document, however deep.
fn part(dice: &mut Dice, json: &Json) -> Json {
    let inner: Vec<&Json> = match json {
        Json::Array(items) => items.iter().collect(),
        Json::Object(members) => members.values().collect(),
        _ => Vec::new(),
    };
    if inner.is_empty() || dice.chance(3) {
        return json.clone();
    }
    let chosen = *dice.pick(&inner);
    part(dice, chosen)
}

fn change(dice: &mut Dice, json: &mut Json, other: &Json) {
    match json {
        Json::Array(items) if !items.is_empty() && !dice.chance(4) => {
            let at = dice.roll(items.len());
            match dice.roll(6) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => items.push(part(dice, other)),
                _ => change(dice, &mut items[at], other),
            }
        }
        Json::Object(members) if !members.is_empty() && !dice.chance(6) => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = dice.pick(&names).clone();
            match dice.roll(8) {
                0 => drop(members.shift_remove(&name)),
                1 => drop(members.insert((*dice.pick(&NAMES)).to_owned(), leaf(dice))),
                2 => drop(members.insert((*dice.pick(&NAMES)).to_owned(), part(dice, other))),
                3 => {
                    let value = members.shift_remove(&name).unwrap_or_default();
                    members.insert((*dice.pick(&NAMES)).to_owned(), value);
                }
                _ => change(dice, &mut members[&name], other),
            }
        }
        Json::String(text) if dice.chance(2) => {
            let bent = self::text(dice, &[text.clone(), "title == 'a'".to_owned()]);
            *text = bent.chars().filter(|c| *c != '\0').collect();
        }
        other_leaf => {
            *other_leaf = if dice.chance(4) {
                part(dice, other)
            } else {
                leaf(dice)
            }
        }
    }
}

/// A definition or a change of a collection.
pub fn json(dice: &mut Dice, seeds: &[String]) -> String {
    let read = |text: &String| text.parse().unwrap_or(Json::Object(Map::new()));
    let (mut json, other): (Json, Json) = (read(dice.pick(seeds)), read(dice.pick(seeds)));
    for _ in 0..=dice.roll(3) {
        change(dice, &mut json, &other);
    }
    json.to_string()
}
