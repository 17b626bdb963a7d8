//! Relations to many as they are asked: filters through them, and what comes along, the same on both engines.

use crate::joins::{posts, told};
use crate::kit::{Kit, anon, both, code, object, query_string};
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
);

/// Titles that a filter finds, in their order.
pub async fn found(kit: &Kit, asker: &Asker, filter: &str) -> Vec<String> {
    let query = [("filter", filter), ("sort", "title")];
    let titles = kit.values(asker, "posts", "title", &query).await;
    let titles = titles.iter().map(|t| t.as_str().unwrap().to_owned());
    titles.collect()
}

/// Posts x with a and b, y with c, a and b, z with nothing.
pub async fn three(kit: &Kit) -> ([String; 4], [String; 3]) {
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

pub fn names(page: &Json) -> String {
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
