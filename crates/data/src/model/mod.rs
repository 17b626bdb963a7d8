//! Collections as developers define them: parsing with all faults at once, and the form that is stored and sent.

mod asked;
mod fields;
mod guard;
mod parse;
mod patch;

pub use guard::FieldRule;
pub(crate) use parse::is_collection_name;
pub(crate) use patch::{Alter, Dropped, INDEXES_ADDED, Kept, renamed};

use crate::fields::{Text, Type};
use gate::{Input, Problem};
use kernel::Stamp;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

/// What a collection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CollectionKind {
    /// A table of the developer's.
    Table,
    /// The built-in table of a project's users.
    Users,
}

/// A collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// Its row.
    pub id: Uuid,
    /// Its name, which is its table's too.
    pub name: String,
    /// What it is.
    pub kind: CollectionKind,
    /// Its fields, without the four system fields of every record.
    pub fields: Vec<Field>,
    /// Its indexes beside those of unique fields and relations.
    pub indexes: Vec<Index>,
    /// Who may do what.
    pub rules: Rules,
    /// When it was made.
    pub created_at: Stamp,
    /// When it was last changed.
    pub updated_at: Stamp,
}

/// A field.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name, which is its column's too.
    pub name: String,
    /// What it holds.
    pub kind: Type,
    /// Whether it must have a value.
    pub required: bool,
    /// Whether no two records may have the same value.
    pub unique: bool,
    /// Whether texts that differ in the case of ASCII letters only count as equal where they must be unique.
    pub case_insensitive: bool,
    /// What it means, for the API document.
    pub description: Option<String>,
    /// Whether it exists for keys and operators only.
    pub hidden: bool,
    /// Whether only keys and operators may send it; a default fills it whoever makes the record.
    pub read_only: bool,
    /// Whether it may be set when the record is made, and never after.
    pub write_once: bool,
    /// Whether callers cannot write it: fields that the server keeps itself.
    pub system: bool,
    /// Who sees its value; to others who see the record it is null.
    pub read: FieldRule,
    /// Who may send it.
    pub write: FieldRule,
    /// The value of a record made without one.
    pub default: Option<DefaultValue>,
}

/// The value of a record made without one.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// The same for all, in wire form.
    Constant(Json),
    /// Computed for each record in its write's transaction: CEL over the record's own values, `auth` and `now`, which
    /// may hop along relations. It sees other fields as they were sent or as their constants fill them; what other
    /// expressions compute is null to it. Its value is checked as if it had been sent.
    Expression(String),
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its fields, in order.
    pub fields: Vec<String>,
    /// Whether no two records may have the same values.
    pub unique: bool,
    /// Which records it holds, if not all: a filter over constants and the record's own fields.
    pub condition: Option<String>,
}

/// The five rules of a collection. Absent means keys and operators only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Which records a list shows.
    pub list: Option<String>,
    /// Which records can be read one by one.
    pub view: Option<String>,
    /// Which records can be made.
    pub create: Option<String>,
    /// Which records can be changed.
    pub update: Option<String>,
    /// Which records can be deleted.
    pub delete: Option<String>,
}

/// The actions that have rules, in the order in which they are told.
pub const RULE_NAMES: [&str; 5] = ["list", "view", "create", "update", "delete"];

impl Rules {
    /// The rule of one action.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        match name {
            "list" => self.list.as_deref(),
            "view" => self.view.as_deref(),
            "create" => self.create.as_deref(),
            "update" => self.update.as_deref(),
            "delete" => self.delete.as_deref(),
            _ => None,
        }
    }

    fn set(&mut self, name: &str, rule: Option<String>) {
        match name {
            "list" => self.list = rule,
            "view" => self.view = rule,
            "create" => self.create = rule,
            "update" => self.update = rule,
            "delete" => self.delete = rule,
            _ => {}
        }
    }
}

impl Collection {
    /// The field of this name, system fields excluded.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// All indexes: the developer's, those of unique fields, those of relations.
    #[must_use]
    pub fn all_indexes(&self) -> Vec<Index> {
        let mut all = self.indexes.clone();
        for field in &self.fields {
            let own = Index {
                fields: vec![field.name.clone()],
                unique: field.unique,
                condition: None,
            };
            let refers = matches!(field.kind, Type::Relation(_)) && !field.kind.is_joined();
            if (field.unique || refers) && !all.contains(&own) {
                all.push(own);
            }
        }
        all
    }

    /// The collection as it is sent.
    #[must_use]
    pub fn view(&self) -> Json {
        let mut view = self.definition();
        view.insert("id".to_owned(), self.id.to_string().into());
        view.insert("created_at".to_owned(), self.created_at.to_string().into());
        view.insert("updated_at".to_owned(), self.updated_at.to_string().into());
        // The keys of identities are nobody's to see.
        let built_in = self.fields.iter().filter(|f| f.system && !f.hidden);
        let built_in: Json = built_in.map(Field::describe).collect();
        view.insert("built_in_fields".to_owned(), built_in);
        Json::Object(view)
    }

