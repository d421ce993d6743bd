//! Counters of a store.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How often a store did what, since it was opened. Taken without stopping anything, so the
/// numbers of one snapshot may be a few operations apart.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RocksMetrics {
    /// Commits that were ordered.
    pub commits: u64,
    /// Keys and values of those, in bytes.
    pub commit_bytes: u64,
    /// Commits refused because a guard did not hold.
    pub guard_failures: u64,
    /// Time from the call of a commit to its being ordered.
    pub commit_ns: Histogram,
    /// Syncs that succeeded. With Os durability there are none.
    pub syncs: u64,
    /// Commits that those made durable; over `syncs` it is the size of a group.
    pub synced_commits: u64,
    /// Time in those.
    pub sync_ns: Histogram,
    /// Snapshots taken.
    pub snapshots: u64,
    /// Keys read, one or many at a time.
    pub gets: u64,
    /// Ranges walked.
    pub scans: u64,
    /// Rows visited by those.
    pub scan_rows: u64,
    /// Bytes of values lent to readers.
    pub read_bytes: u64,
    /// Commits and reads that would each have crossed the network of a remote store: what
    /// `simulated_round_trip` delays.
    pub round_trips: u64,
}

/// Durations by power of two.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Histogram {
    /// All durations together, in nanoseconds.
    pub total_ns: u64,
    /// Bucket `n` counts durations from 2^n up to and without 2^(n+1) nanoseconds; the first also
    /// counts zero, the last also all that is longer.
    pub buckets: [u64; Self::BUCKETS],
}

impl Histogram {
    /// The number of buckets: the last begins at 2^31 ns, about 2 seconds.
    pub const BUCKETS: usize = 32;

    /// How many durations were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// An upper bound of the given quantile (0 to 1) in nanoseconds: the end of its bucket.
    pub fn quantile_ns(&self, quantile: f64) -> u64 {
        let rank = (quantile * self.count() as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return 2 << bucket;
            }
        }
        2 << (Self::BUCKETS - 1)
    }
}

#[derive(Default)]
pub(crate) struct Recorder {
    total_ns: AtomicU64,
    buckets: [AtomicU64; Histogram::BUCKETS],
}

impl Recorder {
    pub(crate) fn add(&self, ns: u64) {
        let bucket = (63 - (ns | 1).leading_zeros() as usize).min(Histogram::BUCKETS - 1);
        self.total_ns.fetch_add(ns, Relaxed);
        self.buckets[bucket].fetch_add(1, Relaxed);
    }

    fn read(&self) -> Histogram {
        let mut histogram =
            Histogram { total_ns: self.total_ns.load(Relaxed), ..Default::default() };
        for (to, from) in histogram.buckets.iter_mut().zip(&self.buckets) {
            *to = from.load(Relaxed);
        }
        histogram
    }
}

/// The live counters behind [`RocksMetrics`].
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) commit_bytes: AtomicU64,
    pub(crate) guard_failures: AtomicU64,
    pub(crate) commit_ns: Recorder,
    pub(crate) syncs: AtomicU64,
    pub(crate) synced_commits: AtomicU64,
    pub(crate) sync_ns: Recorder,
    pub(crate) snapshots: AtomicU64,
    pub(crate) gets: AtomicU64,
    pub(crate) scans: AtomicU64,
    pub(crate) scan_rows: AtomicU64,
    pub(crate) read_bytes: AtomicU64,
    pub(crate) round_trips: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Relaxed);
}

impl Counters {
    pub(crate) fn read(&self) -> RocksMetrics {
        RocksMetrics {
            commits: self.commits.load(Relaxed),
            commit_bytes: self.commit_bytes.load(Relaxed),
            guard_failures: self.guard_failures.load(Relaxed),
            commit_ns: self.commit_ns.read(),
            syncs: self.syncs.load(Relaxed),
            synced_commits: self.synced_commits.load(Relaxed),
            sync_ns: self.sync_ns.read(),
            snapshots: self.snapshots.load(Relaxed),
            gets: self.gets.load(Relaxed),
            scans: self.scans.load(Relaxed),
            scan_rows: self.scan_rows.load(Relaxed),
            read_bytes: self.read_bytes.load(Relaxed),
            round_trips: self.round_trips.load(Relaxed),
        }
    }
}
