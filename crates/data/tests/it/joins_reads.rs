//! Relations to many as they are asked: filters and rules through them, and what comes along, the same on both engines.

use crate::explain::clause;
use crate::joins::{pairs, posts, tags, told};
use crate::kit::{Kit, U, V, add_user, anon, both, code, key, object, query_string, u, v};
use data::Asker;
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    filters_look_into_lists,
    hops_go_through_lists,
    what_a_list_names_comes_along,
    who_lists_a_record_comes_along,
    pages_go_on_behind_an_expansion,
    each_list_is_one_statement,
    rules_hold_behind_a_list,
    read_rules_hide_lists,
    rules_look_through_lists,
    reasons_are_told_through_lists,
);

/// Titles that a filter finds, in their order.
async fn found(kit: &Kit, asker: &Asker, filter: &str) -> Vec<String> {
    let query = [("filter", filter), ("sort", "title")];
    let titles = kit.values(asker, "posts", "title", &query).await;
    let titles = titles.iter().map(|t| t.as_str().unwrap().to_owned());
    titles.collect()
}

/// Posts x with a and b, y with c, a and b, z with nothing.
async fn three(kit: &Kit) -> ([String; 4], [String; 3]) {
    let ids = posts(kit, json!({})).await;
    let [a, b, c, _] = &ids;
    let x = kit
        .made("posts", json!({"title": "x", "tags": [b, a]}))
        .await;
    let y = kit
        .made("posts", json!({"title": "y", "tags": [c, a, b]}))
        .await;
    let z = kit.made("posts", json!({"title": "z"})).await;
    (ids, [x, y, z])
}

async fn filters_look_into_lists(kit: &Kit) {
    let ([a, b, c, d], _) = three(kit).await;
    for (filter, want) in [
        (format!("'{a}' in tags"), "xy"),
        (format!("'{}' in tags", c.to_uppercase()), "y"),
        (format!("'{d}' in tags"), ""),
        (format!("!('{c}' in tags)"), "xz"),
        ("size(tags) == 2".to_owned(), "x"),
        ("size(tags) == 0".to_owned(), "z"),
        ("tags.exists(t, t.name == 'c')".to_owned(), "y"),
        ("!tags.exists(t, t.name == 'c')".to_owned(), "xz"),
        ("tags.all(t, t.name != 'c')".to_owned(), "xz"),
        ("tags.exists_one(t, t.name < 'c')".to_owned(), ""),
        ("tags.exists_one(t, t.name == 'b')".to_owned(), "xy"),
        (
            format!("tags.exists(t, t.id == '{b}') && title != 'y'"),
            "x",
        ),
        (
            "tags.exists(t, t.posts_via_tags.exists(p, p.title == 'y'))".to_owned(),
            "xy",
        ),
        (
            "tags.exists(t, size(t.posts_via_tags) == 1)".to_owned(),
            "y",
        ),
    ] {
        let found = found(kit, &anon(), &filter).await.concat();
        assert_eq!(found, want, "{filter}");
    }
    let names = async |filter: &str| {
        let names = kit
            .values(
                &anon(),
                "tags",
                "name",
                &[("filter", filter), ("sort", "name")],
            )
            .await;
        names.iter().filter_map(Json::as_str).collect::<String>()
    };
    for (filter, want) in [
        ("posts_via_tags.exists(p, p.title == 'y')", "abc"),
        ("posts_via_tags.exists_one(p, p.title < 'z')", "c"),
        ("posts_via_tags.all(p, p.title == 'y')", "cd"),
        ("size(posts_via_tags) == 0", "d"),
        ("size(posts_via_tags) == 2", "ab"),
    ] {
        assert_eq!(names(filter).await, want, "{filter}");
    }
    // Parameters, and what a list is not.
    let params = json!({"filter": "params.tag in tags", "params": {"tag": c}});
    let query = data::Query::parse_body(object(params)).unwrap();
    let page = kit.data.list(&kit.project, &anon(), "posts", &query).await;
    assert_eq!(page.unwrap().docs.len(), 1);
    for filter in [
        "tags == null",
        "tags.name == 'a'",
        "tags == 'a'",
        "1 in tags",
        "has(tags)",
    ] {
        let refused = kit.list(&anon(), "posts", &[("filter", filter)]).await;
        assert_eq!(code(refused), Code::InvalidFilter, "{filter}");
    }
}

