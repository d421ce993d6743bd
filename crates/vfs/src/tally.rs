//! Whether pages that were brought unasked were of use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What became of the pages that one stream brought, or the claim. The page cache holds it with
/// each of them until that is used.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    brought: AtomicU64,
    used: AtomicU64,
    evicted: AtomicU64,
    total: Arc<AtomicU64>,
}

impl Tally {
    /// The tally of pages whose evictions are also counted in `total`.
    pub fn new(total: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self { total, ..Self::default() })
    }

    pub fn add_brought(&self, pages: u64) {
        self.brought.fetch_add(pages, Ordering::Relaxed);
    }

    pub fn add_used(&self) {
        self.used.fetch_add(1, Ordering::Relaxed);
    }

    /// A page left the cache before it was used.
    pub fn add_evicted(&self) {
        self.evicted.fetch_add(1, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    pub fn brought(&self) -> u64 {
        self.brought.load(Ordering::Relaxed)
    }

    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Whether evictions are counted there: whether it is of that mount.
    pub fn counts_in(&self, total: &Arc<AtomicU64>) -> bool {
        Arc::ptr_eq(&self.total, total)
    }
}
