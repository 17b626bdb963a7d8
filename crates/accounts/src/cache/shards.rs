//! Bounded maps in shards, in which the cache of tokens keeps what it knows.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{PoisonError, RwLock};

const SHARDS: usize = 16;

/// A number for a token or a session, from its last bytes: they are the end of a signature we made, or of an id we
/// made, so nobody chooses them, and there is no need to hash half a kilobyte.
pub(super) fn mark(bytes: &[u8]) -> u64 {
    let mut last = [0_u8; 16];
    let tail = &bytes[bytes.len().saturating_sub(16)..];
    last[16 - tail.len()..].copy_from_slice(tail);
    let both = u128::from_le_bytes(last);
    // The halves as two numbers; an odd multiplier spreads the few bits that differ.
    let (low, high) = ((both & u128::from(u64::MAX)) as u64, (both >> 64) as u64);
    let mixed = (low ^ high.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

/// Hands the number through: it is spread already.
#[derive(Default)]
struct Through(u64);

impl Hasher for Through {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

type Shard<T> = RwLock<HashMap<u64, T, BuildHasherDefault<Through>>>;

/// A bounded map in shards, so that workers rarely meet at a lock. Two things of one number push each other out.
pub(super) struct Shards<T> {
    shards: Box<[Shard<T>]>,
    max: usize,
}

impl<T> Shards<T> {
    pub(super) fn new(max: usize) -> Self {
        let shards = (0..SHARDS)
            .map(|_| RwLock::new(HashMap::default()))
            .collect();
        Self {
            shards,
            max: (max / SHARDS).max(8),
        }
    }

    fn shard(&self, key: u64) -> &Shard<T> {
        // The map uses the low and the highest bits; these are in between.
        &self.shards[(key >> 40) as usize % SHARDS]
    }

    pub(super) fn read<R>(&self, key: u64, look: impl FnOnce(Option<&T>) -> R) -> R {
        look(
            self.shard(key)
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&key),
        )
    }

    pub(super) fn insert_if(
        &self,
        key: u64,
        value: T,
        may: impl Fn() -> bool,
        is_good: impl Fn(&T) -> bool,
    ) {
        let shard = self.shard(key).write();
        let mut shard = shard.unwrap_or_else(PoisonError::into_inner);
        if may() {
            make_room(&mut shard, self.max, is_good);
            shard.insert(key, value);
        }
    }

    pub(super) fn retain(&self, is_good: impl Fn(&T) -> bool) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|_, value| is_good(value));
        }
    }

    /// What is there if it is `same`, else `value`, which then takes its place.
    pub(super) fn get_or_insert(
        &self,
        key: u64,
        value: T,
        same: impl Fn(&T) -> bool,
        is_good: impl Fn(&T) -> bool,
    ) -> T
    where
        T: Clone,
    {
        let mut shard = self
            .shard(key)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = shard.get(&key).filter(|there| same(there)) {
            return there.clone();
        }
        make_room(&mut shard, self.max, is_good);
        shard.insert(key, value.clone());
        value
    }

    pub(super) fn each(&self, look: impl Fn(&T)) {
        for shard in &self.shards {
            shard
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .values()
                .for_each(&look);
        }
    }
}

/// Drops what is no good when the map is full, and if that is too little, one in eight, so that this is done rarely.
fn make_room<T>(
    map: &mut HashMap<u64, T, BuildHasherDefault<Through>>,
    max: usize,
    is_good: impl Fn(&T) -> bool,
) {
    if map.len() < max {
        return;
    }
    map.retain(|_, value| is_good(value));
    if map.len() > max - max / 8 {
        let mut n = 0_usize;
        map.retain(|_, _| {
            n += 1;
            !n.is_multiple_of(8)
        });
    }
}
