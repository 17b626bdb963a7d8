//! How a value of one type becomes a value of another, for fields that change.

use super::Type;
use serde_json::{Map, Value as Json};
use std::mem::discriminant;

impl Type {
    /// Whether a column of this type holds values of `before` as they are: only its options can have changed.
    #[must_use]
    pub fn keeps(&self, before: &Self) -> bool {
        match (self, before) {
            // An editor's text is made harmless when it is written.
            (Self::Editor(_), _) => matches!(before, Self::Editor(_)),
            _ if self.is_one_text() => before.is_one_text(),
            (Self::Select(_), Self::Select(_)) => self.many().is_some() && before.many().is_some(),
            (Self::Number(new), Self::Number(old)) => new.format == old.format,
            (Self::Exact(new), Self::Exact(old)) => {
                (new.precision, new.scale) == (old.precision, old.scale)
            }
            (Self::Relation(new), Self::Relation(old)) => {
                new.collection == old.collection && new.many.is_some() == old.many.is_some()
            }
            (Self::File(new), Self::File(old)) => {
                new.bucket == old.bucket && new.many.is_some() == old.many.is_some()
            }
            (Self::Json(_), Self::Json(_)) => true,
            _ => self == before,
        }
    }

    /// Whether a column of it holds a text, and one only.
    fn is_one_text(&self) -> bool {
        self.is_text() && self.many().is_none()
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::Number(_) | Self::Exact(_))
    }

    /// Whether every value of `before` surely is one of this type: nothing of the records need be looked at.
    #[must_use]
    pub fn admits(&self, before: &Self) -> bool {
        let (mut new, mut old) = (Map::new(), Map::new());
        self.describe(&mut new);
        before.describe(&mut old);
        let number = |value: &Json| value.as_f64();
        let names = new.keys().chain(old.keys());
        self.keeps(before)
            && names
                .into_iter()
                .all(|name| match (new.get(name), old.get(name)) {
                    (new, old) if new == old => true,
                    (Some(new), Some(old)) => match (name.as_str(), new, old) {
                        // A bound that is a text is exact: the values themselves are asked.
                        ("min", new, old) if new.is_number() => number(new) <= number(old),
                        ("max", new, old) if new.is_number() => number(new) >= number(old),
                        ("values", Json::Array(new), Json::Array(old)) => {
                            old.iter().all(|value| new.contains(value))
                        }
                        _ => false,
                    },
                    (None, Some(_)) => matches!(name.as_str(), "min" | "max" | "pattern"),
                    _ => false,
                })
    }

    /// Whether values of `before` can become values of this type at all, if perhaps not each of them.
    #[must_use]
    pub fn takes(&self, before: &Self) -> bool {
        match (self, before) {
            // One is a list of one.
            (Self::Relation(new), Self::Relation(old)) if new.many.is_some() => {
                new.collection == old.collection
            }
            // One file becomes a list of one, which the same field holds.
            (Self::File(new), Self::File(old)) => {
                new.bucket == old.bucket && (new.many.is_some() || old.many.is_none())
            }
            // What is referred to is there or not: no text makes it so, and another target is another matter.
            (Self::Relation(_) | Self::File(_) | Self::Id, _) => self.keeps(before),
            (_, Self::Id | Self::File(_)) => false,
            (Self::Select(_), _) if self.many().is_some() => {
                self.keeps(before) || before.is_one_text()
            }
            // Neither an object nor a list is one text.
            (_, Self::Json(_) | Self::Geo) => discriminant(self) == discriminant(before),
            _ if before.many().is_some() => false,
            (Self::Text(_), _) => true,
            (Self::Json(_) | Self::Geo, _) => false,
            _ if before.is_one_text() => true,
            (Self::Select(_) | Self::Bool, _) => before.is_number() || *before == Self::Bool,
            (Self::Number(_), Self::Bool) => true,
            _ if self.is_number() => before.is_number(),
            _ => discriminant(self) == discriminant(before),
        }
    }

    /// A value of `before` in wire form, not null, as a value of this type in wire form; `None` where it has none.
    /// Numbers and texts become each other by the text of the number in JSON; truth is `true` and `false`, 1 and 0.
    #[must_use]
    pub fn convert(&self, before: &Self, value: &Json) -> Option<Json> {
        if !self.takes(before) {
            return None;
        }
        let converted = match (self, value) {
            (Self::Select(_) | Self::File(_) | Self::Relation(_), Json::String(_))
                if self.many().is_some() =>
            {
                Json::Array(vec![value.clone()])
            }
            (Self::Select(_), Json::Array(_)) if self.many().is_some() => value.clone(),
            (Self::Text(_) | Self::Select(_), Json::Number(number)) => match number.as_i64() {
                Some(integer) => integer.to_string().into(),
                None => kernel::number::float_text(number.as_f64()?).into(),
            },
            (Self::Text(_) | Self::Select(_), Json::Bool(truth)) => truth.to_string().into(),
            (Self::Text(_) | Self::Select(_), Json::String(_)) => value.clone(),
            (Self::Text(_) | Self::Select(_), _) => return None,
            (Self::Number(_), Json::Bool(truth)) => i64::from(*truth).into(),
            (Self::Number(_), Json::String(text)) => whole(serde_json::from_str(text.trim()).ok()?),
            (Self::Number(_), number) => whole(number.clone()),
            (Self::Exact(_), Json::String(text)) => text.trim().into(),
            (Self::Bool, Json::Number(number)) => match number.as_f64()? {
                0.0 => false.into(),
                1.0 => true.into(),
                _ => return None,
            },
            (Self::Bool, Json::String(text)) => text.trim().parse::<bool>().ok()?.into(),
            _ => value.clone(),
        };
        self.value(&converted).is_ok().then_some(converted)
    }
}

