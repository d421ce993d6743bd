//! Indexes of shards in memory, up to a number of bytes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actor_sqlite_ltx::{Pgno, Txid};

use crate::rows::{IndexPage, IndexRow};

/// The pages of one shard version.
#[derive(Debug)]
pub(crate) struct ShardIndex {
    pub(crate) as_of: Txid,
    /// Ascending.
    pub(crate) pages: Vec<IndexPage>,
}

impl ShardIndex {
    pub(crate) fn new((as_of, row): (Txid, IndexRow)) -> Self {
        Self { as_of, pages: row.pages }
    }

    pub(crate) fn find(&self, pgno: Pgno) -> Option<IndexPage> {
        let at = self.pages.binary_search_by_key(&pgno, |page| page.pgno).ok()?;
        Some(self.pages[at])
    }

    /// About what it takes in memory, with its entry in a table.
    pub(crate) fn bytes(&self) -> usize {
        ENTRY_BYTES + size_of::<Self>() + self.pages.capacity() * size_of::<IndexPage>()
    }
}

/// Of an entry in a table, its key and its place in the clock.
const ENTRY_BYTES: usize = 64;

/// What is known of a shard; `None` where there is no version of it.
pub(crate) type Known = Option<Arc<ShardIndex>>;

/// Indexes that one piece of work needs at the same time, which may be more than the cache keeps.
/// They are of one watermark.
#[derive(Debug, Default)]
pub(crate) struct Pinned {
    pub(crate) watermark: Txid,
    pub(crate) shards: HashMap<u32, Known>,
}

impl Pinned {
    /// Forgets all if they are of another watermark than that.
    pub(crate) fn at(&mut self, watermark: Txid) {
        if self.watermark != watermark {
            self.shards.clear();
            self.watermark = watermark;
        }
    }
}

/// The indexes that were asked for last, approximately: a clock passes over them, and takes those
/// away that nobody asked for since it passed the time before.
#[derive(Debug)]
pub(crate) struct ShardCache {
    shards: HashMap<u32, Entry>,
    /// Each cached shard once, the one that the hand points at first.
    clock: VecDeque<u32>,
    bytes: usize,
    bytes_max: usize,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    used: AtomicBool,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.known.as_ref().map_or(ENTRY_BYTES, |index| index.bytes())
    }
}

impl ShardCache {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { shards: HashMap::new(), clock: VecDeque::new(), bytes: 0, bytes_max }
    }

    pub(crate) fn get(&self, shard: u32) -> Option<&Known> {
        let entry = self.shards.get(&shard)?;
        entry.used.store(true, Ordering::Relaxed);
        Some(&entry.known)
    }

    /// Enters what the store has for a shard, and makes room for it.
    pub(crate) fn insert(&mut self, shard: u32, known: Known) {
        let entry = Entry { known, used: AtomicBool::new(false) };
        self.bytes += entry.bytes();
        match self.shards.insert(shard, entry) {
            Some(old) => self.bytes -= old.bytes(),
            None => self.clock.push_back(shard),
        }
        while self.bytes > self.bytes_max
            && let Some(shard) = self.clock.pop_front()
        {
            let Some(entry) = self.shards.get(&shard) else { continue };
            if entry.used.swap(false, Ordering::Relaxed) {
                self.clock.push_back(shard);
            } else {
                self.bytes -= entry.bytes();
                self.shards.remove(&shard);
            }
        }
    }

    /// Puts a new version in the place of one that is cached.
    pub(crate) fn replace(&mut self, shard: u32, index: &Arc<ShardIndex>) {
        if self.shards.contains_key(&shard) {
            self.insert(shard, Some(Arc::clone(index)));
        }
    }

    /// Forgets the shards from a number on.
    pub(crate) fn truncate(&mut self, count: u32) {
        self.clock.retain(|&shard| shard < count);
        self.shards.retain(|&shard, _| shard < count);
        self.bytes = self.shards.values().map(Entry::bytes).sum();
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.bytes_max);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn index(pages: usize) -> Known {
        let checksum = actor_sqlite_ltx::Checksum::of_crc(1);
        let page = IndexPage { pgno: Pgno::ONE, chunk: 0, offset: 100, len: 9, checksum };
        Some(Arc::new(ShardIndex { as_of: Txid::new(2), pages: vec![page; pages] }))
    }

    #[test]
    fn the_budget_holds_and_what_is_used_stays() {
        let bytes_max = 20 * index(64).unwrap().bytes();
        let mut cache = ShardCache::new(bytes_max);
        cache.insert(7, index(64));
        for shard in 100..1_000 {
            assert!(cache.get(7).is_some(), "before shard {shard}");
            cache.insert(shard, if shard % 9 == 0 { None } else { index(64) });
            assert!(cache.bytes <= bytes_max && cache.clock.len() == cache.shards.len());
        }
        assert!(cache.shards.len() >= 20 && cache.get(999).is_some() && cache.get(100).is_none());
        assert_eq!(cache.bytes, cache.shards.values().map(Entry::bytes).sum::<usize>());
        cache.replace(5, index(64).as_ref().unwrap());
        assert!(cache.get(5).is_none(), "what is not cached stays so");
        cache.truncate(990);
        assert!(cache.get(7).is_some() && cache.get(999).is_none());
        assert_eq!(cache.bytes, cache.shards.values().map(Entry::bytes).sum::<usize>());
        cache.clear();
        assert!(cache.get(7).is_none() && cache.bytes == 0);
    }

    #[test]
    fn an_index_larger_than_the_budget_is_not_kept() {
        let mut cache = ShardCache::new(10);
        cache.insert(1, index(64));
        assert!(cache.get(1).is_none() && cache.bytes == 0 && cache.clock.is_empty());
    }
}
