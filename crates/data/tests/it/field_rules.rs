//! Rules of single fields: what is hidden does not exist, what may not be read is null on every path, what may not be
//! written is refused by name.

use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, both, claim, code, faults, key, u, v};
use data::Asker;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    what_may_not_be_read_is_null_on_every_path,
    what_is_hidden_does_not_exist,
    a_read_rule_may_look_at_other_records,
    relations_that_may_not_be_read_lead_nowhere,
);

const MINE: &str = "owner == auth.id";

/// Notes of two users, open to everybody; the salary is for the owner, the pin for keys, the mark hidden.
async fn notes(kit: &Kit) -> [String; 2] {
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, Some("v@example.com")).await;
    kit.open("teams", json!([{"name": "name", "type": "text"}]))
        .await;
    let fields = json!([
        {"name": "title", "type": "text"},
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "team", "type": "relation", "collection": "teams"},
        {"name": "salary", "type": "number", "format": "integer", "read": MINE},
        {"name": "fit", "type": "bool", "read": MINE},
        {"name": "pin", "type": "text", "max": 100, "read": null, "unique": true},
        {"name": "mark", "type": "text", "max": 100, "hidden": true, "unique": true}
    ]);
    kit.open("notes", fields).await;
    let team = kit.made("teams", json!({"name": "red"})).await;
    let mut ids = Vec::new();
    for (owner, salary) in [(U, 10), (V, 20)] {
        let note = json!({"title": "t", "owner": owner, "team": team, "salary": salary, "fit": true, "pin": salary.to_string(), "mark": salary.to_string()});
        ids.push(kit.made("notes", note).await);
    }
    [ids[0].clone(), ids[1].clone()]
}

fn kept(record: &Json) -> Json {
    json!([
        record["salary"],
        record["fit"],
        record["pin"],
        record.get("mark")
    ])
}

