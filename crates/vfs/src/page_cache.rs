//! The page cache: one byte budget for every database of the process.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use actor_sqlite_ltx::Pgno;
use quick_cache::sync::{Cache, EntryAction};
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};

use crate::frame::Frame;
use crate::tally::Tally;

/// What an entry takes beside its page: the allocation's counters, the key, the cache's own links.
const ENTRY_OVERHEAD_BYTES: u64 = 112;

/// How much of the budget is for pages that were used again and again. The rest has to hold what
/// the scans under way have read ahead, or it is gone before it is used: two of them at a time.
const HOT_PART: f64 = 0.85;

/// The page size the number of entries is estimated from.
const TYPICAL_PAGE_BYTES: u64 = 4096;

/// Committed pages of all mounts, within one budget in bytes.
///
/// Sharded, and safe to use from every thread at once. A mount's entries are keyed by its
/// incarnation, a number never used twice in a process: when the mount is gone they age out, and a
/// later mount of the same database does not see them unless it goes on with them
/// (`Mount::resume`).
pub struct PageCache {
    cache: Cache<Key, Cached, FrameBytes, DefaultHashBuilder, CountUnused>,
}

type Key = (Incarnation, Pgno);

/// A page in the cache.
#[derive(Clone)]
pub(crate) struct Cached {
    pub frame: Frame,
    /// There until the page is used, if nobody asked for it when it was brought.
    pub unused: Option<Arc<Tally>>,
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

impl Weighter<Key, Cached> for FrameBytes {
    fn weight(&self, _: &Key, cached: &Cached) -> u64 {
        cached.frame.bytes().len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

/// Counts pages that leave the cache before they are used.
#[derive(Clone)]
struct CountUnused;

impl Lifecycle<Key, Cached> for CountUnused {
    /// What was evicted last: most often all, and freed when the cache's lock is released.
    type RequestState = Option<Cached>;

    fn on_evict(&self, evicted: &mut Option<Cached>, _: Key, cached: Cached) {
        if let Some(tally) = &cached.unused {
            tally.add_evicted();
        }
        *evicted = Some(cached);
    }
}

impl PageCache {
    /// An empty cache of that many bytes. A page larger than a shard's part of the budget is not
    /// kept, so that a budget of a few pages keeps none.
    pub fn new(bytes: u64) -> Arc<Self> {
        let entries = bytes / (TYPICAL_PAGE_BYTES + ENTRY_OVERHEAD_BYTES);
        let entries = usize::try_from(entries).unwrap_or(usize::MAX);
        let hasher = DefaultHashBuilder::default();
        let options = OptionsBuilder::new()
            .estimated_items_capacity(entries)
            .weight_capacity(bytes)
            .hot_allocation(HOT_PART)
            .build();
        let cache = match options {
            Ok(options) => Cache::with_options(options, FrameBytes, hasher, CountUnused),
            // What must be set is set: never so.
            Err(_) => Cache::with(entries, bytes, FrameBytes, hasher, CountUnused),
        };
        Arc::new(Self { cache })
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

    /// The whole cache.
    pub fn shared(&self) -> Weak<PageCache> {
        Arc::downgrade(&self.cache)
    }

    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    pub fn get(&self, pgno: Pgno) -> Option<Cached> {
        self.cache.cache.get(&(self.incarnation, pgno))
    }

    pub fn contains(&self, pgno: Pgno) -> bool {
        self.cache.cache.contains_key(&(self.incarnation, pgno))
    }

    /// A page without a sign that it is used.
    pub fn peek(&self, pgno: Pgno) -> Option<Frame> {
        self.cache.cache.peek(&(self.incarnation, pgno)).map(|cached| cached.frame)
    }

    /// Adds or replaces a page. One that does not fit takes its predecessor with it.
    pub fn insert(&self, pgno: Pgno, frame: Frame) {
        self.insert_unused(pgno, frame, None);
    }

    /// Adds or replaces a page that nobody asked for. The tally is not told that it was brought.
    pub fn insert_unused(&self, pgno: Pgno, frame: Frame, unused: Option<Arc<Tally>>) {
        self.cache.cache.insert((self.incarnation, pgno), Cached { frame, unused });
    }

    /// A page is used: its tally is not told any more that it is evicted.
    pub fn mark_used(&self, pgno: Pgno) {
        let key = (self.incarnation, pgno);
        self.cache.cache.entry(&key, Some(Duration::ZERO), |_, cached| {
            cached.unused = None;
            EntryAction::Retain(())
        });
    }

    /// Forgets a page, and answers it if it was there.
    pub fn remove(&self, pgno: Pgno) -> Option<Frame> {
        let (_, cached) = self.cache.cache.remove(&(self.incarnation, pgno))?;
        Some(cached.frame)
    }

    /// A part of the cache for other pages of the same numbers, with nothing in it.
    pub fn apart(&self) -> Self {
        Self::new(self.cache.clone(), Incarnation::next())
    }

    /// The budget of the whole cache.
    pub fn capacity_bytes(&self) -> u64 {
        self.cache.cache.capacity()
    }

    pub fn metrics(&self) -> PageCacheMetrics {
        self.cache.metrics()
    }
}
