//! Fields that hold a list: how many items it has, each once, and how a change appends to it and removes from it.

use super::Fault;
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};

/// Items of a list at most.
pub(super) const ITEMS_MAX: usize = 1_000;

/// How many items a list has. An empty list is what others call null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many {
    /// Items at least.
    pub min: usize,
    /// Items at most.
    pub max: usize,
}

impl Many {
    /// Reads `multiple`, `min_items` and `max_items`; nothing where the field holds one value. `most` is the number of
    /// items when the field names none.
    pub(super) fn parse(input: &mut Input, most: usize) -> Option<Self> {
        let multiple = input.optional_bool("multiple").unwrap_or(false);
        let mut count = |name: &str| {
            let json = input.take(name).filter(|json| !json.is_null())?;
            if !multiple {
                input.fault(name, "not_multiple", "This is for lists: set multiple.");
                return None;
            }
            let count = json.as_u64().and_then(|n| usize::try_from(n).ok());
            let count = count.filter(|n| *n <= ITEMS_MAX);
            if count.is_none() {
                let message = format!("This must be an integer from 0 to {ITEMS_MAX}.");
                input.fault(name, "not_a_count", message);
            }
            count
        };
        let (min, max) = (count("min_items"), count("max_items"));
        let min = min.unwrap_or(0);
        let max = max.unwrap_or_else(|| most.clamp(min, ITEMS_MAX));
        if min > max {
            input.fault(
                "max_items",
                "below_min",
                "max_items must not be below min_items.",
            );
        }
        multiple.then_some(Self { min, max })
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("multiple".to_owned(), true.into());
        into.insert("min_items".to_owned(), self.min.into());
        into.insert("max_items".to_owned(), self.max.into());
    }

    /// A list of items that `one` takes, each once.
    pub(super) fn value(
        &self,
        json: &Json,
        one: impl Fn(&Json) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        let items = json.as_array().ok_or_else(not_a_list)?;
        let mut seen = std::collections::HashSet::new();
        for item in items {
            one(item)?;
            if !seen.insert(item.as_str()) {
                return Err(("duplicate", "A value stands twice.".to_owned()));
            }
        }
        if items.len() > self.max {
            return Err((
                "too_many",
                format!("At most {} values are allowed.", self.max),
            ));
        }
        if items.len() < self.min {
            return Err((
                "too_few",
                format!("At least {} values are needed.", self.min),
            ));
        }
        Ok(Value::Json(Some(Box::new(json.clone()))))
    }

    /// The items of an operator, free of the bounds that the whole list has.
    pub(super) fn some(
        &self,
        json: &Json,
        one: impl Fn(&Json) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        self.free().value(json, one)
    }

    /// The bounds of an operator's items.
    pub(super) fn free(&self) -> Self {
        Self {
            min: 1,
            max: ITEMS_MAX,
        }
    }

    pub(super) fn schema(&self, one: &Json) -> Json {
        json!({"type": "array", "items": one, "uniqueItems": true, "minItems": self.min, "maxItems": self.max})
    }
}

fn not_a_list() -> Fault {
    (
        "not_a_list",
        "This must be a list; an empty one where there is nothing.".to_owned(),
    )
}

/// The list with those of `items` at its end that it does not have.
pub(crate) fn appended(list: &Json, items: &Json) -> Json {
    let mut all = list.as_array().cloned().unwrap_or_default();
    for item in items.as_array().into_iter().flatten() {
        if !all.contains(item) {
            all.push(item.clone());
        }
    }
    all.into()
}

/// The list without those of `items` that it has.
pub(crate) fn removed(list: &Json, items: &Json) -> Json {
    let gone = items.as_array().cloned().unwrap_or_default();
    let kept = list.as_array().into_iter().flatten();
    kept.filter(|item| !gone.contains(item)).cloned().collect()
}
