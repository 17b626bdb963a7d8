//! A server of the tests' own, which stands for a provider's or a project's: it keeps what it was asked, and answers as
//! it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request, as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, value)| value)
    }
}

/// What to answer: after how long, with which status and body.
pub type Answer = (Duration, u16, String);

pub struct Peer {
    pub origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Peer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = Self {
            origin: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
            answer: Arc::new(Mutex::new((Duration::ZERO, 200, String::new()))),
        };
        let (asked, answer) = (peer.asked.clone(), peer.answer.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answer) = (asked.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &asked, &answer));
            }
        });
        peer
    }

    pub fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (Duration::ZERO, status, body.to_owned());
    }

    pub fn hangs(&self) {
        *self.answer.lock().unwrap() = (Duration::from_secs(30), 200, "{}".to_owned());
    }

    /// What it was asked since the last time.
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn serve(stream: TcpStream, asked: &Mutex<Vec<Asked>>, answer: &Mutex<Answer>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    asked.lock().unwrap().push(Asked {
        path,
        headers,
        body: String::from_utf8(body).unwrap(),
    });
    let (wait, status, body) = answer.lock().unwrap().clone();
    std::thread::sleep(wait);
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let mut stream = stream;
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
}
