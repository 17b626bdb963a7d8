//! The allocator, and what is given back whenever the server falls quiet: else the program's own pages count as this
//! process's although nobody runs them.

use gate::Front;
use std::time::Duration;

/// What one thread allocates another frees, all the time: a record is made by a writer, and sent by a worker. The C
/// library's allocator takes a lock for that, which costs a sixth of a create. What is free goes back to the system
/// within a second, by a thread of the allocator's own.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
            store::release_program();
        }
    }
}
