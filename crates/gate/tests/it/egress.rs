//! Requests that leave the server: what is refused by its text, by what it resolves to, and what an answer may cost.

use gate::egress::{
    Answered, EGRESS_BODY_MAX, Egress, EgressConfig, EgressError, HeaderMap, Lookup, Method,
    Outgoing, Refused,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers as told, in turn, and counts how often it was asked.
struct Names(Vec<&'static str>, AtomicUsize);

#[async_trait::async_trait]
impl Lookup for Names {
    async fn lookup(&self, _host: &str) -> std::io::Result<Vec<IpAddr>> {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        let text = self.0.get(turn).or(self.0.last());
        Ok(text.iter().map(|t| t.parse().unwrap()).collect())
    }
}

fn egress_to(origins: &[String]) -> Egress {
    Egress::new(&EgressConfig {
        allow_origins: origins.to_vec(),
    })
}

async fn get(egress: &Egress, url: &str) -> Result<Answered, EgressError> {
    let request = Outgoing {
        target: egress.check(url).unwrap(),
        method: Method::POST,
        headers: HeaderMap::new(),
        body: b"body".to_vec(),
    };
    egress.send(request).await
}

/// A server that hands each connection, its request read, to `answer`. Counts connections.
async fn server<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> (String, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            counted.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4_096];
            let _ = stream.read(&mut head).await;
            #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
            tokio::spawn(answer(stream));
        }
    });
    (origin, count)
}

#[test]
fn addresses_are_judged_by_their_text() {
    let egress = egress_to(&[]);
    let cases = [
        ("https://127.0.0.1/a", Refused::NotPublic),
        ("https://[::1]/a", Refused::NotPublic),
        ("https://[::ffff:127.0.0.1]/a", Refused::NotPublic),
        ("https://[::ffff:7f00:1]/a", Refused::NotPublic),
        ("https://0/a", Refused::NotPublic),
        ("https://0.0.0.0/a", Refused::NotPublic),
        ("https://2130706433/a", Refused::NotPublic),
        ("https://0x7f.1/a", Refused::NotPublic),
        ("https://0177.0.0.1/a", Refused::NotPublic),
        ("https://127.1/a", Refused::NotPublic),
        ("https://127.0.0.1./a", Refused::NotPublic),
        ("https://%31%32%37.0.0.1/a", Refused::NotPublic),
        ("https://１２７.0.0.1/a", Refused::NotPublic),
        (
            "https://169.254.169.254/latest/meta-data",
            Refused::NotPublic,
        ),
        ("https://100.64.0.1/a", Refused::NotPublic),
        ("https://10.0.0.1/a", Refused::NotPublic),
        ("https://192.168.1.1/a", Refused::NotPublic),
        ("https://172.16.0.1/a", Refused::NotPublic),
        ("https://198.18.0.1/a", Refused::NotPublic),
        ("https://[fd00::1]/a", Refused::NotPublic),
        ("https://[fe80::1]/a", Refused::NotPublic),
        ("https://[64:ff9b::7f00:1]/a", Refused::NotPublic),
        ("https://[2002:7f00:1::]/a", Refused::NotPublic),
        ("https://localhost/a", Refused::NotPublic),
        ("https://LOCALHOST./a", Refused::NotPublic),
        ("https://a.localhost/a", Refused::NotPublic),
        ("https://printer.local/a", Refused::NotPublic),
        ("https://metadata.google.internal/a", Refused::NotPublic),
        ("https://intranet/a", Refused::NotPublic),
        ("http://push.example.com/a", Refused::NotHttps),
        ("file:///etc/passwd", Refused::NotHttps),
        ("ftp://push.example.com/a", Refused::NotHttps),
        ("gopher://push.example.com:443/a", Refused::NotHttps),
        ("data:text/plain,a", Refused::NotHttps),
        ("https://push.example.com:22/a", Refused::Port),
        ("https://push.example.com:8443/a", Refused::Port),
        ("https://push.example.com:0/a", Refused::Port),
        ("https://user@push.example.com/a", Refused::UserInfo),
        ("https://user:secret@push.example.com/a", Refused::UserInfo),
        ("https://push.example.com@127.0.0.1/a", Refused::UserInfo),
        ("//push.example.com/a", Refused::NotAUrl),
        ("push.example.com", Refused::NotAUrl),
        ("https://", Refused::NotAUrl),
        ("https://a b/", Refused::NotAUrl),
        ("", Refused::NotAUrl),
    ];
    for (url, want) in cases {
        assert_eq!(egress.check(url).map_err(Some), Err(Some(want)), "{url}");
    }
    let long = format!("https://push.example.com/{}", "a".repeat(2_048));
    assert_eq!(egress.check(&long), Err(Refused::NotAUrl));
    let good = egress
        .check("https://PUSH.example.com:443/send/%41?x#frag")
        .unwrap();
    assert_eq!(
        (good.url(), good.origin().as_str()),
        (
            "https://push.example.com/send/%41?x",
            "https://push.example.com"
        )
    );
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused_at_connect() {
    for private in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "fd00::1",
        "64:ff9b::7f00:1",
    ] {
        let names = Arc::new(Names(vec![private], AtomicUsize::new(0)));
        let egress = Egress::with_lookup(&EgressConfig::default(), names.clone());
        let got = get(&egress, "https://rebind.example.com/a").await;
        assert_eq!(
            got.map(|a| a.status),
            Err(EgressError::NotPublic),
            "{private}"
        );
    }
}

