//! Reads Rust source just well enough to tell code, comments and strings apart, line by line.

/// One source file, taken apart.
pub struct Source {
    /// The lines with comments removed and the contents of strings and characters blanked.
    pub code: Vec<String>,
    /// Every string literal with the number of the line it begins on.
    pub strings: Vec<(usize, String)>,
    /// For each line, whether it belongs to an item that only tests compile.
    pub test: Vec<bool>,
}

/// What the reader is inside of.
enum Inside {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text { raw_hashes: Option<usize> },
}

struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: String,
    code: Vec<String>,
    strings: Vec<(usize, String)>,
}

impl Source {
    pub fn read(text: &str) -> Self {
        let mut reader = Reader {
            rest: text.chars().peekable(),
            line: String::new(),
            code: Vec::new(),
            strings: Vec::new(),
        };
        reader.run();
        let test = test_lines(&reader.code);
        Self {
            code: reader.code,
            strings: reader.strings,
            test,
        }
    }

    /// The numbers (from 1) of the lines of code for which this holds.
    pub fn lines_where<'a>(
        &'a self,
        matches: impl Fn(&str) -> bool + 'a,
    ) -> impl Iterator<Item = usize> + 'a {
        let numbered = self.code.iter().enumerate();
        numbered.filter_map(move |(index, line)| matches(line).then_some(index + 1))
    }

    /// Whether a line (from 1) is compiled for tests only.
    pub fn is_test(&self, line: usize) -> bool {
        self.test.get(line - 1).copied().unwrap_or(false)
    }
}

impl Reader<'_> {
    fn run(&mut self) {
        let mut inside = Inside::Code;
        while let Some(c) = self.rest.next() {
            inside = match inside {
                Inside::Code => self.code(c),
                Inside::LineComment => {
                    self.keep_newline(c);
                    if c == '\n' {
                        Inside::Code
                    } else {
                        Inside::LineComment
                    }
                }
                Inside::BlockComment { depth } => self.block_comment(c, depth),
                Inside::Text { raw_hashes } => self.text(c, raw_hashes),
            };
        }
        if !self.line.is_empty() {
            self.newline();
        }
    }

    fn newline(&mut self) {
        self.code.push(std::mem::take(&mut self.line));
    }

    fn keep_newline(&mut self, c: char) {
        if c == '\n' {
            self.newline();
        }
    }

    fn next_is(&mut self, wanted: char) -> bool {
        self.rest.next_if_eq(&wanted).is_some()
    }

    fn code(&mut self, c: char) -> Inside {
        match c {
            '\n' => self.newline(),
            '/' if self.next_is('/') => return Inside::LineComment,
            '/' if self.next_is('*') => return Inside::BlockComment { depth: 1 },
            '"' => return self.open(None),
            '\'' => self.character(),
            'r' if !self.in_word() => {
                // `r"`, `r#"`, `br#"`: raw text; `r#name`: a raw name.
                let mut ahead = self.rest.clone();
                let mut hashes = 0;
                while ahead.next_if_eq(&'#').is_some() {
                    hashes += 1;
                }
                if ahead.next() == Some('"') {
                    self.rest = ahead;
                    return self.open(Some(hashes));
                }
                self.line.push(c);
            }
            _ => self.line.push(c),
        }
        Inside::Code
    }

    /// Whether the character just before belongs to a name; the prefixes `b` and `c` do not count.
    fn in_word(&self) -> bool {
        let mut back = self.line.chars().rev();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        match back.next() {
            Some('b' | 'c') => back.next().is_some_and(is_word),
            Some(c) => is_word(c),
            None => false,
        }
    }

    fn open(&mut self, raw_hashes: Option<usize>) -> Inside {
        self.line.push('"');
        self.strings.push((self.code.len() + 1, String::new()));
        Inside::Text { raw_hashes }
    }

    /// A character literal is skipped; a lifetime is left in the code.
    fn character(&mut self) {
        let mut ahead = self.rest.clone();
        match (ahead.next(), ahead.next()) {
            (Some('\\'), _) => {
                self.rest.next();
                self.rest.next();
                while self.rest.next_if(|c| *c != '\'').is_some() {}
                self.rest.next();
            }
            (Some(_), Some('\'')) => self.rest = ahead,
            _ => self.line.push('\''),
        }
    }

    fn block_comment(&mut self, c: char, depth: usize) -> Inside {
        self.keep_newline(c);
        if c == '/' && self.next_is('*') {
            return Inside::BlockComment { depth: depth + 1 };
        }
        if c == '*' && self.next_is('/') {
            return match depth {
                1 => Inside::Code,
                _ => Inside::BlockComment { depth: depth - 1 },
            };
        }
        Inside::BlockComment { depth }
    }

    fn text(&mut self, c: char, raw_hashes: Option<usize>) -> Inside {
        self.keep_newline(c);
        let mut kept = Some(c);
        match (c, raw_hashes) {
            ('"', None) => {
                self.line.push('"');
                return Inside::Code;
            }
            ('"', Some(hashes)) => {
                let mut ahead = self.rest.clone();
                if (0..hashes).all(|_| ahead.next() == Some('#')) {
                    self.rest = ahead;
                    self.line.push('"');
                    return Inside::Code;
                }
            }
            ('\\', None) => {
                kept = self.rest.next();
                self.keep_newline(kept.unwrap_or(' '));
            }
            _ => {}
        }
        if let (Some(kept), Some((_, text))) = (kept, self.strings.last_mut()) {
            text.push(kept);
        }
        Inside::Text { raw_hashes }
    }
}

