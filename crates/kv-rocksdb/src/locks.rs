//! Makes check-and-write of a batch one step without stopping unrelated batches.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use actor_sqlite_kv::{Batch, Write};

/// A power of two. A batch of 5 MiB holds about a sixth of them, for as long as the log holds up
/// everybody anyway.
const STRIPES: usize = 1024;

/// A lock for each key, shared by the keys with the same hash.
///
/// A batch locks what it guards and also what it writes: a guard read before another batch's
/// unguarded write of the same row would be overtaken by it otherwise. A range delete writes
/// unknown keys, so it locks everything. Additions lock their key against all but each other: they
/// commute, so that any order of them is the right one, but not with a guard on their sum.
pub(crate) struct KeyLocks {
    ranges: RwLock<()>,
    stripes: Box<[RwLock<()>]>,
}

/// The locks of one batch.
#[expect(dead_code, reason = "the guards are held for their lifetime")]
pub(crate) enum Held<'a> {
    Keys(RwLockReadGuard<'a, ()>, Vec<HeldStripe<'a>>),
    All(RwLockWriteGuard<'a, ()>),
}

/// The lock of one stripe.
#[expect(dead_code, reason = "the guards are held for their lifetime")]
pub(crate) enum HeldStripe<'a> {
    Alone(RwLockWriteGuard<'a, ()>),
    WithAdditions(RwLockReadGuard<'a, ()>),
}

impl KeyLocks {
    pub(crate) fn new() -> Self {
        Self { ranges: RwLock::new(()), stripes: (0..STRIPES).map(|_| RwLock::new(())).collect() }
    }

    /// Blocks until no other batch in progress touches a key of this one.
    pub(crate) fn lock(&self, batch: &Batch<'_>) -> Held<'_> {
        // With whether only additions want it.
        let mut stripes = Vec::with_capacity(batch.guards.len() + batch.writes.len());
        stripes.extend(batch.guards.iter().map(|guard| (stripe(&guard.key), false)));
        for write in &batch.writes {
            match write {
                Write::Put { key, .. } | Write::Delete { key } => {
                    stripes.push((stripe(key), false));
                }
                Write::Add { key, .. } => stripes.push((stripe(key), true)),
                Write::DeleteRange { .. } => {
                    let all = self.ranges.write().unwrap_or_else(PoisonError::into_inner);
                    return Held::All(all);
                }
            }
        }
        // Always in rising order, so that two batches cannot wait for each other. Who wants a
        // stripe for more than additions comes first and is the one that is kept.
        stripes.sort_unstable();
        stripes.dedup_by_key(|(stripe, _)| *stripe);
        let ranges = self.ranges.read().unwrap_or_else(PoisonError::into_inner);
        let keys = stripes
            .into_iter()
            .map(|(stripe, additions)| self.lock_stripe(stripe, additions))
            .collect();
        Held::Keys(ranges, keys)
    }

    fn lock_stripe(&self, stripe: usize, additions: bool) -> HeldStripe<'_> {
        let stripe = &self.stripes[stripe];
        if additions {
            HeldStripe::WithAdditions(stripe.read().unwrap_or_else(PoisonError::into_inner))
        } else {
            HeldStripe::Alone(stripe.write().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

fn stripe(key: &[u8]) -> usize {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish() as usize % STRIPES
}
