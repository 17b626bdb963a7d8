//! Random schemas with fields of all types, and random records for them.

use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

/// The same numbers for the same seed, on every machine (splitmix64).
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.next() % sides.max(1) as u64).unwrap()
    }

    pub fn chance(&mut self, of: usize) -> bool {
        self.roll(of) == 0
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.roll(all.len());
        &all[at]
    }
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    Text,
    Editor,
    Email,
    Url,
    Select,
    Labels,
    Float,
    Integer,
    Wide,
    Decimal(u32),
    Bool,
    DateTime,
    Date,
    Uuid,
    Json,
    Geo,
    File,
    Files,
    To(usize),
    Many(usize),
}

const KINDS: [Is; 19] = [
    Is::Text,
    Is::Editor,
    Is::Email,
    Is::Url,
    Is::Select,
    Is::Labels,
    Is::Float,
    Is::Integer,
    Is::Wide,
    Is::Decimal(2),
    Is::Decimal(4),
    Is::Bool,
    Is::DateTime,
    Is::Date,
    Is::Uuid,
    Is::Json,
    Is::Geo,
    Is::File,
    Is::Files,
];

#[derive(Clone, Debug)]
pub struct FieldOf {
    pub name: String,
    pub is: Is,
    pub required: bool,
    pub hidden: bool,
    /// Comes when all collections are there: only so can relations lead in a circle.
    pub late: bool,
}

#[derive(Clone, Debug)]
pub struct CollectionOf {
    pub name: String,
    pub fields: Vec<FieldOf>,
    /// What is sent for each record, in the order of the making; its id among it.
    pub records: Vec<Json>,
}

/// A schema with its records.
#[derive(Clone, Debug)]
pub struct World {
    pub collections: Vec<CollectionOf>,
}

pub const TEAM: &str = "01990000-0000-7000-8000-0000000000cc";

fn record_id(collection: usize, n: usize) -> Uuid {
    let all = (collection as u128) << 8 | n as u128;
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0001_0000 + all)
}

fn options(is: Is) -> Json {
    match is {
        Is::Text => json!({"type": "text"}),
        Is::Editor => json!({"type": "editor"}),
        Is::Email => json!({"type": "email"}),
        Is::Url => json!({"type": "url"}),
        Is::Select => json!({"type": "select", "values": ["a", "b", "É c"]}),
        Is::Labels => {
            json!({"type": "select", "values": ["a", "b", "É c", "d'\""], "multiple": true})
        }
        Is::Float => json!({"type": "number"}),
        Is::Integer => json!({"type": "number", "format": "integer"}),
        Is::Wide => json!({"type": "number", "format": "wide"}),
        Is::Decimal(scale) => {
            json!({"type": "number", "format": "decimal", "precision": 18, "scale": scale})
        }
        Is::Bool => json!({"type": "bool"}),
        Is::DateTime => json!({"type": "datetime"}),
        Is::Date => json!({"type": "date"}),
        Is::Uuid => json!({"type": "uuid"}),
        Is::Json => json!({"type": "json"}),
        Is::Geo => json!({"type": "geo"}),
        Is::File => json!({"type": "file", "bucket": "posters"}),
        Is::Files => json!({"type": "file", "bucket": "posters", "multiple": true}),
        Is::To(n) => json!({"type": "relation", "collection": format!("c{n}")}),
        Is::Many(n) => {
            json!({"type": "relation", "collection": format!("c{n}"), "multiple": true})
        }
    }
}

impl FieldOf {
    pub fn definition(&self) -> Json {
        let mut field = options(self.is);
        field["name"] = json!(self.name);
        if self.required {
            field["required"] = json!(true);
        }
        if self.hidden {
            field["hidden"] = json!(true);
        }
        field
    }

    fn random(dice: &mut Dice, name: String, is: Is) -> Self {
        let can_be_required = !matches!(
            is,
            Is::Labels | Is::File | Is::Files | Is::To(_) | Is::Many(_)
        );
        Self {
            name,
            is,
            required: can_be_required && dice.chance(4),
            hidden: dice.chance(8),
            late: false,
        }
    }
}

