//! Databases in memory, each in a page store of its own.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use actor_sqlite_pagestore::{ActorId, MemPageStore};
use actor_sqlite_session::{
    Executor, ExecutorOptions, Host, Import, ImportError, ImportHost, ImportOptions,
};
use actor_sqlite_vfs::PageCache;

use crate::clock::SystemClock;

/// Their pages are in memory anyway: a cache over them is a second copy.
const CACHE_BYTES: u64 = 1 << 20;

/// So much of a file is handed on at a time.
const PART_BYTES: usize = 1 << 20;

/// A host with a new store, which goes with the last who has it. The rest is shared by all.
pub fn host() -> Host {
    host_of(Arc::new(MemPageStore::new()))
}

/// The same, with a database in it that is made of a SQLite file.
///
/// # Errors
/// All of [`ImportError`].
pub fn host_with(actor: &ActorId, owner: &str, file: &[u8]) -> Result<Host, ImportError> {
    let store = Arc::new(MemPageStore::new());
    let host = host_of(Arc::clone(&store));
    let importing = ImportHost {
        store: Arc::clone(&store) as _,
        admin: store,
        // What a failed import has made goes with the store.
        withdraw: Arc::new(|_, _| Ok(false)),
        clock: Arc::clone(&host.clock),
        scratch_dir: host.scratch_dir.clone(),
    };
    let options = ImportOptions { owner: owner.into(), overwrite: false };
    let stop = Arc::new(AtomicBool::new(false));
    let mut import = Import::begin(importing, actor.clone(), options, stop)?;
    // A part at a time, so that what is staged is not there twice.
    for part in file.chunks(PART_BYTES) {
        import.write(part)?;
    }
    import.finish()?;
    Ok(host)
}

fn host_of(store: Arc<MemPageStore>) -> Host {
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
    Host { store, ..shared.clone() }
}
