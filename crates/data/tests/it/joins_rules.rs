//! Relations to many under rules: those of what they lead to, their own, and rules that look through them.

use crate::explain::clause;
use crate::joins::{pairs, tags, told};
use crate::joins_reads::{found, names, three};
use crate::kit::{Kit, U, V, add_user, anon, both, code, key, query_string, u, v};
use data::Asker;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    rules_see_what_a_write_leaves,
    rules_hold_behind_a_list,
    read_rules_hide_lists,
    rules_look_through_lists,
    reasons_are_told_through_lists,
);

/// A list names every record by its id; what comes along, and what a filter looks at, its collection's list rule shows.
async fn rules_hold_behind_a_list(kit: &Kit) {
    let ([a, b, c, _], [x, y, _]) = three(kit).await;
    kit.rules("tags", json!({"list": "name != 'a'"}))
        .await
        .unwrap();
    let query = query_string(&[("expand", "tags")]);
    for (asker, want) in [(anon(), "cb"), (key(), "cab")] {
        let read = kit.get_with(&asker, "posts", &y, &query).await.unwrap();
        assert_eq!(names(&read["expand"]["tags"]), want);
        assert_eq!(read["tags"], json!([c, a, b]));
    }
    for (filter, want) in [
        ("tags.exists(t, t.name == 'a')", ""),
        ("size(tags) == 2", "y"),
        ("tags.all(t, t.name == 'b')", "xz"),
    ] {
        assert_eq!(found(kit, &anon(), filter).await.concat(), want, "{filter}");
    }
    assert_eq!(
        found(kit, &key(), "tags.exists(t, t.name == 'a')")
            .await
            .concat(),
        "xy"
    );
    // Nobody may list them: null, and no statement is spent on it.
    kit.rules("tags", json!({"list": null})).await.unwrap();
    let read = kit.get_with(&anon(), "posts", &x, &query).await.unwrap();
    assert_eq!(read["expand"], json!({"tags": null}));
    // The way back is guarded, too.
    kit.rules("tags", json!({"list": "true"})).await.unwrap();
    kit.rules("posts", json!({"list": "title == 'x'"}))
        .await
        .unwrap();
    let query = query_string(&[("expand", "posts_via_tags")]);
    let read = kit.get_with(&anon(), "tags", &a, &query).await.unwrap();
    assert_eq!(names(&read["expand"]["posts_via_tags"]), "x");
    let seen = [("filter", "posts_via_tags.exists(p, p.title == 'y')")];
    assert!(kit.list(&anon(), "tags", &seen).await.unwrap().is_empty());
}