#[tokio::test]
async fn a_second_answer_of_the_name_server_is_never_asked_for() {
    // The first answer is private and refused; had the connector asked again, it would have got a public one.
    let names = Arc::new(Names(vec!["127.0.0.1", "9.9.9.9"], AtomicUsize::new(0)));
    let egress = Egress::with_lookup(&EgressConfig::default(), names.clone());
    let got = get(&egress, "https://rebind.example.com/a").await;
    assert_eq!(got.map(|a| a.status), Err(EgressError::NotPublic));
    assert_eq!(names.1.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_rebound_name_does_not_reach_what_an_exempt_origin_opens() {
    // The exempt origin has a name of its own; the same name over https is judged as any other.
    let names = Arc::new(Names(vec!["127.0.0.1"], AtomicUsize::new(0)));
    let (origin, count) = server(|mut stream| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await;
    })
    .await;
    let port = origin.rsplit(':').next().unwrap();
    let config = EgressConfig {
        allow_origins: vec![format!("http://inside.example.com:{port}")],
    };
    let egress = Egress::with_lookup(&config, names);
    let open = get(&egress, &format!("http://inside.example.com:{port}/a")).await;
    assert_eq!(open.unwrap().body.unwrap(), b"ok");
    let closed = get(&egress, "https://inside.example.com/a").await;
    assert_eq!(closed.map(|a| a.status), Err(EgressError::NotPublic));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn redirects_are_answers() {
    let (inner, inner_count) = server(|_| async {}).await;
    let (origin, count) = server(move |mut stream| {
        let location = inner.clone();
        async move {
            let head = format!(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}/secret\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).await;
        }
    })
    .await;
    let egress = egress_to(std::slice::from_ref(&origin));
    let answer = get(&egress, &format!("{origin}/a")).await.unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(
        (
            count.load(Ordering::SeqCst),
            inner_count.load(Ordering::SeqCst)
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn an_endless_body_is_read_to_its_limit_and_the_status_is_kept() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = sent.clone();
    let (origin, _) = server(move |mut stream| {
        let sent = counter.clone();
        async move {
            let head = b"HTTP/1.1 201 Created\r\nContent-Length: 10737418240\r\nX: y\r\n\r\n";
            let chunked = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n";
            let first = sent.load(Ordering::SeqCst) == 0;
            let _ = stream
                .write_all(if first { &chunked[..] } else { &head[..] })
                .await;
            let block = [b'x'; 4_096];
            while stream.write_all(b"1000\r\n").await.is_ok()
                && stream.write_all(&block).await.is_ok()
                && stream.write_all(b"\r\n").await.is_ok()
            {
                sent.fetch_add(block.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    let egress = egress_to(std::slice::from_ref(&origin));
    for _ in 0..2 {
        let answer = get(&egress, &format!("{origin}/a")).await.unwrap();
        assert_eq!(
            (answer.status, answer.body),
            (201, Err(EgressError::TooLarge))
        );
    }
    // What the sockets buffered may have left the server beyond the limit, but no more.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(sent.load(Ordering::SeqCst) < 32 * 1_048_576);
}

#[tokio::test]
async fn a_body_of_unknown_length_has_the_same_limit() {
    for (length, fits) in [(EGRESS_BODY_MAX, true), (EGRESS_BODY_MAX + 1, false)] {
        let (origin, _) = server(move |mut stream| async move {
            let head =
                format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n");
            let _ = stream.write_all(head.as_bytes()).await;
            let _ = stream.write_all(&vec![b'x'; length]).await;
            let _ = stream.write_all(b"\r\n0\r\n\r\n").await;
        })
        .await;
        let answer = get(&egress_to(std::slice::from_ref(&origin)), &origin).await;
        let body = answer.unwrap().body.map(|body| body.len());
        let want = if fits {
            Ok(length)
        } else {
            Err(EgressError::TooLarge)
        };
        assert_eq!(body, want);
    }
}

#[tokio::test]
async fn a_length_that_cannot_be_is_not_believed() {
    for length in ["1152921504606846976", "65537"] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nx");
        let (origin, _) = server(move |mut stream| {
            let head = head.clone();
            async move {
                let _ = stream.write_all(head.as_bytes()).await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        })
        .await;
        let started = Instant::now();
        let answer = get(&egress_to(std::slice::from_ref(&origin)), &origin).await;
        assert_eq!(answer.unwrap().body, Err(EgressError::TooLarge));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    let (origin, _) = server(|mut stream| async move {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {EGRESS_BODY_MAX}\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(&[b'x'; EGRESS_BODY_MAX]).await;
    })
    .await;
    let answer = get(&egress_to(std::slice::from_ref(&origin)), &origin).await;
    assert_eq!(answer.unwrap().body.unwrap().len(), EGRESS_BODY_MAX);
}

#[tokio::test]
async fn who_hangs_is_left_after_ten_seconds() {
    let silent = async |head: &'static str, drip: bool| {
        let (origin, _) = server(move |mut stream| async move {
            let _ = stream.write_all(head.as_bytes()).await;
            loop {
                tokio::time::sleep(Duration::from_millis(500)).await;
                if drip && stream.write_all(b"x").await.is_err() {
                    return;
                }
            }
        })
        .await;
        let started = Instant::now();
        let answer = get(&egress_to(std::slice::from_ref(&origin)), &origin).await;
        let took = started.elapsed().as_secs_f32();
        assert!((9.5..12.0).contains(&took), "{took}");
        answer.map(|a| (a.status, a.body))
    };
    let (nothing, head_only, drip) = tokio::join!(
        silent("", false),
        silent("HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n", false),
        silent("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", true),
    );
    assert_eq!(nothing, Err(EgressError::Timeout));
    assert_eq!(head_only, Ok((201, Err(EgressError::Timeout))));
    assert_eq!(drip, Ok((200, Err(EgressError::Timeout))));
}

#[tokio::test]
async fn failures_tell_themselves_apart_and_never_the_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let egress = egress_to(std::slice::from_ref(&origin));
    let refused = get(&egress, &format!("{origin}/very-secret")).await;
    let refused = refused.map(|a| a.status).unwrap_err();
    assert!(matches!(refused, EgressError::Connect(_)), "{refused}");
    assert!(!refused.to_string().contains("very-secret"));
    let (origin, _) = server(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n").await;
    })
    .await;
    let egress = egress_to(std::slice::from_ref(&origin));
    let broken = get(&egress, &format!("{origin}/very-secret")).await;
    let broken = broken.map(|a| a.status).unwrap_err();
    assert!(matches!(broken, EgressError::Broken(_)), "{broken}");
    assert!(!broken.to_string().contains("very-secret"));
}
