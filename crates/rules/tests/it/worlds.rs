//! Random rows of all collections, and random requests.

use proptest::prelude::*;
use rules::{Auth, Request, Row};
use serde_json::{Value as Json, json};

use crate::kit::{Asked, Rows, id, object};

fn sometimes(strategy: impl Strategy<Value = Json> + 'static) -> BoxedStrategy<Json> {
    prop_oneof![1 => Just(Json::Null), 3 => strategy].boxed()
}

fn one_of(options: Vec<Json>) -> BoxedStrategy<Json> {
    proptest::sample::select(options).boxed()
}

fn user_id() -> BoxedStrategy<Json> {
    // The last one is nobody, so that hops can lead nowhere.
    (0usize..5).prop_map(|n| json!(id("users", n))).boxed()
}

fn words() -> BoxedStrategy<Json> {
    one_of(
        [
            "", "a", "A", "Ab", "ab", "aéb", "É", "50%_!", "x'y", "b\"c", "GET", "😀a",
        ]
        .map(Json::from)
        .to_vec(),
    )
}

fn team() -> BoxedStrategy<Json> {
    (0usize..3).prop_map(|n| json!(id("teams", n))).boxed()
}

fn flag() -> BoxedStrategy<Json> {
    any::<bool>().prop_map(Json::from).boxed()
}

fn moment() -> BoxedStrategy<Json> {
    one_of(
        [
            "2026-02-28T22:30:00.000000Z",
            "2026-02-28T23:59:59.999999Z",
            "2026-03-01T12:00:00.000000Z",
            "2026-03-02T12:00:00.001500Z",
            "2025-12-31T00:00:01.123456Z",
        ]
        .map(Json::from)
        .to_vec(),
    )
}

fn meta() -> BoxedStrategy<Json> {
    let value = || {
        one_of(vec![
            json!("a"),
            json!("É"),
            json!(""),
            json!(1),
            json!(2.5),
            json!(-3),
            json!(true),
            json!(false),
            json!(null),
            json!({"c": "a"}),
            json!(["a", 1]),
            json!(1e308),
            json!(1e-308),
            json!(u64::MAX),
        ])
    };
    let object = (
        value(),
        value(),
        value(),
        prop::collection::vec(value(), 0..4),
        value(),
    )
        .prop_map(|(s, n, b, list, at)| {
            json!({"s": s, "n": n, "b": b, "list": list, "a": {"b": [at, "a"]}, "0": n, "é-_": s})
        });
    prop_oneof![5 => object, 1 => value()].boxed()
}

fn place() -> BoxedStrategy<Json> {
    let at = |(lat, lon): (f64, f64)| json!({"lat": lat, "lon": lon});
    let known = [
        (52.52, 13.405),
        (48.8566, 2.3522),
        (0.0, 180.0),
        (0.0, -180.0),
        (90.0, 0.0),
        (-89.9, -179.9),
        (5.25, 172.5),
        (1e-300, 0.0),
    ];
    prop_oneof![
        one_of(known.map(at).to_vec()),
        (-90f64..90.0, -180f64..180.0).prop_map(at),
    ]
    .boxed()
}

fn post(n: usize) -> BoxedStrategy<Row> {
    let first = (
        sometimes(words()),
        sometimes(words()),
        sometimes((-3i64..8).prop_map(Json::from).boxed()),
        sometimes(one_of(vec![
            json!(2.5),
            json!(-0.5),
            json!(3.0),
            json!(0.0),
            json!(1e200),
            json!(1e-200),
        ])),
        sometimes(one_of(vec![
            json!("10.00"),
            json!("9.99"),
            json!("-0.50"),
            json!("10.50"),
        ])),
        sometimes(flag()),
    );
    let second = (
        sometimes(moment()),
        sometimes(one_of(vec![json!("2026-03-01"), json!("2025-12-31")])),
        sometimes(user_id()),
        sometimes(user_id()),
        sometimes(user_id()),
        sometimes(meta()),
        sometimes(one_of(vec![
            json!("10.0000"),
            json!("9.9901"),
            json!("-0.5000"),
            json!("3.0000"),
        ])),
        sometimes(place()),
        prop::collection::vec(user_id(), 0..4),
    );
    (first, second)
        .prop_map(
            move |(
                (title, body, n_, score, price, published),
                (created_at, due, owner, author, editor, meta, fee, place, readers),
            )| {
                object(json!({
                    "id": id("posts", n), "title": title, "body": body, "n": n_, "score": score,
                    "price": price, "published": published, "created_at": created_at, "due": due,
                    "owner": owner, "author": author, "editor": editor, "meta": meta, "fee": fee,
                    "place": place, "readers": readers,
                }))
            },
        )
        .boxed()
}

