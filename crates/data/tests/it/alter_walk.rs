//! A collection that is changed again and again, beside a model of it in memory.

use crate::kit::{Kit, anon, both, code, key};
use kernel::Code;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

both!(every_walk_ends_as_the_model_does, what_fails_leaves_nothing,);

/// The same numbers for the same seed, on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Integer,
    Float,
    Bool,
}

const KINDS: [Kind; 4] = [Kind::Text, Kind::Integer, Kind::Float, Kind::Bool];

impl Kind {
    fn options(self) -> Json {
        match self {
            Self::Text => json!({"type": "text", "max": 100}),
            Self::Integer => json!({"type": "number", "format": "integer"}),
            Self::Float => json!({"type": "number", "format": "float"}),
            Self::Bool => json!({"type": "bool"}),
        }
    }

    fn value(self, dice: &mut Dice) -> Json {
        let all = match self {
            Self::Text => json!(["1", "2.5", "true", "x", "", null]),
            Self::Integer => json!([0, 1, -7, 9_007_199_254_740_991_i64, null]),
            Self::Float => json!([0.5, 2.0, 1e30, -0.25, null]),
            Self::Bool => json!([true, false, null]),
        };
        let all = all.as_array().unwrap();
        all[dice.roll(all.len())].clone()
    }

    /// Written anew, by cases.
    fn from(self, before: Self, value: &Json) -> Json {
        let number = |n: f64| json!(n);
        match (before, self) {
            _ if value.is_null() => Json::Null,
            (Self::Float, Self::Text) => match value.as_f64().unwrap() {
                0.5 => "0.5",
                2.0 => "2",
                1e30 => "1e+30",
                -0.25 => "-0.25",
                2.5 => "2.5",
                1.0 => "1",
                0.0 => "0",
                -7.0 => "-7",
                _ => "9.007199254740991e+15",
            }
            .into(),
            (Self::Integer | Self::Bool, Self::Text) => value.to_string().into(),
            (Self::Text, Self::Integer) => match value.as_str().unwrap() {
                text if text.parse::<i64>().is_ok() => json!(text.parse::<i64>().unwrap()),
                "9.007199254740991e+15" => json!(9_007_199_254_740_991_i64),
                _ => Json::Null,
            },
            (Self::Text, Self::Float) => value.as_str().unwrap().parse().map_or(Json::Null, number),
            (Self::Text, Self::Bool) => value
                .as_str()
                .unwrap()
                .parse::<bool>()
                .map_or(Json::Null, Json::from),
            (Self::Float, Self::Integer) => {
                let float = value.as_f64().unwrap();
                let whole = float.fract() == 0.0 && float.abs() < 1e16;
                if whole {
                    json!(float as i64)
                } else {
                    Json::Null
                }
            }
            (Self::Integer | Self::Float, Self::Bool) => match value.as_f64().unwrap() {
                0.0 => json!(false),
                1.0 => json!(true),
                _ => Json::Null,
            },
            (Self::Bool, Self::Integer | Self::Float) => json!(i64::from(value.as_bool().unwrap())),
            _ => value.clone(),
        }
    }
}

fn same(a: &Json, b: &Json) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

struct Model {
    name: String,
    fields: Vec<(String, Kind)>,
    /// Values by field, by id, with the version.
    rows: BTreeMap<String, (i64, BTreeMap<String, Json>)>,
    indexed: BTreeSet<String>,
    fresh: usize,
}

impl Model {
    fn name(&mut self, dice: &mut Dice) -> String {
        // Names that were there before come again.
        self.fresh += 1;
        let name = format!("f{}", dice.roll(12));
        if self.fields.iter().any(|(n, _)| *n == name) {
            format!("g{}", self.fresh)
        } else {
            name
        }
    }

