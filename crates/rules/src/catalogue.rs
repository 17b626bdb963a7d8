//! The names a text may use, as the caller of this crate supplies them for one viewer.

use std::sync::Arc;

use crate::tree::Resolved;

/// What exists for one viewer. Whatever the viewer may not name is not returned, so that a
/// hidden field and a misspelt one give the same error.
pub trait Catalogue {
    /// The field of that name, system fields (`id`, `created_at`, ...) included.
    fn field(&self, collection: &str, field: &str) -> Option<Field>;

    /// Whether `collection("name")` may be written.
    fn has_collection(&self, name: &str) -> bool;

    /// The physical name of a collection's table, without a schema.
    fn table(&self, collection: &str) -> String;

    /// Takes `comments_via_post` apart into the collection that points here and its relation
    /// field, to one or to many: `("comments", "post")`. None when there is no such back relation for the viewer.
    fn back_relation(&self, collection: &str, name: &str) -> Option<(String, String)>;

    /// The list rule that guards a collection that a filter steps into. Asked in filters only.
    fn hop_rule(&self, collection: &str) -> HopRule;

    /// The read rule of a field, when it depends on the row: where it is not true the field is
    /// null for whatever a caller writes. Asked in filters only.
    fn field_read_rule(&self, collection: &str, field: &str) -> Option<Arc<Resolved>>;
}

/// A field as the language sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The physical column; of a point the beginning of its two columns' names.
    pub column: String,
    /// The type.
    pub kind: Kind,
    /// Whether the column may hold null. Informative: every comparison is three-valued anyway.
    pub nullable: bool,
}

/// The types a field can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, compared by bytes on every evaluator.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A double.
    Float,
    /// A boolean; 0 or 1 on SQLite.
    Bool,
    /// A moment; fixed-width UTC text with six digits on SQLite, timestamptz on PostgreSQL.
    DateTime,
    /// A day, `YYYY-MM-DD`; date on PostgreSQL.
    Date,
    /// A UUID; lower-case text with hyphens on SQLite.
    Uuid,
    /// JSON, whose inside `json(field, "a.b[0]")` names; text on SQLite, json or jsonb on PostgreSQL. The field itself can be
    /// tested for null only. In a text that is written with more than 15 digits the last one may be read differently.
    Json,
    /// A list of texts, in which `"a" in field` looks and which `size(field)` counts; a JSON array, kept as [`Kind::Json`].
    Texts,
    /// A place on the earth in degrees, `{"lat": 52.5, "lon": 13.4}` on the wire. It is kept in two double columns,
    /// `<column>_lat` from -90 to 90 and `<column>_lon` from -180 to 180, both null or neither: so an index on
    /// (`<column>_lat`, `<column>_lon`) serves `within` and `distance(...) < metres`, which one column of JSON could not.
    Point,
    /// The id of a record of another collection, a UUID.
    Relation {
        /// The collection it points to.
        to: String,
    },
    /// The ids of any number of records of another collection, a list of UUIDs on the wire. They are kept as pairs in a
    /// table of their own.
    Relations {
        /// The collection it points to.
        to: String,
        /// Where the pairs are.
        pairs: Pairs,
    },
    /// A decimal; a scaled INTEGER on SQLite, which is why the scale belongs to the type.
    Decimal {
        /// Digits after the point, at most 18.
        scale: u32,
    },
}

/// The table behind a [`Kind::Relations`]: one row for each pair of ids, neither of them null. It needs an index that
/// begins with `here`, and one that begins with `there` to be read backwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairs {
    /// The physical name of the table, without a schema.
    pub table: String,
    /// The column with the id of the record that has the field.
    pub here: String,
    /// The column with the id of the record that it points to.
    pub there: String,
}

/// Who wrote the text, and so what it is trusted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Written by the developer: sees real values everywhere, takes no parameters.
    Rule,
    /// Written by a caller: every hop carries the hopped collection's list rule, and fields with
    /// a read rule are null where that rule is not true. Takes parameters.
    Filter,
}

/// What guards the rows of a collection that a filter steps into.
#[derive(Clone, Debug)]
pub enum HopRule {
    /// Every row may be seen.
    Open,
    /// No row may be seen; the hop finds nothing.
    Closed,
    /// Rows for which this is true may be seen. It was resolved for that collection, as a rule.
    Rule(Arc<Resolved>),
}
