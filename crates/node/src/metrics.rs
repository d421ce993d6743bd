//! Counters as JavaScript objects. Each is made by taking its native struct apart field by field,
//! so that a counter that is added below cannot be forgotten here: it does not compile.
//!
//! Sums of nanoseconds are JavaScript numbers: exact for the first 104 days of summed time.

use actor_sqlite_session::{
    ExecutorMetrics as NativeExecutor, QueueMetrics as NativeQueue, SessionMetrics,
    SleepMetrics as NativeSleep, StatementMetrics as NativeStatements,
    TransactionMetrics as NativeTransactions,
};
use actor_sqlite_vfs::{CommitPhaseTotals, PageCacheMetrics as NativePageCache, VfsMetrics as Vfs};
use napi_derive::napi;

use crate::engine_metrics::EngineMetrics;
use crate::kv_metrics::KvMetrics;
use crate::scrubber::ScrubMetrics;

/// A struct of counters for JavaScript with the fields of a native one.
macro_rules! mirrored {
    (
        $(#[$doc:meta])+
        $name:ident from $native:ident
        { $( $(#[$field_doc:meta])+ $field:ident, )+ }
    ) => {
        $(#[$doc])+
        #[napi(object)]
        #[derive(Clone, Debug, Default)]
        pub struct $name {
            $( $(#[$field_doc])+ pub $field: f64, )+
        }

        impl From<$native> for $name {
            fn from(native: $native) -> Self {
                let $native { $($field,)+ } = native;
                Self { $($field: $field as f64,)+ }
            }
        }

    };
}

/// Adds the counters of such a struct to those of another.
macro_rules! summed {
    ($sum:expr, $other:expr, { $($field:ident),+ $(,)? }) => {
        $( $sum.$field += $other.$field; )+
    };
}

pub(crate) use mirrored;

mirrored! {
    /// Where the time of the landed commits went; the four phases sum to `totalNs`.
    CommitMetrics from CommitPhaseTotals {
        /// Listing the pages of the transaction.
        request_build_ns,
        /// Encoding them.
        serialize_ns,
        /// Waiting for the store to order the commit.
        transport_ns,
        /// Bringing indexes and caches up to date.
        state_update_ns,
        /// From SQLite's call to its answer.
        total_ns,
        /// Landed commits.
        commit_count,
    }
}

mirrored! {
    /// The page cache of a store.
    PageCacheMetrics from NativePageCache {
        /// Pages in the cache.
        entries,
        /// What they count for, in bytes.
        weighted_bytes,
        /// The budget.
        capacity_bytes,
    }
}

mirrored! {
    /// Statements of a database.
    StatementMetrics from NativeStatements {
        /// Compiled.
        prepared,
        /// Found compiled.
        cache_hits,
        /// Not found compiled.
        cache_misses,
        /// Runs of statements that only read.
        select_count,
        /// Runs of INSERT and REPLACE.
        insert_count,
        /// Runs of UPDATE.
        update_count,
        /// Runs of DELETE.
        delete_count,
        /// Runs of all others.
        other_count,
        /// Time in commands.
        duration_ns,
    }
}

mirrored! {
    /// Calls that wait for their turn.
    QueueMetrics from NativeQueue {
        /// Now.
        depth,
        /// The most ever.
        depth_max,
        /// Time that calls have waited.
        wait_ns,
    }
}

mirrored! {
    /// Ends of transactions.
    TransactionMetrics from NativeTransactions {
        /// Committed.
        committed,
        /// Rolled back on demand, or because a batch failed.
        rolled_back,
        /// Rolled back by SQLite itself, or because their time was over.
        auto_rolled_back,
    }
}

mirrored! {
    /// The threads that run the databases of a store.
    ExecutorMetrics from NativeExecutor {
        /// Threads alive.
        threads,
        /// Threads that hold a place.
        running,
        /// Threads without work.
        parked,
        /// Databases that wait for a thread.
        queue_depth,
        /// Threads ever started.
        threads_started,
        /// Slices run.
        slices,
        /// Times a thread that stood still lent its place.
        places_lent,
        /// Syncs done in place by a thread without other work.
        syncs_in_place,
        /// Panics caught outside a database.
        panics,
    }
}

mirrored! {
    /// Databases that sleep while nobody uses them.
    SleepMetrics from NativeSleep {
        /// Open databases with a connection.
        awake,
        /// Open databases without.
        asleep,
        /// Times one went to sleep.
        sleeps,
        /// Times one woke.
        wakes,
        /// Time that calls waited for that.
        wake_ns,
        /// Times one could not wake; its call failed.
        wake_failures,
        /// Times one that was to sleep stayed awake because a call ran or waited.
        held_by_command,
        /// Because a transaction was open.
        held_by_transaction,
        /// Because an iterator was.
        held_by_cursor,
        /// Because there was something in its temporary database.
        held_by_temp,
        /// Because an answer waited to become durable.
        held_by_answer,
        /// Because SQLite or the store failed when it was asked.
        held_by_failure,
        /// Times one waited after a commit because the store was behind.
        back_offs,
        /// How long those were asked to wait.
        back_off_us,
    }
}

/// Pages of a database: reads, writes and commits by route.
#[napi(object)]
#[derive(Clone, Debug, Default)]
pub struct VfsMetrics {
    /// Committed pages SQLite asked for.
    pub pages_read: f64,
    /// Of these, those in the page cache.
    pub cache_hits: f64,
    /// Of these, those read from the store.
    pub cache_misses: f64,
    /// Neighbours that the store gave with a page unasked.
    pub pages_prefetched: f64,
    /// Calls that read pages from the store.
    pub store_reads: f64,
    /// Of these, those that asked for predicted pages as well.
    pub read_aheads: f64,
    /// Predicted pages that came from the store.
    pub pages_predicted: f64,
    /// Of these, those asked for later.
    pub pages_predicted_used: f64,
    /// Of these, those that were of no use.
    pub pages_predicted_wasted: f64,
    /// Pages that came with the claim because hints named them.
    pub hint_pages_preloaded: f64,
    /// Of these, those asked for.
    pub hint_pages_used: f64,
    /// Hints saved for the next opening.
    pub hints_saved: f64,
    /// Hints that could not be saved.
    pub hints_failed: f64,
    /// Bytes of pages that came from the store.
    pub bytes_read: f64,
    /// Bytes of pages in landed commits.
    pub bytes_written: f64,
    /// Pages SQLite wrote, rewrites included.
    pub pages_written: f64,
    /// Pages in the page cache, of all databases of the store.
    pub page_cache_entries: f64,
    /// What they count for, in bytes.
    pub page_cache_weighted_size: f64,
    /// The page cache's budget, in pages of this database's size.
    pub page_cache_capacity_pages: f64,
    /// Pages written since the last commit, and not staged since.
    pub write_buffer_dirty_pages: f64,
    /// Times that pages of a large transaction were sent ahead of its commit.
    pub stages: f64,
    /// Pages sent that way, those sent again included.
    pub pages_staged: f64,
    /// Their bytes.
    pub bytes_staged: f64,
    /// Pages that were read back from there.
    pub staged_reads: f64,
    /// The size of the committed state.
    pub db_size_pages: f64,
    /// Commits by the batch-atomic route.
    pub commits_batch: f64,
    /// Commits by the sync of the main file.
    pub commits_sync: f64,
    /// Commits of no page.
    pub commits_empty: f64,
    /// Commits the store refused.
    pub commits_failed: f64,
    /// Transactions dropped after a page of theirs was written.
    pub rollbacks: f64,
    /// Scratch files that went to disk.
    pub scratch_files_spilled: f64,
    /// Scratch in memory now, in bytes.
    pub scratch_bytes_used: f64,
    /// Scratch on disk now, in bytes.
    pub scratch_disk_bytes_used: f64,
}

/// What one database has done since it was opened.
#[napi(object)]
#[derive(Clone, Debug, Default)]
pub struct DatabaseMetrics {
    /// Pages and commits by route.
    pub vfs: VfsMetrics,
    /// Where the time of commits went.
    pub commit: CommitMetrics,
    /// Statements.
    pub statements: StatementMetrics,
    /// Calls that wait.
    pub queue: QueueMetrics,
    /// Transactions.
    pub transactions: TransactionMetrics,
    /// Calls that failed.
    pub errors: f64,
    /// Times it woke.
    pub wakes: f64,
    /// Whether it sleeps now: 1 or 0, and of a store how many do.
    pub asleep: f64,
}

/// About as large as a page of most databases: what the cache's budget is shown in.
const TYPICAL_PAGE_BYTES: u64 = 4096;

fn vfs_metrics(vfs: Vfs) -> (VfsMetrics, CommitMetrics) {
    let Vfs {
        pages_read,
        cache_hits,
        cache_misses,
        pages_prefetched,
        store_reads,
        read_aheads,
        pages_predicted,
        pages_predicted_used,
        pages_predicted_wasted,
        hint_pages_preloaded,
        hint_pages_used,
        hints_saved,
        hints_failed,
        bytes_read,
        bytes_written,
        pages_written,
        page_cache: NativePageCache { entries, weighted_bytes, capacity_bytes },
        write_buffer_dirty_pages,
        stages,
        pages_staged,
        bytes_staged,
        staged_reads,
        db_size_pages,
        commits_batch,
        commits_sync,
        commits_empty,
        commits_failed,
        rollbacks,
        scratch_files_spilled,
        scratch_bytes_used,
        scratch_disk_bytes_used,
        commit_phases,
    } = vfs;
    let metrics = VfsMetrics {
        pages_read: pages_read as f64,
        cache_hits: cache_hits as f64,
        cache_misses: cache_misses as f64,
        pages_prefetched: pages_prefetched as f64,
        store_reads: store_reads as f64,
        read_aheads: read_aheads as f64,
        pages_predicted: pages_predicted as f64,
        pages_predicted_used: pages_predicted_used as f64,
        pages_predicted_wasted: pages_predicted_wasted as f64,
        hint_pages_preloaded: hint_pages_preloaded as f64,
        hint_pages_used: hint_pages_used as f64,
        hints_saved: hints_saved as f64,
        hints_failed: hints_failed as f64,
        bytes_read: bytes_read as f64,
        bytes_written: bytes_written as f64,
        pages_written: pages_written as f64,
        page_cache_entries: entries as f64,
        page_cache_weighted_size: weighted_bytes as f64,
        page_cache_capacity_pages: (capacity_bytes / TYPICAL_PAGE_BYTES) as f64,
        write_buffer_dirty_pages: write_buffer_dirty_pages as f64,
        stages: stages as f64,
        pages_staged: pages_staged as f64,
        bytes_staged: bytes_staged as f64,
        staged_reads: staged_reads as f64,
        db_size_pages: db_size_pages as f64,
        commits_batch: commits_batch as f64,
        commits_sync: commits_sync as f64,
        commits_empty: commits_empty as f64,
        commits_failed: commits_failed as f64,
        rollbacks: rollbacks as f64,
        scratch_files_spilled: scratch_files_spilled as f64,
        scratch_bytes_used: scratch_bytes_used as f64,
        scratch_disk_bytes_used: scratch_disk_bytes_used as f64,
    };
    (metrics, commit_phases.into())
}

impl From<SessionMetrics> for DatabaseMetrics {
    fn from(native: SessionMetrics) -> Self {
        let SessionMetrics { vfs, statements, queue, transactions, errors, asleep, wakes } = native;
        let (vfs, commit) = vfs_metrics(vfs);
        Self {
            vfs,
            commit,
            statements: statements.into(),
            queue: queue.into(),
            transactions: transactions.into(),
            errors: errors as f64,
            wakes: wakes as f64,
            asleep: f64::from(u8::from(asleep)),
        }
    }
}

impl DatabaseMetrics {
    /// Adds what another database did. What a closed one holds no more is left out.
    pub fn add(&mut self, other: &Self, closed: bool) {
        summed!(self.vfs, other.vfs, {
            pages_read, cache_hits, cache_misses, pages_prefetched, store_reads, read_aheads,
            pages_predicted, pages_predicted_used, pages_predicted_wasted, hint_pages_preloaded,
            hint_pages_used, hints_saved, hints_failed, bytes_read, bytes_written, pages_written,
            commits_batch, commits_sync, commits_empty, commits_failed, rollbacks,
            scratch_files_spilled, stages, pages_staged, bytes_staged, staged_reads,
        });
        summed!(self.commit, other.commit, {
            request_build_ns, serialize_ns, transport_ns, state_update_ns, total_ns, commit_count,
        });
        summed!(self.statements, other.statements, {
            prepared, cache_hits, cache_misses, select_count, insert_count, update_count,
            delete_count, other_count, duration_ns,
        });
        summed!(self.transactions, other.transactions, {
            committed, rolled_back, auto_rolled_back,
        });
        summed!(self, other, { errors, wakes, asleep });
        self.queue.wait_ns += other.queue.wait_ns;
        self.queue.depth_max = self.queue.depth_max.max(other.queue.depth_max);
        if !closed {
            self.queue.depth += other.queue.depth;
            summed!(self.vfs, other.vfs, {
                write_buffer_dirty_pages, db_size_pages, scratch_bytes_used,
                scratch_disk_bytes_used,
            });
        }
    }
}

/// A store and all its databases.
#[napi(object)]
#[derive(Clone, Debug, Default)]
pub struct StorageMetrics {
    /// Databases that are open now.
    pub open_databases: f64,
    /// Databases opened so far.
    pub opened: f64,
    /// All databases together, those closed since included.
    pub databases: DatabaseMetrics,
    /// The engine.
    pub engine: EngineMetrics,
    /// The key-value store.
    pub kv: KvMetrics,
    /// The threads.
    pub executor: ExecutorMetrics,
    /// The databases that sleep.
    pub sleep: SleepMetrics,
    /// The page cache.
    pub page_cache: PageCacheMetrics,
    /// The reading through for damage.
    pub scrub: ScrubMetrics,
}
