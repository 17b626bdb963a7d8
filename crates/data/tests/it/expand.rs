//! Expansion of one hop: what comes along, and what does not.

use crate::kit::{Kit, U, V, add_user, anon, both, code, faults, key, u, v};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    what_a_relation_points_to_comes_along,
    what_may_not_be_listed_is_null,
    many_relations_at_once,
    an_expansion_is_too_large
);

async fn films(kit: &Kit) -> (String, String) {
    kit.open("genres", json!([{"name": "name", "type": "text"}, {"name": "score", "type": "number"}, {"name": "open", "type": "bool"}, {"name": "since", "type": "datetime"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    kit.open("films", json!([{"name": "title", "type": "text"}, {"name": "genre", "type": "relation", "collection": "genres"}, {"name": "owner", "type": "relation", "collection": "users"}])).await;
    let genre = kit.made("genres", json!({"name": "drama", "score": 1.5, "open": true, "since": "2026-01-01T00:00:00Z", "secret": "s"})).await;
    let film = kit
        .made("films", json!({"title": "a", "genre": genre}))
        .await;
    kit.made("films", json!({"title": "b"})).await;
    (genre, film)
}

async fn what_a_relation_points_to_comes_along(kit: &Kit) {
    let (genre, film) = films(kit).await;
    let items = kit
        .list(&anon(), "films", &[("expand", "genre"), ("sort", "title")])
        .await
        .unwrap();
    assert_eq!(items[0]["genre"], json!(genre), "the relation keeps its id");
    let alone = kit.get(&anon(), "genres", &genre).await.unwrap();
    assert_eq!(items[0]["expand"], json!({"genre": alone}));
    assert!(alone.get("secret").is_none());
    assert_eq!(items[1]["expand"], json!({"genre": null}));
    assert_eq!(
        kit.get_with(&anon(), "films", &film, "expand=genre")
            .await
            .unwrap(),
        items[0]
    );
    assert_eq!(
        kit.get_with(&anon(), "films", &film, "expand=genre&fields=title")
            .await
            .unwrap(),
        json!({"title": "a", "expand": {"genre": alone}})
    );
    let whole = kit
        .get_with(&key(), "films", &film, "expand=genre,owner,genre")
        .await
        .unwrap();
    assert_eq!(
        whole["expand"],
        json!({"genre": kit.get(&key(), "genres", &genre).await.unwrap(), "owner": null})
    );
    assert_eq!(whole["expand"]["genre"]["secret"], "s");
    for bad in [
        "title",
        "id",
        "nothing",
        "genre.name",
        "films_via_genre",
        "genre(limit:3)",
    ] {
        assert_eq!(
            faults(kit.list(&anon(), "films", &[("expand", bad)]).await),
            (Code::InvalidParameter, vec!["?expand".into()]),
            "{bad}"
        );
    }
}

async fn what_may_not_be_listed_is_null(kit: &Kit) {
    let (genre, film) = films(kit).await;
    add_user(kit, U, Some("u@example.com")).await;
    add_user(kit, V, None).await;
    kit.merge(&key(), "films", &film, json!({"owner": U}))
        .await
        .unwrap();
    let expanded = async |asker, name: &str| {
        let query = format!("expand={name}");
        let one = kit.get_with(&asker, "films", &film, &query).await.unwrap();
        let list = kit
            .list(&asker, "films", &[("expand", name), ("sort", "title")])
            .await
            .unwrap();
        assert_eq!(list[0], one);
        one["expand"][name].clone()
    };
    kit.rules("genres", json!({"list": "auth.id != null && open"}))
        .await
        .unwrap();
    assert_eq!(expanded(u(), "genre").await["name"], "drama");
    assert_eq!(expanded(anon(), "genre").await, Json::Null);
    kit.merge(&key(), "genres", &genre, json!({"open": null}))
        .await
        .unwrap();
    assert_eq!(expanded(u(), "genre").await, Json::Null);
    kit.rules("genres", json!({"list": null})).await.unwrap();
    assert_eq!(expanded(u(), "genre").await, Json::Null);
    assert_eq!(expanded(key(), "genre").await["name"], "drama");
    // The built-in users cannot be listed; opened, they show an address to its owner alone.
    assert_eq!(expanded(u(), "owner").await, Json::Null);
    kit.rules("users", json!({"list": "true"})).await.unwrap();
    assert_eq!(expanded(u(), "owner").await["email"], "u@example.com");
    for other in [v(), anon()] {
        let shown = expanded(other, "owner").await;
        assert_eq!(
            (&shown["id"], &shown["email"], shown.get("email_key")),
            (&json!(U), &Json::Null, None)
        );
    }
    assert_eq!(expanded(key(), "owner").await["email_key"], "u@example.com");
    // A rule that hops, within the expansion.
    kit.rules(
        "genres",
        json!({"list": "films_via_genre.exists(f, f.owner == auth.id)"}),
    )
    .await
    .unwrap();
    assert_eq!(expanded(u(), "genre").await["name"], "drama");
    assert_eq!(expanded(v(), "genre").await, Json::Null);
}

async fn many_relations_at_once(kit: &Kit) {
    kit.open("tags", json!([{"name": "name", "type": "text"}]))
        .await;
    let names: Vec<String> = (0..17).map(|i| format!("r{i}")).collect();
    let fields: Vec<Json> = names
        .iter()
        .map(|n| json!({"name": n, "type": "relation", "collection": "tags"}))
        .collect();
    kit.open("posts", json!(fields)).await;
    let mut record = json!({});
    for (i, name) in names.iter().enumerate().step_by(2) {
        record[name] = json!(kit.made("tags", json!({"name": i.to_string()})).await);
    }
    let id = kit.made("posts", record).await;
    let got = kit
        .get_with(
            &anon(),
            "posts",
            &id,
            &format!("expand={}", names[..16].join(",")),
        )
        .await
        .unwrap();
    for (i, name) in names[..16].iter().enumerate() {
        assert_eq!(
            got["expand"][name]["name"],
            if i % 2 == 0 {
                json!(i.to_string())
            } else {
                Json::Null
            }
        );
    }
    assert_eq!(
        code(
            kit.get_with(
                &anon(),
                "posts",
                &id,
                &format!("expand={}", names.join(","))
            )
            .await
        ),
        Code::InvalidParameter
    );
}

async fn an_expansion_is_too_large(kit: &Kit) {
    kit.open(
        "blobs",
        json!([{"name": "a", "type": "text", "max": 500_000}]),
    )
    .await;
    kit.open(
        "posts",
        json!([{"name": "blob", "type": "relation", "collection": "blobs"}]),
    )
    .await;
    let blob = kit.made("blobs", json!({"a": "ä".repeat(450_000)})).await;
    for _ in 0..20 {
        kit.made("posts", json!({"blob": blob})).await;
    }
    assert_eq!(
        code(kit.list(&anon(), "posts", &[("expand", "blob")]).await),
        Code::ResponseTooLarge
    );
    assert_eq!(
        kit.list(&anon(), "posts", &[("expand", "blob"), ("limit", "10")])
            .await
            .unwrap()
            .len(),
        10
    );
}
