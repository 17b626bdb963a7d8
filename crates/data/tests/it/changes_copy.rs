//! Copies that clients keep by the changes feed: whatever happens, they become what a list shows, and no id is told that
//! could not have been seen.

use crate::kit::{Kit, U, V, add_user, asker, both, key};
use data::{Asker, ChangesQuery, Query};
use gate::{Problem, UserAuth, Who};
use kernel::{Code, Stamp};
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

both!(copies_become_what_a_list_shows);

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

    fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.roll(all.len())].clone())
    }
}

/// Who a caller is: nobody, or a user with roles.
type Identity = Option<(uuid::Uuid, bool)>;

const IDENTITIES: [Identity; 4] = [None, Some((U, false)), Some((U, true)), Some((V, false))];

fn caller(identity: Identity, now: Stamp) -> Asker {
    let who = match identity {
        None => Who::Anonymous,
        Some((id, editor)) => {
            let auth = ::rules::Auth {
                id: id.to_string(),
                roles: editor.then(|| "editor".to_owned()).into_iter().collect(),
                level: 1,
                ..::rules::Auth::default()
            };
            Who::User(UserAuth::new(
                id,
                uuid::Uuid::from_u128(1),
                Arc::new(auth),
                kernel::Stamp::parse("2026-01-01T00:00:00Z").unwrap(),
            ))
        }
    };
    Asker::new(&asker(who).who, now, "GET", "127.0.0.1", Map::new(), "r")
}

const RULES: [Option<&str>; 9] = [
    None,
    Some("true"),
    Some("owner == auth.id"),
    Some("state == 'open' || owner == auth.id"),
    Some("state == 'open' && !(owner == auth.id)"),
    Some("'editor' in auth.roles || owner == auth.id"),
    Some("team.lead == auth.id || state == 'open'"),
    Some("shares_via_post.exists(s, s.user == auth.id)"),
    Some("due > now"),
];

/// A project, its clock, and who could have seen what.
struct World<'a> {
    kit: &'a Kit,
    dice: Dice,
    now: Stamp,
    posts: Vec<String>,
    shares: Vec<String>,
    teams: Vec<String>,
    seen: BTreeMap<Identity, BTreeSet<String>>,
    rules: Option<&'static str>,
    changes_of_rules: bool,
    quiet: bool,
}

