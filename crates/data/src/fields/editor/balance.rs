//! HTML made well-formed, tag by tag and in one pass, before it is parsed: a parser of HTML repairs what is not, and
//! opens again whatever was left open, which takes time and room that grow with the square of the text.

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use std::cell::RefCell;

/// Elements within each other at most; deeper tags are left out, their text stays.
const DEPTH_MAX: usize = 100;

/// Elements without an end.
const VOID: &[&str] = &["area", "br", "col", "hr", "img", "wbr"];
/// Elements that end a paragraph.
const BLOCKS: &[&str] = &[
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "li",
    "nav",
    "ol",
    "p",
    "pre",
    "summary",
    "table",
    "ul",
];
/// Elements beyond which nothing is ended from within.
const WALLS: &[&str] = &["caption", "table", "td", "th"];

/// The same text with every element that is known to `allowed` ended in the place where a reader takes it to end.
/// Other tags, comments, scripts and style sheets are left out.
pub(super) fn balanced(html: &str, allowed: fn(&str) -> bool) -> String {
    let sink = Sink {
        allowed,
        state: RefCell::default(),
    };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    // It stops before the end only where the sink asks for it.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    let mut state = tokenizer.sink.state.take();
    state.close_to(0);
    state.out
}

struct Sink {
    allowed: fn(&str) -> bool,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    out: String,
    /// The elements that are open, outermost first.
    open: Vec<String>,
    /// The element whose text is left out.
    skipped: Option<String>,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::CharacterTokens(text) if state.skipped.is_none() => {
                escape(&mut state.out, &text)
            }
            Token::TagToken(tag) => match tag.kind {
                TagKind::StartTag => {
                    let name = &*tag.name;
                    if matches!(name, "script" | "style") {
                        state.skipped = Some(name.to_owned());
                        return TokenSinkResult::RawData(RawKind::Rawtext);
                    }
                    if state.skipped.is_none() && (self.allowed)(name) {
                        state.start(&tag);
                    }
                }
                TagKind::EndTag => state.end(&tag.name),
            },
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

impl State {
    fn start(&mut self, tag: &Tag) {
        let name = &*tag.name;
        if BLOCKS.contains(&name) {
            self.close(&["p"], WALLS);
        }
        match name {
            "li" => self.close(&["li"], &["ul", "ol", "table", "td", "th"]),
            "dd" | "dt" => self.close(&["dd", "dt"], &["dl", "table", "td", "th"]),
            "td" | "th" => self.close(&["td", "th"], &["tr", "table"]),
            "tr" => self.close(&["tr"], &["table"]),
            "tbody" | "thead" => self.close(&["tbody", "thead", "caption"], &["table"]),
            "a" => self.close(&["a"], WALLS),
            _ => {}
        }
        let is_void = VOID.contains(&name);
        if !is_void && self.open.len() >= DEPTH_MAX {
            return;
        }
        self.out.push('<');
        self.out.push_str(name);
        for attribute in &tag.attrs {
            self.out.push(' ');
            self.out.push_str(&attribute.name.local);
            self.out.push_str("=\"");
            escape(&mut self.out, &attribute.value);
            self.out.push('"');
        }
        self.out.push('>');
        if !is_void {
            self.open.push(name.to_owned());
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(skipped) = &self.skipped {
            if skipped == name {
                self.skipped = None;
            }
            return;
        }
        let walls = if ["table", "td", "th", "tr", "tbody", "thead", "caption"].contains(&name) {
            &["table"]
        } else {
            WALLS
        };
        self.close(&[name], walls);
    }

    /// Ends the innermost element of one of these names with all that is within it, unless a wall stands before it.
    fn close(&mut self, names: &[&str], walls: &[&str]) {
        for (i, open) in self.open.iter().enumerate().rev() {
            if names.contains(&open.as_str()) {
                return self.close_to(i);
            }
            if walls.contains(&open.as_str()) {
                return;
            }
        }
    }

    fn close_to(&mut self, depth: usize) {
        for name in self.open.drain(depth..).rev() {
            self.out.push_str("</");
            self.out.push_str(&name);
            self.out.push('>');
        }
    }
}

fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}
