//! The bytes of a record: the same on both engines, and the values that were sent.

use crate::kit::{Kit, U, add_user, anon, both, code, every_type, key, object};
use kernel::{Code, Stamp, parse_id};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use std::sync::OnceLock;

both!(extremes_read_back, a_wide_record_is_refused_over_16_mib);

/// Texts with what encoders get wrong.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[\u{1}-\u{1f}\u{7f}-\u{9f}\"\\\\/<>&']{0,12}",
        proptest::collection::vec(any::<char>().prop_filter("NUL", |c| *c != '\0'), 0..12)
            .prop_map(String::from_iter),
        Just("\u{2028}\u{2029}\u{feff}\u{fffe}\u{1F600}e\u{301}".to_owned()),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    let any = any::<u64>()
        .prop_map(f64::from_bits)
        .prop_filter("finite", |f| f.is_finite());
    let edges = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1e15,
        1e14,
        999_999_999_999_999.9,
        1e-4,
        0.000_099,
        1e16,
        5e-324,
        f64::MAX,
        f64::MIN,
        f64::MIN_POSITIVE,
        1e100,
        123_456_789.0,
    ];
    prop_oneof![any, proptest::sample::select(edges.to_vec()), -1e6..1e6_f64]
}

fn stamp() -> impl Strategy<Value = String> {
    let any = (
        1..=9999_u16,
        1..=12_u8,
        1..=28_u8,
        0..24_u8,
        0..60_u8,
        0..60_u8,
        0..1_000_000_u32,
    )
        .prop_map(|(y, mo, d, h, mi, s, us)| {
            format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{us:06}Z")
        });
    let edges = [
        "0001-01-01T00:00:00.000000Z",
        "9999-12-31T23:59:59.999999Z",
        "0099-06-01T00:00:00.000001Z",
        "1582-10-10T00:00:00.000000Z",
        "2000-02-29T12:00:00.100000Z",
    ];
    prop_oneof![
        any,
        proptest::sample::select(edges.to_vec()).prop_map(String::from)
    ]
}

pub fn record() -> impl Strategy<Value = Json> {
    let maybe = proptest::option::of::<BoxedStrategy<Json>>;
    let integer = prop_oneof![
        -9_007_199_254_740_991..=9_007_199_254_740_991_i64,
        Just(9_007_199_254_740_991),
        Just(-9_007_199_254_740_991),
        -3..3_i64
    ];
    let fields = (
        maybe(text().prop_map(Json::from).boxed()),
        maybe(integer.prop_map(Json::from).boxed()),
        maybe(float().prop_map(Json::from).boxed()),
        maybe(any::<bool>().prop_map(Json::from).boxed()),
        maybe(stamp().prop_map(Json::from).boxed()),
        maybe(Just(json!(U)).boxed()),
        any::<u128>(),
    );
    fields.prop_map(|(title, stock, price, open, due, owner, id)| {
        let id = uuid::Uuid::from_u128(id | 1 << 100);
        json!({"id": id, "title": title, "stock": stock, "price": price, "open": open, "due": due, "owner": owner})
    })
}

/// What was sent, as it must come back.
fn wanted(sent: &Json) -> Json {
    let mut want = sent.clone();
    if want["price"].as_f64() == Some(0.0) {
        want["price"] = json!(0.0);
    }
    want
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_give_the_same_bytes() {
    let (sqlite, postgres) = (Kit::sqlite().await, Kit::postgres().await);
    for kit in [&sqlite, &postgres] {
        add_user(kit, U, None).await;
        let mut fields = every_type();
        // A hidden field makes the answers to users another path.
        fields
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "secret", "type": "text", "hidden": true}));
        kit.open("posts", fields).await;
    }
    let mut runner = TestRunner::new(Config::default());
    let (mut numbers, mut texts) = (0, 0);
    for _ in 0..300 {
        let sent = record().new_tree(&mut runner).unwrap().current();
        let id = sent["id"].as_str().unwrap();
        let mut all = Vec::new();
        for kit in [&sqlite, &postgres] {
            let asked = data::WriteOptions::default();
            let answer = kit
                .create_with(&anon(), "posts", sent.clone(), asked)
                .await
                .unwrap()
                .body
                .unwrap();
            let stored = kit.bytes("posts", id).await;
            let query = data::Query::default();
            let read = kit
                .data
                .get(&kit.project, &anon(), "posts", id, &query)
                .await
                .unwrap()
                .json;
            // What a user is answered to a write is what it reads, byte for byte.
            assert_eq!(answer, read);
            assert_eq!(read, stored.replace(",\"secret\":null", ""));
            all.push(stored);
        }
        assert_eq!(all[0], all[1]);
        let read: Json = serde_json::from_str(&all[0]).unwrap();
        let want = wanted(&sent);
        for name in ["id", "title", "stock", "open", "due", "owner"] {
            assert_eq!(read[name], want[name], "{name}");
        }
        assert_eq!(
            read["price"].as_f64().map(f64::to_bits),
            want["price"].as_f64().map(f64::to_bits),
            "{sent}"
        );
        // Texts are encoded as serde does.
        let title = format!(
            "\"title\":{}",
            serde_json::to_string(&sent["title"]).unwrap()
        );
        assert!(all[0].contains(&title), "{} {title}", all[0]);
        numbers += usize::from(sent["price"].is_number());
        texts += usize::from(sent["title"].is_string());
    }
    assert!(numbers > 50 && texts > 50, "{numbers} {texts}");
}

