//! Counters of one mount.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::page_cache::PageCacheMetrics;

/// What one mount has done since it was made, and how it stands now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VfsMetrics {
    /// Committed pages SQLite asked for: `cache_hits` plus `cache_misses`. Reads of the write set
    /// and of the header at the start of a transaction are not among them.
    pub pages_read: u64,
    /// Of these, those that were in the page cache.
    pub cache_hits: u64,
    /// Of these, those that had to be read from the store.
    pub cache_misses: u64,
    /// Neighbours that the store gave with a page unasked, and were kept.
    pub pages_prefetched: u64,
    /// Calls that read pages from the store.
    pub store_reads: u64,
    /// Of these, those that asked for predicted pages as well.
    pub read_aheads: u64,
    /// Predicted pages that came from the store.
    pub pages_predicted: u64,
    /// Of these, those that were asked for later, while they were in the page cache.
    pub pages_predicted_used: u64,
    /// Of these, those that left the page cache before, or were left unused when the mount closed.
    pub pages_predicted_wasted: u64,
    /// Pages that came with the claim because hints named them.
    pub hint_pages_preloaded: u64,
    /// Of these, those that were asked for.
    pub hint_pages_used: u64,
    /// Hints saved for the next claim.
    pub hints_saved: u64,
    /// Hints that could not be saved.
    pub hints_failed: u64,
    /// Bytes of pages that came from the store.
    pub bytes_read: u64,
    /// Bytes of pages in landed commits.
    pub bytes_written: u64,
    /// Pages SQLite wrote to the main file, rewrites included.
    pub pages_written: u64,
    /// The page cache of the process.
    pub page_cache: PageCacheMetrics,
    /// Pages written since the last commit, and not staged since.
    pub write_buffer_dirty_pages: u64,
    /// Times that the write set was full and its pages were sent ahead of the commit.
    pub stages: u64,
    /// Pages sent that way, those sent again included.
    pub pages_staged: u64,
    /// Their bytes.
    pub bytes_staged: u64,
    /// Pages that were read back from there.
    pub staged_reads: u64,
    /// The size of the committed state.
    pub db_size_pages: u64,
    /// Commits that landed by the batch-atomic route.
    pub commits_batch: u64,
    /// Commits that landed by the sync of the main file: first ones of an empty database, and
    /// those of transactions that spilled.
    pub commits_sync: u64,
    /// Batch-atomic commits of no page: the store was not asked.
    pub commits_empty: u64,
    /// Commits the store refused.
    pub commits_failed: u64,
    /// Transactions dropped after a page of theirs had been written. A rollback of one that was all
    /// in SQLite's cache costs no call, and is not counted.
    pub rollbacks: u64,
    /// Scratch files that outgrew the memory budget and went to disk.
    pub scratch_files_spilled: u64,
    /// Memory that the mount's scratch files take.
    pub scratch_bytes_used: u64,
    /// Disk that they take.
    pub scratch_disk_bytes_used: u64,
    /// Where the time of the landed commits went.
    pub commit_phases: CommitPhaseTotals,
}

/// Time spent in landed commits, in nanoseconds. The four phases sum exactly to `total_ns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitPhaseTotals {
    /// Sealing the write set and listing its pages.
    pub request_build_ns: u64,
    /// Encoding, as the store says.
    pub serialize_ns: u64,
    /// Waiting for the commit to be ordered: all the store took beside the other two.
    pub transport_ns: u64,
    /// The store's page index, and moving the write set into the page cache.
    pub state_update_ns: u64,
    /// From SQLite's call to its answer.
    pub total_ns: u64,
    /// Landed commits.
    pub commit_count: u64,
}

/// The counters behind [`VfsMetrics`]. One thread at a time adds, any may read.
#[derive(Default)]
pub(crate) struct Counters {
    pub cache_hits: Counter,
    pub cache_misses: Counter,
    pub pages_prefetched: Counter,
    pub store_reads: Counter,
    pub read_aheads: Counter,
    pub pages_predicted: Counter,
    pub pages_predicted_used: Counter,
    pub hint_pages_preloaded: Counter,
    pub hint_pages_used: Counter,
    pub hints_saved: Counter,
    pub hints_failed: Counter,
    pub bytes_read: Counter,
    pub bytes_written: Counter,
    pub pages_written: Counter,
    pub dirty_pages: Counter,
    pub stages: Counter,
    pub pages_staged: Counter,
    pub bytes_staged: Counter,
    pub staged_reads: Counter,
    pub db_size_pages: Counter,
    pub commits_batch: Counter,
    pub commits_sync: Counter,
    pub commits_empty: Counter,
    pub commits_failed: Counter,
    pub rollbacks: Counter,
    pub request_build_ns: Counter,
    pub serialize_ns: Counter,
    pub transport_ns: Counter,
    pub state_update_ns: Counter,
}

/// A number with one writer: a plain load and store, no locked instruction on the read path.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, amount: u64) {
        self.set(self.get().wrapping_add(amount));
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// A snapshot, without what the counters do not know.
    pub fn snapshot(&self) -> VfsMetrics {
        let (cache_hits, cache_misses) = (self.cache_hits.get(), self.cache_misses.get());
        VfsMetrics {
            pages_read: cache_hits + cache_misses,
            cache_hits,
            cache_misses,
            pages_prefetched: self.pages_prefetched.get(),
            store_reads: self.store_reads.get(),
            read_aheads: self.read_aheads.get(),
            pages_predicted: self.pages_predicted.get(),
            pages_predicted_used: self.pages_predicted_used.get(),
            pages_predicted_wasted: 0,
            hint_pages_preloaded: self.hint_pages_preloaded.get(),
            hint_pages_used: self.hint_pages_used.get(),
            hints_saved: self.hints_saved.get(),
            hints_failed: self.hints_failed.get(),
            bytes_read: self.bytes_read.get(),
            bytes_written: self.bytes_written.get(),
            pages_written: self.pages_written.get(),
            page_cache: PageCacheMetrics::default(),
            write_buffer_dirty_pages: self.dirty_pages.get(),
            stages: self.stages.get(),
            pages_staged: self.pages_staged.get(),
            bytes_staged: self.bytes_staged.get(),
            staged_reads: self.staged_reads.get(),
            db_size_pages: self.db_size_pages.get(),
            commits_batch: self.commits_batch.get(),
            commits_sync: self.commits_sync.get(),
            commits_empty: self.commits_empty.get(),
            commits_failed: self.commits_failed.get(),
            rollbacks: self.rollbacks.get(),
            scratch_files_spilled: 0,
            scratch_bytes_used: 0,
            scratch_disk_bytes_used: 0,
            commit_phases: self.phases(),
        }
    }

    fn phases(&self) -> CommitPhaseTotals {
        let request_build_ns = self.request_build_ns.get();
        let serialize_ns = self.serialize_ns.get();
        let transport_ns = self.transport_ns.get();
        let state_update_ns = self.state_update_ns.get();
        CommitPhaseTotals {
            request_build_ns,
            serialize_ns,
            transport_ns,
            state_update_ns,
            total_ns: request_build_ns + serialize_ns + transport_ns + state_update_ns,
            commit_count: self.commits_batch.get() + self.commits_sync.get(),
        }
    }
}
