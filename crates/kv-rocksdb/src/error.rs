//! RocksDB's errors in the contract's words.

use actor_sqlite_kv::KvError;
use rocksdb::{Error, ErrorKind};

/// A failed read or opening: nothing was written.
pub(crate) fn of_read(error: Error) -> KvError {
    let reason = error.to_string();
    match error.kind() {
        ErrorKind::Corruption => KvError::Damaged { reason },
        _ => KvError::Unavailable { reason },
    }
}
