//! What may stand inside a file: its opening sentence, SQL, unsafe code, and things left undone.

use super::{File, Finding};
use crate::scan::{Source, has_word};

/// Calls that make SQL, as they stand in code.
const SQL_CALLS: [&str; 8] = [
    "sea_query::Query",
    "Query::select(",
    "Query::insert(",
    "Query::update(",
    "Query::delete(",
    "Statement::from",
    "execute_unprepared",
    "Expr::cust",
];

/// How a string begins that can only be SQL.
const SQL_BEGINNINGS: [&str; 12] = [
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE UNIQUE ",
    "CREATE SCHEMA ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
];

/// Words by which work is put off, written so that this line is none.
const LATER: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
];

/// Runs every check that looks at one file at a time, and the one that compares them.
pub fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut unsafe_files: Vec<(&File, usize)> = Vec::new();
    for file in files {
        later(file, &mut findings);
        if file.is_typescript() {
            typescript_opening(file, &mut findings);
        }
        if !file.is_rust() {
            continue;
        }
        rust_opening(file, &mut findings);
        let source = Source::read(&file.text);
        sql(file, &source, &mut findings);
        let ignored = concat!("#[", "ignore");
        for line in source.lines_where(|line| line.contains(ignored)) {
            let why = "a test that does not run protects nothing; mend it or remove it";
            findings.push(Finding::new(&file.path, line, "an ignored test", why));
        }
        let mut lines = source.lines_where(|line| has_word(line, "unsafe"));
        if let Some(line) = lines.next() {
            unsafe_files.push((file, line));
        }
    }
    findings.extend(unsafe_code(&unsafe_files));
    findings
}

/// Unsafe code may stand in one file of the store.
fn unsafe_code(files: &[(&File, usize)]) -> Vec<Finding> {
    let in_store = |file: &File| file.path.starts_with("crates/store/src/");
    let home = files.iter().find(|(file, _)| in_store(file));
    files
        .iter()
        .filter(|(file, _)| home.is_none_or(|(one, _)| one.path != file.path))
        .map(|(file, line)| {
            let why = "only one module of the store speaks to C; everything else is safe Rust";
            Finding::new(&file.path, *line, "unsafe code", why)
        })
        .collect()
}

/// Whether SQL may stand in this file.
fn may_say_sql(file: &File) -> bool {
    let path = file.path.as_str();
    let homes = [
        "crates/store/",
        "crates/rules/",
        "crates/data/src/sql/",
        "crates/xtask/",
    ];
    file.is_test()
        || homes.iter().any(|home| path.starts_with(home))
        || path.ends_with("/rows.rs")
        || path.ends_with("/migrations.rs")
        || path.contains("/migrations/")
        || path.contains("/rows/")
}

fn sql(file: &File, source: &Source, findings: &mut Vec<Finding>) {
    if may_say_sql(file) {
        return;
    }
    let why = "queries live in rows.rs, so that isolation can be checked where they are";
    for call in SQL_CALLS {
        for line in source.lines_where(|line| line.contains(call)) {
            if !source.is_test(line) {
                let what = format!("`{call}` makes SQL");
                findings.push(Finding::new(&file.path, line, what, why));
            }
        }
    }
    for (line, text) in &source.strings {
        let text = text.trim_start();
        let is_sql = SQL_BEGINNINGS.iter().any(|start| text.starts_with(start));
        if is_sql && !source.is_test(*line) {
            findings.push(Finding::new(&file.path, *line, "a string of SQL", why));
        }
    }
}

const OPENING: &str = "a reader should know from the first line whether this is the file to read";

/// A Rust file opens with `//!` and a sentence, which may go over several lines.
fn rust_opening(file: &File, findings: &mut Vec<Finding>) {
    let paragraph: Vec<&str> = file
        .text
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    if !is_sentence(&paragraph.join(" ")) {
        let what = "the file does not open with a `//!` sentence";
        findings.push(Finding::new(&file.path, 1, what, OPENING));
    }
}

/// A TypeScript file opens with a comment of either form.
fn typescript_opening(file: &File, findings: &mut Vec<Finding>) {
    let first = file.text.lines().next().unwrap_or_default();
    let comment: String = if first.starts_with("//") {
        let lines = file.text.lines().map_while(|line| line.strip_prefix("//"));
        lines.map(str::trim).collect::<Vec<_>>().join(" ")
    } else if first.starts_with("/*") {
        let end = file.text.find("*/").unwrap_or(file.text.len());
        let lines = file.text[..end].lines();
        let bare = lines.map(|line| line.trim_matches(['/', '*', ' ']));
        bare.collect::<Vec<_>>().join(" ")
    } else {
        String::new()
    };
    if !is_sentence(comment.trim()) {
        let what = "the file does not open with a comment sentence";
        findings.push(Finding::new(&file.path, 1, what, OPENING));
    }
}