impl World<'_> {
    async fn listed(&self, identity: Identity) -> Result<BTreeMap<String, Json>, Problem> {
        let query = Query::parse_list("limit=1000").unwrap();
        let page = self
            .kit
            .data
            .list(
                &self.kit.project,
                &caller(identity, self.now),
                "posts",
                &query,
            )
            .await?;
        let docs = page.docs.iter();
        let docs = docs.map(|d| serde_json::from_str::<Json>(&d.json).unwrap());
        Ok(docs
            .map(|r| (r["id"].as_str().unwrap().to_owned(), r))
            .collect())
    }

    /// Remembers what each could see at this moment.
    async fn look(&mut self) {
        for identity in IDENTITIES {
            let ids = self.listed(identity).await.unwrap_or_default();
            self.seen
                .entry(identity)
                .or_default()
                .extend(ids.into_keys());
        }
    }

    fn post(&mut self) -> Json {
        let owner = self.dice.pick(&[Some(U), Some(V), None]).unwrap();
        let state = self.dice.pick(&["open", "shut"]);
        let due = self.dice.pick(&[-30, 20, 90, 4_000]).unwrap();
        let due = if due < 0 {
            self.now.minus(Duration::from_secs(30))
        } else {
            self.now.plus(Duration::from_secs(due as u64))
        };
        json!({"owner": owner, "state": state, "team": self.dice.pick(&self.teams.clone()), "due": due.to_string()})
    }

    /// Something happens, some time after what happened last.
    async fn happen(&mut self) {
        let wait = self.dice.roll(25_000_000) as u64;
        self.now = self.now.plus(Duration::from_micros(wait));
        self.look().await;
        let writer = Asker::new(&key().who, self.now, "POST", "127.0.0.1", Map::new(), "r");
        let kit = self.kit;
        match self.dice.roll(20) {
            0..=4 => {
                let post = self.post();
                let made = kit.create(&writer, "posts", post).await.unwrap();
                self.posts.push(made["id"].as_str().unwrap().to_owned());
            }
            5..=10 => {
                if let Some(id) = self.dice.pick(&self.posts) {
                    let mut change = self.post();
                    // One field alone, or all.
                    let only = self
                        .dice
                        .pick(&["owner", "state", "team", "due", ""])
                        .unwrap();
                    change
                        .as_object_mut()
                        .unwrap()
                        .retain(|name, _| only.is_empty() || name == only);
                    kit.merge(&writer, "posts", &id, change).await.unwrap();
                }
            }
            11..=13 => {
                if let Some(id) = self.dice.pick(&self.posts)
                    && kit.delete(&writer, "posts", &id).await.is_ok()
                {
                    self.posts.retain(|p| *p != id);
                }
            }
            14 | 15 => {
                if let Some(post) = self.dice.pick(&self.posts) {
                    let user = self.dice.pick(&[U, V]);
                    let made = kit
                        .create(&writer, "shares", json!({"post": post, "user": user}))
                        .await
                        .unwrap();
                    self.shares.push(made["id"].as_str().unwrap().to_owned());
                }
            }
            16 | 17 => {
                if let Some(id) = self.dice.pick(&self.shares) {
                    kit.delete(&writer, "shares", &id).await.unwrap();
                    self.shares.retain(|s| *s != id);
                }
            }
            18 => {
                let (team, lead) = (
                    self.dice.pick(&self.teams).unwrap(),
                    self.dice.pick(&[U, V]),
                );
                kit.merge(&writer, "teams", &team, json!({"lead": lead}))
                    .await
                    .unwrap();
            }
            _ if self.changes_of_rules => {
                self.rules = self.dice.pick(&RULES).unwrap();
                let rules = crate::kit::object(json!({"rules": {"list": self.rules}}));
                kit.data
                    .update_collection(&kit.project, &writer, "posts", rules, None)
                    .await
                    .unwrap();
            }
            _ => {}
        }
        self.look().await;
    }

    /// Now and then something happens while a client is at work.
    async fn meanwhile(&mut self) {
        if !self.quiet && self.dice.roll(4) == 0 {
            Box::pin(self.happen()).await;
        }
    }
}

/// A client with its copy.
struct Copy {
    identity: Identity,
    at: Option<(i64, String)>,
    records: BTreeMap<String, Json>,
}

impl Copy {
    async fn page(
        &mut self,
        world: &mut World<'_>,
        since: &str,
    ) -> Result<data::ChangesPage, Problem> {
        let limit = 1 + world.dice.roll(5);
        let query =
            ChangesQuery::parse(&format!("since={since}&collections=posts&limit={limit}")).unwrap();
        let asker = caller(self.identity, world.now);
        let page = world
            .kit
            .data
            .changes(&world.kit.project, &asker, &query)
            .await?;
        for item in &page.items {
            let id = item.id.to_string();
            // Some of what is seen now was not looked at yet: the clock alone has moved.
            let now = world.listed(self.identity).await.unwrap_or_default();
            assert!(
                world.seen[&self.identity].contains(&id) || now.contains_key(&id),
                "{:?} was told of {id}, which it could never have seen: {item:?}",
                self.identity
            );
        }
        Ok(page)
    }

    async fn begin_anew(&mut self, world: &mut World<'_>) -> Result<(), Problem> {
        self.at = None;
        self.records.clear();
        let page = self.page(world, "now").await?;
        world.meanwhile().await;
        self.records = world.listed(self.identity).await?;
        self.at = Some((page.next_since, page.visibility));
        Ok(())
    }