async fn extremes_read_back(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("posts", every_type()).await;
    let cases = [
        ("price", json!(f64::MAX), "1.7976931348623157e+308"),
        ("price", json!(5e-324), "5e-324"),
        ("price", json!(0.1), "0.1"),
        ("price", json!(1e15), "1e+15"),
        ("price", json!(3), "3"),
        ("price", json!(-0.0), "0"),
        (
            "price",
            json!(9_007_199_254_740_993_u64),
            "9007199254740992",
        ),
        (
            "stock",
            json!(9_007_199_254_740_991_i64),
            "9007199254740991",
        ),
        (
            "stock",
            json!(-9_007_199_254_740_991_i64),
            "-9007199254740991",
        ),
        (
            "due",
            json!("0001-01-01T00:00:00Z"),
            "\"0001-01-01T00:00:00.000000Z\"",
        ),
        (
            "due",
            json!("9999-12-31T23:59:59.9999999Z"),
            "\"9999-12-31T23:59:59.999999Z\"",
        ),
        (
            "due",
            json!("2026-01-01t00:00:00.5+05:30"),
            "\"2025-12-31T18:30:00.500000Z\"",
        ),
        (
            "title",
            json!("\u{1}\u{8}\u{c}\n\r\t\"\\/\u{7f}\u{1F600}"),
            "\"\\u0001\\b\\f\\n\\r\\t\\\"\\\\/\u{7f}\u{1F600}\"",
        ),
        ("open", json!(false), "false"),
    ];
    for (name, value, want) in cases {
        let id = kit.made("posts", json!({name: value})).await;
        let got = kit.bytes("posts", &id).await;
        let want = format!("\"{name}\":{want},").replace(
            "9007199254740992,",
            if name == "price" {
                "9.007199254740992e+15,"
            } else {
                "9007199254740992,"
            },
        );
        assert!(got.contains(&want), "{got} {want}");
    }
    let huge = "ä".repeat(5_000);
    let id = kit.made("posts", json!({"title": huge})).await;
    assert_eq!(
        kit.get(&key(), "posts", &id).await.unwrap()["title"],
        json!(huge)
    );
}

async fn a_wide_record_is_refused_over_16_mib(kit: &Kit) {
    kit.open(
        "blobs",
        json!([{"name": "a", "type": "text", "max": 500_000}]),
    )
    .await;
    let big = "x".repeat(500_000);
    for _ in 0..40 {
        kit.made("blobs", json!({"a": big})).await;
    }
    assert_eq!(
        code(kit.list(&anon(), "blobs", &[("limit", "40")]).await),
        Code::ResponseTooLarge
    );
    assert_eq!(
        kit.list(&anon(), "blobs", &[("limit", "20")])
            .await
            .unwrap()
            .len(),
        20
    );
    assert_eq!(
        kit.list(&anon(), "blobs", &[("limit", "40"), ("fields", "id")])
            .await
            .unwrap()
            .len(),
        40
    );
    // A long answer is kept for retries by its id and version alone.
    let options = crate::kit::claim("k-0123456789abcdef", "h");
    let first = kit
        .create_with(&key(), "blobs", json!({"a": big}), options.clone())
        .await
        .unwrap();
    let again = kit
        .create_with(&key(), "blobs", json!({"a": big}), options)
        .await
        .unwrap();
    let id = crate::kit::body(&first)["id"].clone();
    assert_eq!(
        object(crate::kit::body(&again)),
        object(json!({"id": id, "_version": 1}))
    );
    assert!(
        parse_id(id.as_str().unwrap()).is_some() && Stamp::parse("2026-01-01T00:00:00Z").is_some()
    );
}

/// Keeps the strategy's cost out of each test that wants many records.
pub fn records(n: usize) -> &'static [Json] {
    static ALL: OnceLock<Vec<Json>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let mut runner = TestRunner::deterministic();
        (0..400)
            .map(|_| record().new_tree(&mut runner).unwrap().current())
            .collect()
    });
    &all[..n]
}
