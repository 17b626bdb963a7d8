//! Rules of single fields: what is hidden does not exist, what may not be read is null on every path, what may not be
//! written is refused by name.

use crate::http::call;
use crate::kit::{Kit, U, V, add_user, anon, both, claim, code, faults, key, now, object, u, v};
use data::{Asker, NewUser, Query};
use kernel::Code;
use serde_json::{Map, Value as Json, json};

both!(
    what_may_not_be_read_is_null_on_every_path,
    what_is_hidden_does_not_exist,
    a_read_rule_may_look_at_other_records,
    relations_that_may_not_be_read_lead_nowhere,
    write_rules_are_asked_of_what_is_sent,
    write_rules_may_look_at_other_records,
    guesses_are_not_answered,
    users_see_what_they_may_of_themselves,
    faults_of_field_rules_are_told,
    field_rules_are_explained,
    explanations_keep_what_may_not_be_read,
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

async fn write_rules_are_asked_of_what_is_sent(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "title", "type": "text"},
        {"name": "price", "type": "number", "write": MINE, "default": 1},
        {"name": "state", "type": "text", "write": "next.state != 'done' || record.price > 5"},
        {"name": "grade", "type": "text", "write": null, "default": "c"},
        {"name": "open", "type": "text", "write": "true"}
    ]);
    kit.open("posts", fields).await;
    let not_writable = |result: Result<Json, gate::Problem>, fields: &[&str]| {
        let problem = result.unwrap_err();
        let told: Vec<_> = problem
            .field_errors()
            .iter()
            .map(|e| (e.path.as_str(), e.code))
            .collect();
        let want: Vec<_> = fields.iter().map(|f| (*f, "not_writable")).collect();
        assert_eq!((problem.code(), told), (Code::RuleDenied, want));
    };
    // A record that is made is the row before and after.
    let made = kit
        .create(
            &u(),
            "posts",
            json!({"owner": U, "price": 3, "state": "new", "open": "x"}),
        )
        .await
        .unwrap();
    let a = made["id"].as_str().unwrap().to_owned();
    assert_eq!(made["grade"], "c");
    let before = kit.dump(&["posts"]).await;
    not_writable(
        kit.create(&u(), "posts", json!({"owner": V, "price": 3}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.create(&anon(), "posts", json!({"price": 3, "state": "done"}))
            .await,
        &["/price", "/state"],
    );
    // Only who sends a field is asked for it: a default passes.
    assert_eq!(kit.dump(&["posts"]).await, before);
    let b = kit
        .create(&u(), "posts", json!({"owner": V}))
        .await
        .unwrap();
    let b = b["id"].as_str().unwrap().to_owned();
    // A change must be allowed on the row as it was, whatever it becomes, and as it will be.
    let before = kit.dump(&["posts"]).await;
    not_writable(
        kit.merge(&u(), "posts", &b, json!({"price": 9})).await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &b, json!({"price": 9, "owner": U}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &a, json!({"price": 9, "owner": V}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &b, json!({"price": {"increment": 1}}))
            .await,
        &["/price"],
    );
    not_writable(
        kit.merge(&u(), "posts", &a, json!({"state": "done", "price": 9}))
            .await,
        &["/state"],
    );
    let op =
        |op: &str, data: Json| json!([{"op": op, "collection": "posts", "id": b, "data": data}]);
    for of in ["update", "upsert"] {
        let result = kit.batch(&u(), op(of, json!({"price": 9}))).await;
        not_writable(result, &["/operations/0/data/price"]);
    }
    for change in [
        json!({"grade": "a"}),
        json!({"grade": null}),
        json!({"grade": {"set_if_absent": "a"}}),
    ] {
        assert_eq!(
            faults(kit.merge(&u(), "posts", &a, change).await),
            (Code::ReadonlyField, vec!["/grade".into()])
        );
    }
    assert_eq!(
        faults(kit.create(&u(), "posts", json!({"grade": "a"})).await),
        (Code::ReadonlyField, vec!["/grade".into()])
    );
    assert_eq!(kit.dump(&["posts"]).await, before);
    kit.merge(&u(), "posts", &a, json!({"price": 9}))
        .await
        .unwrap();
    kit.merge(&v(), "posts", &a, json!({"state": "done"}))
        .await
        .unwrap();
    kit.merge(
        &key(),
        "posts",
        &a,
        json!({"grade": "a", "price": 2, "state": "done"}),
    )
    .await
    .unwrap();
    // The record's own rule is asked first, and of what is not to be seen nothing is said.
    kit.rules("posts", json!({"view": MINE, "update": MINE}))
        .await
        .unwrap();
    assert_eq!(
        faults(kit.merge(&u(), "posts", &b, json!({"price": 9})).await),
        (Code::RecordNotFound, Vec::new())
    );
}

async fn write_rules_may_look_at_other_records(kit: &Kit) {
    add_user(kit, U, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "chief", "type": "bool", "write": "collection('posts').exists(p, p.owner == auth.id && p.chief)"},
        {"name": "last", "type": "bool", "write": "!collection('posts').exists(p, p.last)", "default": false}
    ]);
    kit.open("posts", fields).await;
    let refused = async |data: Json| faults(kit.create(&u(), "posts", data).await);
    // A record does not vouch for itself.
    let chief = json!({"owner": U, "chief": true});
    assert_eq!(
        refused(chief.clone()).await,
        (Code::RuleDenied, vec!["/chief".into()])
    );
    let id = kit
        .create(&u(), "posts", json!({"owner": U}))
        .await
        .unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        faults(kit.merge(&u(), "posts", &id, json!({"chief": true})).await),
        (Code::RuleDenied, vec!["/chief".into()])
    );
    kit.made("posts", chief.clone()).await;
    kit.create(&u(), "posts", chief).await.unwrap();
    // After the change the rule is asked once more, of the world with it.
    kit.merge(&u(), "posts", &id, json!({"last": false}))
        .await
        .unwrap();
    let before = kit.dump(&["posts"]).await;
    assert_eq!(
        faults(kit.merge(&u(), "posts", &id, json!({"last": true})).await),
        (Code::RuleDenied, vec!["/last".into()])
    );
    assert_eq!(kit.dump(&["posts"]).await, before);
}

