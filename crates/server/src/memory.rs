//! Gives memory back whenever the server falls quiet: else the allocator keeps what the start or a burst took, and the
//! program's own pages count as this process's although nobody runs them.

use gate::Front;
use std::time::Duration;

/// How often it is looked whether somebody asked something.
const LOOK: Duration = Duration::from_millis(250);
/// After so many looks in a row without a request the server is quiet: a second.
const QUIET_LOOKS: u32 = 4;

/// Runs for as long as the server does.
pub async fn give_back(front: Front) {
    let (mut last, mut looks) = (front.mark(), 0_u32);
    loop {
        tokio::time::sleep(LOOK).await;
        let now = front.mark();
        looks = if now == last {
            looks.saturating_add(1)
        } else {
            0
        };
        last = now;
        if looks == QUIET_LOOKS {
            store::release_memory();
            store::release_program();
        }
    }
}
