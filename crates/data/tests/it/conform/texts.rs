//! Random texts of the language for a random schema: well-typed, at every depth.

use super::world::{Dice, Is, World};
use serde_json::Value as Json;

/// Who writes: what exists for it and what it may name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A developer's rule: everything but parameters.
    Rule,
    /// A caller's filter; hidden fields exist for keys only.
    Filter { privileged: bool },
}

/// Names within reach: a prefix, and the collection that it leads to.
#[derive(Clone)]
struct Scope {
    prefix: String,
    collection: usize,
    steps: usize,
}

pub struct Texts<'a> {
    pub world: &'a World,
    pub writer: Writer,
    scopes: Vec<Scope>,
    vars: usize,
}

const ORDER: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const EQUAL: [&str; 2] = ["==", "!="];

fn is_list(is: Is) -> bool {
    matches!(is, Is::Labels | Is::Files | Is::Many(_))
}

impl<'a> Texts<'a> {
    pub fn new(world: &'a World, writer: Writer, of: usize) -> Self {
        let own = |prefix: &str| Scope {
            prefix: prefix.to_owned(),
            collection: of,
            steps: 0,
        };
        Self {
            world,
            writer,
            scopes: vec![own(""), own("record.")],
            vars: 0,
        }
    }

    /// A condition with about so many levels.
    pub fn cond(&mut self, dice: &mut Dice, levels: usize) -> String {
        if levels == 0 || dice.chance(3) {
            return self.atom(dice, levels);
        }
        let mut part = |dice: &mut Dice| self.cond(dice, levels - 1);
        match dice.roll(12) {
            0 | 1 => format!("!({})", part(dice)),
            2..=4 => format!("({} && {})", part(dice), part(dice)),
            5..=7 => format!("({} || {})", part(dice), part(dice)),
            8 => format!("(({}) ? ({}) : ({}))", part(dice), part(dice), part(dice)),
            9 => {
                let sign = *dice.pick(&EQUAL);
                format!("(({}) {sign} ({}))", part(dice), part(dice))
            }
            10 => format!("(({}) == null)", part(dice)),
            _ => {
                let condition = part(dice);
                let (a, b) = (self.number(dice, 0), self.number(dice, 0));
                let sign = *dice.pick(&ORDER);
                format!("((({condition}) ? {a} : {b}) {sign} 2)")
            }
        }
    }

    /// The path of a field of which `fits` is true, some hops away perhaps.
    fn field(&self, dice: &mut Dice, fits: &dyn Fn(Is) -> bool) -> Option<String> {
        for _ in 0..8 {
            let scope = dice.pick(&self.scopes).clone();
            let (mut path, mut at, mut steps) = (scope.prefix, scope.collection, scope.steps);
            while steps < 4 && dice.chance(3) {
                let Some((name, to)) = self.relation(dice, at) else {
                    break;
                };
                path.push_str(&name);
                path.push('.');
                (at, steps) = (to, steps + 1);
            }
            let fields = self.world.collections[at].fields.iter();
            let fields: Vec<&str> = fields
                .filter(|f| self.exists(f.hidden) && fits(f.is))
                .map(|f| f.name.as_str())
                .collect();
            if !fields.is_empty() {
                let field: &&str = dice.pick(&fields);
                path.push_str(field);
                return Some(path);
            }
        }
        None
    }

    fn exists(&self, hidden: bool) -> bool {
        !hidden || self.writer != (Writer::Filter { privileged: false })
    }

    fn relation(&self, dice: &mut Dice, of: usize) -> Option<(String, usize)> {
        let fields = self.world.collections[of].fields.iter();
        let all: Vec<(String, usize)> = fields
            .filter(|f| self.exists(f.hidden))
            .filter_map(|f| match f.is {
                Is::To(to) => Some((f.name.clone(), to)),
                _ => None,
            })
            .collect();
        (!all.is_empty()).then(|| dice.pick(&all).clone())
    }

