//! Bytes that are no HTTP, or that two readers could read differently: they are refused, the connection ends, and nothing
//! behind them is taken for a request. Whoever sends slowly is left.

use crate::kit::{Engine, Server};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

fn connect(server: &Server) -> (TcpStream, String) {
    let host = server.url.strip_prefix("http://").unwrap().to_owned();
    let stream = TcpStream::connect(&host).unwrap();
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).unwrap();
    (stream, host)
}

/// All that is answered until the connection ends. Writing may fail: whoever refuses need not read on.
fn told(server: &Server, bytes: &[u8]) -> String {
    let (mut stream, _) = connect(server);
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn what_two_readers_could_read_differently_is_refused_and_ends_the_connection() {
    let server = Server::fresh(Engine::Sqlite);
    let (_, host) = connect(&server);
    let post = |headers: &str, body: &str| {
        format!(
            "POST /admin/v1/session HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{headers}\r\n{body}"
        )
    };
    let get = |headers: &str| format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
    let many: String = (0..97).map(|n| format!("X-{n}: a\r\n")).collect();
    let long = format!("X: {}\r\n", "a".repeat(200_000));
    let cases = [
        (
            "length and chunks",
            post(
                "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
        ),
        (
            "two lengths",
            post("Content-Length: 2\r\nContent-Length: 3\r\n", "{} "),
        ),
        ("a list of lengths", post("Content-Length: 2, 2\r\n", "{}")),
        ("a length with a sign", post("Content-Length: +2\r\n", "{}")),
        ("a length below nothing", post("Content-Length: -1\r\n", "")),
        ("another length", post("Content-Length: 0x2\r\n", "{}")),
        (
            "no chunks",
            post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        ),
        (
            "chunks within",
            post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        ),
        ("a name with a space", post("Content-Length : 2\r\n", "{}")),
        ("a folded line", get("X: a\r\n b\r\n")),
        ("many headers", get(&many)),
        ("a long header", get(&long)),
        ("no request", "HELO there\r\n\r\n".to_owned()),
    ];
    for (name, bytes) in cases {
        let answer = told(&server, format!("{bytes}{}", get("")).as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{name}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{name}: {answer:?}");
    }
    // What is good is answered, one after the other.
    let answer = told(&server, format!("{}{}", get(""), get("")).as_bytes());
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer:?}");
}

#[test]
fn who_sends_slowly_is_left() {
    let server = Server::fresh(Engine::Sqlite);
    let (_, host) = connect(&server);
    let body = format!(
        "POST /admin/v1/session HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    );
    for (name, begin, limit) in [
        ("headers", "GET /healthz HTTP/1.1\r\nX: ", 8),
        ("a body", body.as_str(), 15),
    ] {
        let (mut stream, _) = connect(&server);
        stream.write_all(begin.as_bytes()).unwrap();
        let mut other = stream.try_clone().unwrap();
        let drip = std::thread::spawn(move || {
            while other.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        let (began, mut all) = (Instant::now(), Vec::new());
        let _ = stream.read_to_end(&mut all);
        let took = began.elapsed().as_secs();
        let answer = String::from_utf8_lossy(&all).into_owned();
        assert!(
            answer.is_empty() || answer.contains("408"),
            "{name}: {answer}"
        );
        assert!(took < limit, "{name}: {took} s");
        drop(stream);
        drip.join().unwrap();
    }
}