async fn what_may_not_be_read_is_null_on_every_path(kit: &Kit) {
    let [a, b] = notes(kit).await;
    let (own, masked) = (
        json!([10, true, null, null]),
        json!([null, null, null, null]),
    );
    let get =
        async |asker: &Asker, path: &str| call(kit, asker, "GET", path, None, &[]).await.json();
    for (id, want) in [(&a, &own), (&b, &masked)] {
        assert_eq!(
            kept(&get(&u(), &format!("/v1/records/notes/{id}")).await),
            *want
        );
        assert_eq!(
            kept(&get(&anon(), &format!("/v1/records/notes/{id}")).await),
            masked
        );
        let shaped = format!("/v1/records/notes/{id}?fields=salary,fit,pin");
        assert_eq!(kept(&get(&u(), &shaped).await), *want);
    }
    assert_eq!(
        get(&key(), &format!("/v1/records/notes/{b}")).await["pin"],
        "20"
    );
    let both = |page: &Json| json!([kept(&page["items"][0]), kept(&page["items"][1])]);
    let want = json!([own, masked]);
    assert_eq!(both(&get(&u(), "/v1/records/notes?sort=id").await), want);
    let body = json!({"sort": "id", "fields": ["salary", "fit", "pin"]});
    let asked = call(
        kit,
        &u(),
        "POST",
        "/v1/records/notes/query",
        Some(body),
        &[],
    )
    .await;
    assert_eq!(both(&asked.json()), want);
    // Expansions, to one and to many, and what is asked within them.
    let team = get(&key(), "/v1/records/teams").await["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let many = |of: &str| format!("/v1/records/teams/{team}?expand=notes_via_team{of}");
    let via = |record: &Json| record["expand"]["notes_via_team"].clone();
    assert_eq!(both(&via(&get(&u(), &many("(sort:id)")).await)), want);
    let nested = get(&u(), &many("(sort:id,expand:team.notes_via_team(sort:id))")).await;
    let inner = via(&via(&nested)["items"][0]["expand"]["team"]);
    assert_eq!(both(&inner), want);
    let found = via(&get(&u(), &many("(filter:salary%20%3E%201)")).await);
    assert_eq!(
        (
            found["items"].as_array().unwrap().len(),
            &found["items"][0]["id"]
        ),
        (1, &json!(a))
    );
    let refused = call(kit, &u(), "GET", &many("(sort:-salary)"), None, &[]).await;
    assert_eq!(refused.fails(), (400, "invalid_sort".to_owned()));
    // Filters see what answers show, under every operator.
    let ids = async |asker: Asker, filter: &str| {
        kit.values(&asker, "notes", "id", &[("filter", filter), ("sort", "id")])
            .await
    };
    assert_eq!(ids(u(), "salary > 1").await, [json!(a)]);
    assert_eq!(ids(u(), "!(salary > 15)").await, [json!(a)]);
    assert_eq!(ids(u(), "salary == null").await, [json!(b)]);
    assert_eq!(ids(u(), "fit").await, [json!(a)]);
    assert_eq!(ids(u(), "salary in [10, 20]").await, [json!(a)]);
    assert_eq!(ids(u(), "pin == '10' || pin > ''").await, [Json::Null; 0]);
    assert_eq!(
        ids(u(), "team.notes_via_team.exists(n, n.salary == 20)").await,
        [Json::Null; 0]
    );
    assert_eq!(
        ids(v(), "team.notes_via_team.exists(n, n.salary == 20)").await,
        [json!(a), json!(b)]
    );
    assert_eq!(
        ids(key(), "salary > 1 && pin > ''").await,
        [json!(a), json!(b)]
    );
    for sort in ["salary", "-pin", "fit,id"] {
        assert_eq!(
            code(kit.list(&u(), "notes", &[("sort", sort)]).await),
            Code::InvalidSort
        );
    }
    // Writes answer what a read would.
    let sent = json!({"title": "x", "owner": V, "salary": 30, "pin": "30"});
    let made = kit.create(&u(), "notes", sent.clone()).await.unwrap();
    assert_eq!(kept(&made), masked);
    let id = made["id"].as_str().unwrap();
    assert_eq!(kit.get(&key(), "notes", id).await.unwrap()["pin"], "30");
    assert_eq!(
        kept(
            &kit.merge(&u(), "notes", id, json!({"salary": 31}))
                .await
                .unwrap()
        ),
        masked
    );
    assert_eq!(
        kept(
            &kit.merge(&v(), "notes", id, json!({"salary": {"increment": 1}}))
                .await
                .unwrap()
        ),
        json!([32, null, null, null])
    );
    let operations = json!([
        {"op": "update", "collection": "notes", "id": b, "data": {"salary": 21}},
        {"op": "create", "collection": "notes", "data": {"owner": U, "salary": 40}},
        {"op": "upsert", "collection": "notes", "id": b, "data": {"pin": "22"}}
    ]);
    let results = kit.batch(&u(), operations).await.unwrap();
    assert_eq!(kept(&results[0]["record"]), masked);
    assert_eq!(kept(&results[1]["record"]), json!([40, null, null, null]));
    assert_eq!(kept(&results[2]["record"]), masked);
    // So does a retry, and the feed.
    for _ in 0..2 {
        let retried = json!({"owner": V, "salary": 50});
        let answer = kit
            .create_with(&u(), "notes", retried, claim("0123456789abcdef", "h"))
            .await
            .unwrap();
        assert_eq!(kept(&crate::kit::body(&answer)), masked);
    }
    let feed = kit.feed(&u(), "since=0&collections=notes").await.unwrap();
    let of = |id: &str| feed.items.iter().find(|i| i.id.to_string() == id).unwrap();
    let seen = |id: &str| serde_json::from_str::<Json>(of(id).record.as_ref().unwrap()).unwrap();
    assert_eq!((kept(&seen(&a)), kept(&seen(&b))), (own, masked));
}

async fn what_is_hidden_does_not_exist(kit: &Kit) {
    let [a, _] = notes(kit).await;
    let same = async |path: &str, body: &dyn Fn(&str) -> Option<Json>, method: &str| {
        let mut all = Vec::new();
        for name in ["mark", "krma"] {
            let path = path.replace("NAME", name);
            let reply = call(kit, &u(), method, &path, body(name), &[]).await;
            assert_eq!(reply.status, 400, "{method} {path} {}", reply.text);
            all.push(reply.text.replace(name, "NAME"));
        }
        assert_eq!(all[0], all[1]);
    };
    let none = |_: &str| None;
    for path in [
        "/v1/records/notes?filter=NAME%20%3D%3D%20%27x%27",
        "/v1/records/notes?filter=!(NAME%20%3E%20%27x%27)",
        "/v1/records/notes?sort=-NAME",
        "/v1/records/notes?fields=NAME",
        "/v1/records/notes?expand=NAME",
        "/v1/records/teams?expand=notes_via_team(filter:NAME%20%3D%3D%20%27x%27)",
        "/v1/records/teams?expand=notes_via_team(sort:NAME)",
        "/v1/records/teams?expand=notes_via_team(fields:NAME)",
        "/v1/records/teams?filter=notes_via_team.exists(n,%20n.NAME%20%3D%3D%20%27x%27)",
    ] {
        same(path, &none, "GET").await;
    }
    same(
        "/v1/records/notes/query",
        &|n| Some(json!({"filter": format!("{n} == 'x'")})),
        "POST",
    )
    .await;
    same(
        "/v1/records/notes/query",
        &|n| Some(json!({"fields": [n]})),
        "POST",
    )
    .await;
    same("/v1/records/notes", &|n| Some(json!({n: "x"})), "POST").await;
    same(
        &format!("/v1/records/notes/{a}"),
        &|n| Some(json!({n: {"set_if_absent": "x"}})),
        "PATCH",
    )
    .await;
    same("/v1/batch", &|n| Some(json!({"operations": [{"op": "upsert", "collection": "notes", "id": a, "data": {n: "x"}}]})), "POST").await;
    // A conflict in what does not exist names nothing; keys see it all.
    kit.change("notes", json!({"fields": {"add": [{"name": "code", "type": "text", "max": 100, "hidden": true, "unique": true, "default": {"expression": "title"}}]}})).await.unwrap();
    kit.create(&u(), "notes", json!({"title": "same"}))
        .await
        .unwrap();
    assert_eq!(
        faults(kit.create(&u(), "notes", json!({"title": "same"})).await),
        (Code::Duplicate, Vec::new())
    );
    assert_eq!(
        faults(kit.create(&key(), "notes", json!({"mark": "10"})).await),
        (Code::Duplicate, vec!["/mark".into()])
    );
    assert_eq!(
        kit.values(&key(), "notes", "mark", &[("filter", "mark == '10'")])
            .await,
        ["10"]
    );
    // Of what may be written and not read, a conflict names the field alone.
    let refused = call(
        kit,
        &u(),
        "POST",
        "/v1/records/notes",
        Some(json!({"pin": "20"})),
        &[],
    )
    .await;
    assert_eq!(refused.json()["errors"][0]["path"], "/pin");
    assert!(!refused.text.contains("20\""), "{}", refused.text);
    // Rules see what nobody else does.
    kit.rules("notes", json!({"list": "mark == '10' && salary > 1"}))
        .await
        .unwrap();
    assert_eq!(kit.values(&anon(), "notes", "id", &[]).await, [json!(a)]);
}

async fn a_read_rule_may_look_at_other_records(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    kit.open(
        "members",
        json!([{"name": "user", "type": "relation", "collection": "users"}]),
    )
    .await;
    // `all` over nothing is true: who asks it of a world without records lets everybody in.
    let fields = json!([
        {"name": "n", "type": "number"},
        {"name": "plan", "type": "text", "read": "collection('members').exists(m, m.user == auth.id)"},
        {"name": "gift", "type": "text", "read": "collection('members').all(m, m.user == auth.id)"}
    ]);
    kit.open("deals", fields).await;
    kit.made("members", json!({"user": U})).await;
    kit.made("members", json!({"user": V})).await;
    let sent = json!({"n": 1, "plan": "p", "gift": "g"});
    let made = kit.create(&u(), "deals", sent.clone()).await.unwrap();
    let kept = |record: &Json| json!([record["plan"], record["gift"]]);
    assert_eq!(kept(&made), json!(["p", null]));
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        kept(&kit.create(&anon(), "deals", sent).await.unwrap()),
        json!([null, null])
    );
    for (asker, want) in [(u(), json!(["p", null])), (anon(), json!([null, null]))] {
        assert_eq!(kept(&kit.get(&asker, "deals", id).await.unwrap()), want);
        assert_eq!(
            kept(
                &kit.merge(&asker, "deals", id, json!({"n": 2}))
                    .await
                    .unwrap()
            ),
            want
        );
        let filter = [("filter", "plan == 'p' && n == 2")];
        let found = kit.values(&asker, "deals", "id", &filter).await;
        assert_eq!(found.len(), usize::from(want[0] == "p"));
        assert_eq!(
            kit.values(&asker, "deals", "id", &[("filter", "gift == 'g'")])
                .await
                .len(),
            0
        );
    }
    // What is read changes without a change of the record: the feed says so.
    let tag = kit
        .feed(&u(), "since=now&collections=deals")
        .await
        .unwrap()
        .visibility;
    kit.made("members", json!({"user": V})).await;
    assert_ne!(
        kit.feed(&u(), "since=now&collections=deals")
            .await
            .unwrap()
            .visibility,
        tag
    );
}