    fn params(&self) -> bool {
        self.writer != Writer::Rule
    }

    fn text(&self, dice: &mut Dice) -> String {
        let is_text = |is| matches!(is, Is::Text | Is::Editor | Is::Email | Is::Url | Is::Select);
        let found = self.field(dice, &is_text);
        let leaf = match (dice.roll(6), found) {
            (0..=3, Some(path)) => path,
            (4, _) if self.params() => "params.s".to_owned(),
            (5, _) => {
                (*dice.pick(&["auth.email", "auth.claims.word", "request.method"])).to_owned()
            }
            _ => (*dice.pick(&[
                "\"\"",
                "\"a\"",
                "\"Ab\"",
                "\"É\"",
                "\"50%_!\"",
                "\"<b>a</b>\"",
            ]))
            .to_owned(),
        };
        if dice.chance(5) {
            format!("lower({leaf})")
        } else {
            leaf
        }
    }

    fn integer(&self, dice: &mut Dice) -> String {
        let found = self.field(dice, &|is| is == Is::Integer);
        let moment = self.field(dice, &|is| is == Is::DateTime);
        match (dice.roll(8), found, moment) {
            (0..=3, Some(path), _) => path,
            (4, _, Some(path)) => {
                let part = dice.pick(&[
                    "getFullYear()",
                    "getMonth()",
                    "getDayOfYear()",
                    "getDayOfWeek()",
                    "getHours(\"+05:30\")",
                    "getMilliseconds()",
                ]);
                format!("{path}.{part}")
            }
            (5, ..) => match self.source(dice) {
                Some((source, ..)) => format!("size({source})"),
                None => "1".to_owned(),
            },
            (6, ..) => format!("size({})", self.text(dice)),
            (7, ..) => "auth.level".to_owned(),
            _ => (*dice.pick(&["-2", "0", "1", "3", "2026"])).to_owned(),
        }
    }

    fn number(&self, dice: &mut Dice, depth: usize) -> String {
        let is_number = |is| matches!(is, Is::Float | Is::Wide | Is::Decimal(_));
        let found = self.field(dice, &is_number);
        match (dice.roll(8), found) {
            (0..=3, Some(path)) => path,
            (4, _) if depth < 2 => {
                let sign = *dice.pick(&["+", "-", "*", "/"]);
                let (a, b) = (self.number(dice, depth + 1), self.number(dice, depth + 1));
                format!("({a} {sign} {b})")
            }
            (5, _) if depth < 2 => {
                // Constants alone cannot be divided.
                let (a, b) = (
                    self.field(dice, &|is| is == Is::Integer),
                    self.integer(dice),
                );
                let sign = *dice.pick(&["/", "%"]);
                a.map_or(b.clone(), |a| format!("({a} {sign} {b})"))
            }
            (6, _) => (*dice.pick(&["2.5", "-0.5", "3.0", "0.1"])).to_owned(),
            (7, _) if self.params() => (*dice.pick(&["params.k", "params.x"])).to_owned(),
            _ => self.integer(dice),
        }
    }

    fn moment(&self, dice: &mut Dice) -> String {
        let found = self.field(dice, &|is| is == Is::DateTime);
        match (dice.roll(6), found) {
            (0..=2, Some(path)) => path,
            (3, _) => (*dice.pick(&["created_at", "now", "request.time"])).to_owned(),
            (4, _) => format!(
                "now {} duration(\"{}\")",
                dice.pick(&["+", "-"]),
                dice.pick(&["90m", "36h", "1500us"])
            ),
            _ => "timestamp(\"2026-03-01T00:30:00+01:00\")".to_owned(),
        }
    }

    fn id(&self, dice: &mut Dice) -> String {
        let is_id = |is| matches!(is, Is::Uuid | Is::To(_) | Is::File);
        let found = self.field(dice, &is_id);
        match (dice.roll(6), found) {
            (0..=3, Some(path)) => path,
            (4, _) => "auth.id".to_owned(),
            (5, _) => format!("{}id", dice.pick(&self.scopes).prefix),
            _ => format!("\"{}\"", super::world::TEAM),
        }
    }

