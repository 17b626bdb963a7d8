//! Checks the habits of the house: what no compiler says and every reader relies on.

mod files;
mod graph;
mod source;

use std::path::{Path, PathBuf};

use crate::run::{Outcome, Workspace, on};

pub const HELP: &str = "\
Checks the walls between the crates and the habits of the house.

Usage: cargo xtask tidy

  - a crate depends only on the crates below it
  - SQL stands only in rows.rs, rows/, migrations.rs, migrations/, the crates store and rules, and data's sql/
  - every Rust and TypeScript file opens with a sentence that says what it is for
  - no file is longer than 500 lines, but for crates/xtask/tidy-allow.txt, which may only shrink
  - the top level of the tree holds what it should and nothing else
  - unsafe code stands in one module of the store
  - nothing is left to be done later, no test is ignored
  - the locked SQLite is new enough; what we avoid is not linked";

/// One finding: where, what, and why it matters.
struct Finding {
    file: String,
    line: usize,
    what: String,
    why: &'static str,
}

impl Finding {
    fn new(file: &str, line: usize, what: impl Into<String>, why: &'static str) -> Self {
        Self {
            file: file.to_owned(),
            line,
            what: what.into(),
            why,
        }
    }
}

/// One text file of the tree, its path relative to the root.
struct File {
    path: String,
    text: String,
}

impl File {
    fn extension(&self) -> &str {
        let name = Path::new(&self.path);
        name.extension().and_then(|e| e.to_str()).unwrap_or("")
    }

    fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    fn is_typescript(&self) -> bool {
        // Declarations are generated from the documents.
        matches!(self.extension(), "ts" | "tsx") && !self.path.ends_with(".d.ts")
    }

    /// Whether the file belongs to tests or examples as a whole.
    fn is_test(&self) -> bool {
        let is = |part: &str| matches!(part, "tests" | "tests.rs" | "benches" | "examples" | "e2e");
        self.path.split('/').any(is)
    }
}

pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    if let Some(argument) = arguments.first() {
        return Err(format!("tidy takes no arguments, not `{argument}`"));
    }
    let paths = files::list(&workspace.root)?;
    let files = read(&workspace.root, &paths)?;
    let mut findings = files::top_level(&paths);
    findings.extend(files::lengths(&workspace.root, &files)?);
    findings.extend(source::check(&files));
    findings.extend(graph::walls(&workspace.metadata));
    findings.extend(graph::libraries(workspace)?);
    for Finding {
        file,
        line,
        what,
        why,
    } in &findings
    {
        eprintln!("{file}:{line}: {what}: {why}");
    }
    match findings.len() {
        0 => {
            println!("tidy: {} files, nothing to say", paths.len());
            Ok(())
        }
        count => Err(format!(
            "tidy found {count} {}",
            if count == 1 { "thing" } else { "things" }
        )),
    }
}

/// Reads the files whose text is looked at; the data of the examples is not.
fn read(root: &Path, paths: &[String]) -> Outcome<Vec<File>> {
    const EXTENSIONS: [&str; 12] = [
        "rs", "ts", "tsx", "js", "css", "toml", "md", "yml", "yaml", "sh", "lua", "service",
    ];
    let mut files = Vec::new();
    for path in paths {
        let extension = Path::new(path).extension().and_then(|e| e.to_str());
        let data = path.starts_with("examples/") && path.contains("/data/");
        if data || !extension.is_some_and(|e| EXTENSIONS.contains(&e)) {
            continue;
        }
        let full: PathBuf = root.join(path);
        let text = on(
            format!("could not read {path}"),
            std::fs::read_to_string(full),
        )?;
        files.push(File {
            path: path.clone(),
            text,
        });
    }
    Ok(files)
}

/// Finds what a check says about one file of this text.
#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}