/// A list with a read rule is null where it is not true, in whatever way it is asked; a hidden one does not exist.
async fn read_rules_hide_lists(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let name = json!({"name": "name", "type": "text"});
    kit.open("tags", json!([name])).await;
    let title = json!({"name": "title", "type": "text"});
    let owner = json!({"name": "owner", "type": "relation", "collection": "users"});
    let mut hidden = tags(json!({"hidden": true}));
    hidden["name"] = "secrets".into();
    let shown = tags(json!({"read": "owner == auth.id"}));
    kit.open("posts", json!([title, owner, shown, hidden]))
        .await;
    let a = kit.made("tags", json!({"name": "a"})).await;
    let sent = json!({"title": "x", "owner": U, "tags": [a], "secrets": [a]});
    let id = kit.made("posts", sent).await;
    let query = query_string(&[("expand", "tags")]);
    let mine = kit.get_with(&u(), "posts", &id, &query).await.unwrap();
    assert_eq!(
        (&mine["tags"], names(&mine["expand"]["tags"])),
        (&json!([a]), "a".to_owned())
    );
    assert_eq!(mine.get("secrets"), None);
    let other = kit.get_with(&v(), "posts", &id, &query).await.unwrap();
    assert_eq!(
        (&other["tags"], &other["expand"]["tags"]),
        (&Json::Null, &Json::Null)
    );
    let listed = kit
        .list(&v(), "posts", &[("expand", "tags")])
        .await
        .unwrap();
    assert_eq!(json!(listed), json!([other]));
    // The answer of a write hides it as a read does.
    let merged = kit
        .merge(&v(), "posts", &id, json!({"title": "y"}))
        .await
        .unwrap();
    assert_eq!(merged["tags"], Json::Null);
    for filter in [
        format!("'{a}' in tags"),
        "size(tags) == 1".to_owned(),
        "tags.exists(t, true)".to_owned(),
        "!tags.exists(t, false)".to_owned(),
        format!("!('{U}' in tags)"),
    ] {
        assert_eq!(found(kit, &u(), &filter).await, ["y"], "{filter}");
        assert!(found(kit, &v(), &filter).await.is_empty(), "{filter}");
    }
    // The way back shows no more than the way there.
    let back = query_string(&[("expand", "posts_via_tags")]);
    for (asker, want) in [(u(), "y"), (v(), ""), (key(), "y")] {
        let read = kit.get_with(&asker, "tags", &a, &back).await.unwrap();
        assert_eq!(names(&read["expand"]["posts_via_tags"]), want);
        let query = [("filter", "posts_via_tags.exists(p, p.title == 'y')")];
        let found = kit.list(&asker, "tags", &query).await.unwrap();
        assert_eq!(found.len(), want.len());
    }
    // Hidden is absent.
    for (name, filter) in [
        ("posts", format!("'{a}' in secrets")),
        ("tags", "size(posts_via_secrets) == 1".to_owned()),
    ] {
        let query = [("filter", filter.as_str())];
        assert_eq!(
            code(kit.list(&u(), name, &query).await),
            Code::InvalidFilter
        );
        assert_eq!(kit.list(&key(), name, &query).await.unwrap().len(), 1);
    }
    for (name, id, expand) in [("posts", &id, "secrets"), ("tags", &a, "posts_via_secrets")] {
        let query = query_string(&[("expand", expand)]);
        assert_eq!(
            told(kit.get_with(&u(), name, id, &query).await),
            ["?expand unknown_field"]
        );
        assert!(kit.get_with(&key(), name, id, &query).await.is_ok());
    }
    let sent = kit.merge(&u(), "posts", &id, json!({"secrets": []})).await;
    assert_eq!(code(sent), Code::UnknownField);
}

async fn rules_look_through_lists(kit: &Kit) {
    add_user(kit, U, None).await;
    add_user(kit, V, None).await;
    let name = json!({"name": "name", "type": "text"});
    let members = json!({"name": "members", "type": "relation", "collection": "users", "multiple": true, "on_delete": "cascade"});
    kit.open("teams", json!([name, members])).await;
    let team = json!({"name": "team", "type": "relation", "collection": "teams"});
    let teams = json!({"name": "teams", "type": "relation", "collection": "teams", "multiple": true, "on_delete": "cascade"});
    let direct = "auth.id in team.members || teams.exists(t, auth.id in t.members)";
    let rules = json!({"list": direct, "view": direct, "create": direct, "update": direct, "delete": "collection('teams').exists(t, auth.id in t.members && t.name == 'own')"});
    let text = json!({"name": "text", "type": "text"});
    kit.collection(json!({"name": "files", "fields": [team, teams, text], "rules": rules}))
        .await;
    let own = kit
        .made("teams", json!({"name": "own", "members": [U]}))
        .await;
    let other = kit
        .made("teams", json!({"name": "other", "members": [V]}))
        .await;
    let mut ids = Vec::new();
    for (team, teams) in [
        (&own, json!([])),
        (&other, json!([])),
        (&other, json!([other, own])),
        (&other, json!([other])),
    ] {
        ids.push(
            kit.made("files", json!({"team": team, "teams": teams}))
                .await,
        );
    }
    let see = async |asker: &Asker| kit.values(asker, "files", "id", &[("sort", "id")]).await;
    assert_eq!(see(&u()).await, [json!(ids[0]), json!(ids[2])]);
    assert_eq!(
        see(&v()).await,
        [json!(ids[1]), json!(ids[2]), json!(ids[3])]
    );
    assert!(see(&anon()).await.is_empty());
    // A record that is not there yet is asked with the list that it would have.
    assert!(
        kit.create(&u(), "files", json!({"teams": [own]}))
            .await
            .is_ok()
    );
    for data in [
        json!({"teams": [other]}),
        json!({"teams": []}),
        json!({"team": other}),
    ] {
        assert_eq!(
            code(kit.create(&u(), "files", data).await),
            Code::RuleDenied
        );
    }
    // A change is asked of the record before and after.
    let give = json!({"teams": {"append": [other]}});
    assert!(kit.merge(&u(), "files", &ids[0], give).await.is_ok());
    let lose = json!({"teams": {"remove": [own]}});
    assert_eq!(
        code(kit.merge(&u(), "files", &ids[2], lose).await),
        Code::RuleDenied
    );
    assert_eq!(
        code(
            kit.merge(&u(), "files", &ids[3], json!({"text": "x"}))
                .await
        ),
        Code::RecordNotFound
    );
    assert_eq!(
        code(kit.delete(&v(), "files", &ids[3]).await),
        Code::RuleDenied
    );
    // Who leaves the team sees its files no more.
    kit.merge(&key(), "teams", &own, json!({"members": []}))
        .await
        .unwrap();
    assert!(see(&u()).await.is_empty());
    assert_eq!(pairs(kit, "teams_members").await, 1);
}