fn user(n: usize) -> BoxedStrategy<Row> {
    (
        sometimes(words()),
        sometimes((0i64..6).prop_map(Json::from)),
        sometimes(team()),
        sometimes(flag()),
        sometimes(user_id()),
        sometimes(place()),
        prop::collection::vec(user_id(), 0..3),
        sometimes(meta()),
    )
        .prop_map(
            move |(name, age, team, active, boss, home, friends, notes)| {
                object(json!({
                    "id": id("users", n), "name": name, "age": age, "team": team, "active": active,
                    "boss": boss, "home": home, "friends": friends, "notes": notes,
                }))
            },
        )
        .boxed()
}

fn comment(n: usize) -> BoxedStrategy<Row> {
    let post = (0usize..6).prop_map(|n| json!(id("posts", n)));
    (
        sometimes(post),
        sometimes(user_id()),
        sometimes(words()),
        sometimes(flag()),
        sometimes((0i64..6).prop_map(Json::from)),
    )
        .prop_map(move |(post, author, text, hidden, likes)| {
            object(json!({
                "id": id("comments", n), "post": post, "author": author, "text": text,
                "hidden": hidden, "likes": likes,
            }))
        })
        .boxed()
}

pub fn world() -> BoxedStrategy<Rows> {
    let comments = (0usize..9).prop_flat_map(|n| (0..n).map(comment).collect::<Vec<_>>());
    (
        (0..4).map(user).collect::<Vec<_>>(),
        (0..7).map(post).collect::<Vec<_>>(),
        comments,
    )
        .prop_map(|(users, posts, comments)| {
            Rows(vec![
                ("users", users),
                ("posts", posts),
                ("comments", comments),
            ])
        })
        .boxed()
}

pub fn asked() -> BoxedStrategy<Asked> {
    let claims = (
        sometimes(one_of(vec![json!(3), json!("2"), json!("x"), json!(2.5)])),
        sometimes(words()),
        sometimes(team()),
        sometimes(flag()),
        sometimes(one_of(vec![
            json!([]),
            json!(["a", null, "Ab"]),
            json!("a"),
            json!([1, "É"]),
        ])),
    );
    let auth = (
        (0usize..4),
        sometimes(words()),
        any::<bool>(),
        prop::collection::vec(words(), 0..3),
        prop::collection::vec(team(), 0..3),
        1i64..3,
        claims,
    )
        .prop_map(
            |(n, email, verified, roles, teams, level, (rank, word, org, admin, list))| Auth {
                id: id("users", n),
                email: email.as_str().map(str::to_owned),
                verified,
                anonymous: !verified,
                roles: roles
                    .iter()
                    .filter_map(|r| r.as_str().map(str::to_owned))
                    .collect(),
                claims: object(
                    json!({"rank": rank, "word": word, "org": org, "admin": admin, "list": list}),
                ),
                teams: teams
                    .iter()
                    .filter_map(|t| t.as_str().map(str::to_owned))
                    .collect(),
                level,
            },
        );
    let auth = prop_oneof![1 => Just(None), 3 => auth.prop_map(Some)];
    (auth, sometimes(words()), prop_oneof![Just(None), post(20).prop_map(Some)])
        .prop_map(|(auth, q, next)| Asked {
            auth,
            request: Request {
                method: "GET".to_owned(),
                time: "2026-03-01T11:59:59.000000Z".to_owned(),
                ip_network: None,
                query: object(json!({"q": q})),
            },
            params: object(json!({
                "k": 2, "x": 2.5, "s": "Ab", "u": id("users", 2).to_uppercase(),
                "t": "2026-03-01T13:00:00+01:00", "d": "2026-03-01", "m": "10.5",
                "ids": [id("users", 0), null, id("teams", 1)], "none": [], "words": ["a", "É", "x'y"],
                "ints": [2, "3", null], "prices": ["10.5", 9.99], "times": ["2026-03-01T12:00:00Z"],
                "flags": [true, "false"],
            })),
            record: None,
            next,
        }).boxed()
}
