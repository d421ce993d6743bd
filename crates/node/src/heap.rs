//! glibc's heap, which on its own keeps much of what was freed.
//!
//! Freed memory lies in small pieces between what is in use, in as many heaps as there were threads
//! at a time, and only the end of a heap is given back unless somebody asks. 200,000 sleeping
//! databases took 10 kB each, most of it free. A VACUUM of 1 GiB, with RocksDB merging its files
//! meanwhile, took 343 MiB with 165 in use. Node's threads have made heaps before the addon is there:
//! who needs it tighter sets `MALLOC_ARENA_MAX=1` in the environment (235 MiB: `docs/OPERATIONS.md`).

use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use actor_sqlite_engine::Engine;
use actor_sqlite_session::Executor;

use crate::stop::{Stop, Stoppable};

/// A piece of that size or larger is a mapping of its own, which goes back when it is freed. Left
/// alone, glibc raises this to the size of whatever is freed, up to 32 MiB. Much smaller, and the
/// buffers of ordinary commits are mapped and paged in each time: 5.2 ms instead of 2.1 for 1 MiB.
const MAPPED_BYTES: i32 = 3 << 20;

/// How often to look whether giving memory back is worth it.
const LOOK: Duration = Duration::from_millis(250);

/// So many sleeps leave enough behind to ask for it in a quiet moment,
const SLEEPS_QUIET: u64 = 1000;
/// and so many at any time.
const SLEEPS_BUSY: u64 = 50_000;

/// So many bytes staged or compacted leave enough behind.
const BULK_BYTES: u64 = 64 << 20;

/// It takes some milliseconds for each 100 MB of heap, during which threads may wait that want some:
/// at most one part in so many of the time.
const SHARE: u32 = 50;

/// Sets the heap of the process up, once. What the environment sets is left alone.
pub fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let is_set = |name| std::env::var_os(name).is_some();
        if is_set("GLIBC_TUNABLES") {
            return;
        }
        if !is_set("MALLOC_MMAP_THRESHOLD_") {
            glibc::set_mmap_threshold(MAPPED_BYTES);
        }
        if !is_set("MALLOC_ARENA_MAX") {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            glibc::set_arenas_max(i32::try_from(cores.max(2)).unwrap_or(i32::MAX));
        }
    });
}

/// Starts the thread that gives memory back to the system after work that leaves much of it free.
pub fn start(engine: Arc<Engine>, executor: Arc<Executor>) -> Stoppable {
    Stoppable::start("actor-sqlite-heap", move |stop| run(&engine, &executor, stop))
}

fn run(engine: &Engine, executor: &Executor, stop: &Stop) {
    let mut trim = Trim::default();
    while !stop.wait(LOOK) {
        let metrics = engine.metrics();
        let bulk_bytes = metrics.stage_bytes + metrics.compaction_bytes;
        if trim.is_due(executor.sleep_metrics().sleeps, bulk_bytes) {
            let begun = Instant::now();
            glibc::trim();
            if stop.wait(begun.elapsed() * SHARE) {
                return;
            }
        }
    }
}

/// Says when it is worth it.
#[derive(Default)]
struct Trim {
    sleeps_seen: u64,
    sleeps: u64,
    bulk_bytes: u64,
}

impl Trim {
    /// To be called now and then, with the number of sleeps and of bytes so far.
    fn is_due(&mut self, sleeps: u64, bulk_bytes: u64) -> bool {
        let quiet = sleeps == self.sleeps_seen;
        self.sleeps_seen = sleeps;
        let many = if quiet { SLEEPS_QUIET } else { SLEEPS_BUSY };
        let due = sleeps - self.sleeps >= many || bulk_bytes - self.bulk_bytes >= BULK_BYTES;
        if due {
            (self.sleeps, self.bulk_bytes) = (sleeps, bulk_bytes);
        }
        due
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod glibc {
    /// From `malloc.h`.
    const M_MMAP_THRESHOLD: i32 = -3;
    const M_ARENA_MAX: i32 = -8;

    unsafe extern "C" {
        fn mallopt(param: i32, value: i32) -> i32;
        fn malloc_trim(pad: usize) -> i32;
    }

    pub fn set_mmap_threshold(bytes: i32) {
        // SAFETY: it may be called at any time from any thread; what is in use stays as it is.
        unsafe { mallopt(M_MMAP_THRESHOLD, bytes) };
    }

    pub fn set_arenas_max(count: i32) {
        // SAFETY: as above.
        unsafe { mallopt(M_ARENA_MAX, count) };
    }

    pub fn trim() {
        // SAFETY: it may be called at any time from any thread, and moves nothing that is in use.
        unsafe { malloc_trim(0) };
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod glibc {
    pub fn set_mmap_threshold(_bytes: i32) {}
    pub fn set_arenas_max(_count: i32) {}
    pub fn trim() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_and_bulk_work_are_worth_it() {
        let mut trim = Trim::default();
        assert!(!trim.is_due(0, 0) && !trim.is_due(0, BULK_BYTES - 1));
        assert!(trim.is_due(0, BULK_BYTES) && !trim.is_due(0, 2 * BULK_BYTES - 1));
        assert!(trim.is_due(0, 2 * BULK_BYTES));
        assert!(!trim.is_due(SLEEPS_QUIET, 2 * BULK_BYTES), "more may come");
        assert!(trim.is_due(SLEEPS_QUIET, 2 * BULK_BYTES));
        assert!(trim.is_due(SLEEPS_QUIET + SLEEPS_BUSY, 2 * BULK_BYTES));
    }
}
