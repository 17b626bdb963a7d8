//! A project's schema as one unchanging snapshot: collections with their rules resolved and their plans cached.

use crate::fields::{Format, Number, Type};
use crate::model::{Collection, DefaultValue, Field, FieldRule, RULE_NAMES};
use crate::names::{FilterNames, Names};
use crate::sql::pairs;
use crate::sql::plan::Plan;
use gate::Problem;
use kernel::Code;
use rules::{Formula, Mode, Resolved, RuleError};
use sea_orm::DbBackend;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// Page plans kept per schema at most.
const PLANS_MAX: u64 = 1_000;

/// One version of a project's schema.
pub struct Schema {
    /// Moves with every change.
    pub version: i64,
    /// The collections by name.
    pub collections: BTreeMap<String, Arc<Loaded>>,
    /// Plans of pages, by everything that decides their SQL.
    pub(crate) pages: moka::sync::Cache<String, Arc<crate::query::Prepared>>,
    /// Plans of one record with `fields` or `expand`.
    pub(crate) shaped: moka::sync::Cache<String, Arc<crate::query::Shaped>>,
}

/// A collection ready for use.
pub struct Loaded {
    /// As the developer defined it.
    pub def: Collection,
    /// The version of the schema that it belongs to.
    pub version: i64,
    /// Its rules, resolved.
    pub rules: ResolvedRules,
    columns: Vec<Column>,
    /// Whether something of a record is kept from callers who do not pass rules.
    pub private: bool,
    /// Fields of this collection that its list and view rules name: a change keeps their old values.
    pub witness: BTreeSet<String>,
    pub(crate) view_plans: [OnceLock<Plan>; 2],
    pub(crate) lock_plan: OnceLock<Plan>,
    /// Finds a user by its address.
    pub(crate) find_plan: OnceLock<Plan>,
    pub(crate) insert_text: OnceLock<String>,
    pub(crate) feed: crate::changes::Feed,
    pub(crate) upsert_text: OnceLock<String>,
    /// Defaults that are computed for each record.
    pub(crate) formulas: Vec<Computed>,
    /// Asks the database for those formulas that look at other records.
    pub(crate) formulas_plan: OnceLock<Plan>,
    /// The fields that hold files, with their buckets.
    pub(crate) files: Vec<(String, String)>,
}

/// A field's default that is computed for each record.
pub(crate) struct Computed {
    pub name: String,
    pub kind: Type,
    pub formula: Formula,
}

/// A column of a collection's table, the system's included.
pub struct Column {
    /// Its name, the field's too.
    pub name: String,
    /// What it holds.
    pub kind: Type,
    /// Whether it exists for keys and operators only.
    pub hidden: bool,
    /// Whether it may be null.
    pub nullable: bool,
    /// Whether anybody may write it.
    pub writable: bool,
    /// Whether only keys and operators may write it.
    pub read_only: bool,
    /// Whether it may be written when the record is made only.
    pub write_once: bool,
    /// The rule that must be true of a record for its value to be shown; where it is not, null stands there.
    pub mask: Option<Arc<RowRule>>,
    /// The rule that must allow whoever sends it, beside that of the record.
    pub write: Rule,
    /// The name of the join table that keeps it, if one does; then the table has no column for it.
    pub pairs: Option<String>,
}

impl Column {
    /// Whether only keys and operators may write it.
    #[must_use]
    pub fn is_for_keys(&self) -> bool {
        self.read_only || matches!(self.write, Rule::Closed)
    }
}

/// One rule, resolved.
#[derive(Clone)]
pub enum Rule {
    /// Keys and operators only; also what a rule that no longer resolves means.
    Closed,
    /// Everybody.
    Open,
    /// Where it is true.
    When(Arc<RowRule>),
}

/// A rule that depends on the row.
pub struct RowRule {
    /// What it says.
    pub resolved: Arc<Resolved>,
    /// The statement that asks it of rows that are given.
    pub(crate) given: OnceLock<Plan>,
}

impl Rule {
    /// Whether it looks at other rows.
    #[must_use]
    pub fn needs_sql(&self) -> bool {
        matches!(self, Self::When(rule) if rule.resolved.needs_sql())
    }

    /// Whether it names the row after the write.
    #[must_use]
    pub fn names_next(&self) -> bool {
        matches!(self, Self::When(rule) if rule.resolved.names_next())
    }
}

/// The five rules.
pub struct ResolvedRules {
    /// Which records a list shows.
    pub list: Rule,
    /// Which records can be read one by one.
    pub view: Rule,
    /// Which records can be made.
    pub create: Rule,
    /// Which records can be changed.
    pub update: Rule,
    /// Which records can be deleted.
    pub delete: Rule,
}

