//! A flood of sign-ins: whether it is shed, and what it does to those who only read.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::cases::Case;
use super::contender::Contender;
use super::load::{self, Figures};
use super::paced::{self, Seen, Shot};
use super::{Options, galley};
use crate::run::Outcome;

/// Sign-ins in a second.
const FLOOD: f64 = 200.0;
/// How much of the most that the server can read is read meanwhile.
const SHARE: f64 = 0.3;
const READERS: usize = 16;
/// More than the server lets wait, so that those who wait keep nobody from coming.
const STRANGERS: usize = 96;

/// Tells how reads fare alone and beside the flood.
pub fn run(program: &Path, scratch: &Path, options: &Options) -> Outcome {
    let server = galley::start_flooded(program, scratch, options.rows)?;
    load::run(&server, Case::Read, 1, scratch)?;
    let most = load::run(&server, Case::Read, options.seconds, scratch)?;
    let rate = most.per_second * SHARE;
    println!(
        "\nsign-ins, {FLOOD} a second, while {:.0} % of {:.0} point reads a second are made",
        SHARE * 100.0,
        most.per_second
    );
    let lasting = Duration::from_secs(options.seconds);
    let (mut alone, mut beside, mut floods) = (Vec::new(), Vec::new(), Seen::default());
    for _ in 0..options.rounds {
        alone.push(figures(&mut reads(&server, rate, lasting)?, lasting));
        let (mut seen, flood) = std::thread::scope(|scope| -> Outcome<(Seen, Seen)> {
            let flood = scope.spawn(|| strangers(&server, lasting));
            let seen = reads(&server, rate, lasting)?;
            let flood = flood.join().map_err(|_| "a loader panicked".to_owned())??;
            Ok((seen, flood))
        })?;
        beside.push(figures(&mut seen, lasting));
        floods.times.extend(flood.times);
        floods.answers.extend(flood.answers);
    }
    let (alone, beside) = (Figures::median(&alone), Figures::median(&beside));
    for (what, figures) in [("reads alone", alone), ("reads beside the flood", beside)] {
        println!(
            "  {what:<30}{:>10.0} req/s, p50 {:.2} ms, p99 {:.2} ms",
            figures.per_second, figures.p50_ms, figures.p99_ms
        );
    }
    println!(
        "  p99 beside / alone: {:.2}x (at most 2)",
        beside.p99_ms / alone.p99_ms
    );
    shed(&mut floods)
}

fn reads(server: &Contender, rate: f64, lasting: Duration) -> Outcome<Seen> {
    let load = (server.load)(Case::Read);
    let seen = paced::send(&server.server.address, rate, READERS, lasting, |number| {
        Shot {
            method: "GET",
            // A large odd step goes through all of them in an order of its own.
            path: load.paths[number.wrapping_mul(7_919) % load.paths.len()].clone(),
            token: Some(server.token.clone()),
            body: None,
        }
    })?;
    match seen.count(200) == seen.answers.len() {
        true => Ok(seen),
        false => Err("a read was refused beside the flood".to_owned()),
    }
}

fn strangers(server: &Contender, lasting: Duration) -> Outcome<Seen> {
    let path = "/p/bench/v1/auth/sign-in/password";
    paced::send(
        &server.server.address,
        FLOOD,
        STRANGERS,
        lasting,
        |number| Shot {
            method: "POST",
            path: path.to_owned(),
            token: None,
            body: Some(
                json!({"identity": format!("stranger{number}@example.com"), "password": "a wrong password"}),
            ),
        },
    )
}

fn figures(seen: &mut Seen, lasting: Duration) -> Figures {
    Figures {
        per_second: seen.times.len() as f64 / lasting.as_secs_f64(),
        p50_ms: seen.at(50),
        p99_ms: seen.at(99),
    }
}

/// Every sign-in is judged or shed, and some are shed with the time after which to come again.
fn shed(floods: &mut Seen) -> Outcome {
    let (judged, refused, all) = (floods.count(401), floods.count(429), floods.answers.len());
    println!(
        "  of {all} sign-ins {judged} were judged and {refused} refused with 429; p50 {:.1} ms, p99 {:.1} ms",
        floods.at(50),
        floods.at(99)
    );
    let mut told = floods.answers.iter().filter(|a| a.status == 429);
    if judged + refused != all || refused == 0 || told.any(|answer| !answer.retry_after) {
        return Err("the flood was not shed with 429 and Retry-After".to_owned());
    }
    Ok(())
}