    /// One change, as it is asked for and as it is to end.
    fn step(&mut self, dice: &mut Dice) -> Json {
        let mut change = json!({"fields": {}, "indexes": {}, "confirm": []});
        let (mut rename, mut alter, mut drop) =
            (serde_json::Map::new(), serde_json::Map::new(), Vec::new());
        let mut after = Vec::new();
        let mut moved = Vec::new();
        let mut indexed = BTreeSet::new();
        let mut gone = Vec::new();
        let swap = dice.roll(6) == 0 && self.fields.len() > 1;
        let before = self.fields.clone();
        for (i, (name, kind)) in before.iter().enumerate() {
            let mut new = (name.clone(), *kind);
            let goes = dice.roll(8) == 0;
            if goes && self.indexed.contains(name) {
                gone.push(json!({"fields": [name]}));
            }
            if goes {
                drop.push(json!(name));
                change["confirm"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!(format!("drop:{name}")));
                moved.push((name.clone(), None));
                continue;
            }
            if dice.roll(4) == 0 {
                let kind = KINDS[dice.roll(4)];
                let mut options = kind.options();
                options["default"] = Json::Null;
                alter.insert(name.clone(), options);
                change["confirm"]
                    .as_array_mut()
                    .unwrap()
                    .push(json!(format!("convert:{name}")));
                new.1 = kind;
            }
            if swap && i < 2 {
                new.0.clone_from(&before[1 - i].0);
                rename.insert(name.clone(), json!(new.0));
            } else if !swap && dice.roll(5) == 0 {
                self.fresh += 1;
                new.0 = format!("r{}", self.fresh);
                rename.insert(name.clone(), json!(new.0));
            }
            if self.indexed.contains(name) {
                indexed.insert(new.0.clone());
            }
            moved.push((name.clone(), Some((new.clone(), *kind))));
            after.push(new);
        }
        // Two that change their names with each other while one of them goes would leave a name twice or not at all.
        let names: BTreeSet<&String> = after.iter().map(|(n, _)| n).collect();
        if names.len() != after.len() {
            return self.step(dice);
        }
        for (_, values) in self.rows.values_mut() {
            let mut new = BTreeMap::new();
            for (old, to) in &moved {
                if let Some(((name, kind), was)) = to {
                    new.insert(name.clone(), kind.from(*was, &values[old]));
                }
            }
            *values = new;
        }
        self.fields = after;
        self.indexed = indexed;
        let mut add = Vec::new();
        while self.fields.len() < 2 || dice.roll(4) == 0 && self.fields.len() < 6 {
            let (name, kind) = (self.name(dice), KINDS[dice.roll(4)]);
            let mut field = kind.options();
            field["name"] = json!(name);
            let default = kind.value(dice);
            if !default.is_null() {
                field["default"] = default.clone();
            }
            add.push(field);
            for (_, values) in self.rows.values_mut() {
                values.insert(name.clone(), default.clone());
            }
            self.fields.push((name, kind));
        }
        if dice.roll(3) == 0 {
            let at = dice.roll(self.fields.len());
            let name = self.fields[at].0.clone();
            if self.indexed.insert(name.clone()) {
                change["indexes"]["add"] = json!([{"fields": [name]}]);
            }
        }
        if dice.roll(3) == 0 {
            let at = dice.roll(self.fields.len());
            self.fields.rotate_left(at);
            change["fields"]["order"] = self.fields.iter().map(|(n, _)| n.as_str()).collect();
        }
        if dice.roll(6) == 0 {
            self.fresh += 1;
            self.name = format!("c{}", self.fresh);
            change["name"] = json!(self.name);
        }
        change["indexes"]["drop"] = gone.into();
        change["fields"]["rename"] = rename.into();
        change["fields"]["change"] = alter.into();
        change["fields"]["drop"] = drop.into();
        change["fields"]["add"] = add.into();
        change
    }

