//! A client that says exactly what it is told, so that a test can lie, stall and hang up.

use serde_json::Value as Json;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer, read to its end.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or(Json::Null)
    }

    /// The status, and the code of a problem or nothing.
    pub fn outcome(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status, code)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn id(&self) -> uuid::Uuid {
        self.json()["id"].as_str().unwrap().parse().unwrap()
    }
}

/// One connection that asks once.
pub struct Wire(TcpStream);

impl Wire {
    pub async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends the head of a request.
    pub async fn head(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
    ) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.push_str("host: 127.0.0.1:8090\r\n");
        }
        if let Some(token) = token {
            head.push_str(&format!("authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.0.write_all(head.as_bytes()).await.unwrap();
    }

    /// Sends bytes of the body; the server may have hung up.
    pub async fn bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// Reads some of the answer as it comes.
    pub async fn some(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; most];
        let read = self.0.read(&mut bytes).await.unwrap();
        bytes.truncate(read);
        bytes
    }

    /// Ends the sending, and not the reading.
    pub async fn close_sending(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// Reads the answer to the end of the connection.
    pub async fn reply(mut self) -> Reply {
        let mut all = Vec::new();
        // A server that refuses early may reset the connection after its answer.
        let _ = self.0.read_to_end(&mut all).await;
        parse(&all)
    }
}

pub fn parse(all: &[u8]) -> Reply {
    let end = all.windows(4).position(|w| w == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(all)));
    let head = std::str::from_utf8(&all[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let header = |line: &str| {
        let (name, value) = line.split_once(':').unwrap();
        (name.to_ascii_lowercase(), value.trim().to_owned())
    };
    let reply = Reply {
        status: status.parse().unwrap(),
        headers: lines.map(header).collect(),
        body: all[end + 4..].to_vec(),
    };
    if reply.status >= 400 && !reply.body.is_empty() {
        let kind = reply.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{}", reply.status);
    }
    reply
}
