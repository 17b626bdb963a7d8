//! News between nodes: one NOTIFY for all that changed within ten milliseconds, and a connection that listens.

use super::PgShared;
use crate::news::{Desk, Listener, News, Topic};
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const CHANNEL: &str = "galley";
/// The pause after a message, in which the next pieces gather.
const GATHER: Duration = Duration::from_millis(10);
/// The pause before a lost connection is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// The task that listens; it ends with its owner.
pub(super) struct Ears(tokio::task::JoinHandle<()>);

impl Drop for Ears {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ears {
    /// Listens on a connection of its own, beside the pools.
    pub(super) fn open(
        options: sqlx::postgres::PgConnectOptions,
        node: Uuid,
        desk: Arc<Desk>,
    ) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(options);
        #[expect(
            clippy::disallowed_methods,
            reason = "it is aborted when its owner is dropped"
        )]
        Self(tokio::spawn(async move {
            loop {
                if let Err(error) = listen(&pool, node, &desk).await {
                    tracing::warn!(%error, "other nodes are not heard; trying again");
                }
                tokio::time::sleep(RETRY).await;
            }
        }))
    }
}

/// Tells the news until the connection is lost. Before it was there everything may have changed.
async fn listen(pool: &PgPool, node: Uuid, desk: &Desk) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    desk.tell(News::Everything);
    while let Some(notification) = listener.try_recv().await? {
        match notification.payload().split_once(' ') {
            Some((from, _)) if from == node.to_string() => {}
            Some((_, message)) => desk.hear(message),
            None => desk.tell(News::Everything),
        }
    }
    Ok(())
}

impl PgShared {
    /// Hears this node and, from the first listener on, the others.
    pub(crate) fn listen(&self) -> Listener {
        let listener = self.desk.listen();
        self.ears
            .get_or_init(|| Ears::open(self.listening.clone(), self.node, self.desk.clone()));
        listener
    }

    /// Tells this node at once and the others soon.
    pub(crate) fn announce(self: &Arc<Self>, project: Uuid, topic: Topic) {
        self.desk.tell(News::Changed(project, topic));
        if !self.desk.keep(project, topic) {
            return;
        }
        let shared = self.clone();
        #[expect(
            clippy::disallowed_methods,
            reason = "it ends by itself after what there is to tell"
        )]
        tokio::spawn(async move {
            while let Some(message) = shared.desk.message() {
                let notify = sqlx::query("SELECT pg_notify($1, $2)")
                    .bind(CHANNEL)
                    .bind(format!("{} {message}", shared.node))
                    .execute(&shared.write);
                // The other nodes read again within a second anyway.
                if let Err(error) = notify.await {
                    tracing::warn!(%error, "other nodes were not told");
                }
                tokio::time::sleep(GATHER).await;
            }
        });
    }
}
