//! Makes the folder of the built dashboard exist, and builds the release anew when its files change.

use std::path::Path;

fn main() -> std::io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dashboard/dist");
    // Embedding resolves the folder when it is compiled: one that is made later would never be read.
    std::fs::create_dir_all(&built)?;
    // Only the release holds the files themselves; else they are read from the disk at each request.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={}", built.display());
    }
    Ok(())
}
