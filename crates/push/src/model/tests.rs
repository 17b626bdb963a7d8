//! Tables of devices and messages as callers send them, with what is said of each.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gate::egress::{Egress, EgressConfig};
use serde_json::json;
use uuid::Uuid;

fn input(value: Value) -> Input {
    Input::new(value.as_object().cloned().unwrap())
}

/// The code of the problem, and the path and code of each fault.
fn faults<T>(result: Result<T, Problem>) -> (String, Vec<(String, &'static str)>) {
    let Err(problem) = result else {
        return ("ok".to_owned(), Vec::new());
    };
    let errors = problem.field_errors().iter();
    (
        problem.code().as_str().to_owned(),
        errors.map(|e| (e.path.clone(), e.code)).collect(),
    )
}

const POINT: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

fn device(change: impl FnOnce(&mut Value)) -> (String, Vec<(String, &'static str)>) {
    let mut value = json!({"kind": "web", "subscription": {
        "endpoint": "https://push.example.com/send/a",
        "expirationTime": null,
        "keys": {"p256dh": POINT, "auth": AUTH},
    }});
    change(&mut value);
    let egress = Egress::new(&EgressConfig::default());
    faults(DeviceForm::parse(input(value), &egress))
}

#[test]
fn a_device_is_what_a_browser_says() {
    assert_eq!(device(|_| {}).0, "ok");
    let label = device(|v| {
        v["locale"] = json!("de-CH");
        v["timezone"] = json!("Europe/Zurich");
        v["app_version"] = json!("1.2.3");
        v["subscription"]["keys"]["auth"] = json!(format!("{AUTH}=="));
    });
    assert_eq!(label.0, "ok");
}

#[test]
fn every_fault_of_a_device_is_told() {
    let invalid = |faults: &[(&str, &'static str)]| {
        let faults = faults.iter().map(|(p, c)| ((*p).to_owned(), *c)).collect();
        ("validation_failed".to_owned(), faults)
    };
    let all = device(|v| {
        *v = json!({"kind": "fcm", "locale": 1, "timezone": "", "subscription": {
            "endpoint": "http://push.example.com/", "keys": {"p256dh": "AAAA", "auth": 7}}});
    });
    let want = [
        ("/kind", "not_a_choice"),
        ("/subscription/endpoint", "not_https"),
        ("/subscription/keys/p256dh", "not_a_key"),
        ("/subscription/keys/auth", "not_a_key"),
        ("/locale", "not_a_text"),
        ("/timezone", "too_short"),
    ];
    let sorted = |(code, mut faults): (String, Vec<(String, &'static str)>)| {
        faults.sort();
        (code, faults)
    };
    assert_eq!(sorted(all), sorted(invalid(&want)));
    let empty = device(|v| *v = json!({}));
    assert_eq!(
        empty,
        invalid(&[("/kind", "required"), ("/subscription", "required")])
    );
    let unknown = device(|v| v["subscription"]["keys"]["p384"] = json!(1));
    let path = "/subscription/keys/p384".to_owned();
    assert_eq!(
        unknown,
        ("unknown_field".to_owned(), vec![(path, "unknown_field")])
    );
}

#[test]
fn keys_are_points_of_the_curve_and_secrets_of_16_bytes() {
    let p256dh = |bytes: &[u8]| {
        let text = URL_SAFE_NO_PAD.encode(bytes);
        device(|v| v["subscription"]["keys"]["p256dh"] = json!(text)).0
    };
    let good = URL_SAFE_NO_PAD.decode(POINT).unwrap();
    assert_eq!(p256dh(&good), "ok");
    let mut off_the_curve = good.clone();
    off_the_curve[64] ^= 1;
    let mut hybrid = good.clone();
    hybrid[0] = 6 + (good[64] & 1);
    let mut compressed = good[..33].to_vec();
    compressed[0] = 2 + (good[64] & 1);
    let mut zero = vec![4];
    zero.extend([0; 64]);
    for bad in [
        &off_the_curve[..],
        &hybrid,
        &compressed,
        &zero,
        &good[..64],
        &[0],
        &[],
    ] {
        assert_eq!(p256dh(bad), "validation_failed", "{bad:?}");
    }
    for length in [0, 15, 17, 32] {
        let text = URL_SAFE_NO_PAD.encode(vec![1; length]);
        let got = device(|v| v["subscription"]["keys"]["auth"] = json!(text)).0;
        assert_eq!(got, "validation_failed", "{length}");
    }
}

fn message(change: impl FnOnce(&mut Value)) -> (String, Vec<(String, &'static str)>) {
    let mut value = json!({"to": {"all": true}, "title": "Hello"});
    change(&mut value);
    faults(Draft::parse(input(value)))
}

fn invalid(path: &str, code: &'static str) -> (String, Vec<(String, &'static str)>) {
    (
        "validation_failed".to_owned(),
        vec![(path.to_owned(), code)],
    )
}

#[test]
fn a_message_has_one_audience() {
    let id = kernel::Ids.new_id();
    for good in [
        json!({"all": true}),
        json!({"users": [id]}),
        json!({"devices": [id, id]}),
    ] {
        assert_eq!(message(|v| v["to"] = good.clone()).0, "ok", "{good}");
    }
    let many: Vec<Uuid> = (0..1_001).map(|_| kernel::Ids.new_id()).collect();
    assert_eq!(
        message(|v| v["to"] = json!({"users": many[..1_000]})).0,
        "ok"
    );
    for (bad, path, code) in [
        (json!({}), "/to", "not_one"),
        (json!({"all": true, "users": [id]}), "/to", "not_one"),
        (json!({"all": false}), "/to/all", "not_true"),
        (json!({"all": 1}), "/to/all", "not_true"),
        (json!({"users": []}), "/to/users", "too_few"),
        (json!({"users": many}), "/to/users", "too_many"),
        (json!({"users": id}), "/to/users", "not_a_list"),
        (json!({"users": [id, "x"]}), "/to/users/1", "not_an_id"),
        (json!({"devices": [1]}), "/to/devices/0", "not_an_id"),
        (json!("all"), "/to", "not_an_object"),
        (Value::Null, "/to", "required"),
    ] {
        assert_eq!(
            message(|v| v["to"] = bad.clone()),
            invalid(path, code),
            "{bad}"
        );
    }
    let (code, faults) = message(|v| v["to"] = json!({"topics": ["a"]}));
    assert_eq!(
        (code.as_str(), faults[0].0.as_str()),
        ("unknown_field", "/to/topics")
    );
}

#[test]
fn every_member_of_a_message_has_its_bounds() {
    let good = [
        ("title", json!("x".repeat(200))),
        ("body", json!("")),
        ("body", json!("x".repeat(2_000))),
        ("url", json!("/orders/1?x#y")),
        ("url", json!("https://shop.example/a")),
        ("image", json!("/a.png")),
        ("data", json!({})),
        ("data", json!({"a": "x".repeat(2_040)})),
        ("ttl_seconds", json!(0)),
        ("ttl_seconds", json!(2_419_200)),
        ("urgency", json!("very-low")),
        ("collapse_key", json!("x".repeat(64))),
        ("dry_run", json!(true)),
    ];
    for (name, value) in good {
        assert_eq!(
            message(|v| v[name] = value.clone()).0,
            "ok",
            "{name} {value}"
        );
    }
    let bad = [
        ("title", json!(""), "too_short"),
        ("title", json!("x".repeat(201)), "too_long"),
        ("title", Value::Null, "required"),
        ("title", json!(1), "not_a_text"),
        ("body", json!("x".repeat(2_001)), "too_long"),
        ("url", json!("//evil.example/a"), "not_a_url"),
        ("url", json!("/\\evil.example/a"), "not_a_url"),
        ("url", json!("\t//evil.example/a"), "not_a_url"),
        ("url", json!("/\t/evil.example/a"), "not_a_url"),
        ("url", json!("http://shop.example/"), "not_a_url"),
        ("url", json!("javascript:alert(1)"), "not_a_url"),
        ("url", json!("data:text/html,x"), "not_a_url"),
        ("url", json!("https:shop.example"), "not_a_url"),
        ("url", json!("orders/1"), "not_a_url"),
        ("url", json!(""), "not_a_url"),
        ("url", json!(format!("/{}", "x".repeat(2_000))), "too_long"),
        ("image", json!("file:///etc/passwd"), "not_a_url"),
        ("data", json!([]), "not_an_object"),
        ("data", json!({"a": "x".repeat(2_050)}), "too_long"),
        ("ttl_seconds", json!(-1), "out_of_range"),
        ("ttl_seconds", json!(2_419_201), "out_of_range"),
        ("ttl_seconds", json!(1.0), "out_of_range"),
        ("ttl_seconds", json!("1"), "out_of_range"),
        ("urgency", json!("urgent"), "not_a_choice"),
        ("urgency", json!(1), "not_a_choice"),
        ("collapse_key", json!(""), "too_short"),
        ("collapse_key", json!("x".repeat(65)), "too_long"),
        ("dry_run", json!("yes"), "not_a_bool"),
    ];
    for (name, value, code) in bad {
        let want = invalid(&format!("/{name}"), code);
        assert_eq!(message(|v| v[name] = value.clone()), want, "{name} {value}");
    }
    let (code, faults) = message(|v| {
        v["to"] = json!({});
        v["title"] = json!("");
        v["urgency"] = json!("x");
    });
    assert_eq!((code.as_str(), faults.len()), ("validation_failed", 3));
}

#[test]
fn a_payload_that_cannot_be_sent_names_its_longest_member() {
    // Each member is within its bounds, together they are not.
    let wide = "ä".repeat(1_400);
    assert_eq!(message(|v| v["body"] = json!(wide)).0, "ok");
    let wide = "ä".repeat(1_500);
    assert_eq!(
        message(|v| v["body"] = json!(wide)),
        invalid("/body", "too_long")
    );
    let both = message(|v| {
        v["body"] = json!("x".repeat(1_500));
        v["data"] = json!({"a": "x".repeat(2_000)});
    });
    assert_eq!(both, invalid("/data", "too_long"));
    // The longest that is taken is what the library takes.
    let fits = |n: usize| {
        let value = json!({"to": {"all": true}, "title": "x", "data": {"a": "x".repeat(1_500)}, "body": "x".repeat(n)});
        Draft::parse(input(value)).map(|draft| draft.payload(kernel::Ids.new_id()).len())
    };
    let longest = (1_000..2_000)
        .take_while(|n| fits(*n).is_ok())
        .last()
        .unwrap();
    assert_eq!(fits(longest).unwrap(), PAYLOAD_BYTES_MAX);
}

#[test]
fn a_payload_is_declarative_and_tagged() {
    let draft = |extra: Value| {
        let mut value = json!({"to": {"all": true}, "title": "T"});
        value
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().cloned().unwrap());
        Draft::parse(input(value)).unwrap()
    };
    let id = kernel::Ids.new_id();
    let read = |draft: &Draft| serde_json::from_str::<Value>(&draft.payload(id)).unwrap();
    let plain =
        json!({"web_push": 8030, "notification": {"title": "T", "navigate": "/", "tag": id}});
    assert_eq!(read(&draft(json!({}))), plain);
    let full = draft(
        json!({"body": "B", "url": "/o", "image": "/i", "data": {"a": 1}, "collapse_key": "order 1"}),
    );
    let want = json!({"web_push": 8030, "notification": {
        "title": "T", "body": "B", "navigate": "/o", "image": "/i", "data": {"a": 1}, "tag": "order 1"}});
    assert_eq!(read(&full), want);
    assert_eq!(
        (full.ttl_seconds, full.urgency),
        (TTL_SECONDS_DEFAULT, Urgency::Normal)
    );
}