    /// Follows the changes to their end.
    async fn follow(&mut self, world: &mut World<'_>) {
        for _ in 0..1_000 {
            world.meanwhile().await;
            let Some((since, tag)) = self.at.clone() else {
                match self.begin_anew(world).await {
                    Ok(()) => continue,
                    Err(problem) => {
                        assert_eq!(problem.code(), Code::RuleDenied);
                        return;
                    }
                }
            };
            match self.page(world, &since.to_string()).await {
                Ok(page) if page.visibility == tag => {
                    for item in page.items {
                        let id = item.id.to_string();
                        match item.record {
                            Some(record) => {
                                self.records
                                    .insert(id, serde_json::from_str(&record).unwrap());
                            }
                            None => {
                                self.records.remove(&id);
                            }
                        }
                    }
                    self.at = Some((page.next_since, tag));
                    if !page.more {
                        return;
                    }
                }
                Ok(_) => self.at = None,
                Err(problem) if problem.code() == Code::ResyncRequired => self.at = None,
                Err(problem) => {
                    assert_eq!(problem.code(), Code::RuleDenied);
                    (self.at, self.records) = (None, BTreeMap::new());
                    return;
                }
            }
        }
        panic!("the changes have no end");
    }
}

async fn history(kit: &Kit, seed: u64, happenings: usize) {
    let name = |rules: Option<&str>| rules.map_or("none".to_owned(), str::to_owned);
    let mut dice = Dice(seed);
    dice.roll(2);
    let changes_of_rules = dice.roll(2) == 0;
    let rules = RULES[1 + dice.roll(RULES.len() - 1)];
    let (data, project) = (&kit.data, &kit.project);
    let now = Stamp::parse("2026-03-01T12:00:00Z").unwrap();
    let all = crate::kit::object(json!({"rules": {"list": rules, "view": rules}}));
    data.update_collection(project, &key(), "posts", all, None)
        .await
        .unwrap();
    let mut world = World {
        kit,
        dice,
        now,
        posts: Vec::new(),
        shares: Vec::new(),
        teams: Vec::new(),
        seen: IDENTITIES.map(|i| (i, BTreeSet::new())).into(),
        rules,
        changes_of_rules,
        quiet: false,
    };
    for _ in 0..2 {
        world
            .teams
            .push(kit.made("teams", json!({"lead": U})).await);
    }
    let copy = |identity| Copy {
        identity,
        at: None,
        records: BTreeMap::new(),
    };
    let mut copies = [copy(None), copy(Some((U, false))), copy(Some((V, false)))];
    for i in 0..happenings {
        world.happen().await;
        let which = world.dice.roll(copies.len());
        copies[which].follow(&mut world).await;
        // The user becomes an editor, or is one no longer.
        if world.dice.roll(10) == 0 {
            let editor = copies[1].identity == Some((U, true));
            copies[1].identity = Some((U, !editor));
        }
        if world.dice.roll(8) > 0 && i + 1 < happenings {
            continue;
        }
        // Nothing more happens, and a minute goes by.
        kit.stamped().await;
        world.now = world.now.plus(Duration::from_secs(61));
        for copy in &mut copies {
            world.quiet = true;
            copy.follow(&mut world).await;
            world.quiet = false;
            let listed = world.listed(copy.identity).await.unwrap_or_default();
            assert_eq!(
                copy.records,
                listed,
                "{:?} of seed {seed}, after {i}, under {}",
                copy.identity,
                name(world.rules)
            );
        }
    }
    // The next history begins with nothing.
    for (name, ids) in [("shares", &world.shares), ("posts", &world.posts)] {
        for id in ids {
            kit.delete(&key(), name, id).await.unwrap();
        }
    }
}

async fn copies_become_what_a_list_shows(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let user = json!({"name": "user", "type": "relation", "collection": "users"});
    kit.open(
        "teams",
        json!([{"name": "lead", "type": "relation", "collection": "users"}]),
    )
    .await;
    let posts = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "state", "type": "text"},
        {"name": "due", "type": "datetime"},
        {"name": "team", "type": "relation", "collection": "teams"}
    ]);
    kit.open("posts", posts).await;
    kit.open(
        "shares",
        json!([{"name": "post", "type": "relation", "collection": "posts"}, user]),
    )
    .await;
    let histories = if kit.is_postgres() { 5 } else { 16 };
    for seed in 0..histories {
        history(kit, seed, 40).await;
    }
}