impl Schema {
    /// Resolves everything. A rule that does not resolve denies, and says so in the trace.
    #[must_use]
    pub fn load(version: i64, collections: Vec<Collection>) -> Self {
        let by_name: BTreeMap<String, Collection> = collections
            .into_iter()
            .map(|c| (c.name.clone(), c))
            .collect();
        let names = Names {
            collections: &by_name,
        };
        let collections = by_name
            .values()
            .map(|c| (c.name.clone(), Arc::new(Loaded::new(version, c, &names))))
            .collect();
        Self {
            version,
            collections,
            pages: moka::sync::Cache::new(PLANS_MAX),
            shaped: moka::sync::Cache::new(PLANS_MAX),
        }
    }

    /// The collection, or the problem that it does not exist.
    pub fn collection(&self, name: &str) -> Result<&Arc<Loaded>, Problem> {
        self.collections
            .get(name)
            .ok_or_else(|| Code::CollectionNotFound.into())
    }

    /// The definitions as they are when `collection` has come, in the place of `before` if there was one: relations that
    /// led to that lead to it.
    pub(crate) fn with(
        &self,
        before: Option<&str>,
        collection: &Collection,
    ) -> BTreeMap<String, Collection> {
        let rest = self
            .collections
            .iter()
            .filter(|(n, _)| Some(n.as_str()) != before);
        let mut all: BTreeMap<String, Collection> =
            rest.map(|(n, l)| (n.clone(), l.def.clone())).collect();
        if let Some(before) = before {
            let fields = all.values_mut().flat_map(|c| c.fields.iter_mut());
            for field in fields {
                if let Type::Relation(r) = &mut field.kind
                    && r.collection == before
                {
                    r.collection.clone_from(&collection.name);
                }
            }
        }
        all.insert(collection.name.clone(), collection.clone());
        all
    }

    /// The names that a filter of this viewer may use.
    pub(crate) fn names(&self, privileged: bool) -> FilterNames<'_> {
        FilterNames {
            schema: self,
            privileged,
        }
    }
}

/// The rules that do not resolve, with what is wrong.
pub(crate) fn broken_rules(
    collection: &Collection,
    names: &Names<'_>,
) -> Vec<(&'static str, RuleError)> {
    let broken = |rule: &'static str| {
        let text = collection.rules.get(rule)?;
        Some((rule, resolve(collection, text, names).err()?))
    };
    RULE_NAMES.into_iter().filter_map(broken).collect()
}

pub(crate) fn resolves(def: &Collection, text: &str, names: &Names<'_>) -> bool {
    resolve(def, text, names).is_ok()
}

pub(crate) fn resolve(
    def: &Collection,
    text: &str,
    names: &Names<'_>,
) -> Result<Resolved, RuleError> {
    rules::parse_and_resolve(text, &def.name, Mode::Rule, names, None)
}

/// A rule ready to be asked. One that does not resolve denies, and says so in the trace.
fn ready(def: &Collection, rule: &str, text: &str, names: &Names<'_>) -> Rule {
    if text.trim() == "true" {
        return Rule::Open;
    }
    match resolve(def, text, names) {
        Ok(resolved) => Rule::When(Arc::new(RowRule {
            resolved: Arc::new(resolved),
            given: OnceLock::new(),
        })),
        Err(error) => {
            tracing::error!(collection = %def.name, %rule, %error, "a rule does not resolve and denies");
            Rule::Closed
        }
    }
}

impl Loaded {
    fn new(version: i64, def: &Collection, names: &Names<'_>) -> Self {
        let rule = |name: &str| match def.rules.get(name) {
            None => Rule::Closed,
            Some(text) => ready(def, name, text, names),
        };
        let rules = ResolvedRules {
            list: rule("list"),
            view: rule("view"),
            create: rule("create"),
            update: rule("update"),
            delete: rule("delete"),
        };
        let columns = columns(def, names);
        let private = columns.iter().any(|c| c.hidden || c.mask.is_some());
        let witness = [&rules.list, &rules.view]
            .into_iter()
            .filter_map(|r| if let Rule::When(r) = r { Some(r) } else { None })
            .flat_map(|r| r.resolved.fields().iter())
            .filter(|(collection, _)| *collection == def.name)
            .map(|(_, field)| field.clone())
            .collect();
        Self {
            def: def.clone(),
            version,
            rules,
            columns,
            private,
            witness,
            view_plans: [OnceLock::new(), OnceLock::new()],
            lock_plan: OnceLock::new(),
            find_plan: OnceLock::new(),
            insert_text: OnceLock::new(),
            feed: crate::changes::Feed::default(),
            upsert_text: OnceLock::new(),
            formulas: formulas(def, names),
            formulas_plan: OnceLock::new(),
            files: files(def),
        }
    }