/// A float without a fraction is a whole number to whoever asks for one.
fn whole(number: Json) -> Json {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it has no fraction and is within 2^53"
    )]
    match number.as_f64() {
        Some(float)
            if number.is_f64()
                && float.fract() == 0.0
                && float.abs() <= 9_007_199_254_740_991.0 =>
        {
            (float as i64).into()
        }
        _ => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate::Input;
    use serde_json::json;

    fn kind(definition: Json) -> Type {
        let Json::Object(map) = definition else {
            panic!("an object")
        };
        Type::parse(&mut Input::new(map)).unwrap()
    }

    #[test]
    fn values_become_values_of_another_type_or_nothing() {
        let text = || json!({"type": "text"});
        let select = || json!({"type": "select", "values": ["1", "true", "a"]});
        let integer = || json!({"type": "number", "format": "integer"});
        let float = || json!({"type": "number"});
        let truth = || json!({"type": "bool"});
        let time = || json!({"type": "datetime"});
        let relation = || json!({"type": "relation", "collection": "users"});
        let id = "018f3c2a-7b1e-7c3d-9a4b-5c6d7e8f9a0b";
        let cases = [
            (integer(), text(), json!(-12), Some(json!("-12"))),
            (float(), text(), json!(0.5), Some(json!("0.5"))),
            (float(), text(), json!(1e30), Some(json!("1e+30"))),
            (truth(), text(), json!(true), Some(json!("true"))),
            (
                time(),
                text(),
                json!("2026-01-01T00:00:00.000000Z"),
                Some(json!("2026-01-01T00:00:00.000000Z")),
            ),
            (relation(), text(), json!(id), Some(json!(id))),
            (text(), integer(), json!(" 12 "), Some(json!(12))),
            (text(), integer(), json!("12.0"), Some(json!(12))),
            (text(), integer(), json!("12.5"), None),
            (text(), integer(), json!("0x10"), None),
            (text(), integer(), json!("12abc"), None),
            (text(), integer(), json!(""), None),
            (text(), integer(), json!("9007199254740992"), None),
            (text(), float(), json!("1e3"), Some(json!(1000))),
            (text(), float(), json!("[1]"), None),
            (text(), float(), json!("1e999"), None),
            (integer(), float(), json!(3), Some(json!(3))),
            (float(), integer(), json!(3.0), Some(json!(3))),
            (float(), integer(), json!(3.5), None),
            (text(), truth(), json!("true"), Some(json!(true))),
            (text(), truth(), json!("yes"), None),
            (integer(), truth(), json!(0), Some(json!(false))),
            (integer(), truth(), json!(2), None),
            (truth(), integer(), json!(true), Some(json!(1))),
            (text(), select(), json!("a"), Some(json!("a"))),
            (text(), select(), json!("b"), None),
            (integer(), select(), json!(1), Some(json!("1"))),
            (
                text(),
                time(),
                json!("2026-01-01T00:00:00+01:00"),
                Some(json!("2026-01-01T00:00:00+01:00")),
            ),
            (text(), time(), json!("tomorrow"), None),
            (text(), relation(), json!(id), None),
            (truth(), time(), json!(true), None),
        ];
        for (before, after, value, want) in cases {
            let (before, after) = (kind(before), kind(after));
            let got = after.convert(&before, &value);
            let same =
                |a: &Json, b: &Json| a == b || a.as_f64().is_some() && a.as_f64() == b.as_f64();
            let fits = match (&got, &want) {
                (Some(got), Some(want)) => same(got, want),
                (got, want) => got == want,
            };
            assert!(fits, "{before:?} to {after:?}: {value} gave {got:?}");
        }
    }

    #[test]
    fn what_is_loosened_is_not_looked_at() {
        let cases = [
            (
                json!({"type": "text", "max": 10}),
                json!({"type": "text", "max": 20}),
                true,
            ),
            (
                json!({"type": "text", "max": 10}),
                json!({"type": "text", "max": 9}),
                false,
            ),
            (
                json!({"type": "text", "min": 1}),
                json!({"type": "text"}),
                true,
            ),
            (
                json!({"type": "text"}),
                json!({"type": "text", "min": 1}),
                false,
            ),
            (
                json!({"type": "number", "min": 1}),
                json!({"type": "number"}),
                true,
            ),
            (
                json!({"type": "number"}),
                json!({"type": "number", "min": 1}),
                false,
            ),
            (
                json!({"type": "number", "format": "integer"}),
                json!({"type": "number"}),
                false,
            ),
            (
                json!({"type": "select", "values": ["a"]}),
                json!({"type": "select", "values": ["b", "a"]}),
                true,
            ),
            (
                json!({"type": "select", "values": ["a", "b"]}),
                json!({"type": "select", "values": ["a"]}),
                false,
            ),
            (
                json!({"type": "select", "values": ["a"]}),
                json!({"type": "text"}),
                false,
            ),
        ];
        for (before, after, want) in cases {
            assert_eq!(
                kind(after.clone()).admits(&kind(before.clone())),
                want,
                "{before} to {after}"
            );
        }
    }
}
