//! Which files there are, where they may stand, and how long they may be.

use std::collections::BTreeMap;
use std::path::Path;

use super::{File, Finding};
use crate::run::{Outcome, on};

const LINES_MAX: usize = 500;
const ALLOWED: &str = "crates/xtask/tidy-allow.txt";
const TOP_LEVEL: [&str; 10] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "crates",
    "config",
    "dashboard",
    "deploy",
    "examples",
];

/// Lists the files of the tree but for what `.gitignore` files name. It does not ask git, which a
/// machine that only builds need not have.
pub fn list(root: &Path) -> Outcome<Vec<String>> {
    let mut paths = Vec::new();
    walk(root, "", &mut Vec::new(), &mut paths)?;
    paths.sort();
    Ok(paths)
}

/// One line of a `.gitignore`: the folder it holds for, and the name it means there or anywhere below.
struct Ignored {
    folder: String,
    name: String,
    here_only: bool,
}

impl Ignored {
    fn covers(&self, folder: &str, name: &str) -> bool {
        let in_reach = match self.here_only {
            true => folder == self.folder,
            false => folder.starts_with(&self.folder),
        };
        in_reach && fits(&self.name, name)
    }
}

/// Whether a name fits a pattern in which `*` stands for any characters.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            let ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            ends.into_iter().any(|at| fits(rest, &tail[at..]))
        }),
    }
}

fn walk(root: &Path, folder: &str, ignored: &mut Vec<Ignored>, paths: &mut Vec<String>) -> Outcome {
    let known = ignored.len();
    if let Ok(text) = std::fs::read_to_string(root.join(folder).join(".gitignore")) {
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            ignored.push(Ignored {
                folder: folder.to_owned(),
                name: line.trim_matches('/').to_owned(),
                here_only: line.starts_with('/'),
            });
        }
    }
    let entries = on(
        format!("could not list `{folder}`"),
        std::fs::read_dir(root.join(folder)),
    )?;
    for entry in entries {
        let entry = on(format!("could not list `{folder}`"), entry)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let skipped = ignored.iter().any(|rule| rule.covers(folder, &name));
        if name == ".git" || skipped {
            continue;
        }
        let path = format!("{folder}{name}");
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(root, &format!("{path}/"), ignored, paths)?;
        } else {
            paths.push(path);
        }
    }
    ignored.truncate(known);
    Ok(())
}

/// The top level holds the listed names and dotfiles.
pub fn top_level(paths: &[String]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for path in paths {
        let name = path.split('/').next().unwrap_or(path);
        let fine = name.starts_with('.') || TOP_LEVEL.contains(&name);
        if !fine && findings.last().is_none_or(|last| last.file != name) {
            let what = "does not belong at the top level";
            let why = "the root is the table of contents; find the folder it belongs to";
            findings.push(Finding::new(name, 1, what, why));
        }
    }
    findings
}

/// No file is too long, and the list of exceptions says no more than it must.
pub fn lengths(root: &Path, files: &[File]) -> Outcome<Vec<Finding>> {
    let allowed = on(
        format!("could not read {ALLOWED}"),
        std::fs::read_to_string(root.join(ALLOWED)),
    )?;
    Ok(compare(&allowed, files))
}

fn compare(allowed: &str, files: &[File]) -> Vec<Finding> {
    let why = "long files are read by nobody; the list of exceptions may only shrink";
    let mut findings = Vec::new();
    let mut longer: BTreeMap<&str, usize> = files
        .iter()
        .filter(|file| file.is_rust() || file.is_typescript())
        .map(|file| (file.path.as_str(), file.text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .collect();
    for (index, line) in allowed.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line.split_once(' ');
        let Some((path, limit)) = entry.and_then(|(p, n)| Some((p, n.parse::<usize>().ok()?)))
        else {
            let what = format!("`{line}` is not a path and a number of lines");
            findings.push(Finding::new(ALLOWED, index + 1, what, why));
            continue;
        };
        let what = match longer.remove(path) {
            None => format!("the entry for {path} is no longer needed, remove it"),
            Some(lines) if lines < limit => format!("{path} has shrunk, write {lines} here"),
            Some(lines) if lines > limit => {
                format!("{path} has grown from {limit} to {lines} lines")
            }
            Some(_) => continue,
        };
        findings.push(Finding::new(ALLOWED, index + 1, what, why));
    }
    for (path, lines) in longer {
        let what = format!("{lines} lines, more than {LINES_MAX}");
        findings.push(Finding::new(path, LINES_MAX + 1, what, why));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::{compare, fits, top_level};

    #[test]
    fn patterns_fit() {
        assert!(fits("*.log", "a.log"));
        assert!(fits("a*c*", "abcd"));
        assert!(!fits("*.log", "a.logs"));
        assert!(!fits("target", "targets"));
    }

    #[test]
    fn strangers_at_the_top_are_told_once() {
        let paths = ["README.md", ".ci/run", "notes/a", "notes/b", "examples/x"];
        let findings = top_level(&paths.map(str::to_owned));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].file, "notes");
    }

    #[test]
    fn exceptions_may_only_shrink() {
        let long = file("crates/a/src/long.rs", &"x\n".repeat(600));
        let short = file("crates/a/src/short.rs", "x\n");
        let files = [long, short];
        let told = |allowed: &str| -> Vec<String> {
            compare(allowed, &files)
                .into_iter()
                .map(|f| f.what)
                .collect()
        };
        assert_eq!(told(""), ["600 lines, more than 500"]);
        assert!(told("# why\ncrates/a/src/long.rs 600\n").is_empty());
        assert!(told("crates/a/src/long.rs 599")[0].contains("has grown from 599 to 600"));
        assert!(told("crates/a/src/long.rs 700")[0].contains("write 600 here"));
        let stale = told("crates/a/src/long.rs 600\ncrates/a/src/short.rs 501");
        assert!(stale[0].contains("no longer needed"));
        assert!(told("nonsense")[0].contains("is not a path"));
    }
}
