//! Settings under which whatever can take several chunks, batches, parts or rounds does, and little
//! is found in memory.

use actor_sqlite_engine::{CompactionOptions, EngineOptions};
use actor_sqlite_kv::{Limits, MemKv};
use actor_sqlite_ltx::PageSize;
use actor_sqlite_session::OpenOptions;

use crate::StackOptions;

/// Of a stack.
pub fn small_options() -> StackOptions {
    let compaction = CompactionOptions {
        delta_count: 6,
        plan_bytes_max: 50_000,
        batch_bytes: 6_000,
        retention_txids: 1,
        ..CompactionOptions::default()
    };
    StackOptions {
        engine: EngineOptions { compaction, ..EngineOptions::default() },
        cache_bytes: 128 << 10,
        threads: 1,
    }
}

/// Of a store.
pub fn small_limits() -> Limits {
    Limits { value_bytes_preferred: 3_000, ..MemKv::LIMITS }
}

/// Of a session: pages of 1 KiB, and transactions that are staged from 24 KiB on.
pub fn small_open() -> OpenOptions {
    OpenOptions {
        page_size: PageSize::new(1024).unwrap_or(PageSize::DEFAULT),
        cache_bytes: 16 << 10,
        transaction_bytes: 24 << 10,
        scratch_bytes: 16 << 10,
        ..OpenOptions::default()
    }
}
