//! Which crates may depend on which, and which libraries must not be there at all.

use serde_json::Value;

use super::Finding;
use crate::run::{Outcome, Workspace, capture, on};

/// Every crate with the crates it may use. The services do not see each other: what one needs from
/// another it declares as a trait, and the server supplies it.
const WALLS: [(&str, &[&str]); 10] = [
    ("kernel", &[]),
    ("store", &["kernel"]),
    ("rules", &["store", "kernel"]),
    ("gate", &["rules", "store", "kernel"]),
    ("accounts", SERVICE),
    ("data", SERVICE),
    ("files", SERVICE),
    ("push", SERVICE),
    (
        "server",
        &[
            "accounts", "data", "files", "push", "gate", "rules", "store", "kernel",
        ],
    ),
    ("xtask", &[]),
];
const SERVICE: &[&str] = &["gate", "rules", "store", "kernel"];

/// What must not be linked into the server: a name, optionally with the beginning of a version.
const AVOIDED: [(&str, &str, &str); 3] = [
    (
        "sqlx-sqlite",
        "",
        "SQLite is reached through the store alone; a second copy of the library corrupts databases",
    ),
    (
        "ring",
        "",
        "there is one provider of cryptography, aws-lc-rs; look for a feature that selects ring",
    ),
    (
        "h2",
        "0.3.",
        "h2 0.3 has a known weakness and no fix; HTTP/2 belongs to the proxy in front",
    ),
];

/// The oldest libsqlite3-sys that carries a SQLite without the known corruption of WAL databases.
const SQLITE_MIN: (u64, u64) = (0, 37);

pub fn walls(metadata: &Value) -> Vec<Finding> {
    let empty = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&empty);
    let ours: Vec<&str> = packages.iter().filter_map(|p| p["name"].as_str()).collect();
    let mut findings = Vec::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let file = format!("crates/{name}/Cargo.toml");
        let Some((_, allowed)) = WALLS.iter().find(|(wall, _)| *wall == name) else {
            let what = format!("the crate `{name}` has no wall");
            let why = "say in crates/xtask/src/tidy/graph.rs what it may use";
            findings.push(Finding::new(&file, 1, what, why));
            continue;
        };
        let dependencies = package["dependencies"].as_array().unwrap_or(&empty);
        for dependency in dependencies {
            let used = dependency["name"].as_str().unwrap_or_default();
            let own = dependency["path"].is_string() && ours.contains(&used);
            if own && !allowed.contains(&used) {
                let what = format!("`{name}` may not use `{used}`");
                let why = "a crate knows only what lies below it; declare a trait in ports.rs and let the server supply it";
                findings.push(Finding::new(&file, 1, what, why));
            }
        }
    }
    findings
}

pub fn libraries(workspace: &Workspace) -> Outcome<Vec<Finding>> {
    let lock = on(
        "could not read Cargo.lock",
        std::fs::read_to_string(workspace.root.join("Cargo.lock")),
    )?;
    let mut findings = sqlite(&lock);
    let mut command = workspace.cargo();
    command.args(["tree", "--quiet", "-e", "normal", "-p", "server"]);
    let tree = capture(command.args(["--prefix", "none", "--format", "{p}"]))?;
    findings.extend(avoided(&tree));
    Ok(findings)
}

/// Looks at every locked `libsqlite3-sys`.
fn sqlite(lock: &str) -> Vec<Finding> {
    let why = "older versions carry a SQLite that can corrupt databases in WAL mode";
    let lines: Vec<&str> = lock.lines().collect();
    let mut findings = Vec::new();
    for (index, pair) in lines.windows(2).enumerate() {
        if pair[0] != "name = \"libsqlite3-sys\"" {
            continue;
        }
        let version = pair[1].trim_start_matches("version = ").trim_matches('"');
        let mut numbers = version.split('.').map(|n| n.parse::<u64>().unwrap_or(0));
        let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if found < SQLITE_MIN {
            let (major, minor) = SQLITE_MIN;
            let what = format!("libsqlite3-sys is {version}, not {major}.{minor} or newer");
            findings.push(Finding::new("Cargo.lock", index + 2, what, why));
        }
    }
    findings
}

/// Looks for avoided packages in lines like `ring v0.17.14`.
fn avoided(tree: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for line in tree.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        let version = version.trim_start_matches('v');
        for (avoided, start, why) in AVOIDED {
            let what = format!("{name} {version} is linked into the server");
            let known = findings.iter().any(|finding| finding.what == what);
            if name == avoided && version.starts_with(start) && !known {
                findings.push(Finding::new("crates/server/Cargo.toml", 1, what, why));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{avoided, sqlite, walls};
    use serde_json::json;

    #[test]
    fn a_crate_sees_only_what_lies_below() {
        let package = |name: &str, uses: &[&str]| {
            let uses: Vec<_> = uses
                .iter()
                .map(|used| json!({"name": used, "path": "/x", "kind": "dev"}))
                .collect();
            json!({"name": name, "dependencies": uses})
        };
        let metadata = json!({"packages": [
            package("kernel", &["store"]),
            package("store", &["kernel"]),
            package("accounts", &["gate", "data"]),
            package("data", &[]),
            package("gate", &[]),
            package("oven", &[]),
        ]});
        let told: Vec<_> = walls(&metadata).into_iter().map(|f| f.what).collect();
        assert_eq!(
            told,
            [
                "`kernel` may not use `store`",
                "`accounts` may not use `data`",
                "the crate `oven` has no wall"
            ]
        );
    }

    #[test]
    fn an_old_sqlite_is_told() {
        let lock = |version: &str| format!("name = \"libsqlite3-sys\"\nversion = \"{version}\"\n");
        assert!(sqlite(&lock("0.37.0")).is_empty());
        assert!(sqlite(&lock("1.0.0")).is_empty());
        assert_eq!(sqlite(&lock("0.36.9")).len(), 1);
    }

    #[test]
    fn avoided_libraries_are_told_once() {
        let tree = "server v0.1.0 (/x)\nring v0.17.1\nring v0.17.1 (*)\nh2 v0.4.2\nh2 v0.3.27\n";
        let told: Vec<_> = avoided(tree).into_iter().map(|f| f.what).collect();
        assert_eq!(
            told,
            [
                "ring 0.17.1 is linked into the server",
                "h2 0.3.27 is linked into the server"
            ]
        );
    }
}
