//! What a flood of messages may cost: so many to one number, of one network, of a project in a day, and not to everywhere.

use crate::kit::{Kit, PASSWORD, Reply, on_both};
use serde_json::json;
use std::time::Duration;

const NUMBER: &str = "+491701234567";

impl Kit {
    async fn ask_times(&self, n: usize) -> (usize, usize) {
        let numbers: Vec<String> = (0..n).map(|i| format!("+4917000{i:05}")).collect();
        let all = numbers.iter().map(|number| self.ask_phone(number));
        let replies = futures_util::future::join_all(all).await;
        count(&replies)
    }
}

fn count(replies: &[Reply]) -> (usize, usize) {
    let taken = replies.iter().filter(|r| r.status == 202).count();
    let refused = replies
        .iter()
        .filter(|r| r.fails().1 == "rate_limited")
        .count();
    (taken, refused)
}

#[actix_web::test]
async fn one_number_and_one_network_get_so_many_in_an_hour() {
    on_both(async |kit| {
        kit.allow_phone();
        let replies = futures_util::future::join_all((0..20).map(|_| kit.ask_phone(NUMBER))).await;
        assert_eq!(count(&replies), (5, 15));
        kit.settings(|s| s.phone.messages_per_network_hour = 12);
        assert_eq!(kit.ask_times(30).await, (7, 23));
        // What was refused left nothing to do.
        kit.tick().await;
        assert_eq!(kit.mails().await.len(), 12);
        kit.pass(Duration::from_secs(3_600));
        kit.ask_phone(NUMBER).await.expect(202);
    })
    .await;
}

#[actix_web::test]
async fn a_project_sends_so_many_in_a_day_and_who_has_no_account_costs_nothing() {
    on_both(async |kit| {
        kit.allow_phone();
        kit.settings(|s| s.phone.messages_per_day = 2);
        let body = json!({"phone": NUMBER, "password": PASSWORD});
        kit.post("/v1/auth/sign-up", body).await.expect(201);
        assert_eq!(kit.ask_times(10).await, (10, 0));
        kit.tick().await;
        for want in ["caught", "caught", "dropped"] {
            kit.ask_phone(NUMBER).await.expect(202);
            kit.tick().await;
            assert_eq!(kit.mails().await[0]["status"], want);
        }
        assert_eq!(kit.mails().await[0]["reason"], "too_many_today");
        kit.pass(Duration::from_secs(86_400));
        kit.ask_phone(NUMBER).await.expect(202);
        kit.tick().await;
        assert_eq!(kit.mails().await[0]["status"], "caught");
    })
    .await;
}

#[actix_web::test]
async fn messages_go_to_the_countries_of_the_project_alone() {
    on_both(async |kit| {
        kit.allow_phone();
        kit.settings(|s| s.phone.countries = vec!["+49".to_owned(), "+43".to_owned()]);
        kit.ask_phone("+436601234567").await.expect(202);
        for number in ["+88213123456", "+4479460000000", "+4"] {
            let reply = kit.ask_phone(number).await.expect(422);
            assert_eq!(reply.json()["errors"][0]["path"], "/phone");
        }
        let reply = kit.ask_phone("0170 1234567").await.expect(422);
        let hint = reply.json()["errors"][0]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(hint.contains("+49"), "{hint}");
        // A country that is closed meanwhile gets nothing any more.
        let body = json!({"phone": NUMBER, "password": PASSWORD});
        kit.post("/v1/auth/sign-up", body).await.expect(201);
        kit.ask_phone(NUMBER).await.expect(202);
        kit.settings(|s| s.phone.countries = vec!["+43".to_owned()]);
        kit.tick().await;
        assert!(
            kit.mails()
                .await
                .iter()
                .any(|m| m["reason"] == "country_not_allowed")
        );
    })
    .await;
}