/// The inside of a json value.
fn inside(dice: &mut Dice) -> Json {
    let all = json!([
        "a", "É", "", 1, 2.5, -3, true, false, null, {"c": "a"}, ["a", 1], 1e200, 9_007_199_254_740_993_i64
    ]);
    all[dice.roll(13)].clone()
}

fn one_of(dice: &mut Dice, all: &Json) -> Json {
    let all = all.as_array().unwrap();
    all[dice.roll(all.len())].clone()
}

/// A value of a field that is not null; none of a relation, which the world itself knows.
fn value(dice: &mut Dice, is: Is) -> Json {
    match is {
        Is::Text => one_of(
            dice,
            &json!([
                "", "a", "A", "Ab", "ab", "aéb", "É", "50%_!", "x'y", "b\"c", "😀a", "null",
                "-0.5", "\\", "a\nb"
            ]),
        ),
        Is::Editor => one_of(dice, &json!(["", "<b>a</b>", "x", "<p>É</p>", "a &amp; b"])),
        Is::Email => one_of(
            dice,
            &json!(["a@b.example", "A@b.example", "käthe@müller.de"]),
        ),
        Is::Url => one_of(dice, &json!(["https://a.example/?b=c", "http://b.example"])),
        Is::Select => one_of(dice, &json!(["a", "b", "É c"])),
        Is::Labels => {
            let mut all = vec!["É c", "a", "d'\"", "b"];
            all.rotate_left(dice.roll(4));
            all.truncate(dice.roll(4));
            json!(all)
        }
        Is::Float => one_of(
            dice,
            &json!([
                0.0,
                -0.0,
                0.5,
                -0.5,
                2.5,
                3.0,
                1e200,
                -1e-200,
                9_007_199_254_740_993.0,
                0.1
            ]),
        ),
        Is::Integer => {
            if dice.chance(5) {
                one_of(
                    dice,
                    &json!([9_007_199_254_740_991_i64, -9_007_199_254_740_991_i64]),
                )
            } else {
                json!(i64::try_from(dice.roll(11)).unwrap() - 3)
            }
        }
        Is::Wide => one_of(
            dice,
            &json!([
                "9223372036854775807",
                "-9223372036854775807",
                "9007199254740993",
                "3",
                "0",
                "-2",
                "1"
            ]),
        ),
        Is::Decimal(2) => one_of(
            dice,
            &json!([
                "10.00",
                "9.99",
                "-0.50",
                "9999999999999999.99",
                "3.00",
                "0.00",
                "2.50"
            ]),
        ),
        Is::Decimal(_) => one_of(
            dice,
            &json!([
                "10.0000",
                "9.9901",
                "-0.5000",
                "3.0000",
                "-99999999999999.9999"
            ]),
        ),
        Is::Bool => json!(dice.chance(2)),
        Is::DateTime => one_of(
            dice,
            &json!([
                "2026-02-28T22:30:00.000000Z",
                "2026-02-28T23:59:59.999999Z",
                "2026-03-01T12:00:00.123456Z",
                "0001-01-01T00:00:00.000000Z",
                "9999-12-31T23:59:59.999999Z"
            ]),
        ),
        Is::Date => one_of(
            dice,
            &json!([
                "2026-03-01",
                "2025-12-31",
                "2024-02-29",
                "0001-01-01",
                "9999-12-31"
            ]),
        ),
        Is::Uuid => one_of(dice, &json!([crate::kit::U, crate::kit::V, TEAM])),
        Is::Json => {
            if dice.chance(5) {
                let value = inside(dice);
                if value.is_null() { json!({}) } else { value }
            } else {
                let list: Vec<Json> = (0..dice.roll(4)).map(|_| inside(dice)).collect();
                json!({
                    "s": inside(dice), "n": inside(dice), "b": inside(dice), "list": list,
                    "a": {"b": [inside(dice), "a"]}, "0": inside(dice), "é-_": inside(dice)
                })
            }
        }
        Is::Geo => one_of(
            dice,
            &json!([
                {"lat": 52.52, "lon": 13.405}, {"lat": 48.8566, "lon": 2.3522}, {"lat": 0.0, "lon": 180.0},
                {"lat": 0.0, "lon": -180.0}, {"lat": 90.0, "lon": 0.0}, {"lat": -89.9, "lon": -179.9},
                {"lat": 5.25, "lon": 172.5}
            ]),
        ),
        Is::File | Is::Files | Is::To(_) | Is::Many(_) => Json::Null,
    }
}

