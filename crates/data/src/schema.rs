//! A project's schema as one unchanging snapshot: collections with their rules resolved and their plans cached.

use crate::fields::{Format, Number, Type};
use crate::model::{Collection, RULE_NAMES};
use crate::sql::plan::Plan;
use gate::Problem;
use kernel::{Code, FieldError};
use rules::{Catalogue, Field as RuleField, HopRule, Mode, Resolved, RuleError};
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
    /// Whether callers may write it.
    pub writable: bool,
    /// The rule that must be true of a record for its value to be shown.
    pub mask: Option<Arc<Resolved>>,
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
            .map(|c| (c.name.clone(), Arc::new(Loaded::new(c, &names))))
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

    /// The names that a filter of this viewer may use.
    pub(crate) fn names(&self, privileged: bool) -> FilterNames<'_> {
        FilterNames {
            schema: self,
            privileged,
        }
    }
}

/// Checks the rules of `collection` against the schema that will hold it; tells all faults at once.
pub(crate) fn check_rules(schema: &Schema, collection: &Collection) -> Result<(), Problem> {
    let mut all: BTreeMap<String, Collection> = schema
        .collections
        .iter()
        .map(|(n, l)| (n.clone(), l.def.clone()))
        .collect();
    all.insert(collection.name.clone(), collection.clone());
    let names = Names { collections: &all };
    let mut errors = Vec::new();
    for (rule, error) in broken_rules(collection, &names) {
        errors.push(FieldError {
            path: format!("/rules/{rule}"),
            code: "invalid_rule",
            message: error.to_string(),
        });
    }
    let mut code = Code::InvalidRule;
    for (i, field) in collection.fields.iter().filter(|f| !f.system).enumerate() {
        if let Type::Relation(r) = &field.kind
            && !all.contains_key(&r.collection)
        {
            code = Code::ValidationFailed;
            errors.push(FieldError {
                path: format!("/fields/{i}/collection"),
                code: "unknown_collection",
                message: format!("There is no collection {}.", r.collection),
            });
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::new(code).errors(errors))
    }
}

/// What in other collections refers to `name`: places and sentences.
pub(crate) fn references_to(schema: &Schema, name: &str) -> Vec<FieldError> {
    let rest = |(n, l): (&String, &Arc<Loaded>)| (n != name).then(|| (n.clone(), l.def.clone()));
    let rest: BTreeMap<String, Collection> = schema.collections.iter().filter_map(rest).collect();
    let names = Names { collections: &rest };
    let found = |path: String, message: String| FieldError {
        path,
        code: "referenced",
        message,
    };
    let mut all = Vec::new();
    for other in rest.values() {
        for field in &other.fields {
            if matches!(&field.kind, Type::Relation(r) if r.collection == name) {
                let message = format!("The field {} of {} points to it.", field.name, other.name);
                all.push(found(format!("/{}/{}", other.name, field.name), message));
            }
        }
        // A rule can name a collection without any of its fields: what no longer resolves without it does.
        for (rule, _) in broken_rules(other, &names) {
            let message = format!("The rule {rule} of {} names it.", other.name);
            all.push(found(format!("/{}/rules/{rule}", other.name), message));
        }
    }
    all
}

/// The rules that do not resolve, with what is wrong.
fn broken_rules(collection: &Collection, names: &Names<'_>) -> Vec<(&'static str, RuleError)> {
    let broken = |rule: &'static str| {
        let text = collection.rules.get(rule)?;
        let resolved = rules::parse_and_resolve(text, &collection.name, Mode::Rule, names, None);
        Some((rule, resolved.err()?))
    };
    RULE_NAMES.into_iter().filter_map(broken).collect()
}

