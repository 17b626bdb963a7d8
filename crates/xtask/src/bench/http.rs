//! As much of an HTTP/1.1 client as setting up a server needs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::run::{Outcome, on};

/// Under valgrind a server is slow.
const ANSWER_SECONDS: u64 = 300;

/// One connection that is kept open between requests.
pub struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

/// A status and a body; the body is null when it is not JSON.
pub struct Answer {
    pub status: u16,
    pub body: Value,
    /// Whether it says after which time to come again.
    pub retry_after: bool,
}

impl Answer {
    /// A text inside the body of a successful answer, found by the names that lead to it.
    pub fn text(&self, names: &[&str]) -> Outcome<String> {
        let found = names.iter().try_fold(&self.body, |at, name| at.get(name));
        match found.and_then(Value::as_str) {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("no `{}` in {}", names.join("."), self.body)),
        }
    }
}

impl Connection {
    pub fn open(address: &str) -> Outcome<Self> {
        let stream = on(
            format!("could not connect to {address}"),
            TcpStream::connect(address),
        )?;
        on("could not set up the connection", setup(&stream))?;
        Ok(Self {
            address: address.to_owned(),
            stream: BufReader::new(stream),
        })
    }

    /// Sends one request and demands an answer of 200 to 299.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Outcome<Answer> {
        let what = format!("{method} http://{}{path}", self.address);
        let answer = self.try_send(method, path, token, body)?;
        match answer.status {
            200..=299 => Ok(answer),
            status => Err(format!("{what} answered {status}: {}", answer.body)),
        }
    }

    /// Sends one request; every answer will do.
    pub fn try_send(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Outcome<Answer> {
        let what = format!("{method} http://{}{path}", self.address);
        on(&what, self.exchange(method, path, token, body))
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> std::io::Result<Answer> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(token) = token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        if !body.is_empty() {
            let length = body.len();
            request.push_str("Content-Type: application/json\r\n");
            request.push_str(&format!("Content-Length: {length}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(&body);
        self.stream.get_mut().write_all(request.as_bytes())?;

        let status = self.line()?;
        let status = status
            .split(' ')
            .nth(1)
            .and_then(|number| number.parse().ok());
        let status = status.ok_or_else(|| malformed("no status"))?;
        let mut length = 0;
        let mut chunked = false;
        let mut retry_after = false;
        loop {
            let line = self.line()?.to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = number(value, 10)?,
                Some(("transfer-encoding", value)) => chunked = value.trim() == "chunked",
                Some(("retry-after", _)) => retry_after = true,
                Some(_) => {}
            }
        }
        let bytes = match chunked {
            true => self.chunks()?,
            false => self.bytes(length)?,
        };
        Ok(Answer {
            status,
            retry_after,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        })
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(malformed("the server closed the connection"));
        }
        Ok(line.trim_end().to_owned())
    }

    fn bytes(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn chunks(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let length = number(&self.line()?, 16)?;
            bytes.extend(self.bytes(length)?);
            self.line()?;
            if length == 0 {
                return Ok(bytes);
            }
        }
    }
}

fn setup(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS)))
}

fn number(text: &str, radix: u32) -> std::io::Result<usize> {
    usize::from_str_radix(text.trim(), radix).map_err(|_| malformed("a length is not a number"))
}

fn malformed(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}
