//! Whether this SQLite commits by the batch-atomic route.

use std::ffi::{CStr, CString, c_int};
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

use actor_sqlite_pagestore::{
    ActorId, Claim, ClaimOptions, Clock, MemPageStore, PageStore, StoreError,
};
use libsqlite3_sys as ffi;

use crate::ffi::{RegisterError, register};
use crate::{Mount, MountError, MountOptions, PageCache};

/// The first statement makes page 1, by the journal; the second must take the batch route.
const STATEMENTS: [&CStr; 3] =
    [c"PRAGMA journal_mode=TRUNCATE", c"CREATE TABLE probe(a)", c"INSERT INTO probe VALUES(1)"];

/// Why commits would not be batch-atomic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// SQLite was compiled without it.
    #[error("SQLite was compiled without SQLITE_ENABLE_BATCH_ATOMIC_WRITE")]
    NotCompiled,
    /// The VFS is not there.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The throw-away database could not be made.
    #[error("the probe's database: {0}")]
    Store(#[from] StoreError),
    /// The throw-away database could not be mounted.
    #[error("the probe's database: {0}")]
    Mount(#[from] MountError),
    /// A statement on it failed.
    #[error("the probe's statement {statement:?} failed with code {code}")]
    Statement {
        /// The statement; empty for the opening.
        statement: String,
        /// SQLite's code.
        code: c_int,
    },
    /// The commit took the other route.
    #[error("a commit did not take the batch-atomic route: {batch} did, {sync} were syncs")]
    NotBatch {
        /// Commits by the batch route.
        batch: u64,
        /// Commits by a sync.
        sync: u64,
    },
}

/// Checks the compile option, and commits to a throw-away database in memory through this VFS. No
/// durable write. The outcome holds for the process: callers keep it.
pub fn probe() -> Result<(), ProbeError> {
    // SAFETY: a NUL-terminated string.
    let compiled =
        unsafe { ffi::sqlite3_compileoption_used(c"ENABLE_BATCH_ATOMIC_WRITE".as_ptr()) };
    if compiled == 0 {
        return Err(ProbeError::NotCompiled);
    }
    let vfs = register()?;
    let store: Arc<dyn PageStore> = Arc::new(MemPageStore::new());
    let claim = claim(&*store)?;
    let options = MountOptions::new(Arc::new(NoClock), u64::MAX, PathBuf::new());
    let mount = Mount::new(store, claim, PageCache::new(0), options)?;
    run(mount.file_name(), vfs)?;
    let metrics = mount.metrics();
    match (metrics.commits_batch, metrics.commits_sync) {
        (1, 1) => Ok(()),
        (batch, sync) => Err(ProbeError::NotBatch { batch, sync }),
    }
}

fn claim(store: &dyn PageStore) -> Result<Claim, StoreError> {
    let actor = ActorId::new("", "probe")
        .map_err(|error| StoreError::Invalid { reason: error.to_string() })?;
    store.claim(&actor, &ClaimOptions::new("probe"))
}

fn run(name: &str, vfs: &str) -> Result<(), ProbeError> {
    let failed = |statement: &str, code| {
        Err(ProbeError::Statement { statement: statement.to_owned(), code })
    };
    let (Ok(name), Ok(vfs)) = (CString::new(name), CString::new(vfs)) else {
        return failed("", ffi::SQLITE_MISUSE);
    };
    let flags = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
    let mut db = ptr::null_mut();
    // SAFETY: valid strings and a result variable. The handle is closed below even if the opening
    // failed, as SQLite asks.
    let mut code = unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut db, flags, vfs.as_ptr()) };
    let mut statement = c"";
    for next in STATEMENTS {
        if code != ffi::SQLITE_OK {
            break;
        }
        statement = next;
        // SAFETY: an open database and a valid string; no callback.
        code =
            unsafe { ffi::sqlite3_exec(db, next.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
    }
    // SAFETY: the handle is not used after this.
    unsafe { ffi::sqlite3_close(db) };
    match code {
        ffi::SQLITE_OK => Ok(()),
        code => failed(&statement.to_string_lossy(), code),
    }
}

/// The probe's commits are not timed.
struct NoClock;

impl Clock for NoClock {
    fn now_ms(&self) -> i64 {
        0
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }
}