async fn guesses_are_not_answered(kit: &Kit) {
    let fields = json!([
        {"name": "pin", "type": "text", "max": 100, "read": null, "write_once": true},
        {"name": "title", "type": "text"}
    ]);
    kit.open("posts", fields).await;
    let id = kit.made("posts", json!({"pin": "7"})).await;
    let mut answers = Vec::new();
    for guess in ["7", "8"] {
        let operation =
            json!([{"op": "upsert", "collection": "posts", "id": id, "data": {"pin": guess}}]);
        answers.push(faults(kit.batch(&anon(), operation).await));
    }
    assert_eq!(answers[0], answers[1]);
}

async fn users_see_what_they_may_of_themselves(kit: &Kit) {
    let add = json!([
        {"name": "nick", "type": "text"},
        {"name": "credit", "type": "number", "read": null, "write": null, "default": 5},
        {"name": "city", "type": "text", "read": "id == auth.id"},
        {"name": "late", "type": "text", "read": "now > created_at", "default": "x"},
        {"name": "peers", "type": "text", "read": "collection('users').all(o, o.id == auth.id)", "default": "y"},
        {"name": "plan", "type": "text", "write": "plan == 'free'"}
    ]);
    kit.change("users", json!({"fields": {"add": add}}))
        .await
        .unwrap();
    let make = async |id, profile: Json| {
        let new = NewUser {
            id,
            email: None,
            profile: object(profile),
            now: now(),
            actor: None,
        };
        let (data, project) = (kit.data.clone(), kit.project.clone());
        let made = kit
            .db
            .write(async move |tx: &store::WriteTx| data.create_user(&project, tx, &new).await)
            .await;
        made.map_err(gate::Problem::from)
    };
    assert_eq!(
        faults(make(U, json!({"credit": 9})).await),
        (Code::ReadonlyField, vec!["/credit".into()])
    );
    assert_eq!(
        faults(make(U, json!({"plan": "gold"})).await),
        (Code::RuleDenied, vec!["/plan".into()])
    );
    let made = make(U, json!({"nick": "n", "city": "c", "plan": "free"}))
        .await
        .unwrap();
    let kept = |view: &Map<String, Json>| {
        ["nick", "credit", "city", "late", "peers", "plan"].map(|n| view[n].clone())
    };
    let alone = [
        json!("n"),
        Json::Null,
        json!("c"),
        Json::Null,
        json!("y"),
        json!("free"),
    ];
    assert_eq!(kept(&made.view), alone);
    assert_eq!(
        kept(
            &kit.data
                .get_user(&kit.project, U)
                .await
                .unwrap()
                .unwrap()
                .view
        ),
        alone
    );
    add_user(kit, V, None).await;
    let found = kit.data.get_user(&kit.project, U).await.unwrap().unwrap();
    assert_eq!(found.view["peers"], Json::Null);
    kit.rules("users", json!({"list": "true"})).await.unwrap();
    let query = Query {
        sort: Some("created_at".to_owned()),
        ..Query::default()
    };
    assert!(
        kit.data
            .list(&kit.project, &v(), "users", &query)
            .await
            .is_ok()
    );
    assert_eq!(
        kit.values(&v(), "users", "city", &[("filter", "city == 'c'")])
            .await,
        [Json::Null; 0]
    );
}

