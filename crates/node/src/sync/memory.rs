//! Databases in memory, each in a page store of its own.

use std::sync::{Arc, OnceLock};

use actor_sqlite_pagestore::MemPageStore;
use actor_sqlite_session::{Executor, ExecutorOptions, Host};
use actor_sqlite_vfs::PageCache;

use crate::clock::SystemClock;

/// Their pages are in memory anyway: a cache over them is a second copy.
const CACHE_BYTES: u64 = 1 << 20;

/// A host with a new store, which goes with the last who has it. The rest is shared by all.
pub fn host() -> Host {
    static SHARED: OnceLock<Host> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let clock = Arc::new(SystemClock::new());
        let executor = Executor::new(ExecutorOptions {
            threads: 1,
            threads_max: 1,
            awake_max: ExecutorOptions::AWAKE_MAX,
            clock: clock.clone(),
        });
        Host {
            executor,
            store: Arc::new(MemPageStore::new()),
            cache: PageCache::new(CACHE_BYTES),
            clock,
            scratch_dir: std::env::temp_dir(),
        }
    });
    Host { store: Arc::new(MemPageStore::new()), ..shared.clone() }
}
