//! Rules: who may list, view, create, update and delete, and what a refusal says.

use crate::kit::{Kit, U, V, anon, both, code, every_type, key, u, v};
use kernel::Code;
use serde_json::{Value as Json, json};

use crate::hop_rules::with_users;

both!(
    no_rule_means_keys_and_operators,
    owners_have_their_own,
    nobody_signed_in_is_nobody,
    a_refusal_says_no_more_than_may_be_known,
    rows_do_not_move_out_of_their_rule,
    what_may_not_be_read_back,
    next_is_the_row_after,
    requests_are_seen_by_rules,
);

async fn no_rule_means_keys_and_operators(kit: &Kit) {
    kit.collection(json!({"name": "posts", "fields": every_type()}))
        .await;
    let id = kit.made("posts", json!({"title": "a"})).await;
    for asker in [anon(), u()] {
        assert_eq!(code(kit.list(&asker, "posts", &[]).await), Code::RuleDenied);
        assert_eq!(
            code(
                kit.list(
                    &asker,
                    "posts",
                    &[("count", "exact"), ("filter", "title == 'a'")]
                )
                .await
            ),
            Code::RuleDenied
        );
        assert_eq!(
            code(kit.create(&asker, "posts", json!({})).await),
            Code::RuleDenied
        );
        assert_eq!(
            code(kit.get(&asker, "posts", &id).await),
            Code::RecordNotFound
        );
        assert_eq!(
            code(kit.merge(&asker, "posts", &id, json!({})).await),
            Code::RecordNotFound
        );
        assert_eq!(
            code(kit.delete(&asker, "posts", &id).await),
            Code::RecordNotFound
        );
    }
    let operator = crate::kit::asker(gate::Who::Operator {
        id: U,
        scopes: std::sync::Arc::from(vec![]),
    });
    for asker in [key(), operator] {
        assert_eq!(kit.list(&asker, "posts", &[]).await.unwrap().len(), 1);
        kit.get(&asker, "posts", &id).await.unwrap();
        kit.merge(&asker, "posts", &id, json!({"title": "b"}))
            .await
            .unwrap();
    }
}

async fn owners_have_their_own(kit: &Kit) {
    with_users(kit).await;
    kit.collection(json!({"name": "posts", "fields": every_type(), "template": "owner"}))
        .await;
    let made = kit
        .create(&u(), "posts", json!({"owner": U, "title": "mine"}))
        .await
        .unwrap();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        code(kit.create(&u(), "posts", json!({"owner": V})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.create(&u(), "posts", json!({})).await),
        Code::RuleDenied
    );
    kit.create(&v(), "posts", json!({"owner": V, "title": "v's"}))
        .await
        .unwrap();
    kit.made("posts", json!({"title": "nobody's"})).await;
    assert_eq!(
        kit.values(&u(), "posts", "title", &[]).await,
        [json!("mine")]
    );
    assert_eq!(
        kit.values(&v(), "posts", "title", &[]).await,
        [json!("v's")]
    );
    assert_eq!(kit.list(&key(), "posts", &[]).await.unwrap().len(), 3);
    kit.get(&u(), "posts", id).await.unwrap();
    kit.merge(&u(), "posts", id, json!({"title": "still mine"}))
        .await
        .unwrap();
    kit.delete(&u(), "posts", id).await.unwrap();
}

