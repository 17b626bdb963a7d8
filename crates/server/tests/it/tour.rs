//! The README's tour, replayed line by line against a fresh demo.

use crate::kit::Server;
use std::process::Command;

/// The shell blocks of the tour, in order.
fn blocks(readme: &str) -> Vec<String> {
    let tour = readme
        .split("<!-- tour")
        .nth(1)
        .expect("the tour")
        .split("\n## ")
        .next()
        .expect("its end");
    tour.split("```sh\n")
        .skip(1)
        .map(|b| b.split("\n```").next().expect("a block").to_owned())
        .collect()
}

#[test]
fn the_tour_works_as_printed() {
    let readme = include_str!("../../../../README.md");
    let temp = tempfile::tempdir().unwrap();
    let server = Server::on(&temp.path().join("demo"), |_| {}, "demo");
    assert!(
        server.told.contains("shop") && server.told.contains("demo@example.com"),
        "{}",
        server.told
    );
    // The address is the only thing that a test must change: the default port may be taken.
    let marks: Vec<String> = blocks(readme)
        .iter()
        .map(|b| b.replace("http://127.0.0.1:8090", &server.url))
        .collect();
    let script = marks
        .iter()
        .map(|b| format!("{b}\necho; echo =="))
        .collect::<Vec<_>>()
        .join("\n");
    let out = Command::new("bash")
        .args(["-euc", &script])
        .current_dir(temp.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        out.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let answers: Vec<&str> = text.split("\n==\n").collect();
    let expected: [&[&str]; 9] = [
        &["\"items\":[{\"id\":\"", "\"next_cursor\":\""],
        &[
            "\"total\":",
            "\"expand\":{\"genre\":{\"id\":",
            "\"name\":\"Drama\"",
        ],
        &["\"access_token\":\"", "\"email\":\"ada@example.com\""],
        &["\"note\":\"for a rainy Sunday\"", "\"_version\":1"],
        &["\"note\":\"for a very rainy Sunday\"", "\"_version\":2"],
        &["\"code\":\"record_not_found\"", "\"status\":404"],
        &["\"name\":\"reviews\"", "\"owner == auth.id\""],
        &["\"stars\":4", "\"operationId\":\"create_review\""],
        &[""],
    ];
    assert_eq!(answers.len(), expected.len(), "{text}");
    for (answer, words) in answers.iter().zip(expected) {
        for word in words {
            assert!(answer.contains(word), "{word} is not in {answer}");
        }
    }
}