/// Several words that end as a sentence does.
fn is_sentence(text: &str) -> bool {
    text.split_whitespace().count() >= 3 && text.ends_with(['.', '!', '?', ':'])
}

fn later(file: &File, findings: &mut Vec<Finding>) {
    for (index, line) in file.text.lines().enumerate() {
        if let Some(word) = LATER.iter().find(|word| has_word(line, word)) {
            let why = "do it now, or write down outside the code that it is not done";
            findings.push(Finding::new(&file.path, index + 1, *word, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::{LATER, check};

    const OPEN: &str = "//! Says what it is for.\n";

    fn told(path: &str, text: &str) -> Vec<(usize, String)> {
        let files = [file(path, text)];
        check(&files)
            .into_iter()
            .map(|finding| (finding.line, finding.what))
            .collect()
    }

    #[test]
    fn sql_stands_where_it_may() {
        let text = format!("{OPEN}fn a() {{ run(\"SELECT 1\"); Statement::from_string(x); }}\n");
        for path in [
            "crates/store/src/a.rs",
            "crates/rules/src/a.rs",
            "crates/accounts/src/rows.rs",
            "crates/data/src/rows/list.rs",
            "crates/gate/src/migrations.rs",
            "crates/data/src/sql/a.rs",
            "crates/server/tests/it/a.rs",
        ] {
            assert!(told(path, &text).is_empty(), "{path}");
        }
        assert_eq!(
            told("crates/data/src/service.rs", &text),
            [
                (2, "`Statement::from` makes SQL".to_owned()),
                (2, "a string of SQL".to_owned())
            ]
        );
        let in_tests =
            format!("{OPEN}#[cfg(test)]\nmod tests {{\n const A: &str = \"SELECT 1\";\n}}\n");
        assert!(told("crates/data/src/service.rs", &in_tests).is_empty());
        let prose =
            format!("{OPEN}// SELECT is a word\nconst A: &str = \"CREATE what you like\";\n");
        assert!(told("crates/data/src/service.rs", &prose).is_empty());
    }

    #[test]
    fn files_open_with_a_sentence() {
        let fine = [
            ("a.rs", OPEN),
            (
                "a.rs",
                "//! A sentence over\n//! two lines.\n//!\n//! More\n",
            ),
            (
                "a.ts",
                "// Reads the settings from the page.\nconst a = 1;\n",
            ),
            ("a.tsx", "/**\n * Shows one table of records.\n */\n"),
        ];
        for (path, text) in fine {
            assert!(told(path, text).is_empty(), "{text}");
        }
        let bad = [
            ("a.rs", "fn a() {}\n"),
            ("a.rs", "\n//! Too late to be first.\n"),
            ("a.rs", "//! No end\n"),
            ("a.rs", "//! Short.\n"),
            ("a.ts", "const a = 1;\n"),
        ];
        for (path, text) in bad {
            assert_eq!(told(path, text).len(), 1, "{text}");
        }
    }

    #[test]
    fn unsafe_code_has_one_home() {
        let unsound = format!("{OPEN}fn a() {{ unsafe {{ b() }} }}\n");
        let files = [
            file("crates/store/src/hooks.rs", &unsound),
            file("crates/store/src/other.rs", &unsound),
            file("crates/data/src/lib.rs", &unsound),
        ];
        let found: Vec<_> = check(&files).into_iter().map(|f| f.file).collect();
        assert_eq!(
            found,
            ["crates/store/src/other.rs", "crates/data/src/lib.rs"]
        );
        assert!(
            told(
                "a.rs",
                &format!("{OPEN}#![forbid(unsafe_code)] // unsafe\n")
            )
            .is_empty()
        );
    }

    #[test]
    fn nothing_is_left_for_later() {
        for word in LATER {
            let text = format!("{OPEN}// {word}: mend this\n");
            assert_eq!(told("a.rs", &text), [(2, word.to_owned())]);
        }
        let ignored = format!("{OPEN}#[test]\n#[{}]\nfn a() {{}}\n", "ignore");
        assert_eq!(told("a.rs", &ignored), [(3, "an ignored test".to_owned())]);
    }
}