/// Marks every item that follows `#[cfg(test)]`, up to its closing brace or semicolon.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut test = vec![false; code.len()];
    let mut index = 0;
    while index < code.len() {
        if !code[index].contains("#[cfg(test)]") && !code[index].contains("#![cfg(test)]") {
            index += 1;
            continue;
        }
        if code[index].contains("#![cfg(test)]") {
            test.fill(true);
            return test;
        }
        let mut depth = 0_usize;
        let mut ended = false;
        while index < code.len() && !ended {
            test[index] = true;
            let line = code[index].replace("#[cfg(test)]", "");
            for c in line.chars() {
                match c {
                    '{' | '(' | '[' => depth += 1,
                    '}' | ')' | ']' => {
                        depth = depth.saturating_sub(1);
                        ended |= c == '}' && depth == 0;
                    }
                    ';' if depth == 0 => ended = true,
                    _ => {}
                }
            }
            index += 1;
        }
    }
    test
}

/// Whether a text contains a word that is not part of a longer name.
pub fn has_word(text: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::{Source, has_word};

    #[test]
    fn strings_comments_and_characters_are_no_code() {
        let source = Source::read(concat!(
            "let a = \"x // y\"; // unsafe\n",
            "/* unsafe /* nested */\n still */ let b = '\"'; let c: &'static str = r#\"q\"uote\"#;\n",
            "let d = '\\''; let e = b\"bytes\"; let r#unsafe = br\"raw\\\";\n",
        ));
        assert_eq!(
            source.code,
            [
                "let a = \"\"; ",
                "",
                " let b = ; let c: &'static str = \"\";",
                "let d = ; let e = b\"\"; let r#unsafe = b\"\";"
            ]
        );
        let strings: Vec<_> = source.strings.iter().map(|(l, s)| (*l, &**s)).collect();
        assert_eq!(
            strings,
            [(1, "x // y"), (3, "q\"uote"), (4, "bytes"), (4, "raw\\")]
        );
    }

    #[test]
    fn a_string_over_lines_keeps_the_count() {
        let source = Source::read("let a = \"one \\\n two\n three\";\nlet b = 1;\n");
        assert_eq!(source.code.len(), 4);
        assert_eq!(source.code[3], "let b = 1;");
    }

    #[test]
    fn test_items_are_known() {
        let source = Source::read(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nuse x;\nfn d() {}\n",
        );
        let tests: Vec<_> = (1..=9).filter(|line| source.is_test(*line)).collect();
        assert_eq!(tests, [2, 3, 4, 5, 7, 8]);
        assert_eq!(
            source.lines_where(|l| l.contains("fn")).collect::<Vec<_>>(),
            [1, 4, 6, 9]
        );
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("unsafe { }", "unsafe"));
        assert!(!has_word("#![forbid(unsafe_code)]", "unsafe"));
        assert!(!has_word("not_unsafe", "unsafe"));
    }
}