    /// What may stand in a list of texts, as the ids of files are: a file that a record holds, or any text.
    fn listed(&self, dice: &mut Dice) -> String {
        let all = self.world.collections.iter();
        let fields = all.flat_map(|c| c.fields.iter().map(move |f| (c, f)));
        let lists = fields.filter(|(_, field)| field.is == Is::Files);
        let held = lists.flat_map(|(c, field)| c.records.iter().map(|r| &r[&field.name]));
        let held: Vec<&Json> = held.filter_map(Json::as_array).flatten().collect();
        if held.is_empty() || dice.chance(2) {
            return self.text(dice);
        }
        dice.pick(&held).to_string()
    }

    /// Rows to go over, the collection that they are of, and how far away they are.
    fn source(&self, dice: &mut Dice) -> Option<(String, usize, usize)> {
        for _ in 0..6 {
            let scope = dice.pick(&self.scopes).clone();
            if scope.steps >= 3 {
                continue;
            }
            if dice.chance(4) {
                let to = dice.roll(self.world.collections.len());
                let steps = self.scopes.last().map_or(0, |s| s.steps);
                return (steps < 4).then(|| (format!("collection(\"c{to}\")"), to, steps + 1));
            }
            let (mut path, mut at, mut steps) = (scope.prefix, scope.collection, scope.steps);
            if dice.chance(3)
                && let Some((name, to)) = self.relation(dice, at)
            {
                path.push_str(&name);
                path.push('.');
                (at, steps) = (to, steps + 1);
            }
            let all = self.world.collections.iter().enumerate();
            let back = all
                .flat_map(|(n, c)| c.fields.iter().map(move |f| (n, c, f)))
                .filter(|(_, _, f)| f.is == Is::To(at) || f.is == Is::Many(at))
                .filter(|(_, _, f)| self.exists(f.hidden))
                .map(|(n, c, f)| (format!("{}_via_{}", c.name, f.name), n));
            let own = self.world.collections[at].fields.iter();
            let lists = own.filter_map(|f| match f.is {
                Is::Many(to) if self.exists(f.hidden) => Some((f.name.clone(), to)),
                _ => None,
            });
            let many: Vec<(String, usize)> = back.chain(lists).collect();
            if !many.is_empty() {
                let (name, of) = dice.pick(&many).clone();
                return Some((path + &name, of, steps + 1));
            }
        }
        None
    }

    fn quantified(&mut self, dice: &mut Dice, levels: usize) -> Option<String> {
        let (source, collection, steps) = self.source(dice)?;
        self.vars += 1;
        let var = format!("v{}", self.vars);
        self.scopes.push(Scope {
            prefix: format!("{var}."),
            collection,
            steps,
        });
        let body = self.cond(dice, levels.min(2));
        self.scopes.pop();
        let macro_ = dice.pick(&["exists", "all", "exists_one"]);
        Some(format!("{source}.{macro_}({var}, {body})"))
    }

    fn json(&self, dice: &mut Dice) -> Option<String> {
        let field = self.field(dice, &|is| is == Is::Json)?;
        let path = dice.pick(&[
            "s", "n", "b", "list[0]", "list", "a.b[0]", "a", "none", "a.b[0].c", "0", "é-_", "[0]",
        ]);
        let inside = format!("json({field}, \"{path}\")");
        Some(match dice.roll(6) {
            0 => format!("{inside} {} {}", dice.pick(&EQUAL), self.text(dice)),
            1 => format!("{inside} {} {}", dice.pick(&ORDER), self.number(dice, 1)),
            2 => format!("{inside} {} null", dice.pick(&EQUAL)),
            3 => format!("has({inside})"),
            4 => format!("{} in {inside}", self.text(dice)),
            _ => format!("{inside} in [\"a\", \"É\"]"),
        })
    }

