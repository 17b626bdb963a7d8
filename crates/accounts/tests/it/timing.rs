//! How long the answers take for accounts that are and that are not: nobody learns by a clock who has an account. Coarse
//! unless `GALLEY_TEST_TIMING` is set, which wants a quiet machine: `GALLEY_TEST_TIMING=200 cargo test -p accounts --test it
//! -- --nocapture timing`.

use crate::kit::{Kit, PASSWORD, on_both};
use accounts::rows::credential;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::{StoreError, WriteTx};

const CLASSES: [&str; 4] = ["unknown", "known", "disabled", "social-only"];
/// Asks for the exact form, with so many requests of each class in a round.
const VARIABLE: &str = "GALLEY_TEST_TIMING";
const ROUNDS: usize = 3;

/// Accounts of each class, as many as there are requests: each is asked about once.
async fn people(kit: &Kit, of: usize) -> Vec<[String; 4]> {
    let mut all = Vec::new();
    for number in 0..of {
        let name = |class: usize| format!("class{class}-{number:04}@example.com");
        let names = [name(0), name(1), name(2), name(3)];
        for email in &names[1..] {
            kit.sign_up(email).await.expect(201);
        }
        kit.set_disabled(&names[2], true).await;
        let id = kit.set_disabled(&names[3], false).await;
        let no_password = async move |tx: &WriteTx| -> Result<(), StoreError> {
            credential::Entity::delete_by_id(id).exec(tx).await?;
            Ok(())
        };
        kit.project.db.write(no_password).await.unwrap();
        all.push(names);
    }
    all
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1_000_000.0
}

/// The medians of one round, in microseconds, the classes in turn.
async fn round(
    kit: &Kit,
    people: &[[String; 4]],
    path: &str,
    body: &dyn Fn(&str) -> Value,
) -> [f64; 4] {
    let mut times: [Vec<Duration>; 4] = Default::default();
    for (number, names) in people.iter().enumerate() {
        for turn in 0..CLASSES.len() {
            let class = (number + turn) % CLASSES.len();
            let body = body(&names[class]);
            let began = Instant::now();
            let reply = kit.post(path, body).await;
            times[class].push(began.elapsed());
            assert!(reply.status.as_u16() < 500, "{reply:?}");
        }
        // Nothing is counted against the network of the test.
        kit.pass(Duration::from_secs(1_000));
    }
    times.map(median)
}

async fn measure(kit: &Kit, times: usize, rounds: usize, bound: f64) {
    let mut settings = gate::Settings::default();
    settings.sign_in.email_code = true;
    settings.lockout.network_guesses_max = 100_000;
    kit.project.set_for_tests(settings);
    let people = people(kit, times).await;
    let sign_in = (
        "sign-in",
        "/v1/auth/sign-in/password",
        (|who| json!({"identity": who, "password": "a wrong password"})) as Body,
    );
    let reset: Asked = (
        "reset request",
        "/v1/auth/password-reset",
        |who| json!({ "email": who }),
    );
    let code: Asked = (
        "code request",
        "/v1/auth/sign-in/code/request",
        |who| json!({ "email": who }),
    );
    let sign_up: Asked = (
        "sign-up",
        "/v1/auth/sign-up",
        |who| json!({"email": who, "password": PASSWORD}),
    );
    compare(kit, &people, &[sign_in, reset, code], rounds, bound).await;
    // Where addresses are confirmed, a sign-up tells no more, nor a sign-in beside it.
    kit.settings(|s| s.confirm_email = true);
    compare(kit, &people, &[sign_up, sign_in], rounds, bound).await;
}

type Body = fn(&str) -> Value;
/// What is asked, where, and with what body for an address.
type Asked = (&'static str, &'static str, Body);

#[expect(clippy::print_stdout, reason = "it is a measurement")]
async fn compare(kit: &Kit, people: &[[String; 4]], asks: &[Asked], rounds: usize, bound: f64) {
    for (what, path, body) in asks {
        let mut good = 0;
        for _ in 0..rounds {
            let medians = round(kit, people, path, body).await;
            let (least, most) = medians
                .iter()
                .fold((f64::MAX, 0.0_f64), |(a, b), m| (a.min(*m), b.max(*m)));
            let apart = most / least - 1.0;
            println!(
                "{what:<14} {} | {:.1} % apart",
                CLASSES
                    .iter()
                    .zip(medians)
                    .map(|(class, m)| format!("{class} {m:.0} us"))
                    .collect::<Vec<_>>()
                    .join(", "),
                apart * 100.0
            );
            good += usize::from(apart < bound);
        }
        assert!(good * 3 >= rounds * 2, "{what}: {good} of {rounds} rounds");
    }
}

#[actix_web::test]
async fn classes_of_accounts_take_the_same_time() {
    on_both(async |kit| {
        // The very first requests warm up caches and connections.
        kit.sign_in("nobody@example.com", PASSWORD)
            .await
            .expect(401);
        let times = std::env::var(VARIABLE)
            .ok()
            .map(|text| text.parse().unwrap());
        // What is skipped for some, such as a hash, would be far more than the coarse bound.
        let (times, bound) = times.map_or((7, 2.0), |times| (times, 0.05));
        measure(&kit, times, ROUNDS, bound).await;
    })
    .await;
}
