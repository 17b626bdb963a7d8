//! Names and contents that attack whoever opens them: nothing runs, and nothing breaks out of a header.

use crate::kit::{Kit, PNG, both};
use serde_json::json;

both!(
    nothing_runs,
    names_stay_in_their_header,
    paths_that_are_none
);

const UNKNOWN: &str = "application/octet-stream";

async fn nothing_runs(kit: &Kit) {
    kit.open_bucket("x").await;
    let gif = b"GIF89a/*<script>alert(1)</script>*/=1;";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let html = b"<!DOCTYPE html><script>alert(1)</script>";
    let page = b"<html><body onload=alert(1)>";
    let xml = b"<?xml version='1.0'?><x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>";
    let pdf = b"%PDF-1.7 /OpenAction << /S /JavaScript >>";
    let zipped = b"\x1f\x8b\x08\0\0\0\0\0\0\x03";
    let cases: [(&str, &str, &[u8], &str); 24] = [
        ("a.svg", "image/svg+xml", svg, UNKNOWN),
        ("a.svg", "image/png", svg, UNKNOWN),
        ("a.png", "image/svg+xml", svg, UNKNOWN),
        ("a.svgz", "image/svg+xml", zipped, UNKNOWN),
        ("a.html", "text/html", html, UNKNOWN),
        ("a.html", "text/html;x", page, UNKNOWN),
        ("a.html", "text/html/", html, UNKNOWN),
        ("a.html.", "image/png", html, UNKNOWN),
        ("a.png", "image/png", html, UNKNOWN),
        ("a.xht", "application/xhtml+xml", xml, UNKNOWN),
        ("a.xml", "text/xml", xml, UNKNOWN),
        ("a.xsl", "text/xsl", xml, UNKNOWN),
        (
            "a.mht",
            "multipart/related",
            b"From: x\r\nContent-Type: multipart/related",
            UNKNOWN,
        ),
        ("a.js", "text/javascript", b"alert(1)", UNKNOWN),
        ("a.js", "image/gif", b"alert(1)", UNKNOWN),
        ("a.pdf", "application/pdf", pdf, UNKNOWN),
        ("a", "text/html", html, UNKNOWN),
        ("a", "", b"plain", UNKNOWN),
        ("a.css", "text/css", b"*{color:red}", UNKNOWN),
        (
            "a.swf",
            "application/x-shockwave-flash",
            b"FWS\x09 and more",
            UNKNOWN,
        ),
        ("a.wasm", "application/wasm", b"\0asm\x01\0\0\0", UNKNOWN),
        // Polyglots are what their first bytes say, and no page.
        ("a.html", "text/html", gif, "image/gif"),
        ("a.js", "text/javascript", gif, "image/gif"),
        ("a.html", "text/html", PNG, "image/png"),
    ];
    for (name, declared, body, want) in cases {
        let path = format!("/v1/files/x/{name}");
        let mut headers = Vec::new();
        if !declared.is_empty() {
            headers.push(("content-type", declared));
        }
        let put = kit.ask(None, "PUT", &path, &headers, body).await;
        assert!(matches!(put.status, 200 | 201), "{name} {declared}");
        for (range, whole) in [(None, true), (Some("bytes=0-3"), false)] {
            let headers: Vec<_> = range.map(|r| ("range", r)).into_iter().collect();
            let got = kit.ask(None, "GET", &path, &headers, b"").await;
            assert_eq!(got.header("content-type"), Some(want), "{name} {declared}");
            assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(
                got.header("content-security-policy"),
                Some("sandbox; default-src 'none'")
            );
            let kind = got.header("content-disposition").unwrap().split(';').next();
            let shown = if want == UNKNOWN {
                "attachment"
            } else {
                "inline"
            };
            assert_eq!(kind, Some(shown), "{name} {declared}");
            assert!(got.header("set-cookie").is_none());
            assert_eq!(got.body == body, whole, "{name}");
        }
    }
}

async fn names_stay_in_their_header(kit: &Kit) {
    kit.open_bucket("x").await;
    let cases = [
        (
            "a%22;%20filename=%22b.exe",
            "a\"; filename=\"b.exe",
            "attachment; filename=\"a_; filename=_b.exe\"; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe",
        ),
        (
            "%E2%80%AEgpj.exe",
            "\u{202e}gpj.exe",
            "attachment; filename=\"_gpj.exe\"",
        ),
        (
            "d/%C3%A9t%C3%A9.txt",
            "d/été.txt",
            "attachment; filename=\"_t_.txt\"; filename*=UTF-8''%C3%A9t%C3%A9.txt",
        ),
        (
            "%25s%25n",
            "%s%n",
            "attachment; filename=\"_s_n\"; filename*=UTF-8''%25s%25n",
        ),
        (
            "%3Cimg%20onerror=x%3E",
            "<img onerror=x>",
            "attachment; filename=\"<img onerror=x>\"",
        ),
        (
            "%7B%7B7*7%7D%7D",
            "{{7*7}}",
            "attachment; filename=\"{{7*7}}\"",
        ),
        ("a'b;c=d", "a'b;c=d", "attachment; filename=\"a'b;c=d\""),
    ];
    for (sent, stored, told) in cases {
        let made = kit.put(None, &format!("x/{sent}"), b"x").await;
        assert_eq!(
            (made.status, &made.json()["path"]),
            (201, &json!(stored)),
            "{sent}"
        );
        let got = kit.get(None, &format!("/v1/files/x/{sent}")).await;
        assert_eq!(got.header("content-disposition"), Some(told), "{sent}");
    }
    let long = "n".repeat(1_024);
    assert_eq!(kit.put(None, &format!("x/{long}"), b"x").await.status, 201);
    assert_eq!(
        kit.get(None, &format!("/v1/files/x/{long}")).await.status,
        200
    );
}

async fn paths_that_are_none(kit: &Kit) {
    kit.open_bucket("x").await;
    let long = "n".repeat(1_025);
    let huge = "n".repeat(10_240);
    for path in [
        "",
        "a%0D%0ASet-Cookie:x=1",
        "a%00b",
        "a%7Fb",
        "a%C2%85b",
        "..%2F..%2Fp",
        "%2e%2e/%2e%2e/p",
        "a/./b",
        "a%5Cb",
        "a%2F%2Fb",
        "a/",
        "%2Fa",
        "%FFa",
        "%ED%A0%80",
        "a%",
        "a%2",
        &long,
        &huge,
    ] {
        let reply = kit.put(None, &format!("x/{path}"), b"x").await;
        assert_eq!(reply.status, 400, "{path}");
        assert_eq!(
            kit.get(None, &format!("/v1/files/x/{path}")).await.status,
            400,
            "{path}"
        );
    }
    for bucket in ["X", "..", "x%2Fy", "x%20", "_x", "x.y", "%78%00"] {
        let status = kit.put(None, &format!("{bucket}/a"), b"x").await.status;
        assert!(matches!(status, 400 | 404), "{bucket} {status}");
    }
    assert_eq!(kit.count("_files").await, 0);
    // One spelling of a path is one file.
    let made = kit.put(None, "x/u%CC%88.txt", b"x").await;
    assert_eq!(made.json()["path"], "\u{fc}.txt");
    assert_eq!(kit.put(None, "x/%C3%BC.txt", b"y").await.status, 200);
    assert_eq!(kit.put(None, "x/%C3%9C.txt", b"z").await.status, 201);
    assert_eq!(
        kit.put(None, "x/a%252Fb", b"z").await.json()["path"],
        "a%2Fb"
    );
    assert_eq!(kit.put(None, "x/a+b", b"z").await.json()["path"], "a+b");
}
