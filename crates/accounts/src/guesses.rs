//! Guesses at passwords: so many are borne for one account and from one network, then further ones must wait, longer
//! each time.
//!
//! Wrong guesses are counted in the database, so that all nodes know of them and a restart forgets none. A count costs
//! a write, but so much less than the hash before it that nobody gains by causing it; a guess that is refused writes
//! nothing. Guesses that are under way are counted in memory, so that fifty at once are not all let through.
//!
//! An account is what was typed, in normal form, whether or not there is such a user: the answers are alike. From a
//! network where its user signed in lately it is counted by itself, so that others cannot lock the user out.

use crate::Accounts;
use crate::error::Error;
use crate::places::KNOWN;
use crate::rows::{guesses, places};
use crate::service::Ask;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use gate::Project;
use kernel::Stamp;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::WriteTx;
use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

/// Over how long the guesses are counted that are borne.
const WINDOW: Duration = Duration::from_secs(900);
/// How long to wait after the last one that is borne; twice as long after each further one,
const WAIT: Duration = Duration::from_secs(60);
/// up to this.
const WAIT_MAX: Duration = Duration::from_secs(900);
/// When the guesses are forgotten of whoever had to wait: after this time without one.
pub(crate) const FORGOTTEN: Duration = Duration::from_secs(3_600);

/// What is guessed at under the same key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject<'a> {
    /// An account, by what was typed.
    Identity(&'a str),
    /// A user who is signed in.
    User(Uuid),
}

/// Guesses under way on this node, by project and key.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashMap<(Uuid, String), i64>>>);

/// A guess that may be made. It is under way until it is dropped.
pub(crate) struct Guess {
    account: String,
    network: Option<String>,
    project: Uuid,
    forgotten: [guesses::Forgotten; 2],
    under_way: UnderWay,
}

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, HashMap<(Uuid, String), i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more, and tells how many there were.
    fn enter(&self, project: Uuid, key: &str) -> i64 {
        let mut all = self.lock();
        let count = all.entry((project, key.to_owned())).or_default();
        *count += 1;
        *count - 1
    }

    fn leave(&self, project: Uuid, key: &str) {
        if let Entry::Occupied(mut entry) = self.lock().entry((project, key.to_owned())) {
            *entry.get_mut() -= 1;
            if *entry.get() <= 0 {
                entry.remove();
            }
        }
    }
}

impl Drop for Guess {
    fn drop(&mut self) {
        for key in self.keys() {
            self.under_way.leave(self.project, key);
        }
    }
}

impl Guess {
    fn keys(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.account).chain(&self.network)
    }

    /// Counts it as a wrong one.
    pub(crate) async fn was_wrong(self, ask: &Ask) -> Result<(), Error> {
        let now = ask.now;
        let mut counted: Vec<(String, guesses::Forgotten)> =
            self.keys().cloned().zip(self.forgotten).collect();
        // Two transactions that count the same keys take them in the same order.
        counted.sort_by(|a, b| a.0.cmp(&b.0));
        let count = async move |tx: &WriteTx| -> Result<(), Error> {
            for (key, forgotten) in &counted {
                guesses::count(tx, key, *forgotten, now).await?;
            }
            Ok(())
        };
        ask.project.db.write(count).await
    }

    /// What to forget, in the transaction of whatever was allowed because it was right.
    pub(crate) fn was_right(&self) -> Right {
        Right(vec![self.account.clone()])
    }
}

/// What was counted of an account and is to be forgotten.
#[derive(Clone, Debug)]
pub(crate) struct Right(Vec<String>);

impl Right {
    /// Of all that a user may have typed, from the network of the request too.
    pub(crate) fn of_user(ask: &Ask, user: Uuid, identities: &[&str]) -> Self {
        let key = of(&ask.project);
        let home = crate::places::network(&ask.project, &ask.network);
        let typed = identities.iter().map(|text| Subject::Identity(text));
        let keys = |subject| [None, Some(home.as_str())].map(|home| account(&key, subject, home));
        Self(typed.chain([Subject::User(user)]).flat_map(keys).collect())
    }

    pub(crate) async fn forget(&self, tx: &WriteTx) -> Result<(), Error> {
        Ok(guesses::forget(tx, &self.0).await?)
    }
}

impl Accounts {
    /// Lets a guess at a password be made, or refuses it: 429 until the time is over. `user` is whom the subject leads
    /// to, if there is one.
    pub(crate) async fn guess(
        &self,
        ask: &Ask,
        subject: Subject<'_>,
        user: Option<Uuid>,
    ) -> Result<Guess, Error> {
        let (key, lockout) = (of(&ask.project), ask.project.settings().lockout);
        let db = &ask.project.db;
        let home = crate::places::network(&ask.project, &ask.network);
        // Nobody has the nil id: the lookup is made all the same, for its time.
        let user = user.unwrap_or_default();
        let is_home = places::is_known(db, user, &home, ask.now.minus(KNOWN)).await?;
        let account = account(&key, subject, is_home.then_some(home.as_str()));
        // A key or an operator may ask for many people from one network.
        let network = (!ask.is_trusted).then(|| mark(&key, &["network", &ask.network]));
        let most = [lockout.account_guesses_max, lockout.network_guesses_max].map(i64::from);
        let guess = Guess {
            forgotten: most.map(|few| guesses::Forgotten {
                few: few - 1,
                few_before: ask.now.minus(WINDOW),
                all_before: ask.now.minus(FORGOTTEN),
            }),
            account,
            network,
            project: ask.project.uid,
            under_way: self.inner.guesses.clone(),
        };
        // Entered first and read then: what is noted meanwhile is counted twice, and never not at all.
        let before: Vec<(String, i64)> = guess
            .keys()
            .map(|key| (key.clone(), self.inner.guesses.enter(guess.project, key)))
            .collect();
        let keys: Vec<String> = before.iter().map(|(key, _)| key.clone()).collect();
        let rows = guesses::of(db, &keys).await?;
        for (i, (key, under_way)) in before.iter().enumerate() {
            let row = rows.iter().find(|row| row.key == *key);
            let kept = row.filter(|row| !guess.forgotten[i].holds(row));
            if let Some(wait) = wait(kept, *under_way, most[i], ask.now) {
                return Err(Error::TooManyGuesses(wait));
            }
        }
        Ok(guess)
    }
}

