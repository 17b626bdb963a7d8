//! What changed in which project, told to whoever listens: in this process at once, and on PostgreSQL to the other nodes.
//!
//! It is a hint to read again, never the fact itself: it may come twice, late, or as [`News::Everything`] when something
//! may have been missed. Nothing is told before the commit that made it true.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;
use uuid::Uuid;

/// What of a project changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Collections, fields, rules.
    Schema,
    /// The project's settings.
    Settings,
    /// Its keys.
    Keys,
    /// Sessions of its users.
    Sessions,
    /// The keys that sign their access tokens.
    SigningKeys,
    /// Its change log.
    Changes,
}

impl Topic {
    const ALL: [(Self, char); 6] = [
        (Self::Schema, 's'),
        (Self::Settings, 't'),
        (Self::Keys, 'k'),
        (Self::Sessions, 'u'),
        (Self::SigningKeys, 'j'),
        (Self::Changes, 'c'),
    ];

    fn letter(self) -> char {
        let found = Self::ALL.iter().find(|(topic, _)| *topic == self);
        found.map_or('?', |(_, letter)| *letter)
    }

    fn of(letter: char) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == letter);
        found.map(|(topic, _)| *topic)
    }
}

/// One piece of news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// This process changed this in the project with this uid.
    Changed(Uuid, Topic),
    /// Another node did.
    Heard(Uuid, Topic),
    /// Something may have been missed: whatever is kept in memory must be read again.
    Everything,
}

/// Hears the news. It is told that it missed something when it is more than 1,024 pieces behind.
pub struct Listener(broadcast::Receiver<News>);

impl Listener {
    /// The next piece; `None` when the store has ended.
    pub async fn next(&mut self) -> Option<News> {
        match self.0.recv().await {
            Ok(news) => Some(news),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(News::Everything),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// The news of one process.
pub(crate) struct Desk {
    sender: broadcast::Sender<News>,
    /// What the other nodes are still to be told.
    pending: Mutex<Pending>,
}

#[derive(Default)]
struct Pending {
    news: BTreeSet<(Uuid, Topic)>,
    /// Somebody tells them already.
    told: bool,
}

/// More in one message, which may have 8,000 bytes, are told as "everything".
const PIECES_MAX: usize = 200;
const EVERYTHING: &str = "*";

impl Desk {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            sender: broadcast::Sender::new(1_024),
            pending: Mutex::default(),
        })
    }

    pub(crate) fn listen(&self) -> Listener {
        Listener(self.sender.subscribe())
    }

    pub(crate) fn tell(&self, news: News) {
        // Without listeners there is nobody to tell.
        let _ = self.sender.send(news);
    }

    /// Keeps a piece for the other nodes. Whether the caller must see that they are told.
    pub(crate) fn keep(&self, project: Uuid, topic: Topic) -> bool {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.news.insert((project, topic));
        !std::mem::replace(&mut pending.told, true)
    }

    /// The message of all that was kept; `None` once nothing was, and then the next piece needs a teller again.
    pub(crate) fn message(&self) -> Option<String> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let news = std::mem::take(&mut pending.news);
        pending.told = !news.is_empty();
        if news.len() > PIECES_MAX {
            return Some(EVERYTHING.to_owned());
        }
        let pieces = news
            .iter()
            .map(|(project, topic)| format!("{}{}", topic.letter(), project.simple()));
        let message: Vec<String> = pieces.collect();
        (!message.is_empty()).then(|| message.join(" "))
    }

    /// Tells what another node sent. What cannot be read, such as a topic of a newer node, is everything.
    pub(crate) fn hear(&self, message: &str) {
        let piece = |text: &str| {
            let topic = Topic::of(text.chars().next()?)?;
            let project = Uuid::try_parse(text.get(1..)?).ok()?;
            Some(News::Heard(project, topic))
        };
        for text in message.split(' ') {
            self.tell(piece(text).unwrap_or(News::Everything));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Desk, News, Topic};
    use uuid::Uuid;

    #[test]
    fn a_message_is_heard_as_it_was_meant() {
        let (from, to) = (Desk::new(), Desk::new());
        let project = Uuid::from_u128(7);
        let mut heard = to.listen();
        assert_eq!(from.message(), None);
        assert!(from.keep(project, Topic::Keys), "the first needs a teller");
        assert!(!from.keep(project, Topic::Schema) && !from.keep(project, Topic::Keys));
        to.hear(&from.message().unwrap());
        for topic in [Topic::Schema, Topic::Keys] {
            assert_eq!(heard.0.try_recv(), Ok(News::Heard(project, topic)));
        }
        assert!(heard.0.try_recv().is_err());
        assert_eq!(from.message(), None);
        assert!(from.keep(project, Topic::Keys), "and so does the next");
        for n in 0..300 {
            from.keep(Uuid::from_u128(n), Topic::Changes);
        }
        let message = from.message().unwrap();
        assert!(message.len() < 8_000);
        for odd in [
            message.as_str(),
            "",
            "x",
            "s12",
            "é",
            "z00000000000000000000000000000007",
        ] {
            to.hear(odd);
            assert_eq!(heard.0.try_recv(), Ok(News::Everything), "{odd}");
        }
    }
}