/// The id of a file that is nobody's yet.
fn file(dice: &mut Dice) -> Json {
    json!(Uuid::from_u128(u128::from(dice.next()) + (7_u128 << 76)))
}

impl World {
    pub fn random(dice: &mut Dice) -> Self {
        let n = 2 + dice.roll(3);
        let mut collections: Vec<CollectionOf> = Vec::new();
        for c in 0..n {
            let mut fields: Vec<FieldOf> = Vec::new();
            for f in 0..3 + dice.roll(6) {
                let is = *dice.pick(&KINDS);
                fields.push(FieldOf::random(dice, format!("f{f}"), is));
            }
            for r in 0..1 + dice.roll(2) {
                let to = dice.roll(c + 1);
                let is = if dice.chance(2) {
                    Is::Many(to)
                } else {
                    Is::To(to)
                };
                let mut field = FieldOf::random(dice, format!("r{r}"), is);
                field.required = to != c && is == Is::To(to) && dice.chance(3);
                fields.push(field);
            }
            collections.push(CollectionOf {
                name: format!("c{c}"),
                fields,
                records: Vec::new(),
            });
        }
        // From the first to the last, and a field of whatever type beside the records that are there.
        let mut late = FieldOf::random(dice, "z0".to_owned(), Is::To(n - 1));
        if dice.chance(2) {
            late.is = Is::Many(n - 1);
        }
        let is = *dice.pick(&KINDS);
        let mut other = FieldOf::random(dice, "z1".to_owned(), is);
        (late.late, other.late, other.required) = (true, true, false);
        collections[0].fields.extend([late, other]);
        let mut world = Self { collections };
        for c in 0..n {
            for record in 0..4 + dice.roll(5) {
                let made = world.record(dice, c, record);
                world.collections[c].records.push(made);
            }
        }
        world
    }

    fn record(&self, dice: &mut Dice, c: usize, n: usize) -> Json {
        let mut record = Map::new();
        record.insert("id".to_owned(), json!(record_id(c, n)));
        for field in &self.collections[c].fields {
            if field.late || (!field.required && dice.chance(6)) {
                continue;
            }
            let value = match field.is {
                Is::To(to) | Is::Many(to) if self.collections[to].records.is_empty() => continue,
                Is::To(to) => dice.pick(&self.collections[to].records)["id"].clone(),
                Is::Many(to) => self.some(dice, to),
                Is::File => file(dice),
                Is::Files => (0..dice.roll(3)).map(|_| file(dice)).collect(),
                is => value(dice, is),
            };
            record.insert(field.name.clone(), value);
        }
        Json::Object(record)
    }

    /// Up to three records of a collection, each once, in any order.
    fn some(&self, dice: &mut Dice, of: usize) -> Json {
        let mut ids: Vec<Json> = Vec::new();
        for _ in 0..dice.roll(4) {
            let id = &dice.pick(&self.collections[of].records)["id"];
            if !ids.contains(id) {
                ids.push(id.clone());
            }
        }
        json!(ids)
    }

    /// What the late fields of a record of the first collection become.
    pub fn later(&self, dice: &mut Dice) -> Json {
        let mut change = Map::new();
        for field in self.collections[0].fields.iter().filter(|f| f.late) {
            let value = match field.is {
                Is::To(to) => dice.pick(&self.collections[to].records)["id"].clone(),
                Is::Many(to) => self.some(dice, to),
                Is::File | Is::Files => continue,
                is => value(dice, is),
            };
            if !dice.chance(4) {
                change.insert(field.name.clone(), value);
            }
        }
        Json::Object(change)
    }
}
