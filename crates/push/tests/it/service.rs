//! A push service: takes what is sent to it, notes it, and answers as it was told to for each path.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How a request is answered.
#[derive(Clone)]
pub enum Say {
    /// With a status and headers, each with its line break.
    Status(u16, String),
    /// Not at all.
    Nothing,
    /// With a status once the semaphore has a permit.
    Held(Arc<Semaphore>, u16),
    /// 201 with a body that does not end.
    Endless,
    /// 201 with a length that cannot be.
    Huge,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Clone)]
pub struct PushService {
    pub origin: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    said: HashMap<String, VecDeque<Say>>,
    otherwise: Option<Say>,
}

impl PushService {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            state: Arc::default(),
        };
        let state = service.state.clone();
        #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = state.clone();
                #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
                tokio::spawn(async move {
                    let _ = serve(stream, &state).await;
                });
            }
        });
        service
    }

    /// Answers the next request to this path so; what is told first is said first.
    pub fn say(&self, path: &str, say: Say) {
        let mut state = self.state.lock().unwrap();
        state
            .said
            .entry(path.to_owned())
            .or_default()
            .push_back(say);
    }

    /// Answers the next request to this path with a status.
    pub fn status(&self, path: &str, status: u16) {
        self.say(path, Say::Status(status, String::new()));
    }

    /// Answers everything else so, instead of 201.
    pub fn otherwise(&self, say: Option<Say>) {
        self.state.lock().unwrap().otherwise = say;
    }

    /// What came so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    pub fn count(&self) -> usize {
        self.state.lock().unwrap().received.len()
    }

    /// Waits until so many requests have come.
    pub async fn wait_for(&self, count: usize) {
        for _ in 0..2_000 {
            if self.count() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{} of {count} requests came", self.count());
    }
}

async fn serve(mut stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let mut first = lines.next().unwrap().split(' ');
        assert_eq!(first.next(), Some("POST"));
        let path = first.next().unwrap().to_owned();
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers["content-length"].parse().unwrap();
        let mut rest = buffer.split_off(end + 4);
        while rest.len() < length {
            if stream.read_buf(&mut rest).await? == 0 {
                return Ok(());
            }
        }
        buffer = rest.split_off(length);
        let say = {
            let mut state = state.lock().unwrap();
            state.received.push(Received {
                path: path.clone(),
                headers,
                body: rest,
            });
            let told = state.said.get_mut(&path).and_then(VecDeque::pop_front);
            told.or(state.otherwise.clone())
        };
        answer(&mut stream, say).await?;
    }
}

async fn answer(stream: &mut TcpStream, say: Option<Say>) -> std::io::Result<()> {
    let (status, headers) = match say {
        None => (201, String::new()),
        Some(Say::Status(status, headers)) => (status, headers),
        Some(Say::Held(gate, status)) => {
            gate.acquire().await.unwrap().forget();
            (status, String::new())
        }
        Some(Say::Nothing) => return std::future::pending().await,
        Some(Say::Endless) => {
            let head = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(b"1000\r\n").await?;
                stream.write_all(&[b'x'; 4_096]).await?;
                stream.write_all(b"\r\n").await?;
            }
        }
        Some(Say::Huge) => {
            let head = "HTTP/1.1 201 Created\r\nContent-Length: 1152921504606846976\r\n\r\nx";
            stream.write_all(head.as_bytes()).await?;
            return std::future::pending().await;
        }
    };
    let length = if status == 204 {
        ""
    } else {
        "Content-Length: 0\r\n"
    };
    let head = format!("HTTP/1.1 {status} Said\r\n{headers}{length}\r\n");
    stream.write_all(head.as_bytes()).await
}
