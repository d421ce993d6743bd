//! What a failure of the key-value store means to a user of the page store.

use actor_sqlite_kv::KvError;
use actor_sqlite_pagestore::{ActorId, StoreError};

/// Maps a failure in the course of work for one database.
///
/// A failed guard or an unknown outcome that comes here was met by work that may simply be done
/// again, so both are [`StoreError::Unavailable`]; a commit of pages resolves them before.
pub(crate) fn store_error(actor: &ActorId, error: KvError) -> StoreError {
    match error {
        KvError::Damaged { reason } => {
            StoreError::Corrupt { actor: actor.clone(), row: "files of the store".into(), reason }
        }
        other => common(other),
    }
}

/// Maps a failure that concerns no database in particular.
pub(crate) fn common(error: KvError) -> StoreError {
    match error {
        KvError::TooLarge { what, bytes, limit } => StoreError::Limit {
            what: match what {
                "key" => "bytes of a key",
                "value" => "bytes of a row",
                _ => "bytes of a batch",
            },
            actual: bytes as u64,
            limit: limit as u64,
        },
        KvError::Full { reason } => StoreError::Full { reason },
        KvError::Dead { reason } => StoreError::Dead { reason },
        KvError::InUse { path, holder } => StoreError::InUse { path, holder },
        KvError::Closed => StoreError::Closed,
        KvError::Invalid { reason } => StoreError::Invalid { reason },
        KvError::Damaged { reason } => StoreError::Dead { reason },
        KvError::Unavailable { reason } | KvError::UnknownOutcome { reason } => {
            StoreError::Unavailable { reason }
        }
        other => StoreError::Unavailable { reason: other.to_string() },
    }
}
