//! The page cache: one byte budget for every database of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_ltx::Pgno;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::frame::Frame;

/// What an entry takes beside its page: the allocation's counters, the key, the cache's own links.
const ENTRY_OVERHEAD_BYTES: u64 = 96;

/// The page size the number of entries is estimated from.
const TYPICAL_PAGE_BYTES: u64 = 4096;

/// Committed pages of all mounts, within one budget in bytes.
///
/// Sharded, and safe to use from every thread at once. A mount's entries are keyed by its
/// incarnation, a number never used twice in a process: when the mount is gone they are unreachable
/// and age out, and a later mount of the same database never sees them.
pub struct PageCache {
    cache: Cache<(Incarnation, Pgno), Frame, FrameBytes>,
}

/// How full a [`PageCache`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageCacheMetrics {
    /// Pages in the cache.
    pub entries: u64,
    /// What they count for: their bytes and about 100 more each.
    pub weighted_bytes: u64,
    /// The budget.
    pub capacity_bytes: u64,
}

/// The number of a mount, unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Incarnation(pub u64);

impl Incarnation {
    /// The next number.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

#[derive(Clone)]
struct FrameBytes;

impl Weighter<(Incarnation, Pgno), Frame> for FrameBytes {
    fn weight(&self, _: &(Incarnation, Pgno), frame: &Frame) -> u64 {
        frame.bytes().len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

impl PageCache {
    /// An empty cache of that many bytes. A page larger than a shard's part of the budget is not
    /// kept, so that a budget of a few pages keeps none.
    pub fn new(bytes: u64) -> Arc<Self> {
        let entries = bytes / (TYPICAL_PAGE_BYTES + ENTRY_OVERHEAD_BYTES);
        let entries = usize::try_from(entries).unwrap_or(usize::MAX);
        Arc::new(Self { cache: Cache::with_weighter(entries, bytes, FrameBytes) })
    }

    /// How full it is.
    pub fn metrics(&self) -> PageCacheMetrics {
        PageCacheMetrics {
            entries: self.cache.len() as u64,
            weighted_bytes: self.cache.weight(),
            capacity_bytes: self.cache.capacity(),
        }
    }
}

/// One mount's part of the cache: its pages of the newest committed state.
///
/// Pages above the database's size may linger after a shrink. Nobody asks for them, and a commit
/// that grows the database again holds every page it gains, each of which replaces its entry.
#[derive(Clone)]
pub(crate) struct MountCache {
    cache: Arc<PageCache>,
    incarnation: Incarnation,
}

impl MountCache {
    pub fn new(cache: Arc<PageCache>, incarnation: Incarnation) -> Self {
        Self { cache, incarnation }
    }

    pub fn get(&self, pgno: Pgno) -> Option<Frame> {
        self.cache.cache.get(&(self.incarnation, pgno))
    }

    pub fn contains(&self, pgno: Pgno) -> bool {
        self.cache.cache.contains_key(&(self.incarnation, pgno))
    }

    /// Adds or replaces a page. One that does not fit takes its predecessor with it.
    pub fn insert(&self, pgno: Pgno, frame: Frame) {
        self.cache.cache.insert((self.incarnation, pgno), frame);
    }

    /// Forgets a page, if it is there.
    pub fn remove(&self, pgno: Pgno) {
        self.cache.cache.remove(&(self.incarnation, pgno));
    }

    /// The budget of the whole cache.
    pub fn capacity_bytes(&self) -> u64 {
        self.cache.cache.capacity()
    }

    pub fn metrics(&self) -> PageCacheMetrics {
        self.cache.metrics()
    }
}