/// What is absent is not equal to anything, and not unequal either.
async fn nobody_signed_in_is_nobody(kit: &Kit) {
    with_users(kit).await;
    kit.open("posts", every_type()).await;
    let id = kit.made("posts", json!({"title": "", "owner": null})).await;
    for rule in [
        "owner == auth.id",
        "owner != auth.id",
        "!(owner == auth.id)",
        "title == auth.id",
        "title == auth.email",
        "auth.id in [owner]",
        "auth.level > 0",
    ] {
        kit.rules(
            "posts",
            json!({"list": rule, "view": rule, "create": rule, "update": rule, "delete": rule}),
        )
        .await
        .unwrap();
        assert_eq!(
            kit.list(&anon(), "posts", &[]).await.unwrap(),
            Vec::<Json>::new(),
            "{rule}"
        );
        assert_eq!(
            code(kit.get(&anon(), "posts", &id).await),
            Code::RecordNotFound,
            "{rule}"
        );
        assert_eq!(
            code(kit.create(&anon(), "posts", json!({"title": ""})).await),
            Code::RuleDenied,
            "{rule}"
        );
        assert_eq!(
            code(kit.merge(&anon(), "posts", &id, json!({})).await),
            Code::RecordNotFound,
            "{rule}"
        );
        assert_eq!(
            code(kit.delete(&anon(), "posts", &id).await),
            Code::RecordNotFound,
            "{rule}"
        );
    }
    kit.rules(
        "posts",
        json!({"list": "auth.id == null", "create": "auth.id == null"}),
    )
    .await
    .unwrap();
    assert_eq!(kit.list(&anon(), "posts", &[]).await.unwrap().len(), 1);
    assert_eq!(kit.list(&u(), "posts", &[]).await.unwrap().len(), 0);
    kit.create(&anon(), "posts", json!({})).await.unwrap();
}

async fn a_refusal_says_no_more_than_may_be_known(kit: &Kit) {
    with_users(kit).await;
    let own = "owner == auth.id";
    kit.collection(json!({"name": "posts", "fields": every_type(), "template": "owner"}))
        .await;
    let id = kit.made("posts", json!({"owner": U})).await;
    let absent = "01990000-0000-7000-8000-0000000000ff";
    for id in [id.as_str(), absent] {
        assert_eq!(code(kit.get(&v(), "posts", id).await), Code::RecordNotFound);
        assert_eq!(
            code(kit.merge(&v(), "posts", id, json!({"title": "x"})).await),
            Code::RecordNotFound
        );
        assert_eq!(
            code(kit.delete(&v(), "posts", id).await),
            Code::RecordNotFound
        );
    }
    kit.rules("posts", json!({"view": "auth.id != null"}))
        .await
        .unwrap();
    assert_eq!(
        code(kit.merge(&v(), "posts", &id, json!({"title": "x"})).await),
        Code::RuleDenied
    );
    assert_eq!(code(kit.delete(&v(), "posts", &id).await), Code::RuleDenied);
    assert_eq!(
        code(kit.merge(&v(), "posts", absent, json!({})).await),
        Code::RecordNotFound
    );
    // The same where the rule names the row after.
    kit.rules(
        "posts",
        json!({"update": format!("{own} && next.owner == auth.id")}),
    )
    .await
    .unwrap();
    assert_eq!(
        code(kit.merge(&v(), "posts", &id, json!({"owner": V})).await),
        Code::RuleDenied
    );
    kit.rules("posts", json!({"view": own})).await.unwrap();
    assert_eq!(
        code(kit.merge(&v(), "posts", &id, json!({"owner": V})).await),
        Code::RecordNotFound
    );
}

