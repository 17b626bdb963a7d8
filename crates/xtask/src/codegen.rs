//! Writes the files that are generated from the code, or checks that they are not stale.

use crate::run::{Outcome, Workspace, capture, on};
use crate::types;

pub const HELP: &str = "\
Writes the files that are generated from the code.

Usage: cargo xtask codegen [--check]

  config/galley.toml                  every setting with its default and meaning
  dashboard/src/api/*.d.ts            the types of the instance's and a project's document
  examples/shop/src/api/schema.d.ts   the types of the shop's document

With --check nothing is written: a stale file is an error that shows where it differs.";

/// How many lines of a difference are shown.
const SHOWN_LINES: usize = 12;

pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err("codegen takes nothing but --check".to_owned()),
    };
    let mut files = vec![("config/galley.toml", configuration(workspace)?)];
    files.extend(types::generate(workspace)?);
    let stale: Vec<String> = files
        .into_iter()
        .map(|(name, fresh)| keep(workspace, name, &fresh, check))
        .collect::<Outcome<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("run `cargo xtask codegen`:\n{}", stale.join("\n")))
}

fn configuration(workspace: &Workspace) -> Outcome<String> {
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "-p", "server", "--bin", "galley", "--"]);
    let fresh = capture(command.args(["config", "--defaults"]))?;
    if fresh.trim().is_empty() {
        return Err("`galley config --defaults` printed nothing".to_owned());
    }
    Ok(fresh)
}

/// Writes the file unless it holds this already, or tells where it differs when it is only to be checked.
fn keep(workspace: &Workspace, name: &str, fresh: &str, check: bool) -> Outcome<Option<String>> {
    let path = workspace.root.join(name);
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    if current == fresh {
        println!("{name} is up to date");
        return Ok(None);
    }
    if check {
        let difference = difference(&current, fresh);
        return Ok(Some(format!("{name} is stale, {difference}")));
    }
    on(
        format!("could not write {name}"),
        std::fs::write(&path, fresh),
    )?;
    println!("wrote {name}");
    Ok(None)
}

/// The lines between the common beginning and the common end of two texts, the old ones first.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let same = |pairs: &mut dyn Iterator<Item = bool>| pairs.take_while(|equal| *equal).count();
    let before = same(&mut old.iter().zip(&new).map(|(a, b)| a == b));
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let backwards = old_rest.iter().rev().zip(new_rest.iter().rev());
    let after = same(&mut backwards.map(|(a, b)| a == b));
    let mut text = format!("from line {} on:", before + 1);
    for (sign, lines) in [('-', old_rest), ('+', new_rest)] {
        let changed = &lines[..lines.len() - after];
        for line in changed.iter().take(SHOWN_LINES) {
            text.push_str(&format!("\n{sign} {line}"));
        }
        if changed.len() > SHOWN_LINES {
            let more = changed.len() - SHOWN_LINES;
            text.push_str(&format!("\n{sign} ... {more} more lines"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn a_difference_shows_only_what_changed() {
        assert_eq!(
            difference("a\nb\nc", "a\nx\ny\nc"),
            "from line 2 on:\n- b\n+ x\n+ y"
        );
        assert_eq!(difference("", "a"), "from line 1 on:\n+ a");
        assert_eq!(difference("a\na", "a"), "from line 2 on:\n- a");
        let long = "n\n".repeat(20);
        assert!(difference("", &long).ends_with("\n+ ... 8 more lines"));
    }
}
