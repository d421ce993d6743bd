//! Counters of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_vfs::{CommitPhaseTotals, Mount, VfsMetrics};

use crate::keyword::Kind;

/// What a session has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionMetrics {
    /// Pages, commits by route, and where their time went.
    pub vfs: VfsMetrics,
    /// Statements.
    pub statements: StatementMetrics,
    /// Commands that wait.
    pub queue: QueueMetrics,
    /// Transactions of [`crate::Action::Begin`] and of batches.
    pub transactions: TransactionMetrics,
    /// Commands that failed, refused ones not counted.
    pub errors: u64,
    /// Whether it sleeps now.
    pub asleep: bool,
    /// Times it woke.
    pub wakes: u64,
}

/// Statements of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementMetrics {
    /// Compiled.
    pub prepared: u64,
    /// Found compiled.
    pub cache_hits: u64,
    /// Not found compiled.
    pub cache_misses: u64,
    /// Runs of statements that only read.
    pub select_count: u64,
    /// Runs of INSERT and REPLACE.
    pub insert_count: u64,
    /// Runs of UPDATE.
    pub update_count: u64,
    /// Runs of DELETE.
    pub delete_count: u64,
    /// Runs of all others.
    pub other_count: u64,
    /// Time in commands, from the first to the last instruction, in nanoseconds.
    pub duration_ns: u64,
}

/// Commands of a session that wait for their turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueMetrics {
    /// Now.
    pub depth: u64,
    /// The most ever.
    pub depth_max: u64,
    /// Time that commands have waited, in nanoseconds.
    pub wait_ns: u64,
}

/// Ends of transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransactionMetrics {
    /// Committed.
    pub committed: u64,
    /// Rolled back on demand, or because a batch failed.
    pub rolled_back: u64,
    /// Rolled back by SQLite itself, or because their time was over.
    pub auto_rolled_back: u64,
}

/// The counters behind [`SessionMetrics`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) prepared: Counter,
    pub(crate) cache_hits: Counter,
    pub(crate) cache_misses: Counter,
    pub(crate) select: Counter,
    pub(crate) insert: Counter,
    pub(crate) update: Counter,
    pub(crate) delete: Counter,
    pub(crate) other: Counter,
    pub(crate) duration_ns: Counter,
    pub(crate) wait_ns: Counter,
    pub(crate) committed: Counter,
    pub(crate) rolled_back: Counter,
    pub(crate) auto_rolled_back: Counter,
    pub(crate) errors: Counter,
    pub(crate) wakes: Counter,
}

/// A number that only the thread whose turn it is adds to, and any thread reads.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.store(self.get().wrapping_add(amount), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    /// Counts a run of a statement.
    pub(crate) fn ran(&self, kind: Kind) {
        match kind {
            Kind::Select => &self.select,
            Kind::Insert => &self.insert,
            Kind::Update => &self.update,
            Kind::Delete => &self.delete,
            Kind::Transaction | Kind::Vacuum | Kind::Other => &self.other,
        }
        .add(1);
    }

    pub(crate) fn snapshot(&self, vfs: VfsMetrics, depth: (usize, usize)) -> SessionMetrics {
        SessionMetrics {
            vfs,
            statements: StatementMetrics {
                prepared: self.prepared.get(),
                cache_hits: self.cache_hits.get(),
                cache_misses: self.cache_misses.get(),
                select_count: self.select.get(),
                insert_count: self.insert.get(),
                update_count: self.update.get(),
                delete_count: self.delete.get(),
                other_count: self.other.get(),
                duration_ns: self.duration_ns.get(),
            },
            queue: QueueMetrics {
                depth: depth.0 as u64,
                depth_max: depth.1 as u64,
                wait_ns: self.wait_ns.get(),
            },
            transactions: TransactionMetrics {
                committed: self.committed.get(),
                rolled_back: self.rolled_back.get(),
                auto_rolled_back: self.auto_rolled_back.get(),
            },
            errors: self.errors.get(),
            asleep: false,
            wakes: self.wakes.get(),
        }
    }
}

