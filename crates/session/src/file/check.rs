//! SQLite's own check of a file that is about to be committed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actor_sqlite_pagestore::{Claim, Clock};
use actor_sqlite_vfs::{Mount, MountOptions, PageCache, ReadOptions};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::error::{ImportError, refused};
use super::import::ImportHost;
use super::staged::Staged;
use crate::Limits;
use crate::connection::{limits, vfs};

/// Of pages that are read ahead and have not been asked for.
const CACHE_BYTES: u64 = 8 << 20;
/// Of scratch in memory.
const SCRATCH_BYTES: u64 = 1 << 20;
/// VDBE instructions between two looks at the flag.
const PROGRESS_OPS: i32 = 1000;

/// Sets the connection up as a session's, and lets nothing be written.
const SET_UP: &str = "PRAGMA cell_size_check=ON;PRAGMA cache_size=-2048;PRAGMA query_only=ON;";

/// Runs `PRAGMA quick_check` over what was staged.
pub(super) fn check(
    host: &ImportHost,
    staged: Staged,
    claim: Claim,
    stop: &Arc<AtomicBool>,
) -> Result<(), ImportError> {
    let vfs = vfs().map_err(|error| ImportError::Unchecked { reason: error.to_string() })?;
    let options = MountOptions {
        reads: ReadOptions { hint_bytes_max: 0, ..ReadOptions::default() },
        ..MountOptions::new(
            Arc::clone(&host.clock) as Arc<dyn Clock>,
            SCRATCH_BYTES,
            host.scratch_dir.clone(),
        )
    };
    let cache = PageCache::new(CACHE_BYTES);
    let mount = Mount::new(Arc::new(staged), claim, cache, options)
        .map_err(|error| ImportError::Unchecked { reason: error.to_string() })?;
    let checked = quick_check(mount.file_name(), vfs, stop);
    let behind = mount.poison().or_else(|| mount.take_error());
    mount.close();
    match checked {
        Ok(verdict) if verdict == "ok" => Ok(()),
        // What the store could not give was not damage of the file.
        Ok(_) | Err(_) if behind.is_some() => Err(behind.map_or(ImportError::Stopped, Into::into)),
        Ok(verdict) => Err(refused(verdict)),
        Err(error) => Err(explain(error)),
    }
}

fn quick_check(name: &str, vfs: &str, stop: &Arc<AtomicBool>) -> rusqlite::Result<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut sqlite = Connection::open_with_flags_and_vfs(name, flags, vfs)?;
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    sqlite.execute_batch(SET_UP)?;
    for (limit, value) in limits(&Limits::default()) {
        sqlite.set_limit(limit, value)?;
    }
    let stop = Arc::clone(stop);
    sqlite.progress_handler(PROGRESS_OPS, Some(move || stop.load(Ordering::Relaxed)))?;
    sqlite.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
}

/// What a failure of SQLite says: of the file, unless it ran out of something.
fn explain(error: rusqlite::Error) -> ImportError {
    let rusqlite::Error::SqliteFailure(inner, message) = &error else {
        return ImportError::Unchecked { reason: error.to_string() };
    };
    let reason = message.clone().unwrap_or_else(|| inner.to_string());
    match inner.extended_code & 0xff {
        ffi::SQLITE_INTERRUPT => ImportError::Stopped,
        ffi::SQLITE_NOMEM | ffi::SQLITE_IOERR | ffi::SQLITE_FULL | ffi::SQLITE_CANTOPEN => {
            ImportError::Unchecked { reason }
        }
        _ => refused(reason),
    }
}