async fn faults_of_field_rules_are_told(kit: &Kit) {
    let field = |more: Json| {
        let mut field = object(json!({"name": "a", "type": "text"}));
        field.extend(object(more));
        json!({"name": "posts", "fields": [field]})
    };
    for (more, of, path) in [
        (
            json!({"read": "b == 1"}),
            Code::InvalidRule,
            "/fields/0/read",
        ),
        (
            json!({"write": "a == 1"}),
            Code::InvalidRule,
            "/fields/0/write",
        ),
        (
            json!({"read": ""}),
            Code::ValidationFailed,
            "/fields/0/read",
        ),
        (
            json!({"write": 1}),
            Code::ValidationFailed,
            "/fields/0/write",
        ),
    ] {
        assert_eq!(
            faults(kit.try_collection(field(more)).await),
            (of, vec![path.into()])
        );
    }
    let made = kit
        .collection(field(json!({"read": "a != 'x'", "write": null})))
        .await;
    assert_eq!(
        (&made["fields"][0]["read"], &made["fields"][0]["write"]),
        (&json!("a != 'x'"), &Json::Null)
    );
    let add =
        |read: &str| json!({"fields": {"add": [{"name": "c", "type": "text", "read": read}]}});
    assert_eq!(
        faults(kit.change("posts", add("b == 1")).await),
        (Code::InvalidRule, vec!["/fields/add/0/read".into()])
    );
    let changed = kit.change("posts", add("c != a")).await.unwrap();
    assert!(changed["fields"][1].get("write").is_none(), "{changed}");
    // What a field's own rule names stays, and keeps its name, unless the change writes the rule anew.
    for there in [json!({"drop": ["a"]}), json!({"rename": {"a": "z"}})] {
        let told = faults(kit.change("posts", json!({"fields": there})).await);
        assert_eq!(told.0, Code::Referenced, "{told:?}");
    }
    // What another collection's field rule names stays.
    let other = json!({"name": "others", "fields": [{"name": "a", "type": "text", "read": "collection('posts').exists(p, p.a == a)"}]});
    kit.collection(other).await;
    let refused = kit
        .data
        .delete_collection(&kit.project, &key(), "posts", None)
        .await;
    let refused = refused.map_err(gate::Problem::from);
    assert_eq!(
        faults(refused),
        (Code::Referenced, vec!["/others/a/read".into()])
    );
}

/// Whoever may ask why is shown the values that it can read: a read rule over other records is not taken for true
/// because none of them are looked at.
async fn explanations_keep_what_may_not_be_read(kit: &Kit) {
    kit.project.set_for_tests(gate::Settings {
        development: true,
        ..gate::Settings::default()
    });
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let fields = json!([{"name": "gift", "type": "text", "read": "collection('users').all(o, o.id == auth.id)"}]);
    let rules = json!({"view": "true", "update": "gift == 'x'"});
    kit.collection(json!({"name": "posts", "fields": fields, "rules": rules}))
        .await;
    let id = kit.made("posts", json!({"gift": "secret"})).await;
    let asked = json!({"action": "update", "record": id, "data": {}});
    let told = kit.try_explain(&u(), "posts", asked).await.unwrap();
    assert_eq!(told["status"], 403);
    assert!(!told.to_string().contains("secret"), "{told}");
}

async fn field_rules_are_explained(kit: &Kit) {
    add_user(kit, U, None).await;
    let fields = json!([
        {"name": "owner", "type": "relation", "collection": "users"},
        {"name": "price", "type": "number", "write": MINE}
    ]);
    kit.open("posts", fields).await;
    let id = kit.made("posts", json!({"owner": U, "price": 1})).await;
    let of = |user, data: Json| json!({"action": "update", "record": id, "data": data, "as": {"user": user}});
    let told = kit.explain("posts", of(U, json!({"price": 2}))).await;
    assert_eq!(
        (&told["allowed"], &told["status"]),
        (&json!(true), &json!(200))
    );
    add_user(kit, V, None).await;
    let told = kit.explain("posts", of(V, json!({"price": 2}))).await;
    assert_eq!(
        (&told["allowed"], &told["status"]),
        (&json!(false), &json!(403))
    );
    let last = told["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["rule"], &last["field"], &last["clause"]["text"]),
        (&json!("write"), &json!("price"), &json!(MINE))
    );
    let made = json!({"action": "create", "data": {"owner": U, "price": 2}, "as": {"user": V}});
    assert_eq!(kit.explain("posts", made).await["status"], 403);
}
