//! Counters of a session.

use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_vfs::VfsMetrics;

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
        }
    }
}