    async fn compare(&self, kit: &Kit, after: &str) {
        let def = kit
            .data
            .get_collection(&kit.project, &self.name)
            .await
            .unwrap();
        let names: Vec<&str> = def.fields.iter().map(|f| f.name.as_str()).collect();
        let want: Vec<&str> = self.fields.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, want, "{after}");
        let items = kit
            .list(&anon(), &self.name, &[("limit", "1000")])
            .await
            .unwrap();
        assert_eq!(items.len(), self.rows.len(), "{after}");
        for item in items {
            let (version, values) = &self.rows[item["id"].as_str().unwrap()];
            assert_eq!(item["_version"], *version, "{after}");
            for (name, value) in values {
                assert!(
                    same(&item[name], value),
                    "{name}: {} for {value} after {after}",
                    item[name]
                );
            }
        }
    }
}

async fn every_walk_ends_as_the_model_does(kit: &Kit) {
    for seed in 1..4 {
        let mut dice = Dice(seed * 7919);
        let mut model = Model {
            name: format!("start{seed}"),
            fields: vec![("a".into(), Kind::Text), ("b".into(), Kind::Integer)],
            rows: BTreeMap::new(),
            indexed: BTreeSet::new(),
            fresh: 0,
        };
        kit.open(&model.name, json!([
            {"name": "a", "type": "text", "max": 100}, {"name": "b", "type": "number", "format": "integer"}
        ])).await;
        // Something points to it, all the way.
        let pointer = format!("pointers{seed}");
        kit.open(
            &pointer,
            json!([{"name": "to", "type": "relation", "collection": model.name}]),
        )
        .await;
        for _ in 0..25 {
            for _ in 0..dice.roll(4) {
                let values: BTreeMap<String, Json> = model
                    .fields
                    .iter()
                    .map(|(n, k)| (n.clone(), k.value(&mut dice)))
                    .collect();
                let id = kit.made(&model.name, json!(values)).await;
                kit.made(&pointer, json!({"to": id})).await;
                model.rows.insert(id, (1, values));
            }
            let first = model.rows.keys().next().cloned();
            if let (Some(id), 0) = (first, dice.roll(3)) {
                let (name, kind) = model.fields[0].clone();
                let value = kind.value(&mut dice);
                kit.merge(&key(), &model.name, &id, json!({name.as_str(): value}))
                    .await
                    .unwrap();
                let row = model.rows.get_mut(&id).unwrap();
                row.0 += 1;
                row.1.insert(name, value);
            }
            let before = model.name.clone();
            let change = model.step(&mut dice);
            let done = kit.change(&before, change.clone()).await;
            done.unwrap_or_else(|e| panic!("{change}: {e} {:?}", e.field_errors()));
            model.compare(kit, &change.to_string()).await;
        }
        if let Some(id) = model.rows.keys().next() {
            assert_eq!(
                code(kit.delete(&key(), &model.name, id).await),
                Code::Referenced
            );
        }
    }
}

/// What is refused at its very end, by an index, after all else was done.
async fn what_fails_leaves_nothing(kit: &Kit) {
    kit.open("posts", json!([{"name": "a", "type": "text", "max": 9}, {"name": "b", "type": "number"}, {"name": "c", "type": "relation", "collection": "posts"}])).await;
    let id = kit.made("posts", json!({"a": "x", "b": 1})).await;
    kit.made("posts", json!({"a": "x", "b": 2.5, "c": id}))
        .await;
    let tables = ["posts", "_schema_versions"];
    let before = kit.dump(&tables).await;
    let change = json!({
        "name": "articles",
        "fields": {"change": {"b": {"type": "text"}}, "rename": {"a": "z"}, "drop": ["c"], "add": [{"name": "n", "type": "number", "default": 3}]},
        "indexes": {"add": [{"fields": ["z"], "unique": true}]},
        "confirm": ["drop:c"]
    });
    let problem = kit.change("posts", change).await.unwrap_err();
    assert_eq!(
        (problem.code(), problem.field_errors()[0].path.as_str()),
        (Code::ValidationFailed, "/indexes/add/0")
    );
    assert_eq!(kit.dump(&tables).await, before);
    // Nothing of the failed change hangs on: neither a lock nor a put-off reference.
    assert_eq!(
        code(kit.delete(&key(), "posts", &id).await),
        Code::Referenced
    );
    kit.made("posts", json!({"a": "y"})).await;
}
