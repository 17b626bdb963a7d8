//! The members of a JSON object that the database made, in their order: read without touching the values, written with
//! others in the place of some.

use gate::Problem;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members in their order; the values stay as they were written.
pub(super) struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

impl<'a> Members<'a> {
    /// Reads an object; nothing of `null`.
    pub(super) fn read(json: &'a str) -> Result<Option<Self>, Problem> {
        serde_json::from_str(json)
            .map_err(|e| Problem::internal(format!("a stored record is no JSON: {e}")))
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(n, _)| *n == name);
        found.map(|(_, value)| value.get())
    }

    /// The object again, behind what `out` holds: each member as it was, or as `other` writes it, which then gives true.
    pub(super) fn write(
        &self,
        out: &mut String,
        mut other: impl FnMut(&mut String, &str, &str) -> Result<bool, Problem>,
    ) -> Result<(), Problem> {
        out.push('{');
        for (i, (name, value)) in self.0.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            // A name follows the grammar of names: nothing in it needs escaping.
            out.push('"');
            out.push_str(name);
            out.push_str("\":");
            if !other(out, name, value.get())? {
                out.push_str(value.get());
            }
        }
        out.push('}');
        Ok(())
    }
}
