//! What comes along: the names of an expansion looked up, with what is read at once and what later.

use super::prepare::{Later, Maker, Pointing, Typed, Way, What, filter_problem, params_of};
use super::{Expand, Query, RELATED_DEFAULT};
use crate::fields::Type;
use crate::schema::{Column, Loaded, Rule};
use crate::sql::list::Page;
use crate::sql::projection::{Part, Projection};
use crate::sql::related::{By, Related};
use gate::Problem;
use kernel::{Code, FieldError};
use serde_json::{Map, Value as Json};

/// Says in which relation of `expand` a filter or a sort has its fault.
fn within(expand: &Expand, problem: Problem) -> Problem {
    let told = problem.detail_text().unwrap_or_default();
    let told = format!("In the expansion of {}: {told}", expand.name);
    problem.detail(told)
}

/// What an expansion's name leads to.
enum Target<'a> {
    /// The record that the field points to.
    One(&'a Column, &'a Loaded),
    /// The file, or the files, that the field holds.
    File(&'a Column),
    /// The records whose field points here.
    Pointing(&'a Loaded, &'a Column),
    /// The records that the field, a list, names.
    Listed(&'a Column, &'a Loaded),
}

impl<'a> Maker<'a> {
    /// The record itself, as the query wants it.
    pub(super) fn top(
        &mut self,
        collection: &'a Loaded,
        query: &Query,
    ) -> Result<(Projection<'a>, Vec<Later>), Problem> {
        let columns = self.columns(collection, query.fields.as_deref());
        let columns = columns.map_err(|(code, message)| {
            let path = if query.from_body {
                "/fields"
            } else {
                "?fields"
            };
            Problem::new(Code::InvalidParameter).errors(vec![FieldError {
                path: path.to_owned(),
                code,
                message,
            }])
        })?;
        let all = params_of(query);
        let (expand, later) = self.parts(collection, &query.expand, &all)?;
        let projection = Projection {
            columns,
            masked: !self.privileged,
            expand,
        };
        Ok((projection, later))
    }

