//! The visibility tag: what decides which records a caller sees although none of them changes.

use super::Reading;
use crate::schema::{Loaded, Rule};
use crate::service::Asker;
use crate::sql::changes;
use crate::sql::plan::Plan;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::Project;
use rules::Reach;
use sea_orm::DbBackend;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::Duration;

/// Bytes of a tag.
const TAG_BYTES: usize = 16;
/// How long nodes may have rules of different age. Until then a change of rules gives one tag, afterwards another, so
/// that who has listed at a node that was behind lists again.
pub(super) const SETTLING: Duration = Duration::from_secs(2);

/// What reading changes needs of a collection, made once per version of the schema.
#[derive(Default)]
pub(crate) struct Feed {
    reach: OnceLock<Reach>,
    definition: OnceLock<String>,
    plans: [OnceLock<Plan>; 2],
}

impl Feed {
    /// What its list rule and the read rules of its fields depend on.
    pub(super) fn reach<'a>(&'a self, collection: &Loaded) -> &'a Reach {
        self.reach.get_or_init(|| {
            let mut reach = Reach::default();
            if let Rule::When(rule) = &collection.rules.list {
                reach.add(&rule.resolved.reach());
            }
            for column in collection.columns(false) {
                if let Some(mask) = &column.mask {
                    reach.add(&mask.resolved.reach());
                }
            }
            reach
        })
    }

    fn definition<'a>(&'a self, collection: &Loaded) -> &'a str {
        self.definition.get_or_init(|| {
            format!(
                "{}{}",
                collection.def.id,
                Json::Object(collection.def.definition())
            )
        })
    }

    /// The plan of [`changes::visible`].
    pub(crate) fn plan<'a>(
        &'a self,
        collection: &Loaded,
        privileged: bool,
        backend: DbBackend,
    ) -> &'a Plan {
        let [ruled, open] = &self.plans;
        let slot = if privileged { open } else { ruled };
        slot.get_or_init(|| changes::visible(collection, privileged, backend))
    }
}

/// The collections that the rules look at, for a caller who is bound by them.
pub(super) fn looked_at(asker: &Asker, collections: &[&Loaded]) -> BTreeSet<String> {
    if asker.privileged() {
        return BTreeSet::new();
    }
    let reach = collections.iter().map(|c| c.feed.reach(c));
    reach.flat_map(|r| r.collections.iter().cloned()).collect()
}

/// The tag: a MAC, so that nothing of what it is made of can be guessed from it.
///
/// It covers each collection's fields and rules and the place of their last change, who the caller is to rules (or that
/// it passes them), the place of the last change in any collection that the rules look at, the minute where a rule reads
/// the clock, the network where one reads the request; and whether `since=0` leaves out changes that were pruned.
pub(super) fn tag(project: &Project, reading: &Reading<'_>, truncated: bool) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &project.derive_key("visibility"));
    let mut mac = hmac::Context::with_key(&key);
    let mut add = |part: &str| {
        mac.update(part.len().to_string().as_bytes());
        mac.update(b":");
        mac.update(part.as_bytes());
    };
    add(&project.uid.to_string());
    add(if truncated { "truncated" } else { "" });
    let mut reach = Reach::default();
    for collection in reading.collections {
        let head = reading.heads.schemas.get(&collection.def.name);
        add(collection.feed.definition(collection));
        add(&format!("{head:?}"));
        reach.add(collection.feed.reach(collection));
    }
    if reading.asker.privileged() {
        add("passes");
    } else {
        add(&caller(reading.asker));
        for name in &reach.collections {
            add(name);
            add(&reading.last(name).to_string());
        }
        let text = reading.asker.now.to_string();
        let minute = text.get(..16).filter(|_| reach.time);
        add(minute.unwrap_or_default());
        let network = reading.asker.request.ip_network.as_deref();
        add(network.filter(|_| reach.request).unwrap_or_default());
    }
    let tag = mac.sign();
    URL_SAFE_NO_PAD.encode(tag.as_ref().get(..TAG_BYTES).unwrap_or_default())
}

/// Who the caller is to rules.
fn caller(asker: &Asker) -> String {
    let Some(auth) = asker.who.auth() else {
        return String::new();
    };
    json!([
        auth.id,
        auth.email,
        auth.verified,
        auth.anonymous,
        auth.roles,
        auth.claims,
        auth.teams,
        auth.level
    ])
    .to_string()
}
