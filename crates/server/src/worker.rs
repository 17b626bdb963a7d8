//! Does for every project what its requests have put off: messages to send, files to remove.
//!
//! Each service's `tick` does a bounded part of a project's due work and tells when the next is due, so that one
//! project's flood waits behind the others' turns.

use crate::wiring::Services;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use gate::{ListQuery, Project, Reach};
use kernel::limits::PAGE_MAX;
use kernel::{Code, Stamp};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// Projects that have a turn at the same time.
const AT_ONCE: usize = 4;
/// The pause before work that failed is tried again.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// How often all projects are asked: work of a process that died, or of another node, has nobody else to wake it.
const SWEEP: Duration = Duration::from_secs(600);

/// Tells that a project has work. Cheap to clone.
#[derive(Clone)]
pub struct Wake(UnboundedSender<String>);

/// Where the calls arrive.
pub type Calls = UnboundedReceiver<String>;

impl Wake {
    /// The caller's end and the loop's.
    #[must_use]
    pub fn new() -> (Self, Calls) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    /// To be called after the commit of the work.
    pub fn call(&self, project: &Project) {
        // Nobody listens any more when the server stops: the next start asks every project.
        let _ = self.0.send(project.id.clone());
    }
}

/// When each project has its next turn.
#[derive(Default)]
struct Turns {
    order: BTreeSet<(Instant, String)>,
    due: HashMap<String, Instant>,
    running: HashSet<String>,
    /// Called while they had their turn.
    again: HashSet<String>,
}

impl Turns {
    /// Gives a turn at a time, unless there is an earlier one.
    fn add(&mut self, project: String, at: Instant) {
        if self.running.contains(&project) {
            self.again.insert(project);
            return;
        }
        match self.due.get(&project) {
            Some(known) if *known <= at => return,
            Some(known) => {
                self.order.remove(&(*known, project.clone()));
            }
            None => {}
        }
        self.due.insert(project.clone(), at);
        self.order.insert((at, project));
    }

    fn first(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    fn start(&mut self) -> Option<String> {
        let (_, project) = self.order.pop_first()?;
        self.due.remove(&project);
        self.running.insert(project.clone());
        Some(project)
    }

    fn end(&mut self, project: String, next: Option<Duration>) {
        self.running.remove(&project);
        let next = if self.again.remove(&project) {
            Some(Duration::ZERO)
        } else {
            next
        };
        if let Some(next) = next {
            self.add(project, Instant::now() + next);
        }
    }
}

/// Runs for as long as the server does.
pub async fn run(services: Services, calls: &mut Calls) {
    let mut turns = Turns::default();
    let mut running = FuturesUnordered::new();
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        let next = turns.first().filter(|_| running.len() < AT_ONCE);
        let wait = async {
            match next {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            called = calls.recv() => match called {
                Some(project) => turns.add(project, Instant::now()),
                None => return,
            },
            woken = services.files.woken() => for project in woken {
                turns.add(project, Instant::now());
            },
            Some((project, next)) = running.next() => turns.end(project, next),
            () = wait => {
                if let Some(project) = turns.start() {
                    running.push(turn(&services, project));
                }
            }
            _ = sweep.tick() => {
                for project in everybody(&services).await {
                    turns.add(project, Instant::now());
                }
            }
        }
    }
}

/// One turn of a project, and the time until it needs the next.
async fn turn(services: &Services, id: String) -> (String, Option<Duration>) {
    let project = match services.gate.project(&id).await {
        Ok(project) => project,
        // It is gone or suspended; the sweep looks again.
        Err(problem) if problem.code() != Code::Unavailable => return (id, None),
        Err(_) => return (id, Some(AFTER_FAILURE)),
    };
    let now = services.gate.clock().now();
    let (accounts, data, files, push) = futures_util::join!(
        services.accounts.tick(&project, now),
        services.data.tick(&project, now),
        services.files.tick(&project, now),
        services.push.tick(&project, now),
    );
    let mut next: Option<Duration> = None;
    for due in [accounts, data, Ok(files), push] {
        let wait = match due {
            Ok(None) => continue,
            Ok(Some(due)) => until(services.gate.clock().now(), due),
            Err(problem) => {
                tracing::warn!(project = id, %problem, "background work failed and is tried again");
                AFTER_FAILURE
            }
        };
        next = Some(next.map_or(wait, |n| n.min(wait)));
    }
    (id, next)
}

fn until(now: Stamp, due: Stamp) -> Duration {
    Duration::try_from(due.time() - now.time()).unwrap_or(Duration::ZERO)
}

/// The ids of all projects that are not suspended.
async fn everybody(services: &Services) -> Vec<String> {
    let mut ids = Vec::new();
    let mut query = ListQuery {
        limit: PAGE_MAX,
        ..ListQuery::default()
    };
    loop {
        match services
            .gate
            .list_projects(&Reach::Everything, &query)
            .await
        {
            Ok(page) => {
                let active = page.items.into_iter().filter(|p| p.status == "active");
                ids.extend(active.map(|p| p.id));
                match page.next_cursor {
                    Some(cursor) => query.cursor = Some(cursor),
                    None => return ids,
                }
            }
            Err(problem) => {
                tracing::warn!(%problem, "the projects could not be listed");
                return ids;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_during_a_turn_is_not_lost_and_an_earlier_time_wins() {
        let mut turns = Turns::default();
        let now = Instant::now();
        turns.add("a".to_owned(), now + Duration::from_secs(9));
        turns.add("a".to_owned(), now + Duration::from_secs(3));
        turns.add("a".to_owned(), now + Duration::from_secs(6));
        assert_eq!(turns.first(), Some(now + Duration::from_secs(3)));
        assert_eq!(turns.order.len(), 1);
        assert_eq!(turns.start().as_deref(), Some("a"));
        assert_eq!(turns.first(), None);
        turns.add("a".to_owned(), now);
        assert_eq!(turns.first(), None, "it has its turn now");
        turns.end("a".to_owned(), None);
        assert!(turns.first().is_some(), "it was called meanwhile");
        turns.start();
        turns.end("a".to_owned(), None);
        assert_eq!(turns.first(), None);
    }
}