    fn columns(
        &self,
        collection: &'a Loaded,
        names: Option<&[String]>,
    ) -> Result<Vec<&'a Column>, (&'static str, String)> {
        let Some(names) = names else {
            return Ok(collection.columns(self.privileged));
        };
        let mut columns: Vec<&Column> = Vec::new();
        for name in names {
            let column = collection.column(name, self.privileged).ok_or_else(|| {
                let hint = if name.contains('.') {
                    " The fields of a relation are chosen in expand: author(fields:name)."
                } else {
                    ""
                };
                (
                    "unknown_field",
                    format!("There is no field {name:?}.{hint}"),
                )
            })?;
            if !columns.iter().any(|c| c.name == column.name) {
                columns.push(column);
            }
        }
        Ok(columns)
    }

    fn target(&self, collection: &Loaded, name: &str) -> Option<Target<'a>> {
        let from = |of: &str| self.schema.collections.get(of).map(|c| &**c);
        let here = from(&collection.def.name)?;
        if let Some(by) = here.column(name, self.privileged) {
            return match &by.kind {
                Type::Relation(relation) => {
                    let target = from(&relation.collection)?;
                    Some(match &by.pairs {
                        None => Target::One(by, target),
                        Some(_) => Target::Listed(by, target),
                    })
                }
                Type::File(_) => Some(Target::File(by)),
                _ => None,
            };
        }
        let (there, by) = name.split_once("_via_")?;
        let there = from(there)?;
        let by = there.column(by, self.privileged)?;
        matches!(&by.kind, Type::Relation(r) if r.collection == here.def.name)
            .then_some(Target::Pointing(there, by))
    }

    /// The members of `expand`, and what of them is read later.
    fn parts(
        &mut self,
        collection: &Loaded,
        tree: &[Expand],
        params: &[Map<String, Json>],
    ) -> Result<(Vec<Part<'a>>, Vec<Later>), Problem> {
        let (mut parts, mut all) = (Vec::new(), Vec::new());
        for expand in tree {
            let number = self.met;
            self.met += 1;
            let name = expand.name.clone();
            let (part, what) = match self.target(collection, &name) {
                None => {
                    let message = format!("There is no relation {name:?} to expand.");
                    return Err(expand.fault("unknown_field", &message));
                }
                Some(Target::One(by, target)) => {
                    if expand.is_for_many() {
                        let message = format!(
                            "The relation {name:?} gives one record: its options are fields and expand."
                        );
                        return Err(expand.fault("one_record", &message));
                    }
                    let (shown, later) = self.shown(target, expand, params)?;
                    let what = (!later.is_empty()).then_some(What::Within(later));
                    (Part::One { by, target, shown }, what)
                }
                Some(Target::File(column)) => {
                    if expand.has_options() || !expand.expand.is_empty() {
                        let message = format!("The file {name:?} takes no options.");
                        return Err(expand.fault("one_file", &message));
                    }
                    (Part::File(column), Some(What::File))
                }
                Some(Target::Pointing(from, by)) => {
                    let way = match by.pairs {
                        None => Way::Pointing(by.name.clone()),
                        Some(_) => Way::Listing(by.name.clone()),
                    };
                    let by = (By::Pointing(by), way);
                    let related = self.related(from, by, expand, number, params)?;
                    self.later(from, related, Part::Later(name.clone(), None))
                }
                Some(Target::Listed(list, target)) => {
                    let by = By::Listed {
                        table: list.pairs.as_deref().unwrap_or_default(),
                        sorted: expand.sort.is_some(),
                    };
                    let way = Way::Listed {
                        collection: collection.def.name.clone(),
                        field: list.name.clone(),
                    };
                    let related = self.related(target, (by, way), expand, number, params)?;
                    self.later(target, related, Part::Later(name.clone(), Some(list)))
                }
            };
            parts.push(part);
            all.extend(what.map(|what| Later { name, what }));
        }
        Ok((parts, all))
    }

    /// A record that comes along, with what comes along with it.
    fn shown(
        &mut self,
        target: &'a Loaded,
        expand: &Expand,
        params: &[Map<String, Json>],
    ) -> Result<(Projection<'a>, Vec<Later>), Problem> {
        let columns = self.columns(target, expand.fields.as_deref());
        let columns = columns.map_err(|(code, message)| expand.fault(code, &message))?;
        let (parts, later) = self.parts(target, &expand.expand, params)?;
        let shown = Projection {
            columns,
            masked: !self.privileged,
            expand: parts,
        };
        Ok((shown, later))
    }

    /// Records that are read afterwards, unless nobody of this viewer's kind may look at them.
    fn later(&self, from: &Loaded, related: Pointing, part: Part<'a>) -> (Part<'a>, Option<What>) {
        if !self.privileged && matches!(from.rules.list, Rule::Closed) {
            return (Part::Closed(part.name().to_owned()), None);
        }
        (part, Some(What::Related(Box::new(related))))
    }

    fn related(
        &mut self,
        from: &'a Loaded,
        (by, way): (By<'a>, Way),
        expand: &Expand,
        number: usize,
        params: &[Map<String, Json>],
    ) -> Result<Pointing, Problem> {
        let (shown, later) = self.shown(from, expand, params)?;
        let mut typed = Typed::default();
        let none = Map::new();
        let own = params.get(number).unwrap_or(&none);
        let filter = expand.filter.as_deref();
        let filter = filter
            .map(|text| self.filter(from, text, own, &mut typed))
            .transpose()
            .map_err(|error| within(expand, filter_problem(error)))?;
        let sort = self.sort(from, expand.sort.as_deref());
        let sort = sort.map_err(|problem| within(expand, problem))?;
        let page = Page {
            collection: from,
            rule: (!self.privileged).then_some(&from.rules.list),
            filter: filter.as_ref(),
            projection: shown,
            sort,
            after: None,
        };
        let plan = Related { page, by }.plan(self.backend);
        Ok(Pointing {
            plan: self.checked(plan)?,
            collection: from.def.name.clone(),
            way,
            sort: expand.sort.clone(),
            filter: expand.filter.clone(),
            limit: expand.limit.unwrap_or(RELATED_DEFAULT),
            number,
            typed,
            later,
        })
    }
}
