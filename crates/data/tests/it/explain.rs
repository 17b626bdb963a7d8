//! What rules answer to an act and why: the clause, the values, and the same answer as the act itself gets.

use crate::kit::{Kit, U, V, add_user, both, code, every_type, key, object};
use data::{Asker, ExplainIn};
use gate::{Input, Problem};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    the_failing_clause_is_told,
    changes_are_asked_of_both_records,
    rules_over_other_records_are_looked_into,
    a_list_is_explained_with_its_plan,
    whoever_acts_can_be_made_up,
    nothing_is_written,
);

impl Kit {
    pub async fn try_explain(
        &self,
        asker: &Asker,
        name: &str,
        body: Json,
    ) -> Result<Json, Problem> {
        let input = ExplainIn::parse(Input::new(object(body)))?;
        let told = self.data.explain(&self.project, asker, name, input).await?;
        Ok(serde_json::to_value(told).unwrap())
    }

    pub async fn explain(&self, name: &str, body: Json) -> Json {
        self.try_explain(&key(), name, body).await.unwrap()
    }
}

pub async fn posts(kit: &Kit) {
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, None).await;
    kit.open("posts", every_type()).await;
}

/// The clause that failed: its rule's number, text, place, answer and values.
pub fn clause(told: &Json) -> Json {
    let check = told["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["answer"] != "true");
    let clause = &check.unwrap()["clause"];
    json!([
        clause["text"],
        clause["start"],
        clause["end"],
        clause["answer"],
        clause["values"]
    ])
}

async fn the_failing_clause_is_told(kit: &Kit) {
    posts(kit).await;
    let rule = "owner == auth.id && (open || stock > 3) && title != 'x'";
    kit.rules("posts", json!({"create": rule, "view": "true"}))
        .await
        .unwrap();
    let ask = async |data: Json| {
        kit.explain(
            "posts",
            json!({"action": "create", "data": data, "as": {"user": U}}),
        )
        .await
    };
    let told = ask(json!({"owner": U, "stock": 2})).await;
    assert_eq!(
        told,
        json!({"action": "create", "user": U, "passes_rules": false, "allowed": false, "status": 403, "checks": [{
            "rule": "create", "record": "after", "text": rule, "answer": "unknown",
            "clause": {"text": "open", "start": 21, "end": 25, "answer": "unknown", "values": [{"name": "open", "value": null}]}
        }]})
    );
    assert_eq!(
        clause(&ask(json!({"owner": V})).await),
        json!(["owner == auth.id", 0, 16, "false", [{"name": "owner", "value": V}, {"name": "auth.id", "value": U}]])
    );
    assert_eq!(
        clause(&ask(json!({"owner": U, "open": true, "title": "x"})).await),
        json!(["title != 'x'", 43, 55, "false", [{"name": "title", "value": "x"}]])
    );
    let told = ask(json!({"owner": U, "open": true, "title": "y"})).await;
    assert_eq!(
        (
            &told["allowed"],
            &told["status"],
            &told["checks"][0]["clause"]
        ),
        (&json!(true), &json!(201), &Json::Null)
    );
    // No rule, and one for everybody.
    kit.rules("posts", json!({"create": null})).await.unwrap();
    let told = ask(json!({})).await;
    assert_eq!(
        (
            &told["status"],
            &told["checks"][0]["text"],
            &told["checks"][0]["answer"]
        ),
        (&json!(403), &Json::Null, &json!("false"))
    );
    kit.rules("posts", json!({"create": "true"})).await.unwrap();
    let told = ask(json!({})).await;
    assert_eq!(
        (&told["status"], &told["checks"][0]["text"]),
        (&json!(201), &json!("true"))
    );
    // Whom rules do not bind they are not asked about.
    kit.rules("posts", json!({"create": null})).await.unwrap();
    let told = kit
        .explain("posts", json!({"action": "create", "data": {}}))
        .await;
    assert_eq!(
        told,
        json!({"action": "create", "user": null, "passes_rules": true, "allowed": true, "status": 201, "checks": []})
    );
}

async fn changes_are_asked_of_both_records(kit: &Kit) {
    posts(kit).await;
    let id = kit
        .made("posts", json!({"owner": U, "stock": 5, "title": "a"}))
        .await;
    kit.rules(
        "posts",
        json!({"view": "owner == auth.id", "update": "owner == auth.id", "delete": "stock == 0"}),
    )
    .await
    .unwrap();
    let ask = async |who: uuid::Uuid, action: &str, data: Json| {
        let mut body = json!({"action": action, "record": id, "as": {"user": who}});
        if action == "update" {
            body["data"] = data;
        }
        let told = kit.explain("posts", body).await;
        let checks = told["checks"].as_array().unwrap().iter();
        let checks: Vec<String> = checks
            .map(|c| {
                format!(
                    "{} {} {}",
                    c["rule"].as_str().unwrap(),
                    c["record"].as_str().unwrap(),
                    c["answer"].as_str().unwrap()
                )
            })
            .collect();
        (told["status"].as_u64().unwrap(), checks)
    };
    assert_eq!(
        ask(U, "update", json!({"title": "b"})).await,
        (
            200,
            vec!["update stored true".into(), "update after true".into()]
        )
    );
    assert_eq!(
        ask(U, "update", json!({"owner": V})).await,
        (
            403,
            vec!["update stored true".into(), "update after false".into()]
        )
    );
    assert_eq!(
        ask(V, "update", json!({"owner": V})).await,
        (
            404,
            vec!["update stored false".into(), "view stored false".into()]
        )
    );
    assert_eq!(
        ask(U, "delete", json!({})).await,
        (
            403,
            vec!["delete stored false".into(), "view stored true".into()]
        )
    );
    assert_eq!(
        ask(V, "delete", json!({})).await,
        (
            404,
            vec!["delete stored false".into(), "view stored false".into()]
        )
    );
    assert_eq!(
        ask(V, "view", json!({})).await,
        (404, vec!["view stored false".into()])
    );
    assert_eq!(
        ask(U, "view", json!({})).await,
        (200, vec!["view stored true".into()])
    );
    kit.rules(
        "posts",
        json!({"update": "owner == auth.id && stock - next.stock == 1"}),
    )
    .await
    .unwrap();
    assert_eq!(
        ask(U, "update", json!({"stock": 4})).await,
        (200, vec!["update change true".into()])
    );
    assert_eq!(
        ask(V, "update", json!({"stock": 4})).await,
        (
            404,
            vec!["update change false".into(), "view stored false".into()]
        )
    );
    let told = kit
        .explain(
            "posts",
            json!({"action": "update", "record": id, "as": {"user": U}, "data": {"stock": 3}}),
        )
        .await;
    let values = &told["checks"][0]["clause"]["values"];
    assert_eq!(
        (&told["status"], values),
        (
            &json!(403),
            &json!([{"name": "stock", "value": 5}, {"name": "next.stock", "value": 3}])
        )
    );
}

async fn rules_over_other_records_are_looked_into(kit: &Kit) {
    posts(kit).await;
    kit.open("teams", json!([{"name": "lead", "type": "relation", "collection": "users"}, {"name": "parent", "type": "relation", "collection": "teams"}])).await;
    kit.open("notes", json!([{"name": "team", "type": "relation", "collection": "teams"}, {"name": "text", "type": "text"}])).await;
    kit.open("members", json!([{"name": "team", "type": "relation", "collection": "teams"}, {"name": "user", "type": "relation", "collection": "users"}])).await;
    let top = kit.made("teams", json!({"lead": V})).await;
    let team = kit.made("teams", json!({"lead": U, "parent": top})).await;
    let create = async |rule: &str, data: Json| {
        kit.rules("notes", json!({"create": rule})).await.unwrap();
        kit.explain(
            "notes",
            json!({"action": "create", "data": data, "as": {"user": U}}),
        )
        .await
    };
    let told = create("team.lead == auth.id", json!({"team": top})).await;
    assert_eq!(
        clause(&told),
        json!(["team.lead == auth.id", 0, 20, "false", [{"name": "team.lead", "value": V}, {"name": "auth.id", "value": U}]])
    );
    let told = create(
        "team.lead == auth.id && team.parent == null",
        json!({"team": team}),
    )
    .await;
    assert_eq!(
        clause(&told)[4],
        json!([{"name": "team.parent", "value": top}])
    );
    // A hop that leads nowhere.
    let told = create("team.lead == auth.id", json!({})).await;
    assert_eq!(
        clause(&told),
        json!(["team.lead == auth.id", 0, 20, "unknown", [{"name": "team.lead", "value": null}, {"name": "auth.id", "value": null}]])
    );
    // Back, and elsewhere.
    let member = "collection('members').exists(m, m.user == auth.id && m.team == team)";
    let told = create(member, json!({"team": team})).await;
    assert_eq!(clause(&told)[0], json!(member));
    kit.made("members", json!({"team": team, "user": U})).await;
    assert_eq!(create(member, json!({"team": team})).await["allowed"], true);
    assert_eq!(create(member, json!({"team": top})).await["allowed"], false);
    let back = "members_via_team.exists(m, m.user == auth.id && m.user.email != null)";
    kit.rules("teams", json!({"view": back})).await.unwrap();
    let view = async |id: &str, who: uuid::Uuid| {
        kit.explain(
            "teams",
            json!({"action": "view", "record": id, "as": {"user": who}}),
        )
        .await["status"]
            .clone()
    };
    assert_eq!(
        (
            view(&team, U).await,
            view(&team, V).await,
            view(&top, U).await
        ),
        (json!(200), json!(404), json!(404))
    );
    // The world as the change will leave it: one team has no parent, and one must.
    kit.rules(
        "teams",
        json!({"update": "collection('teams').exists(t, t.parent == null)", "view": "true"}),
    )
    .await
    .unwrap();
    let told = kit
        .explain(
            "teams",
            json!({"action": "update", "record": top, "data": {"parent": team}, "as": {"user": U}}),
        )
        .await;
    let last = told["checks"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&told["status"], &last["record"], &last["answer"]),
        (&json!(403), &json!("reread"), &json!("false"))
    );
}