impl Loaded {
    fn new(def: &Collection, names: &Names<'_>) -> Self {
        let rule = |name: &str| match def.rules.get(name) {
            None => Rule::Closed,
            Some(text) if text.trim() == "true" => Rule::Open,
            Some(text) => {
                match rules::parse_and_resolve(text, &def.name, Mode::Rule, names, None) {
                    Ok(resolved) => Rule::When(Arc::new(RowRule {
                        resolved: Arc::new(resolved),
                        given: OnceLock::new(),
                    })),
                    Err(error) => {
                        tracing::error!(collection = %def.name, rule = %name, %error, "a rule does not resolve and denies");
                        Rule::Closed
                    }
                }
            }
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
            rules,
            columns,
            private,
            witness,
            view_plans: [OnceLock::new(), OnceLock::new()],
            lock_plan: OnceLock::new(),
            find_plan: OnceLock::new(),
            insert_text: OnceLock::new(),
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

    /// A column that exists for a viewer.
    #[must_use]
    pub fn column(&self, name: &str, privileged: bool) -> Option<&Column> {
        self.columns
            .iter()
            .find(|c| c.name == name && (privileged || !c.hidden))
    }

    pub(crate) fn insert_text(&self, backend: DbBackend) -> &str {
        self.insert_text
            .get_or_init(|| crate::sql::write::insert_text(self, backend))
    }
}

fn columns(def: &Collection, names: &Names<'_>) -> Vec<Column> {
    let system = |name: &str, kind: Type| Column {
        name: name.to_owned(),
        kind,
        hidden: false,
        nullable: false,
        writable: false,
        mask: None,
    };
    let mut columns = vec![system("id", Type::Id)];
    for field in &def.fields {
        let mask = field.read_rule.and_then(|text| match rules::parse_and_resolve(text, &def.name, Mode::Rule, names, None) {
            Ok(rule) => Some(Arc::new(rule)),
            Err(error) => {
                tracing::error!(field = %field.name, %error, "a field's read rule does not resolve");
                None
            }
        });
        columns.push(Column {
            name: field.name.clone(),
            kind: field.kind.clone(),
            // A read rule that is there but does not resolve must not open the field.
            hidden: field.hidden || (field.read_rule.is_some() && mask.is_none()),
            nullable: !field.required,
            writable: !field.system,
            mask,
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

/// The names that rules may use: everything.
pub(crate) struct Names<'a> {
    collections: &'a BTreeMap<String, Collection>,
}

fn system_kind(name: &str) -> Option<rules::Kind> {
    match name {
        "id" => Some(rules::Kind::Uuid),
        "created_at" | "updated_at" => Some(rules::Kind::DateTime),
        "_version" => Some(rules::Kind::Integer),
        _ => None,
    }
}

impl Catalogue for Names<'_> {
    fn field(&self, collection: &str, field: &str) -> Option<RuleField> {
        let collection = self.collections.get(collection)?;
        if let Some(kind) = system_kind(field) {
            return Some(RuleField {
                column: field.to_owned(),
                kind,
                nullable: false,
            });
        }
        let field = collection.field(field)?;
        Some(RuleField {
            column: field.name.clone(),
            kind: field.kind.kind(),
            nullable: !field.required,
        })
    }

    fn has_collection(&self, name: &str) -> bool {
        self.collections.contains_key(name)
    }

    fn table(&self, collection: &str) -> String {
        collection.to_owned()
    }

    fn back_relation(&self, collection: &str, name: &str) -> Option<(String, String)> {
        let (from, by) = name.split_once("_via_")?;
        match &self.collections.get(from)?.field(by)?.kind {
            Type::Relation(r) if r.collection == collection => {
                Some((from.to_owned(), by.to_owned()))
            }
            _ => None,
        }
    }

    fn hop_rule(&self, _collection: &str) -> HopRule {
        HopRule::Open
    }

    fn field_read_rule(&self, _collection: &str, _field: &str) -> Option<Arc<Resolved>> {
        None
    }
}

/// The names that a caller's filter may use, with what guards them.
pub(crate) struct FilterNames<'a> {
    schema: &'a Schema,
    privileged: bool,
}

impl Catalogue for FilterNames<'_> {
    fn field(&self, collection: &str, field: &str) -> Option<RuleField> {
        let column = self
            .schema
            .collections
            .get(collection)?
            .column(field, self.privileged)?;
        Some(RuleField {
            column: column.name.clone(),
            kind: column.kind.kind(),
            nullable: column.nullable,
        })
    }

    fn has_collection(&self, name: &str) -> bool {
        self.schema.collections.contains_key(name)
    }

    fn table(&self, collection: &str) -> String {
        collection.to_owned()
    }

    fn back_relation(&self, collection: &str, name: &str) -> Option<(String, String)> {
        let (from, by) = name.split_once("_via_")?;
        match &self
            .schema
            .collections
            .get(from)?
            .column(by, self.privileged)?
            .kind
        {
            Type::Relation(r) if r.collection == collection => {
                Some((from.to_owned(), by.to_owned()))
            }
            _ => None,
        }
    }

    fn hop_rule(&self, collection: &str) -> HopRule {
        if self.privileged {
            return HopRule::Open;
        }
        match self
            .schema
            .collections
            .get(collection)
            .map(|c| &c.rules.list)
        {
            None | Some(Rule::Closed) => HopRule::Closed,
            Some(Rule::Open) => HopRule::Open,
            Some(Rule::When(rule)) => HopRule::Rule(rule.resolved.clone()),
        }
    }

    fn field_read_rule(&self, collection: &str, field: &str) -> Option<Arc<Resolved>> {
        if self.privileged {
            return None;
        }
        self.schema
            .collections
            .get(collection)?
            .column(field, false)?
            .mask
            .clone()
    }
}