impl guesses::Forgotten {
    fn holds(&self, row: &guesses::Model) -> bool {
        let is_few = row.failures <= self.few && row.began_at <= self.few_before.time();
        is_few || row.last_at <= self.all_before.time()
    }
}

/// How long to wait before the next guess, if at all.
fn wait(row: Option<&guesses::Model>, under_way: i64, most: i64, now: Stamp) -> Option<Duration> {
    let failures = row.map_or(0, |row| row.failures);
    if failures + under_way < most {
        return None;
    }
    // The first after a wait goes alone.
    if failures < most || under_way > 0 {
        return Some(WAIT);
    }
    let doublings = u32::try_from(failures - most).unwrap_or(u32::MAX).min(16);
    let pause = WAIT.saturating_mul(1 << doublings).min(WAIT_MAX);
    let last = Stamp::from_time(row?.last_at)?;
    let left = last.plus(pause).time() - now.time();
    left.is_positive().then(|| left.unsigned_abs())
}

/// The key that a project's keys are hashed with.
fn of(project: &Project) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &project.derive_key("guesses"))
}

fn mark(key: &hmac::Key, parts: &[&str]) -> String {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        // With its length, so that no two lists of parts read the same.
        context.update(&(part.len() as u64).to_le_bytes());
        context.update(part.as_bytes());
    }
    B64.encode(&context.sign().as_ref()[..16])
}

fn account(key: &hmac::Key, subject: Subject<'_>, home: Option<&str>) -> String {
    let home = home.unwrap_or_default();
    match subject {
        Subject::Identity(text) => mark(key, &["identity", &folded(text), home]),
        Subject::User(id) => mark(key, &["user", &id.to_string(), home]),
    }
}

/// What was typed, so that spellings that may lead to one account are one: no case, no compatible forms (NFKC), no
/// spaces around it, a domain in ASCII.
fn folded(text: &str) -> String {
    let fold = |text: &str| -> String {
        let compatible: String = text.nfkc().collect();
        // Through capitals: "ß" and "SS" are one.
        let capital: String = compatible.to_lowercase().to_uppercase().nfkc().collect();
        capital.to_lowercase().nfkc().collect()
    };
    let text = fold(text.trim());
    match text.rsplit_once('@') {
        None => text,
        Some((local, domain)) => match url::Host::parse(domain) {
            Ok(domain) => format!("{local}@{domain}"),
            Err(_) => text,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_account_are_one() {
        for (a, b) in [
            ("Ada@Example.com", " ada@example.COM "),
            ("ａｄａ@example.com", "ada@example.com"),
            ("\u{212a}ate", "kate"),
            ("STRASSE", "straße"),
            ("e\u{301}va", "\u{e9}VA"),
            ("a@Bücher.example", "a@xn--bcher-kva.example"),
            ("\u{130}x", "i\u{307}X"),
        ] {
            assert_eq!(folded(a), folded(b), "{a} {b}");
        }
        assert_ne!(folded("ada@example.com"), folded("adа@example.com"));
    }

    #[test]
    fn waits_double_and_have_an_end() {
        let at = |text: &str| Stamp::parse(text).unwrap();
        let now = at("2026-01-02T03:00:00Z");
        let row = |failures: i64| guesses::Model {
            key: String::new(),
            failures,
            began_at: now.time(),
            last_at: now.time(),
        };
        let seconds = |failures: i64, under_way: i64, later: u64| {
            let now = now.plus(Duration::from_secs(later));
            wait(Some(&row(failures)), under_way, 10, now).map(|d| d.as_secs())
        };
        assert_eq!(seconds(9, 0, 0), None);
        assert_eq!(seconds(9, 1, 0), Some(60));
        assert_eq!(seconds(10, 0, 0), Some(60));
        assert_eq!(seconds(10, 0, 59), Some(1));
        assert_eq!(seconds(10, 0, 60), None);
        assert_eq!(seconds(10, 1, 60), Some(60));
        assert_eq!(seconds(11, 0, 0), Some(120));
        assert_eq!(seconds(14, 0, 0), Some(900));
        assert_eq!(seconds(1_000, 0, 0), Some(900));
        assert_eq!(wait(None, 9, 10, now), None);
        assert_eq!(wait(None, 10, 10, now), Some(WAIT));
    }
}
