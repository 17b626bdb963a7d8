//! The limits of a text, and the count before parsing that keeps hostile texts away from the
//! parser: the parser recurses, and a stack overflow ends the process.

use crate::error::{RuleError, Span};

/// Characters in one text.
pub const TEXT_CHARS_MAX: usize = 3_500;
/// Nesting, of brackets before parsing and of the tree after.
pub const DEPTH_MAX: usize = 16;
/// Nodes of the tree; constants in a list count as items instead.
pub const NODES_MAX: usize = 200;
/// Items of one list written in the text.
pub const LIST_ITEMS_MAX: usize = 100;
/// Items of one list that comes as a parameter.
pub const LIST_PARAM_ITEMS_MAX: usize = 10_000;
/// Steps from row to row, counted through paths and macros: `author.team.name` takes two.
pub const HOPS_MAX: usize = 4;
/// Conditions in the compiled SQL. `?:` and comparisons of conditions write their parts twice,
/// and guards of hops are compiled in, so that a short text could become a huge statement.
pub const SIZE_MAX: u64 = 4_000;

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`TEXT_CHARS_MAX`].
    Characters,
    /// [`DEPTH_MAX`].
    Depth,
    /// [`NODES_MAX`].
    Nodes,
    /// [`LIST_ITEMS_MAX`].
    ListItems,
    /// [`LIST_PARAM_ITEMS_MAX`].
    ListParamItems,
    /// [`HOPS_MAX`].
    Hops,
    /// [`SIZE_MAX`].
    Size,
}

impl Limit {
    /// The name a client can rely on.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Characters => "characters",
            Self::Depth => "depth",
            Self::Nodes => "nodes",
            Self::ListItems => "list_items",
            Self::ListParamItems => "list_param_items",
            Self::Hops => "hops",
            Self::Size => "size",
        }
    }

    /// The greatest value allowed.
    #[must_use]
    pub fn max(self) -> u64 {
        match self {
            Self::Characters => TEXT_CHARS_MAX as u64,
            Self::Depth => DEPTH_MAX as u64,
            Self::Nodes => NODES_MAX as u64,
            Self::ListItems => LIST_ITEMS_MAX as u64,
            Self::ListParamItems => LIST_PARAM_ITEMS_MAX as u64,
            Self::Hops => HOPS_MAX as u64,
            Self::Size => SIZE_MAX,
        }
    }

    pub(crate) fn sentence(self) -> String {
        let (name, max) = (self.name(), self.max());
        match self {
            Self::Characters => format!("the text is longer than the limit `{name}` of {max}"),
            Self::Depth => format!("this is nested deeper than the limit `{name}` of {max}"),
            Self::Nodes => format!("the text has more parts than the limit `{name}` of {max}"),
            Self::ListItems => {
                format!("the list has more items than the limit `{name}` of {max}")
            }
            Self::ListParamItems => {
                format!("the list parameter has more items than the limit `{name}` of {max}")
            }
            Self::Hops => {
                format!("this path takes more steps than the limit `{name}` of {max}")
            }
            Self::Size => format!("the compiled text is larger than the limit `{name}` of {max}"),
        }
    }
}

/// Refuses what the parser should never see. It reads strings and comments as the grammar does,
/// but it need not be exact: the parser runs on a stack that holds any text of the maximal
/// length, so this is about a clear message, and speed.
pub(crate) fn check_text(text: &str) -> Result<(), RuleError> {
    let length = text.chars().take(TEXT_CHARS_MAX + 1).count();
    if length > TEXT_CHARS_MAX {
        return Err(RuleError::limit(
            Limit::Characters,
            Span::new(TEXT_CHARS_MAX, length),
        ));
    }
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut nesting = 0usize;
    let mut operators = 0usize;
    while let Some(&c) = chars.get(at) {
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let step = match c {
            '"' | '\'' => end_of_string(&chars, at) - at,
            '/' if next == '/' => end_of_line(&chars, at) - at,
            '&' | '|' | '=' | '!' | '<' | '>' if next == '=' || (next == c && c != '!') => 2,
            _ => 1,
        };
        match c {
            '(' | '[' | '{' => nesting += 1,
            ')' | ']' | '}' => nesting = nesting.saturating_sub(1),
            '/' if next == '/' => {}
            '-' | '.' if next.is_ascii_digit() => {}
            '!' | '-' | '+' | '*' | '/' | '%' | '<' | '>' | '=' | '&' | '|' | '?' | '.' => {
                operators += 1;
            }
            _ => {}
        }
        if nesting > DEPTH_MAX {
            return Err(RuleError::limit(Limit::Depth, Span::new(at, at + 1)));
        }
        if operators > NODES_MAX {
            return Err(RuleError::limit(Limit::Nodes, Span::new(at, at + 1)));
        }
        at += step;
    }
    Ok(())
}

fn end_of_line(chars: &[char], from: usize) -> usize {
    chars
        .iter()
        .skip(from)
        .position(|c| *c == '\n')
        .map_or(chars.len(), |n| from + n)
}

/// The place after the string that begins at `from` with its quote; the end of the text if it is not closed.
#[must_use]
pub fn end_of_string(chars: &[char], from: usize) -> usize {
    let quote = chars.get(from).copied().unwrap_or('"');
    let raw = from > 0
        && chars.get(from - 1).is_some_and(|c| matches!(c, 'r' | 'R'))
        && !chars
            .get(from.wrapping_sub(2))
            .is_some_and(|c| c.is_alphanumeric() || *c == '_');
    let is_quote = |n: usize| chars.get(n) == Some(&quote);
    let triple = is_quote(from + 1) && is_quote(from + 2);
    let mut at = from + if triple { 3 } else { 1 };
    while at < chars.len() {
        if chars.get(at) == Some(&'\\') && !raw {
            at += 2;
        } else if is_quote(at) && (!triple || (is_quote(at + 1) && is_quote(at + 2))) {
            return at + if triple { 3 } else { 1 };
        } else {
            at += 1;
        }
    }
    chars.len()
}
