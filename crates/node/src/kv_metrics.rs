//! The key-value store's counters for JavaScript.

use actor_sqlite_kv_rocksdb::{Histogram as NativeHistogram, RocksMetrics};
use napi_derive::napi;

/// Durations by power of two.
#[napi(object)]
#[derive(Clone, Debug, Default)]
pub struct HistogramMetrics {
    /// All durations together.
    pub total_ns: f64,
    /// Bucket `n` counts durations from 2^n up to and without 2^(n+1) nanoseconds.
    pub buckets: Vec<f64>,
}

impl From<NativeHistogram> for HistogramMetrics {
    fn from(native: NativeHistogram) -> Self {
        let NativeHistogram { total_ns, buckets } = native;
        Self { total_ns: total_ns as f64, buckets: buckets.iter().map(|&n| n as f64).collect() }
    }
}

/// The key-value store.
#[napi(object)]
#[derive(Clone, Debug, Default)]
pub struct KvMetrics {
    /// Commits that were ordered.
    pub commits: f64,
    /// Keys and values of those, in bytes.
    pub commit_bytes: f64,
    /// Commits refused because a guard did not hold.
    pub guard_failures: f64,
    /// Time until a commit is ordered.
    pub commit_ns: HistogramMetrics,
    /// Syncs that succeeded.
    pub syncs: f64,
    /// Commits that those made durable.
    pub synced_commits: f64,
    /// Time in those.
    pub sync_ns: HistogramMetrics,
    /// Snapshots taken.
    pub snapshots: f64,
    /// Keys read.
    pub gets: f64,
    /// Ranges walked.
    pub scans: f64,
    /// Rows visited by those.
    pub scan_rows: f64,
    /// Bytes of values lent to readers.
    pub read_bytes: f64,
    /// Commits and reads that would each cross the network of a remote store.
    pub round_trips: f64,
}

impl From<RocksMetrics> for KvMetrics {
    fn from(native: RocksMetrics) -> Self {
        let RocksMetrics {
            commits,
            commit_bytes,
            guard_failures,
            commit_ns,
            syncs,
            synced_commits,
            sync_ns,
            snapshots,
            gets,
            scans,
            scan_rows,
            read_bytes,
            round_trips,
        } = native;
        Self {
            commits: commits as f64,
            commit_bytes: commit_bytes as f64,
            guard_failures: guard_failures as f64,
            commit_ns: commit_ns.into(),
            syncs: syncs as f64,
            synced_commits: synced_commits as f64,
            sync_ns: sync_ns.into(),
            snapshots: snapshots as f64,
            gets: gets as f64,
            scans: scans as f64,
            scan_rows: scan_rows as f64,
            read_bytes: read_bytes as f64,
            round_trips: round_trips as f64,
        }
    }
}