    /// The collection as it is stored.
    #[must_use]
    pub fn definition(&self) -> Map<String, Json> {
        let mut map = Map::new();
        map.insert("name".to_owned(), self.name.as_str().into());
        let kind = if self.kind == CollectionKind::Users {
            "users"
        } else {
            "table"
        };
        map.insert("kind".to_owned(), kind.into());
        map.insert(
            "fields".to_owned(),
            self.fields
                .iter()
                .filter(|f| !f.system)
                .map(Field::describe)
                .collect(),
        );
        let index = |i: &Index| {
            let mut index = json!({"fields": i.fields, "unique": i.unique});
            if let Some(condition) = &i.condition {
                index["where"] = condition.as_str().into();
            }
            index
        };
        map.insert(
            "indexes".to_owned(),
            self.indexes.iter().map(index).collect(),
        );
        let rules: Map<String, Json> = RULE_NAMES
            .iter()
            .map(|n| ((*n).to_owned(), self.rules.get(n).into()))
            .collect();
        map.insert("rules".to_owned(), rules.into());
        map
    }

    /// Reads back what [`Collection::definition`] wrote.
    pub fn from_definition(
        id: Uuid,
        definition: Json,
        created_at: Stamp,
        updated_at: Stamp,
    ) -> Result<Self, Problem> {
        let Json::Object(mut map) = definition else {
            return Err(Problem::internal("a stored collection is no object"));
        };
        let users = map.get("kind").and_then(Json::as_str) == Some("users");
        map.shift_remove("kind");
        let mut collection = Self::parse(Input::new(map), id, created_at)
            .map_err(|p| Problem::internal(format!("a stored collection: {p}")))?;
        if users {
            let own = std::mem::take(&mut collection.fields);
            collection.fields = user_fields();
            collection.fields.extend(own);
            collection.kind = CollectionKind::Users;
        }
        collection.updated_at = updated_at;
        Ok(collection)
    }

    /// The built-in collection of a project's users, as a new project has it.
    #[must_use]
    pub fn users(now: Stamp) -> Self {
        let own = || Some("id == auth.id".to_owned());
        Self {
            // The same in every project: ids are looked up within one.
            id: Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001),
            name: "users".to_owned(),
            kind: CollectionKind::Users,
            fields: user_fields(),
            indexes: Vec::new(),
            rules: Rules {
                list: None,
                view: own(),
                create: None,
                update: own(),
                delete: own(),
            },
            created_at: now,
            updated_at: now,
        }
    }
}

/// The fields that the server keeps for every user. The keys hold the form in which identities are compared.
fn user_fields() -> Vec<Field> {
    let text = |max| {
        Type::Text(Text {
            max,
            ..Text::default()
        })
    };
    let system = |name: &str, kind: Type| Field {
        name: name.to_owned(),
        kind,
        required: false,
        unique: false,
        case_insensitive: false,
        description: None,
        hidden: false,
        read_only: false,
        write_once: false,
        system: true,
        read: FieldRule::Record,
        write: FieldRule::Record,
        default: None,
    };
    let own = || FieldRule::When("id == auth.id".to_owned());
    let flag = |name: &str| Field {
        required: true,
        default: Some(DefaultValue::Constant(false.into())),
        ..system(name, Type::Bool)
    };
    vec![
        Field {
            read: own(),
            ..system("email", text(254))
        },
        Field {
            unique: true,
            hidden: true,
            ..system("email_key", text(254))
        },
        system("username", text(100)),
        Field {
            unique: true,
            hidden: true,
            ..system("username_key", text(100))
        },
        Field {
            read: own(),
            unique: true,
            ..system("phone", text(20))
        },
        flag("verified"),
        flag("disabled"),
        flag("phone_verified"),
        flag("anonymous"),
    ]
}

fn owner_rules() -> Rules {
    let own = || Some("owner == auth.id".to_owned());
    Rules {
        list: own(),
        view: own(),
        create: own(),
        update: own(),
        delete: own(),
    }
}

impl Field {
    fn describe(&self) -> Json {
        let mut map = Map::new();
        map.insert("name".to_owned(), self.name.as_str().into());
        self.kind.describe(&mut map);
        for (name, on) in [
            ("required", self.required),
            ("unique", self.unique),
            ("hidden", self.hidden),
            ("read_only", self.read_only),
            ("write_once", self.write_once),
        ] {
            map.insert(name.to_owned(), on.into());
        }
        self.read.describe("read", &mut map);
        self.write.describe("write", &mut map);
        // An address is taken so unless it is said otherwise.
        if self.case_insensitive || matches!(self.kind, Type::Email) {
            map.insert("case_insensitive".to_owned(), self.case_insensitive.into());
        }
        if let Some(description) = &self.description {
            map.insert("description".to_owned(), description.as_str().into());
        }
        match &self.default {
            None => {}
            Some(DefaultValue::Constant(value)) => {
                map.insert("default".to_owned(), value.clone());
            }
            Some(DefaultValue::Expression(text)) => {
                map.insert("default".to_owned(), json!({"expression": text}));
            }
        }
        Json::Object(map)
    }

    /// Its own rules that are texts, with the names of their members.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [("read", &self.read), ("write", &self.write)];
        all.into_iter()
            .filter_map(|(name, rule)| Some((name, rule.text()?)))
    }

    /// Whether it always has a value: a list that has nothing is empty.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.required || self.kind.many().is_some()
    }

    /// The constant value of a record made without one, ready to be bound.
    #[must_use]
    pub fn default_value(&self) -> Value {
        match &self.default {
            Some(DefaultValue::Constant(value)) => self.kind.value(value).ok(),
            _ => None,
        }
        .unwrap_or_else(|| self.kind.nothing())
    }
}