    fn place(&self, dice: &mut Dice) -> Option<String> {
        let point = self.field(dice, &|is| is == Is::Geo)?;
        let other = self.field(dice, &|is| is == Is::Geo);
        let other = other.filter(|_| dice.chance(2));
        let other = other.unwrap_or_else(|| "point(52.5, 13.4)".to_owned());
        Some(match dice.roll(3) {
            0 => {
                let metres = *dice.pick(&["1000", "877464", "1e7", "2.0015e7"]);
                format!("distance({point}, {other}) {} {metres}", dice.pick(&ORDER))
            }
            1 => {
                let edges =
                    dice.pick(&["52, 13, 53, 14", "-90, -180, 90, 180", "-10, 170, 10, -170"]);
                format!("within({point}, box({edges}))")
            }
            _ => format!("{point} {} null", dice.pick(&EQUAL)),
        })
    }

    /// A test of values.
    fn atom(&mut self, dice: &mut Dice, levels: usize) -> String {
        let order = *dice.pick(&ORDER);
        let made = match dice.roll(20) {
            0..=2 => Some(format!("{} {order} {}", self.text(dice), self.text(dice))),
            3..=5 => Some(format!(
                "{} {order} {}",
                self.number(dice, 0),
                self.number(dice, 0)
            )),
            6 | 7 => Some(format!(
                "{} {} {}",
                self.id(dice),
                dice.pick(&EQUAL),
                self.id(dice)
            )),
            8 => Some(format!(
                "{} {order} {}",
                self.moment(dice),
                self.moment(dice)
            )),
            9 => self
                .field(dice, &|is| is == Is::Date)
                .map(|date| format!("{date} {order} \"2026-03-01\"")),
            10 => self.field(dice, &|is| is == Is::Bool),
            11 => self
                .field(dice, &|is| !is_list(is) && is != Is::Geo)
                .map(|field| match dice.roll(3) {
                    0 => format!("has({field})"),
                    _ => format!("{field} {} null", dice.pick(&EQUAL)),
                }),
            12 => match self.field(dice, &is_list) {
                Some(list) if dice.chance(3) => Some(format!("size({list}) {order} 1")),
                _ if dice.chance(2) => self
                    .field(dice, &|is| matches!(is, Is::Labels | Is::Files))
                    .map(|texts| format!("{} in {texts}", self.listed(dice))),
                _ => self
                    .field(dice, &|is| matches!(is, Is::Many(_)))
                    .map(|ids| format!("{} in {ids}", self.id(dice))),
            },
            13 => {
                let items: Vec<String> = (0..dice.roll(4)).map(|_| self.text(dice)).collect();
                Some(format!("{} in [{}]", self.text(dice), items.join(", ")))
            }
            14 => {
                let list = *dice.pick(&["auth.roles", "auth.claims.list", "params.words"]);
                let list = if self.params() { list } else { "auth.roles" };
                Some(format!("{} in {list}", self.text(dice)))
            }
            15 => {
                let items: Vec<String> = (0..dice.roll(3)).map(|_| self.number(dice, 1)).collect();
                Some(format!(
                    "{} in [{}]",
                    self.number(dice, 1),
                    items.join(", ")
                ))
            }
            16 => Some(format!("{} in auth.teams", self.id(dice))),
            17 => self.json(dice),
            18 => self.place(dice),
            _ => {
                let call = *dice.pick(&["contains", "startsWith", "endsWith", "matches_like"]);
                let pattern = *dice.pick(&["\"a\"", "\"A\"", "\"É\"", "\"%\"", "\"_\"", "\"\""]);
                self.field(dice, &|is| {
                    matches!(is, Is::Text | Is::Email | Is::Url | Is::Editor)
                })
                .map(|text| format!("{text}.{call}({pattern})"))
            }
        };
        if dice.chance(5)
            && let Some(made) = self.quantified(dice, levels)
        {
            return made;
        }
        made.unwrap_or_else(|| (*dice.pick(&["true", "false", "auth.verified"])).to_owned())
    }
}
