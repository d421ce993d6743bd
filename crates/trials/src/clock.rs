//! Time that only moves when it is read.

use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_pagestore::Clock;

/// A clock that advances by a microsecond with each reading: the same run reads the same times.
#[derive(Default)]
pub struct TickingClock {
    reads: AtomicU64,
}

impl Clock for TickingClock {
    fn now_ms(&self) -> i64 {
        1_700_000_000_000 + (self.monotonic_ns() / 1_000_000) as i64
    }

    fn monotonic_ns(&self) -> u64 {
        self.reads.fetch_add(1, Ordering::Relaxed) * 1000
    }
}
