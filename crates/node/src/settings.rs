//! What a store is made with: the defaults of this level, and what an opening says otherwise.

use actor_sqlite_engine::{CompactionOptions, EngineOptions};
use actor_sqlite_kv_rocksdb::RocksOptions;
use actor_sqlite_session::ExecutorOptions;

use crate::options::NativeStorageOptions;

/// Page cache of a store that names no size.
const CACHE_BYTES: u64 = 64 << 20;

/// How fast the scrubber of a store reads that names no rate.
const SCRUB_BYTES_PER_SECOND: u64 = 1 << 20;

/// The settings of one store.
#[derive(Debug)]
pub struct StoreSettings {
    /// Of all databases together.
    pub page_cache_bytes: u64,
    /// Of connections of all databases together.
    pub awake_max: usize,
    /// The key-value store's.
    pub kv: RocksOptions,
    /// The engine's.
    pub engine: EngineOptions,
    /// Of the scrubber; 0 for none.
    pub scrub_bytes_per_second: u64,
}

impl From<&NativeStorageOptions> for StoreSettings {
    fn from(options: &NativeStorageOptions) -> Self {
        Self {
            page_cache_bytes: options.cache_bytes.map_or(CACHE_BYTES, |bytes| bytes as u64),
            awake_max: options.awake_max.map_or(ExecutorOptions::AWAKE_MAX, |most| most as usize),
            kv: kv(options.memory_bytes),
            engine: engine(options),
            scrub_bytes_per_second: whole(options.scrub_bytes_per_second)
                .unwrap_or(SCRUB_BYTES_PER_SECOND),
        }
    }
}

/// A small budget gets small write buffers: beside the one that is filled there are some that wait
/// to be written, and all of them have to fit in half of it.
fn kv(memory_bytes: Option<f64>) -> RocksOptions {
    let base = RocksOptions::default();
    let Some(memory_bytes) = memory_bytes else { return base };
    let memory_budget_bytes = memory_bytes as usize;
    let write_buffer_bytes = base.write_buffer_bytes.min(memory_budget_bytes / 8);
    RocksOptions { memory_budget_bytes, write_buffer_bytes, ..base }
}

fn engine(options: &NativeStorageOptions) -> EngineOptions {
    let base = EngineOptions::default();
    let retained = base.compaction;
    EngineOptions {
        actor_quota_bytes: whole(options.quota_bytes),
        namespace_quota_bytes: whole(options.namespace_quota_bytes),
        compaction: CompactionOptions {
            retention_txids: whole(options.retention_commits).unwrap_or(retained.retention_txids),
            retention_age_ms: whole(options.retention_age_ms).unwrap_or(retained.retention_age_ms),
            retention_bytes: whole(options.retention_bytes).unwrap_or(retained.retention_bytes),
            ..retained
        },
        ..base
    }
}

/// The facade lets whole numbers through only.
fn whole(number: Option<f64>) -> Option<u64> {
    number.map(|number| number as u64)
}