async fn reasons_are_told_through_lists(kit: &Kit) {
    let ([a, ..], [x, y, z]) = three(kit).await;
    add_user(kit, U, None).await;
    let rule = format!("'{a}' in tags && tags.all(t, t.posts_via_tags.exists(p, p.title == 'x'))");
    kit.rules("posts", json!({"view": rule})).await.unwrap();
    for (id, want) in [(&x, None), (&y, Some("tags.all")), (&z, Some("in tags"))] {
        let asked = json!({"action": "view", "record": id, "as": {"user": U}});
        let told = kit.try_explain(&key(), "posts", asked).await.unwrap();
        match want {
            None => assert_eq!(told["checks"][0]["answer"], "true", "{told}"),
            Some(part) => assert!(clause(&told)[0].as_str().unwrap().contains(part), "{told}"),
        }
    }
}

async fn rules_see_what_a_write_leaves(kit: &Kit) {
    add_user(kit, U, None).await;
    let members =
        json!({"name": "members", "type": "relation", "collection": "users", "multiple": true});
    let text = json!({"name": "text", "type": "text"});
    let mine = "auth.id in members";
    let rules = json!({"list": mine, "view": mine, "create": mine, "update": format!("auth.id in record.members && size(next.members) < 3"), "delete": mine});
    let rooms = json!({"name": "rooms", "fields": [members, text], "rules": rules});
    kit.collection(rooms).await;
    let me = U.to_string();
    let nobody = kit.create(&u(), "rooms", json!({"members": []})).await;
    assert_eq!(code(nobody), Code::RuleDenied);
    let room = kit
        .create(&u(), "rooms", json!({"members": [me]}))
        .await
        .unwrap();
    assert_eq!(room["members"], json!([me]));
    let other = kit.made("rooms", json!({"members": []})).await;
    let id = room["id"].as_str().unwrap();
    assert_eq!(
        kit.values(&u(), "rooms", "id", &[]).await,
        [room["id"].clone()]
    );
    assert_eq!(
        code(kit.get(&u(), "rooms", &other).await),
        Code::RecordNotFound
    );
    assert!(kit.list(&anon(), "rooms", &[]).await.unwrap().is_empty());
    let mut three = Vec::new();
    for n in 1..4 {
        let id = uuid::Uuid::from_u128(U.as_u128() + n);
        add_user(kit, id, None).await;
        three.push(id.to_string());
    }
    let crowd = json!({"members": {"append": three}});
    assert_eq!(
        code(kit.merge(&u(), "rooms", id, crowd).await),
        Code::RuleDenied
    );
    let one = json!({"members": {"append": [three[0]]}});
    let merged = kit.merge(&u(), "rooms", id, one).await.unwrap();
    assert_eq!(merged["members"], json!([me, three[0]]));
    // Whoever leaves sees no more of it than that.
    let left = kit
        .merge(&u(), "rooms", id, json!({"members": {"remove": [me]}}))
        .await;
    assert_eq!(left.unwrap(), json!({"id": id, "_version": 3}));
    let query = query_string(&[("filter", "size(members) == 1")]);
    assert_eq!(
        kit.page(&key(), "rooms", &query).await.unwrap().docs.len(),
        1
    );
}
