//! What an answer depends on beside the row and the caller.

use crate::kit::rule;
use rules::Reach;

fn reach(collections: &[&str], time: bool, request: bool) -> Reach {
    Reach {
        collections: collections.iter().map(|c| (*c).to_owned()).collect(),
        time,
        request,
    }
}

#[test]
fn everything_a_text_looks_at_is_told() {
    let cases: [(&str, Reach); 19] = [
        ("owner == auth.id && published", reach(&[], false, false)),
        ("author.active", reach(&["users"], false, false)),
        (
            "!(title == 'x' || author.name == title)",
            reach(&["users"], false, false),
        ),
        ("author == null", reach(&[], false, false)),
        (
            "comments_via_post.exists(c, c.hidden)",
            reach(&["comments"], false, false),
        ),
        (
            "comments_via_post.all(c, c.author.active)",
            reach(&["comments", "users"], false, false),
        ),
        (
            "size(comments_via_post) > 2",
            reach(&["comments"], false, false),
        ),
        (
            "published ? size(collection('users')) < 3 : true",
            reach(&["users"], false, false),
        ),
        (
            "collection('users').exists(u, u.id == auth.id && collection('posts').exists(p, p.owner == u.id))",
            reach(&["posts", "users"], false, false),
        ),
        (
            "(size(collection('comments')) > 1) == published",
            reach(&["comments"], false, false),
        ),
        (
            "n + size(comments_via_post) > 2",
            reach(&["comments"], false, false),
        ),
        (
            "readers.exists(r, r.active)",
            reach(&["users"], false, false),
        ),
        ("auth.id in readers", reach(&[], false, false)),
        (
            "auth.id in author.friends && author.posts_via_readers.exists(p, p.n > 1)",
            reach(&["posts", "users"], false, false),
        ),
        ("created_at < now", reach(&[], true, false)),
        (
            "created_at > request.time - duration('1h')",
            reach(&[], true, false),
        ),
        (
            "comments_via_post.exists(c, c.post.created_at < now)",
            reach(&["comments", "posts"], true, false),
        ),
        (
            "request.query.token == title || request.method == 'GET'",
            reach(&[], false, true),
        ),
        (
            "request.ip_network in ['10.0.0.1'] || title in auth.roles",
            reach(&[], false, true),
        ),
    ];
    for (text, want) in cases {
        assert_eq!(rule(text, "posts").reach(), want, "{text}");
    }
    let mut both = reach(&["a"], false, true);
    both.add(&reach(&["b"], true, false));
    assert_eq!(both, reach(&["a", "b"], true, true));
}