    /// The columns that exist for a viewer, in the order of the answer.
    #[must_use]
    pub fn columns(&self, privileged: bool) -> Vec<&Column> {
        self.columns
            .iter()
            .filter(|c| privileged || !c.hidden)
            .collect()
    }

    /// Whether a viewer may be shown null in the place of a value.
    #[must_use]
    pub fn masks(&self, name: &str, privileged: bool) -> bool {
        let column = self.column(name, privileged);
        !privileged && column.is_none_or(|c| c.mask.is_some())
    }

    /// A column that exists for a viewer.
    #[must_use]
    pub fn column(&self, name: &str, privileged: bool) -> Option<&Column> {
        self.columns
            .iter()
            .find(|c| c.name == name && (privileged || !c.hidden))
    }

    /// The columns that join tables keep, each with its table.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (&Column, &str)> {
        self.columns
            .iter()
            .filter_map(|c| Some((c, c.pairs.as_deref()?)))
    }

    /// The computed default of a field.
    pub(crate) fn formula(&self, name: &str) -> Option<&Computed> {
        self.formulas.iter().find(|c| c.name == name)
    }

    /// The text of an insert; where `or_yield`, one that does nothing if the id is taken.
    pub(crate) fn insert_text(&self, or_yield: bool, backend: DbBackend) -> &str {
        let kept = if or_yield {
            &self.upsert_text
        } else {
            &self.insert_text
        };
        kept.get_or_init(|| crate::sql::write::insert_text(self, or_yield, backend))
    }
}

fn files(def: &Collection) -> Vec<(String, String)> {
    let file = |field: &Field| match &field.kind {
        Type::File(f) => Some((field.name.clone(), f.bucket.clone())),
        _ => None,
    };
    def.fields.iter().filter_map(file).collect()
}

fn formulas(def: &Collection, names: &Names<'_>) -> Vec<Computed> {
    let mut all = Vec::new();
    for field in &def.fields {
        match formula(def, field, names) {
            None => {}
            Some(Ok(formula)) => all.push(Computed {
                name: field.name.clone(),
                kind: field.kind.clone(),
                formula,
            }),
            Some(Err(error)) => {
                tracing::error!(collection = %def.name, field = %field.name, %error, "a default does not resolve and gives nothing");
            }
        }
    }
    all
}

/// The expression of a field's default, resolved.
pub(crate) fn formula(
    def: &Collection,
    field: &Field,
    names: &Names<'_>,
) -> Option<Result<Formula, RuleError>> {
    let Some(DefaultValue::Expression(text)) = &field.default else {
        return None;
    };
    let want = field.kind.kind();
    Some(rules::parse_and_resolve_value(
        text, &def.name, &want, names,
    ))
}

fn columns(def: &Collection, names: &Names<'_>) -> Vec<Column> {
    let system = |name: &str, kind: Type| Column {
        name: name.to_owned(),
        kind,
        hidden: false,
        nullable: false,
        writable: false,
        read_only: false,
        write_once: false,
        mask: None,
        write: Rule::Open,
        pairs: None,
    };
    let mut columns = vec![system("id", Type::Id)];
    for field in &def.fields {
        let own =
            |of: &str, text: &str| ready(def, &format!("{of} of {}", field.name), text, names);
        let read = match &field.read {
            FieldRule::Record => Rule::Open,
            FieldRule::Keys => own("read", "false"),
            FieldRule::When(text) => own("read", text),
        };
        let write = match &field.write {
            FieldRule::Record => Rule::Open,
            FieldRule::Keys => Rule::Closed,
            FieldRule::When(text) => own("write", text),
        };
        columns.push(Column {
            name: field.name.clone(),
            kind: field.kind.clone(),
            // A read rule that is there but does not resolve must not open the field.
            hidden: field.hidden || matches!(read, Rule::Closed),
            nullable: !field.is_filled(),
            writable: !field.system,
            read_only: field.read_only,
            write_once: field.write_once,
            mask: if let Rule::When(rule) = read {
                Some(rule)
            } else {
                None
            },
            write,
            pairs: field
                .kind
                .is_joined()
                .then(|| pairs::name(&def.name, &field.name)),
        });
    }
    columns.push(system("created_at", Type::DateTime));
    columns.push(system("updated_at", Type::DateTime));
    columns.push(system(
        "_version",
        Type::Number(Number {
            format: Format::Integer,
            min: None,
            max: None,
        }),
    ));
    columns
}
