//! The TypeScript types of the front ends, made from the documents that the server itself gives out.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::run::{Outcome, Workspace, capture, on, succeed};
use crate::web;

/// Makes all of them: the files' names and what they are to hold.
///
/// The shop's are those of the demonstration's project, so that its seed is run, in a folder that is dropped after.
pub fn generate(workspace: &Workspace) -> Outcome<Vec<(&'static str, String)>> {
    let galley = workspace.target.join("debug/galley");
    let mut build = workspace.cargo();
    succeed(build.args(["build", "--quiet", "-p", "server", "--bin", "galley"]))?;
    web::packages(workspace)?;
    let folder = Folder::fresh(workspace)?;
    let data = folder.0.join("data");
    seed(&galley, &data)?;
    let document = |name: &str, arguments: &[&str]| {
        let mut command = Command::new(&galley);
        command.arg("--data-dir").arg(&data).arg("openapi");
        let path = folder.0.join(name);
        let text = capture(command.args(arguments))?;
        on(
            format!("could not write {name}"),
            std::fs::write(&path, text),
        )?;
        Ok::<_, String>(path)
    };
    let instance = document("instance.json", &[])?;
    let project = document("project.json", &["--project", "blog"])?;
    let shop = document("shop.json", &["--project", "shop"])?;
    let mut types = Command::new("npm");
    types.args(["run", "--silent", "types", "--"]);
    types.args([&instance, &project, &folder.0]);
    capture(types.current_dir(workspace.root.join("dashboard")))?;
    let mut types = Command::new("npx");
    types.arg("openapi-typescript").arg(&shop);
    types.arg("--empty-objects-unknown");
    types.arg("-o").arg(folder.0.join("schema.d.ts"));
    capture(types.current_dir(workspace.root.join("examples/shop")))?;
    [
        ("dashboard/src/api/instance.d.ts", "instance.d.ts"),
        ("dashboard/src/api/project.d.ts", "project.d.ts"),
        ("examples/shop/src/api/schema.d.ts", "schema.d.ts"),
    ]
    .into_iter()
    .map(|(name, made)| {
        let text = std::fs::read_to_string(folder.0.join(made));
        Ok((name, on(format!("could not read {made}"), text)?))
    })
    .collect()
}

/// A folder below the target folder, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn fresh(workspace: &Workspace) -> Outcome<Self> {
        let path = workspace
            .target
            .join(format!("types-{}", std::process::id()));
        on("could not make a folder", std::fs::create_dir_all(&path))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is below the target folder, which is nobody's data.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs the demonstration until it is ready.
fn seed(galley: &Path, data: &Path) -> Outcome {
    let mut command = Command::new(galley);
    command.env("GALLEY_LOG__LEVEL", "error");
    command.arg("--data-dir").arg(data);
    command.args(["demo", "--listen", "127.0.0.1:0"]);
    let mut child = on(
        "could not run galley demo",
        command.stdout(Stdio::piped()).spawn(),
    )?;
    let mut lines = child.stdout.take().map(BufReader::new).into_iter();
    let ready = lines.any(|out| {
        let mut said = out.lines().map_while(Result::ok);
        said.any(|line| line.starts_with("ready in "))
    });
    let stopped = succeed(Command::new("kill").arg(child.id().to_string()));
    on("could not wait for galley demo", child.wait())?;
    if !ready {
        return Err("galley demo did not become ready".to_owned());
    }
    stopped
}