async fn hops_go_through_lists(kit: &Kit) {
    let ([a, b, _, d], [x, y, _]) = three(kit).await;
    let post = json!({"name": "post", "type": "relation", "collection": "posts"});
    kit.open("notes", json!([post, {"name": "n", "type": "number"}]))
        .await;
    for (n, post) in [(1, &x), (2, &y)] {
        kit.made("notes", json!({"post": post, "n": n})).await;
    }
    kit.made("notes", json!({"n": 3})).await;
    for (filter, want) in [
        (format!("'{a}' in post.tags"), vec![1, 2]),
        ("post.tags.exists(t, t.name == 'c')".to_owned(), vec![2]),
        ("size(post.tags) == 2".to_owned(), vec![1]),
        (format!("!('{d}' in post.tags)"), vec![1, 2]),
        ("post.tags.all(t, t.name != 'c')".to_owned(), vec![1]),
    ] {
        let query = [("filter", filter.as_str()), ("sort", "n")];
        let found = kit.values(&anon(), "notes", "n", &query).await;
        assert_eq!(json!(found), json!(want), "{filter}");
    }
    // A list of the collection's own records, forth and back.
    let near = json!({"name": "near", "type": "relation", "collection": "tags", "multiple": true});
    kit.change("tags", json!({"fields": {"add": [near]}}))
        .await
        .unwrap();
    kit.merge(&anon(), "tags", &a, json!({"near": [b, a]}))
        .await
        .unwrap();
    kit.merge(&anon(), "tags", &b, json!({"near": [d]}))
        .await
        .unwrap();
    let names = async |filter: &str| {
        let names = kit
            .values(
                &anon(),
                "tags",
                "name",
                &[("filter", filter), ("sort", "name")],
            )
            .await;
        names.iter().filter_map(Json::as_str).collect::<String>()
    };
    assert_eq!(names("id in near").await, "a");
    assert_eq!(names("tags_via_near.exists(t, t.name == 'a')").await, "ab");
    assert_eq!(
        names("near.exists(t, t.near.exists(s, s.name == 'd'))").await,
        "a"
    );
}

fn names(page: &Json) -> String {
    let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
    let name = |i: &Json| {
        i["name"]
            .as_str()
            .or(i["title"].as_str())
            .unwrap()
            .to_owned()
    };
    items.iter().map(name).collect()
}

async fn what_a_list_names_comes_along(kit: &Kit) {
    let (_, [x, y, z]) = three(kit).await;
    let expand = async |id: &str, expand: &str| {
        let query = query_string(&[("expand", expand)]);
        let read = kit.get_with(&anon(), "posts", id, &query).await.unwrap();
        read["expand"]["tags"].clone()
    };
    let page = expand(&x, "tags").await;
    assert_eq!(names(&page), "ba");
    assert_eq!(page["next_cursor"], Json::Null);
    assert_eq!(names(&expand(&y, "tags").await), "cab");
    assert_eq!(
        expand(&z, "tags").await,
        json!({"items": [], "next_cursor": null})
    );
    for (options, want) in [
        ("tags(limit:2)", "ca"),
        ("tags(sort:name)", "abc"),
        ("tags(sort:-name,limit:2)", "cb"),
        ("tags(filter:name != 'a')", "cb"),
        ("tags(filter:name in ['b','c'],limit:1)", "c"),
    ] {
        assert_eq!(names(&expand(&y, options).await), want, "{options}");
    }
    let fields = expand(&y, "tags(fields:name,limit:1)").await;
    assert_eq!(fields["items"], json!([{"name": "c"}]));
    // Of a list each record has its own, in its own order; the body takes the same.
    let body = json!({"sort": "title", "expand": {"tags": {"limit": 2, "expand": {"posts_via_tags": {"fields": ["title"], "sort": "title"}}}}});
    let query = data::Query::parse_body(object(body)).unwrap();
    let page = kit
        .data
        .list(&kit.project, &anon(), "posts", &query)
        .await
        .unwrap();
    let page: Json = serde_json::from_str(&page.json()).unwrap();
    let lists: Vec<String> = (0..3)
        .map(|i| names(&page["items"][i]["expand"]["tags"]))
        .collect();
    assert_eq!(lists, ["ba", "ca", ""]);
    let back = &page["items"][1]["expand"]["tags"]["items"][0]["expand"]["posts_via_tags"];
    assert_eq!(back["items"], json!([{"title": "y"}]));
    // Four hops, and no more.
    let deep = "tags.posts_via_tags.tags.posts_via_tags";
    let read = expand(&x, deep).await;
    let inner = &read["items"][0]["expand"]["posts_via_tags"]["items"][0]["expand"]["tags"];
    assert_eq!(names(inner), "ba");
    let deeper = query_string(&[("expand", &format!("{deep}.tags"))]);
    assert_eq!(
        told(kit.get_with(&anon(), "posts", &x, &deeper).await),
        ["?expand too_deep"]
    );
}

