//! Load that comes at a rate whatever the server does, as people do: a request that had to wait has its wait counted.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::http::{Answer, Connection};
use crate::run::Outcome;

/// One request of a load.
pub struct Shot {
    pub method: &'static str,
    pub path: String,
    pub token: Option<String>,
    pub body: Option<Value>,
}

/// What became of the requests of a load.
#[derive(Default)]
pub struct Seen {
    /// How long each took from when it was due, in order.
    pub times: Vec<Duration>,
    pub answers: Vec<Answer>,
}

impl Seen {
    /// The time below which this part of a hundred stayed, in milliseconds.
    pub fn at(&mut self, part: usize) -> f64 {
        self.times.sort_unstable();
        let last = self.times.len().saturating_sub(1);
        let found = self.times.get(last * part / 100);
        found.map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    }

    /// How many were answered with this status.
    pub fn count(&self, status: u16) -> usize {
        self.answers.iter().filter(|a| a.status == status).count()
    }
}

/// Sends so many requests a second over so many connections; the n-th is made by `shot`.
pub fn send(
    address: &str,
    per_second: f64,
    connections: usize,
    lasting: Duration,
    shot: impl Fn(usize) -> Shot + Sync,
) -> Outcome<Seen> {
    let all = (per_second * lasting.as_secs_f64()) as usize;
    let started = Instant::now() + Duration::from_millis(50);
    let due = |number: usize| started + Duration::from_secs_f64(number as f64 / per_second);
    let part = |first: usize| -> Outcome<Seen> {
        let mut http = Connection::open(address)?;
        let mut seen = Seen::default();
        for number in (first..all).step_by(connections) {
            let due = due(number);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let shot = shot(number);
            let answer = http.try_send(
                shot.method,
                &shot.path,
                shot.token.as_deref(),
                shot.body.as_ref(),
            )?;
            seen.times.push(due.elapsed());
            seen.answers.push(answer);
        }
        Ok(seen)
    };
    std::thread::scope(|scope| {
        let part = &part;
        let parts: Vec<_> = (0..connections)
            .map(|first| scope.spawn(move || part(first)))
            .collect();
        let mut all = Seen::default();
        for part in parts {
            let seen = part.join().map_err(|_| "a loader panicked".to_owned())??;
            all.times.extend(seen.times);
            all.answers.extend(seen.answers);
        }
        Ok(all)
    })
}
