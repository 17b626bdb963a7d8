//! Gives memory back whenever the server falls quiet: else the allocator keeps what the start or a burst took.

use gate::Front;
use std::time::Duration;

/// How long nobody must have asked anything.
const QUIET: Duration = Duration::from_secs(1);

/// Runs for as long as the server does.
pub async fn give_back(front: Front) {
    let (mut last, mut given) = (front.mark(), None);
    loop {
        tokio::time::sleep(QUIET).await;
        let now = front.mark();
        if now == last && given != Some(now) {
            store::release_memory();
            store::release_program();
            given = Some(now);
        }
        last = now;
    }
}
