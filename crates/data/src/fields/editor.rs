//! The type `editor`: HTML that is sanitised when it is written, so that whoever shows it need not.

mod balance;

use super::{Fault, text};
use ammonia::Builder;
use balance::balanced;
use gate::Input;
use sea_orm::Value;
use serde_json::{Map, Value as Json, json};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Code points of an editor's HTML when the field names no `max`.
const MAX_DEFAULT: usize = 50_000;
/// Code points of HTML at most, as it is sent and as it is kept.
const MAX: usize = 200_000;

/// Formatting, headings, lists, tables, pictures and links. No script, style, form or frame, no event handler, no `id`
/// or `class` that could meet those of the page, and no address but of the web and of mail.
static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder
        .url_schemes(HashSet::from(["https", "http", "mailto", "tel"]))
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

fn is_allowed(tag: &str) -> bool {
    TAGS.contains(tag)
}

static TAGS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| Builder::default().clone_tags());

/// The options of an editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editor {
    /// Code points at most, of what is left after sanitising.
    pub max: usize,
}

impl Editor {
    pub(super) fn parse(input: &mut Input) -> Self {
        Self {
            max: text::count(input, "max", MAX).unwrap_or(MAX_DEFAULT),
        }
    }

    pub(super) fn describe(&self, into: &mut Map<String, Json>) {
        into.insert("max".to_owned(), self.max.into());
    }

    pub(super) fn value(&self, json: &Json) -> Result<Value, Fault> {
        let html = text::plain(json)?;
        // What is taken away counts too, up to a bound: sanitising has its price.
        text::demand_length(html, 0, MAX)?;
        let clean = SANITISER.clean(&balanced(html, is_allowed)).to_string();
        text::demand_length(&clean, 0, self.max)?;
        Ok(Value::String(Some(clean)))
    }

    pub(super) fn schema(&self) -> Json {
        json!({"type": "string", "maxLength": self.max, "contentMediaType": "text/html",
               "description": "HTML; what could run or deceive is taken out when it is written."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(html: &str) -> String {
        let value = Editor { max: MAX }.value(&json!(html));
        match value.unwrap() {
            Value::String(Some(clean)) => clean,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_authors_write_stays() {
        let link = "rel=\"noopener noreferrer nofollow\"";
        for (html, want) in [
            ("plain & <b>bold</b>", "plain &amp; <b>bold</b>".to_owned()),
            ("<p>one<p>two", "<p>one</p><p>two</p>".to_owned()),
            (
                "<ul><li>a<li>b</ul>",
                "<ul><li>a</li><li>b</li></ul>".to_owned(),
            ),
            (
                "<a href=\"https://a.example/?b=1&amp;c\">x</a>",
                format!("<a href=\"https://a.example/?b=1&amp;c\" {link}>x</a>"),
            ),
            (
                "<table><tr><td>1<td>2<tr><td>3</table>",
                "<table><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></tbody></table>"
                    .to_owned(),
            ),
            ("<b><i>x</b>y</i>", "<b><i>x</i></b>y".to_owned()),
            (
                "a<br>b<img src=\"https://a.example/x.png\" alt=\"x\">",
                "a<br>b<img src=\"https://a.example/x.png\" alt=\"x\">".to_owned(),
            ),
            ("\u{1F600} \"q\" 'q'", "\u{1F600} \"q\" 'q'".to_owned()),
        ] {
            let got = clean(html);
            assert_eq!(got, want);
            // Written again, as editors do, it stays.
            assert_eq!(clean(&got), got);
        }
    }

    #[test]
    fn nothing_that_runs_is_left() {
        for html in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<a href=javascript:alert(1)>x</a>",
            "<a href=\" java&#x09;script:alert(1)\">x</a>",
            "<svg onload=alert(1)>",
            "<svg><script>alert(1)</script></svg>",
            "<math><mi xlink:href=\"javascript:alert(1)\">",
            "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
            "<style>@import 'javascript:alert(1)'</style>",
            "<b style=\"background:url(javascript:alert(1))\">x</b>",
            "<form action=javascript:alert(1)><button>x</button></form>",
            "<base href=javascript:alert(1)//>",
            "<noscript><p class=\"</noscript><img src=x onerror=alert(1)>\">",
            "<b onclick=alert(1)>x</b>",
            "<textarea><img src=x onerror=alert(1)></textarea>",
            "<template><script>alert(1)</script></template>",
            "<scr<script>ipt>alert(1)</script>",
            "<!--><script>alert(1)</script>-->",
            "<a href=data:text/html,alert(1)>x</a>",
            "<img src=javascript:alert(1)>",
            "<div id=a class=b name=c>x</div>",
            "<object data=javascript:alert(1)>",
            "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
            "<title><img src=x onerror=alert(1)></title>",
        ] {
            let got = clean(html).to_ascii_lowercase();
            let hostile = [
                "<script",
                "<svg",
                "<iframe",
                "<style",
                "<form",
                "<base",
                "<object",
                "<math",
                "<template",
            ];
            assert!(!hostile.iter().any(|h| got.contains(h)), "{html} {got}");
            // Within a tag nothing names a script; as text it may stand.
            for tag in got
                .split('<')
                .skip(1)
                .filter_map(|t| t.split_once('>'))
                .map(|(tag, _)| tag)
            {
                for word in [
                    "on",
                    "javascript",
                    "data:",
                    "style",
                    "id=",
                    "class=",
                    "srcdoc",
                ] {
                    assert!(
                        !tag.split(' ')
                            .skip(1)
                            .any(|a| a.starts_with(word) || a.contains(":alert")),
                        "{html} {got}"
                    );
                }
            }
        }
    }

    #[test]
    fn hostile_nesting_takes_no_longer_than_text() {
        const SIZE: usize = 30_000;
        let mut distinct = String::new();
        while distinct.len() < SIZE {
            distinct.push_str(&format!("<b title={}><p>", distinct.len()));
        }
        let repeated = [
            "<b><div></b>",
            "<div>",
            "<i><b><u><div>",
            "<b></p>",
            "<ul><li>",
            "<table><a>",
            "<p><b>",
            "<a><p>",
            "</p>",
            "<table><b>",
            "<table><tr><td><b>x</table>",
            "<b>x<table>",
            "<p><b>x<div>y</div>",
            "<ruby><rt><b>",
        ];
        let all = repeated.map(|part| part.repeat(SIZE / part.len()));
        for html in all.iter().chain([&distinct]) {
            let clean = SANITISER.clean(&balanced(html, is_allowed)).to_string();
            assert!(clean.len() < 20 * SIZE, "{} {}", &html[..30], clean.len());
        }
    }
}
