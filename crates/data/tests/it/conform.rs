//! Random schemas with random records and random texts: SQLite, PostgreSQL and memory find the same records, whoever
//! filters, and whatever a rule says.

mod texts;
mod world;

use crate::files::put;
use crate::kit::{Kit, U, V, add_user, anon, asker, key, object, u};
use ::rules::{Catalogue, Env, Field, HopRule, Mode, Resolved, Row, Truth, World as Rows};
use data::{Aggregate, Asker, Query, Rule, Schema};
use gate::{UserAuth, Who};
use kernel::Code;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use texts::{Texts, Writer};
use uuid::Uuid;
pub use world::Dice;
use world::{CollectionOf, FieldOf, Is, TEAM, World};

/// The names of a schema, written anew from what the service shows of it.
struct Names<'a> {
    schema: &'a Schema,
    privileged: bool,
}

impl Catalogue for Names<'_> {
    fn field(&self, collection: &str, field: &str) -> Option<Field> {
        let collection = self.schema.collections.get(collection)?;
        let column = collection.column(field, self.privileged)?;
        Some(Field {
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
        let field = self.field(from, by)?;
        let points = match &field.kind {
            ::rules::Kind::Relation { to } | ::rules::Kind::Relations { to, .. } => {
                to == collection
            }
            _ => false,
        };
        points.then(|| (from.to_owned(), by.to_owned()))
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
        let column = self
            .schema
            .collections
            .get(collection)?
            .column(field, false)?;
        let mask = column.mask.as_ref().filter(|_| !self.privileged)?;
        Some(mask.resolved.clone())
    }
}

/// All records as rules see them.
#[derive(Debug)]
struct Memory(BTreeMap<String, Vec<Row>>);

impl Rows for Memory {
    fn get(&self, collection: &str, id: &str) -> Option<Row> {
        let mut rows = self.0.get(collection)?.iter();
        rows.find(|row| row["id"] == json!(id)).cloned()
    }

    fn rows(&self, collection: &str) -> Vec<Row> {
        self.0.get(collection).cloned().unwrap_or_default()
    }
}

/// What is found: how many, and which; or the code of what is wrong.
type Found = Result<Vec<String>, Code>;

/// One schema with its records on both engines and in memory.
struct Trial {
    world: World,
    kits: [Kit; 2],
    memory: Memory,
    params: Map<String, Json>,
    askers: Vec<(&'static str, Asker)>,
}

fn member() -> Asker {
    let auth = ::rules::Auth {
        id: V.to_string(),
        email: Some("a@b.example".to_owned()),
        verified: true,
        roles: vec!["a".to_owned(), "É".to_owned()],
        teams: vec![TEAM.to_owned()],
        claims: object(json!({"word": "Ab", "list": ["a", null, "É"]})),
        level: 2,
        anonymous: false,
    };
    asker(Who::User(UserAuth::new(
        V,
        Uuid::from_u128(2),
        Arc::new(auth),
        kernel::Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
    )))
}

impl Trial {
    async fn new(dice: &mut Dice) -> Self {
        let world = World::random(dice);
        let kits = [Kit::sqlite().await, Kit::postgres().await];
        let (masks, lists) = guards(&world, dice);
        let changes: Vec<Json> = {
            let first = world.collections[0].records.len();
            (0..first).map(|_| world.later(dice)).collect()
        };
        for kit in &kits {
            add_user(kit, U, None).await;
            add_user(kit, V, None).await;
            fill(kit, &world, &masks, &lists, &changes).await;
        }
        let mut memory = BTreeMap::new();
        for collection in &world.collections {
            let of = &collection.name;
            let [a, b] = [&kits[0], &kits[1]].map(async |kit| {
                kit.list(&key(), of, &[("limit", "1000"), ("sort", "id")])
                    .await
                    .unwrap()
            });
            let (a, b) = (a.await, b.await);
            assert_eq!(a, b, "{of} reads back alike");
            memory.insert(of.clone(), a.into_iter().map(object).collect());
        }
        let params = object(json!({
            "k": 2, "x": 2.5, "s": "Ab", "words": ["a", "É", "x'y"]
        }));
        let askers = vec![
            ("nobody", anon()),
            ("u", u()),
            ("a member", member()),
            ("a key", key()),
        ];
        Self {
            world,
            kits,
            memory: Memory(memory),
            params,
            askers,
        }
    }

    /// What each of the three finds.
    async fn find(&self, of: &str, asker: &Asker, filter: Option<&str>) -> [Found; 3] {
        let mut body = json!({"sort": "id", "limit": 1000, "fields": ["id"], "count": "exact"});
        if let Some(filter) = filter {
            (body["filter"], body["params"]) = (json!(filter), json!(self.params));
        }
        let ask = async |kit: &Kit| -> Found {
            let query = Query::parse_body(object(body.clone())).map_err(|p| p.code())?;
            let page = kit.data.list(&kit.project, asker, of, &query).await;
            let page = page.map_err(|e| gate::Problem::from(e).code())?;
            assert_eq!(
                page.total,
                Some(i64::try_from(page.docs.len()).unwrap()),
                "{filter:?}"
            );
            let id = |json: &str| serde_json::from_str::<Json>(json).unwrap()["id"].clone();
            Ok(page
                .docs
                .iter()
                .map(|d| id(&d.json).as_str().unwrap().to_owned())
                .collect())
        };
        let (sqlite, postgres) = (ask(&self.kits[0]).await, ask(&self.kits[1]).await);
        [sqlite, postgres, self.remember(of, asker, filter).await]
    }

    async fn remember(&self, of: &str, asker: &Asker, filter: Option<&str>) -> Found {
        let kit = &self.kits[0];
        let schema = kit.data.schema(&kit.project).await.unwrap();
        let privileged = asker.privileged();
        let names = Names {
            schema: &schema,
            privileged,
        };
        let params = Some(&self.params);
        let resolve = |text| ::rules::parse_and_resolve(text, of, Mode::Filter, &names, params);
        let filter = filter
            .map(resolve)
            .transpose()
            .map_err(|_| Code::InvalidFilter)?;
        let rule = &schema.collections[of].rules.list;
        if matches!(rule, Rule::Closed) && !privileged {
            return Err(Code::RuleDenied);
        }
        let allowed = |row: &Row| {
            let env = Env {
                auth: asker.who.auth(),
                request: &asker.request,
                now: &asker.request.time,
                params: &self.params,
                record: Some(row),
                next: None,
            };
            let is_true = |r: &Resolved| r.eval(&env, &self.memory) == Truth::True;
            let listed = match rule {
                Rule::When(rule) if !privileged => is_true(&rule.resolved),
                _ => true,
            };
            listed && filter.as_ref().is_none_or(is_true)
        };
        let rows = self.memory.0[of].iter().filter(|row| allowed(row));
        Ok(rows
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect())
    }

    /// Asks all three, and counts one more way where `twice`.
    async fn compare(&self, of: &str, asker: usize, filter: Option<&str>, twice: bool) -> Found {
        let (who, asker) = &self.askers[asker];
        let [sqlite, postgres, memory] = self.find(of, asker, filter).await;
        let rule = &self.kits[0]
            .data
            .schema(&self.kits[0].project)
            .await
            .unwrap();
        assert!(
            sqlite == postgres && postgres == memory,
            "SQLite {sqlite:?}\nPostgreSQL {postgres:?}\nmemory {memory:?}\nof {of} for {who} by {filter:?}\nunder {:?}\nin {}\nwith {}",
            rule.collections[of].def.rules,
            self.shown(),
            json!(self.memory.0),
        );
        if let (true, Ok(found), Some(filter)) = (twice, &sqlite, filter) {
            let body =
                json!({"filter": filter, "params": self.params, "measures": {"n": "count()"}});
            for kit in &self.kits {
                let asked = Aggregate::parse(object(body.clone())).unwrap();
                let told = kit
                    .data
                    .aggregate(&kit.project, asker, of, &asked)
                    .await
                    .unwrap();
                let told: Json = serde_json::from_str(&told).unwrap();
                assert_eq!(told["items"][0]["n"], json!(found.len()), "{filter}");
            }
        }
        sqlite
    }

    fn shown(&self) -> String {
        let of = |c: &CollectionOf| {
            let fields: Vec<Json> = c.fields.iter().map(FieldOf::definition).collect();
            format!("{}: {}", c.name, json!(fields))
        };
        let all: Vec<String> = self.world.collections.iter().map(of).collect();
        all.join("\n")
    }
}

/// Read rules of some fields, and list rules of some collections.
fn guards(
    world: &World,
    dice: &mut Dice,
) -> (BTreeMap<(usize, String), String>, BTreeMap<usize, String>) {
    let (mut masks, mut lists) = (BTreeMap::new(), BTreeMap::new());
    for (c, collection) in world.collections.iter().enumerate() {
        for field in collection.fields.iter().filter(|f| !f.late && !f.hidden) {
            if dice.chance(6) {
                let text = Texts::new(world, Writer::Rule, c).cond(dice, 1);
                masks.insert((c, field.name.clone()), text);
            }
        }
        if dice.chance(2) {
            // Some are shown whatever the text says, else there would often be nothing to look for.
            let text = Texts::new(world, Writer::Rule, c).cond(dice, 2);
            let some = world.collections[c].records[2]["id"].clone();
            lists.insert(c, format!("({text}) || id < {some}"));
        }
    }
    (masks, lists)
}

async fn fill(
    kit: &Kit,
    world: &World,
    masks: &BTreeMap<(usize, String), String>,
    lists: &BTreeMap<usize, String>,
    changes: &[Json],
) {
    for (c, collection) in world.collections.iter().enumerate() {
        let fields = collection.fields.iter().filter(|f| !f.late);
        let fields: Vec<Json> = fields.map(FieldOf::definition).collect();
        kit.open(&collection.name, json!(fields)).await;
        let mut operations = Vec::new();
        for record in &collection.records {
            let files = collection.fields.iter();
            for field in files.filter(|f| matches!(f.is, Is::File | Is::Files)) {
                let held = &record[&field.name];
                let list = held.as_array().map_or(std::slice::from_ref(held), |l| l);
                for file in list.iter().filter_map(Json::as_str) {
                    put(kit, file.parse().unwrap(), "posters", None).await;
                }
            }
            let mut data = object(record.clone());
            let id = data.remove("id");
            operations.push(
                json!({"op": "create", "collection": collection.name, "id": id, "data": data}),
            );
        }
        let done = kit.batch(&key(), json!(operations)).await;
        done.unwrap_or_else(|p| panic!("{p:?}: {operations:?} of c{c} in {fields:?}"));
    }
    let late: Vec<Json> = {
        let fields = world.collections[0].fields.iter().filter(|f| f.late);
        fields.map(FieldOf::definition).collect()
    };
    kit.change("c0", json!({"fields": {"add": late}}))
        .await
        .unwrap();
    let first = world.collections[0].records.iter().zip(changes);
    let merges = first.map(|(record, change)| json!({"op": "update", "collection": "c0", "id": record["id"], "data": change}));
    kit.batch(&key(), merges.collect()).await.unwrap();
    // A text past a limit is left out, alike on both.
    for ((c, field), text) in masks {
        let change = json!({"fields": {"change": {field: {"read": text}}}});
        let _ = kit.change(&format!("c{c}"), change).await.map_err(is_limit);
    }
    for (c, text) in lists {
        let _ = kit
            .rules(&format!("c{c}"), json!({"list": text}))
            .await
            .map_err(is_limit);
    }
}

fn is_limit(problem: gate::Problem) {
    let text = format!("{problem:?}");
    assert!(text.contains("limit"), "{text}");
}

/// Schemas from `seed` on, until there are `worlds` of them or the time is over.
async fn run(seed: u64, worlds: u64, until: Instant) {
    let mut counts = [0_usize; 4];
    for number in 0..worlds {
        if Instant::now() > until {
            break;
        }
        let seed = seed.wrapping_add(number);
        eprintln!("world {seed}: run it again with GALLEY_TEST_CONFORM_SEED={seed}");
        let mut dice = Dice(seed);
        let trial = Trial::new(&mut dice).await;
        for turn in 0..60 {
            if Instant::now() > until {
                break;
            }
            let of = dice.roll(trial.world.collections.len());
            let name = format!("c{of}");
            let asker = dice.roll(trial.askers.len());
            let privileged = trial.askers[asker].1.privileged();
            let levels = 1 + dice.roll(4);
            let found = if turn % 6 == 5 {
                let text = Texts::new(&trial.world, Writer::Rule, of).cond(&mut dice, levels);
                let mut codes = Vec::new();
                for kit in &trial.kits {
                    let done = kit.rules(&name, json!({"list": text})).await;
                    codes.push(done.map_err(|p| (p.code(), format!("{p:?}"))));
                }
                assert_eq!(codes[0], codes[1], "{text}");
                if let Err((_, told)) = &codes[0] {
                    assert!(told.contains("limit"), "{text}\n{told}");
                    continue;
                }
                trial.compare(&name, asker, None, false).await
            } else {
                let writer = Writer::Filter { privileged };
                let text = Texts::new(&trial.world, writer, of).cond(&mut dice, levels);
                trial
                    .compare(&name, asker, Some(&text), turn % 5 == 0)
                    .await
            };
            let all = trial.memory.0[&name].len();
            counts[match found {
                Ok(ids) if ids.is_empty() => 0,
                Ok(ids) if ids.len() == all => 1,
                Ok(_) => 2,
                Err(_) => 3,
            }] += 1;
        }
    }
    let [none, all, some, refused] = counts;
    eprintln!("found none {none} times, all {all}, some {some}; {refused} were refused");
    let asked: usize = counts.iter().sum();
    assert!(
        asked < 100 || (some > asked / 12 && refused < asked / 3),
        "{counts:?}"
    );
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The same worlds in every run, then new ones. `GALLEY_TEST_CONFORM_SECONDS` makes it last longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_three_find_the_same() {
    let seconds = variable("GALLEY_TEST_CONFORM_SECONDS").unwrap_or(18);
    let until = Instant::now() + Duration::from_secs(seconds);
    if let Some(seed) = variable("GALLEY_TEST_CONFORM_SEED") {
        run(seed, 1, until + Duration::from_secs(600)).await;
        return;
    }
    run(1, 3, until).await;
    let seed = kernel::Ids.new_id().as_u64_pair().1;
    run(seed, u64::MAX, until).await;
}