/// The pages of a session: those of its mount, and of the mounts it had before it slept.
#[derive(Default)]
pub(crate) struct Sight {
    mount: Option<Arc<Mount>>,
    before: Option<Box<VfsMetrics>>,
    pub(crate) asleep: bool,
}

impl Sight {
    pub(crate) fn show(&mut self, mount: Arc<Mount>) {
        self.mount = Some(mount);
        self.asleep = false;
    }

    /// Lets the mount go, and keeps what it counted.
    pub(crate) fn hide(&mut self) {
        let kept = VfsMetrics { scratch_bytes_used: 0, scratch_disk_bytes_used: 0, ..self.vfs() };
        self.before = Some(Box::new(kept));
        self.mount = None;
        self.asleep = true;
    }

    /// The sums.
    pub(crate) fn vfs(&self) -> VfsMetrics {
        let before = self.before.as_deref().copied().unwrap_or_default();
        match &self.mount {
            Some(mount) => sum(before, mount.metrics()),
            None => before,
        }
    }
}

/// Counters of two mounts, one after the other; what stands now is that of the later one.
fn sum(before: VfsMetrics, now: VfsMetrics) -> VfsMetrics {
    VfsMetrics {
        pages_read: before.pages_read + now.pages_read,
        cache_hits: before.cache_hits + now.cache_hits,
        cache_misses: before.cache_misses + now.cache_misses,
        pages_prefetched: before.pages_prefetched + now.pages_prefetched,
        store_reads: before.store_reads + now.store_reads,
        read_aheads: before.read_aheads + now.read_aheads,
        pages_predicted: before.pages_predicted + now.pages_predicted,
        pages_predicted_used: before.pages_predicted_used + now.pages_predicted_used,
        pages_predicted_wasted: before.pages_predicted_wasted + now.pages_predicted_wasted,
        hint_pages_preloaded: before.hint_pages_preloaded + now.hint_pages_preloaded,
        hint_pages_used: before.hint_pages_used + now.hint_pages_used,
        hints_saved: before.hints_saved + now.hints_saved,
        hints_failed: before.hints_failed + now.hints_failed,
        bytes_read: before.bytes_read + now.bytes_read,
        bytes_written: before.bytes_written + now.bytes_written,
        pages_written: before.pages_written + now.pages_written,
        page_cache: now.page_cache,
        write_buffer_dirty_pages: now.write_buffer_dirty_pages,
        stages: before.stages + now.stages,
        pages_staged: before.pages_staged + now.pages_staged,
        bytes_staged: before.bytes_staged + now.bytes_staged,
        staged_reads: before.staged_reads + now.staged_reads,
        db_size_pages: now.db_size_pages,
        commits_batch: before.commits_batch + now.commits_batch,
        commits_sync: before.commits_sync + now.commits_sync,
        commits_empty: before.commits_empty + now.commits_empty,
        commits_failed: before.commits_failed + now.commits_failed,
        rollbacks: before.rollbacks + now.rollbacks,
        scratch_files_spilled: before.scratch_files_spilled + now.scratch_files_spilled,
        scratch_bytes_used: now.scratch_bytes_used,
        scratch_disk_bytes_used: now.scratch_disk_bytes_used,
        commit_phases: sum_phases(before.commit_phases, now.commit_phases),
    }
}

fn sum_phases(before: CommitPhaseTotals, now: CommitPhaseTotals) -> CommitPhaseTotals {
    CommitPhaseTotals {
        request_build_ns: before.request_build_ns + now.request_build_ns,
        serialize_ns: before.serialize_ns + now.serialize_ns,
        transport_ns: before.transport_ns + now.transport_ns,
        state_update_ns: before.state_update_ns + now.state_update_ns,
        total_ns: before.total_ns + now.total_ns,
        commit_count: before.commit_count + now.commit_count,
    }
}