async fn who_lists_a_record_comes_along(kit: &Kit) {
    let ([a, _, _, d], _) = three(kit).await;
    let expand = async |id: &str, expand: &str| {
        let query = query_string(&[("expand", expand)]);
        let read = kit.get_with(&anon(), "tags", id, &query).await.unwrap();
        read["expand"]["posts_via_tags"].clone()
    };
    assert_eq!(
        names(&expand(&a, "posts_via_tags(sort:-title)").await),
        "yx"
    );
    let empty = expand(&d, "posts_via_tags").await;
    assert_eq!(empty, json!({"items": [], "next_cursor": null}));
    let along = expand(&a, "posts_via_tags(sort:title,expand:tags(sort:name))").await;
    assert_eq!(names(&along["items"][1]["expand"]["tags"]), "abc");
}

/// The cursor of an expansion goes on in a list.
async fn pages_go_on_behind_an_expansion(kit: &Kit) {
    let ([a, _, _, _], [_, y, _]) = three(kit).await;
    let query = query_string(&[("expand", "posts_via_tags(sort:title,limit:1)")]);
    let read = kit.get_with(&anon(), "tags", &a, &query).await.unwrap();
    let page = &read["expand"]["posts_via_tags"];
    let filter = format!("\"{a}\" in tags");
    let rest = [
        ("filter", filter.as_str()),
        ("sort", "title"),
        ("cursor", page["next_cursor"].as_str().unwrap()),
    ];
    assert_eq!(
        kit.values(&anon(), "posts", "title", &rest).await,
        [json!("y")]
    );
    let query = query_string(&[("expand", "tags(sort:name,limit:1,filter:name != 'b')")]);
    let read = kit.get_with(&anon(), "posts", &y, &query).await.unwrap();
    let page = &read["expand"]["tags"];
    assert_eq!(names(page), "a");
    let filter = format!("posts_via_tags.exists(r, r.id == \"{y}\") && (name != 'b')");
    let rest = [
        ("filter", filter.as_str()),
        ("sort", "name"),
        ("cursor", page["next_cursor"].as_str().unwrap()),
    ];
    assert_eq!(
        kit.values(&anon(), "tags", "name", &rest).await,
        [json!("c")]
    );
}

async fn each_list_is_one_statement(kit: &Kit) {
    let (_, [x, ..]) = three(kit).await;
    for (expand, want) in [
        ("", 1),
        ("tags", 2),
        ("tags.posts_via_tags", 3),
        ("tags.posts_via_tags.tags", 4),
        ("tags.posts_via_tags.tags.posts_via_tags", 5),
    ] {
        let query = query_string(&[("expand", expand)]);
        let mut least = u64::MAX;
        for _ in 0..5 {
            let before = kit.db.read_count();
            kit.page(&anon(), "posts", &query).await.unwrap();
            least = least.min(kit.db.read_count() - before);
        }
        assert_eq!(least, want, "{expand}");
    }
    assert!(kit.get(&anon(), "posts", &x).await.is_ok());
}

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
    assert_eq!(listed, [other.clone()]);
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