async fn a_list_is_explained_with_its_plan(kit: &Kit) {
    posts(kit).await;
    kit.rules("posts", json!({"list": "owner == auth.id"}))
        .await
        .unwrap();
    let id = kit.made("posts", json!({"owner": U, "stock": 5})).await;
    let body = |more: Json| {
        let mut body = json!({"action": "list", "as": {"user": U}});
        body.as_object_mut().unwrap().extend(object(more));
        body
    };
    let told = kit
        .explain(
            "posts",
            body(json!({"filter": "stock > params.n", "params": {"n": 3}, "sort": "-stock"})),
        )
        .await;
    assert_eq!(
        (&told["status"], &told["checks"]),
        (&json!(200), &json!([]))
    );
    let sql = told["sql"].as_str().unwrap();
    assert!(
        sql.starts_with("SELECT ") && sql.contains("\"owner\"") && sql.contains("ORDER BY"),
        "{sql}"
    );
    assert!(!sql.contains("project"), "{sql}");
    let plan = told["plan"].to_string();
    assert!(plan.contains("posts") || plan.contains("t0"), "{plan}");
    assert!(!told["plan"].as_array().unwrap().is_empty());
    // Whether it shows a record.
    let told = kit
        .explain("posts", body(json!({"record": id, "filter": "stock > 3"})))
        .await;
    assert_eq!(
        (&told["allowed"], told["checks"].as_array().unwrap().len()),
        (&json!(true), 2)
    );
    let told = kit
        .explain(
            "posts",
            body(json!({"record": id, "filter": "stock > params.n", "params": {"n": 7}})),
        )
        .await;
    assert_eq!(
        (&told["allowed"], &told["status"]),
        (&json!(false), &json!(200))
    );
    assert_eq!(
        told["checks"][1]["clause"]["values"],
        json!([{"name": "stock", "value": 5}, {"name": "params.n", "value": 7}])
    );
    let told = kit
        .explain(
            "posts",
            json!({"action": "list", "record": id, "as": {"user": V}, "filter": "stock > 3"}),
        )
        .await;
    assert_eq!(
        (&told["allowed"], told["checks"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
    // Closed, as the list is.
    kit.rules("posts", json!({"list": null})).await.unwrap();
    let told = kit.explain("posts", body(json!({}))).await;
    assert_eq!(
        (
            &told["status"],
            &told["allowed"],
            &told["checks"][0]["rule"]
        ),
        (&json!(403), &json!(false), &json!("list"))
    );
    let told = kit.explain("posts", json!({"action": "list"})).await;
    assert_eq!(
        (&told["status"], &told["passes_rules"]),
        (&json!(200), &json!(true))
    );
    // A filter's faults are a list's.
    for (more, want) in [
        (json!({"filter": "nothing == 1"}), Code::InvalidFilter),
        (json!({"sort": "nothing"}), Code::InvalidSort),
        (json!({"filter": "email_key == 'x'"}), Code::InvalidFilter),
    ] {
        assert_eq!(
            code(kit.try_explain(&key(), "users", body(more)).await),
            want
        );
    }
}

async fn whoever_acts_can_be_made_up(kit: &Kit) {
    posts(kit).await;
    let cases = [
        ("auth.id == null", json!({"anonymous": true}), true),
        ("auth.id != null", json!({"anonymous": true}), false),
        ("auth.id != null", json!({}), true),
        ("'editor' in auth.roles", json!({"roles": ["editor"]}), true),
        (
            "'editor' in auth.roles",
            json!({"roles": ["reader"]}),
            false,
        ),
        ("title in auth.teams", json!({"teams": ["t"]}), true),
        (
            "auth.claims.plan == 'pro'",
            json!({"claims": {"plan": "pro"}}),
            true,
        ),
        ("auth.level == 2", json!({"level": 2}), true),
        ("auth.level == 2", json!({"user": U}), false),
        ("auth.email == 'u@example.com'", json!({"user": U}), true),
        ("auth.verified", json!({"user": U}), false),
        ("auth.verified", json!({"user": U, "verified": true}), true),
        ("request.method == 'POST'", json!({}), true),
    ];
    for (rule, who, want) in cases {
        kit.rules("posts", json!({"create": rule})).await.unwrap();
        let told = kit
            .explain(
                "posts",
                json!({"action": "create", "data": {"title": "t"}, "as": who}),
            )
            .await;
        assert_eq!(
            (&told["allowed"], &told["passes_rules"]),
            (&json!(want), &json!(false)),
            "{rule} {who}"
        );
        assert_eq!(told["user"], who.get("user").cloned().unwrap_or(Json::Null));
    }
}

async fn nothing_is_written(kit: &Kit) {
    posts(kit).await;
    let id = kit.made("posts", json!({"owner": U, "stock": 5})).await;
    kit.stamped().await;
    let before = kit.dump(&["posts", "users"]).await;
    for who in [json!({"user": U}), json!({"anonymous": true}), json!(null)] {
        for body in [
            json!({"action": "create", "data": {"title": "a"}}),
            json!({"action": "update", "record": id, "data": {"title": "b"}}),
            json!({"action": "delete", "record": id}),
            json!({"action": "view", "record": id}),
            json!({"action": "list", "record": id}),
        ] {
            let mut body = body;
            body["as"] = who.clone();
            assert_eq!(kit.explain("posts", body).await["allowed"], true);
        }
    }
    assert_eq!(kit.dump(&["posts", "users"]).await, before);
}
