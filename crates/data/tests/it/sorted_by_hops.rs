//! Sorting by a field of what a relation points to: the order, its pages, and what guards it.

use crate::kit::{Kit, anon, both, code, key, query_string, u};
use kernel::Code;
use serde_json::{Value as Json, json};

both!(
    pages_follow_the_order,
    what_may_not_be_listed_has_no_place,
    paths_are_checked
);

/// Books of authors whose names and ages repeat and are missing, some without an author.
async fn books(kit: &Kit) {
    kit.open("authors", json!([{"name": "name", "type": "text"}, {"name": "age", "type": "number", "format": "integer"}, {"name": "open", "type": "bool"}, {"name": "secret", "type": "text", "hidden": true}])).await;
    kit.open("books", json!([{"name": "title", "type": "text"}, {"name": "author", "type": "relation", "collection": "authors"}, {"name": "editor", "type": "relation", "collection": "authors"}, {"name": "hidden_one", "type": "relation", "collection": "authors", "hidden": true}])).await;
    let mut authors = Vec::new();
    for i in 0..7_u32 {
        let name = ["ada", "bob", "ada", "", "cleo", "dora", "bob"][i as usize];
        let name = if i == 3 { Json::Null } else { json!(name) };
        let age = if i % 3 == 2 { Json::Null } else { json!(i % 2) };
        let author = json!({"name": name, "age": age, "open": i % 2 == 0, "secret": "s"});
        authors.push(kit.made("authors", author).await);
    }
    for i in 0..40_usize {
        let author = if i % 8 == 7 {
            Json::Null
        } else {
            json!(authors[i % 8])
        };
        let editor = if i % 5 == 4 {
            Json::Null
        } else {
            json!(authors[i % 5])
        };
        let title = if i % 6 == 0 {
            Json::Null
        } else {
            json!(format!("t{}", i % 4))
        };
        kit.made(
            "books",
            json!({"title": title, "author": author, "editor": editor}),
        )
        .await;
    }
}

async fn walk(kit: &Kit, asker: &data::Asker, sort: &str, limit: &str) -> Vec<Json> {
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![
            ("sort", sort),
            ("limit", limit),
            ("expand", "author,editor"),
        ];
        query.extend(cursor.as_deref().map(|c| ("cursor", c)));
        let page = kit
            .page(asker, "books", &query_string(&query))
            .await
            .unwrap();
        all.extend(
            page.docs
                .iter()
                .map(|d| serde_json::from_str::<Json>(&d.json).unwrap()),
        );
        cursor = page.next_cursor;
        if cursor.is_none() {
            return all;
        }
        assert!(all.len() < 100, "this does not end");
    }
}

/// The value that a key of a sort has in a book, comparable: nulls first.
fn value(book: &Json, key: &str) -> String {
    let value = match key.split_once('.') {
        Some((by, field)) => &book["expand"][by][field],
        None => &book[key],
    };
    if value.is_null() {
        String::new()
    } else {
        format!("!{value}")
    }
}

async fn pages_follow_the_order(kit: &Kit) {
    books(kit).await;
    for sort in [
        "author.name",
        "-author.name",
        "author.name,-title",
        "-author.name,title,editor.age",
        "-author.age,-editor.name,-title",
        "author.age,author.name,id",
        "title,-author.name,-id",
        "-title,author.name",
    ] {
        let whole = walk(kit, &key(), sort, "1000").await;
        assert_eq!(whole.len(), 40);
        let keys: Vec<(bool, &str)> = sort
            .split(',')
            .map(|k| k.strip_prefix('-').map_or((false, k), |k| (true, k)))
            .collect();
        let down = keys.last().unwrap().0;
        let mut sorted = whole.clone();
        sorted.sort_by(|a, b| {
            let by = |name: &str, down: bool| {
                let order = value(a, name).cmp(&value(b, name));
                if down { order.reverse() } else { order }
            };
            keys.iter()
                .map(|(down, name)| by(name, *down))
                .chain([by("id", down)])
                .find(|o| o.is_ne())
                .unwrap_or(std::cmp::Ordering::Equal)
        });
        let ids = |books: &[Json]| -> Vec<Json> { books.iter().map(|b| b["id"].clone()).collect() };
        assert_eq!(ids(&whole), ids(&sorted), "{sort}");
        for limit in ["1", "7", "39"] {
            assert_eq!(
                ids(&walk(kit, &key(), sort, limit).await),
                ids(&whole),
                "{sort} {limit}"
            );
        }
    }
    let filter = [
        ("sort", "author.name"),
        ("filter", "author.name == 'bob'"),
        ("count", "exact"),
    ];
    let page = kit
        .page(&anon(), "books", &query_string(&filter))
        .await
        .unwrap();
    assert_eq!((page.docs.len(), page.total), (10, Some(10)));
}

/// The order tells nothing of an author that the caller may not list: such a book stands where one without author does.
async fn what_may_not_be_listed_has_no_place(kit: &Kit) {
    books(kit).await;
    kit.rules("authors", json!({"list": "open && auth.id != null"}))
        .await
        .unwrap();
    for asker in [u(), anon()] {
        for sort in ["author.name", "-author.name"] {
            let whole = walk(kit, &asker, sort, "1000").await;
            let names: Vec<String> = whole.iter().map(|b| value(b, "author.name")).collect();
            let mut sorted = names.clone();
            sorted.sort();
            if sort.starts_with('-') {
                sorted.reverse();
            }
            assert_eq!(names, sorted);
            assert_eq!(walk(kit, &asker, sort, "3").await, whole);
        }
    }
    // Behind a closed rule no order is left but that of the ids.
    kit.rules("authors", json!({"list": null})).await.unwrap();
    let by_id = walk(kit, &anon(), "id", "1000").await;
    assert_eq!(walk(kit, &anon(), "author.name", "7").await, by_id);
}

async fn paths_are_checked(kit: &Kit) {
    books(kit).await;
    for sort in [
        "author.secret",
        "author.nothing",
        "author.",
        ".name",
        "author.name.length",
        "title.name",
        "nothing.name",
        "hidden_one.name",
        "books_via_author.title",
        "author.name,author.name",
        "author.name,-author.name",
    ] {
        let got = kit.list(&anon(), "books", &[("sort", sort)]).await;
        assert_eq!(code(got), Code::InvalidSort, "{sort}");
    }
    let told = async |name: &str| {
        let sort = format!("author.{name}");
        let problem = kit
            .list(&anon(), "books", &[("sort", &sort)])
            .await
            .unwrap_err();
        format!("{problem:?}").replace(name, "?")
    };
    assert_eq!(told("secret").await, told("nought").await);
    let problem = kit
        .list(&anon(), "books", &[("sort", "author.team.name")])
        .await
        .unwrap_err();
    assert!(
        format!("{problem:?}").contains("one relation at most"),
        "{problem:?}"
    );
    kit.list(
        &key(),
        "books",
        &[("sort", "author.secret,hidden_one.name")],
    )
    .await
    .unwrap();
}