async fn relations_that_may_not_be_read_lead_nowhere(kit: &Kit) {
    add_user(kit, U, None).await;
    kit.open("teams", json!([{"name": "name", "type": "text"}]))
        .await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "team", "type": "relation", "collection": "teams", "read": MINE}
    ]);
    kit.open("posts", fields).await;
    let team = kit.made("teams", json!({"name": "red"})).await;
    kit.made("posts", json!({"owner": U, "team": team})).await;
    for (asker, sees) in [(u(), true), (v(), false)] {
        let count = usize::from(sees);
        let got = kit
            .list(&asker, "posts", &[("expand", "team")])
            .await
            .unwrap();
        assert_eq!(got[0]["expand"]["team"].is_null(), !sees);
        assert_eq!(got[0]["team"].is_null(), !sees);
        let query = [("expand", "posts_via_team")];
        let got = kit.list(&asker, "teams", &query).await.unwrap();
        assert_eq!(
            got[0]["expand"]["posts_via_team"]["items"]
                .as_array()
                .unwrap()
                .len(),
            count
        );
        for (of, filter) in [
            ("posts", "team.name == 'red'"),
            ("teams", "posts_via_team.exists(p, p.owner != null)"),
            ("teams", "size(posts_via_team) > 0"),
        ] {
            let found = kit.list(&asker, of, &[("filter", filter)]).await.unwrap();
            assert_eq!(found.len(), count, "{filter}");
        }
        assert_eq!(
            code(kit.list(&asker, "posts", &[("sort", "team.name")]).await),
            Code::InvalidSort
        );
    }
}
