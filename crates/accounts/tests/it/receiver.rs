//! A mail server for tests: takes mails over a real socket, and answers as badly as it is told to.

use std::cell::RefCell;
use std::rc::Rc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[expect(
    clippy::disallowed_methods,
    reason = "the server of a test ends with the test"
)]
fn spawn(work: impl Future<Output = ()> + 'static) {
    actix_web::rt::spawn(work);
}

/// How the server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It takes everything.
    Good,
    /// It answers `RCPT` with this.
    Recipient(&'static str),
    /// It answers the greeting with this.
    Greeting(&'static str),
    /// It takes the mail and goes away before it says so.
    LostAnswer,
}

/// A mail as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub struct Receiver {
    pub port: u16,
    mood: Rc<RefCell<Mood>>,
    got: Rc<RefCell<Vec<Got>>>,
    said: Rc<RefCell<Vec<String>>>,
}

impl Receiver {
    pub async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self {
            port: listener.local_addr().unwrap().port(),
            mood: Rc::new(RefCell::new(mood)),
            got: Rc::default(),
            said: Rc::default(),
        };
        let server = this.clone();
        spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                spawn(async move { server.talk(stream).await });
            }
        });
        this
    }

    pub fn set(&self, mood: Mood) {
        *self.mood.borrow_mut() = mood;
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.borrow().clone()
    }

    /// Everything that clients said outside of mails.
    pub fn said(&self) -> Vec<String> {
        self.said.borrow().clone()
    }

    async fn talk(&self, stream: TcpStream) {
        let mood = *self.mood.borrow();
        let mut stream = BufReader::new(stream);
        let greeting = match mood {
            Mood::Greeting(text) => text,
            _ => "220 test ESMTP",
        };
        let mut got = Got {
            from: String::new(),
            to: Vec::new(),
            data: String::new(),
        };
        let mut answer = greeting.to_owned();
        loop {
            let out = format!("{answer}\r\n");
            if stream.get_mut().write_all(out.as_bytes()).await.is_err() {
                return;
            }
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            let line = line.trim_end().to_owned();
            self.said.borrow_mut().push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            answer = match (&*verb, mood) {
                ("EHLO", _) => "250-test\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned(),
                ("MAIL", _) => {
                    line.clone_into(&mut got.from);
                    "250 ok".to_owned()
                }
                ("RCPT", Mood::Recipient(text)) => text.to_owned(),
                ("RCPT", _) => {
                    got.to.push(line);
                    "250 ok".to_owned()
                }
                ("DATA", _) => {
                    stream.get_mut().write_all(b"354 go\r\n").await.unwrap();
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                            return;
                        }
                        if line == ".\r\n" {
                            break;
                        }
                        got.data.push_str(&line);
                    }
                    self.got.borrow_mut().push(got.clone());
                    if mood == Mood::LostAnswer {
                        return;
                    }
                    "250 taken".to_owned()
                }
                ("QUIT", _) => "221 bye".to_owned(),
                _ => "502 no such command".to_owned(),
            };
        }
    }
}
