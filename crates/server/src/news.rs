//! What nodes tell each other: what one changed, so that the others read it again, and that each lives.
//!
//! The news make the end of a session, a key or a rule known within milliseconds; without them it is within a second.

use crate::wiring::Services;
use gate::Front;
use std::time::Duration;
use store::{Listener, News, Topic};
use uuid::Uuid;

/// How often a node says that it lives.
const BEAT: Duration = Duration::from_secs(5);

/// Hands to each service what other nodes changed. Runs until the store has ended.
pub async fn run(services: Services, mut listener: Listener) {
    while let Some(news) = listener.next().await {
        match news {
            // Who changed it here has renewed what is kept here.
            News::Changed(..) => {}
            News::Heard(project, Topic::Schema) => services.data.doubt(Some(project)),
            News::Heard(project, Topic::Sessions) => services.accounts.doubt(Some(project)),
            News::Heard(project, Topic::SigningKeys) => services.accounts.doubt_keys(Some(project)),
            News::Heard(project, topic) => services.gate.doubt(project, topic),
            News::Everything => {
                services.gate.doubt_all();
                services.data.doubt(None);
                services.accounts.doubt(None);
                services.accounts.doubt_keys(None);
            }
        }
    }
}

/// Says that this node lives and grants its part of the limits. Runs for as long as the server does.
pub async fn beat(services: Services, front: Front, node: Uuid) {
    loop {
        match services.gate.beat(node).await {
            Ok(nodes) => front.set_nodes(nodes),
            Err(problem) => tracing::warn!(%problem, "the other nodes were not counted"),
        }
        tokio::time::sleep(BEAT).await;
    }
}