async fn rows_do_not_move_out_of_their_rule(kit: &Kit) {
    with_users(kit).await;
    kit.collection(json!({"name": "posts", "fields": every_type(), "template": "owner"}))
        .await;
    let id = kit.made("posts", json!({"owner": U, "stock": 1})).await;
    let before = kit.dump(&["posts"]).await;
    assert_eq!(
        code(kit.merge(&u(), "posts", &id, json!({"owner": V})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(
            kit.merge(&u(), "posts", &id, json!({"owner": null, "title": "x"}))
                .await
        ),
        Code::RuleDenied
    );
    assert_eq!(kit.dump(&["posts"]).await, before);
    kit.rules(
        "posts",
        json!({"update": "stock < 5 && size(collection(\"posts\")) < 5"}),
    )
    .await
    .unwrap();
    assert_eq!(
        code(kit.merge(&u(), "posts", &id, json!({"stock": 7})).await),
        Code::RuleDenied
    );
    assert_eq!(
        kit.dump(&["posts"])
            .await
            .lines()
            .filter(|l| l.starts_with("posts:"))
            .collect::<Vec<_>>(),
        before
            .lines()
            .filter(|l| l.starts_with("posts:"))
            .collect::<Vec<_>>()
    );
    kit.merge(&u(), "posts", &id, json!({"stock": 4}))
        .await
        .unwrap();
}

async fn what_may_not_be_read_back(kit: &Kit) {
    with_users(kit).await;
    kit.open("posts", every_type()).await;
    kit.rules("posts", json!({"view": "open"})).await.unwrap();
    let made = kit
        .create(&anon(), "posts", json!({"title": "x", "open": false}))
        .await
        .unwrap();
    let id = made["id"].clone();
    assert_eq!(made, json!({"id": id, "_version": 1}));
    let id = id.as_str().unwrap();
    let answer = kit
        .create_with(
            &anon(),
            "posts",
            json!({"open": null}),
            data::WriteOptions::default(),
        )
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.etag.as_deref()),
        (201, Some("\"1\""))
    );
    assert_eq!(
        kit.merge(&anon(), "posts", id, json!({"title": "y"}))
            .await
            .unwrap(),
        json!({"id": id, "_version": 2})
    );
    assert_eq!(
        kit.merge(&anon(), "posts", id, json!({"open": true}))
            .await
            .unwrap()["title"],
        "y"
    );
    assert_eq!(
        kit.merge(&anon(), "posts", id, json!({"open": false}))
            .await
            .unwrap(),
        json!({"id": id, "_version": 4})
    );
}

async fn next_is_the_row_after(kit: &Kit) {
    with_users(kit).await;
    kit.open("posts", every_type()).await;
    kit.rules("posts", json!({"update": "next.stock == stock + 1 && record.owner == auth.id", "create": "next.stock == 0 && stock == 0"})).await.unwrap();
    assert_eq!(
        code(
            kit.create(&u(), "posts", json!({"stock": 1, "owner": U}))
                .await
        ),
        Code::RuleDenied
    );
    let made = kit
        .create(&u(), "posts", json!({"stock": 0, "owner": U}))
        .await
        .unwrap();
    let id = made["id"].as_str().unwrap();
    kit.merge(&u(), "posts", id, json!({"stock": 1}))
        .await
        .unwrap();
    assert_eq!(
        code(kit.merge(&u(), "posts", id, json!({"stock": 3})).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(kit.merge(&v(), "posts", id, json!({"stock": 2})).await),
        Code::RuleDenied
    );
    // The row after has no owner: that is of the row before, and may go.
    kit.merge(&u(), "posts", id, json!({"stock": 2, "owner": null}))
        .await
        .unwrap();
    kit.rules("posts", json!({"update": "next._version == _version + 1 && next.updated_at == now && next.id == id && next.created_at == record.created_at"})).await.unwrap();
    kit.merge(&u(), "posts", id, json!({})).await.unwrap();
}

async fn requests_are_seen_by_rules(kit: &Kit) {
    kit.open("posts", every_type()).await;
    kit.rules("posts", json!({"list": "request.query.k == title && request.ip_network == \"127.0.0.1\"", "create": "due > now && created_at == now && request.method == \"GET\""})).await.unwrap();
    kit.made("posts", json!({"title": "a"})).await;
    let mut asker = anon();
    assert_eq!(kit.list(&asker, "posts", &[]).await.unwrap().len(), 0);
    let mut request = (*asker.request).clone();
    request.query.insert("k".into(), json!("a"));
    asker.request = std::sync::Arc::new(request);
    assert_eq!(kit.list(&asker, "posts", &[]).await.unwrap().len(), 1);
    assert_eq!(
        code(
            kit.create(&anon(), "posts", json!({"due": "2026-02-28T00:00:00Z"}))
                .await
        ),
        Code::RuleDenied
    );
    kit.create(&anon(), "posts", json!({"due": "2026-03-28T00:00:00Z"}))
        .await
        .unwrap();
}
