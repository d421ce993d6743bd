//! Looking at and after databases, beside the path of reads and commits.

use crate::{ActorId, Generation, Head, StoreError};

/// What a store knows of one database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorStat {
    /// The newest committed state.
    pub head: Head,
    /// The generation of the last claim.
    pub generation: Generation,
    /// Bytes of keys and values the database holds in the store.
    pub stored_bytes: u64,
    /// Commits not yet folded into shards.
    pub delta_count: u64,
    /// When the last commit was made, in milliseconds since the Unix epoch.
    pub committed_at_ms: i64,
}

/// One thing that is wrong with a stored database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The row, in words: `DELTA 12 chunk 0`.
    pub row: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What a walk over every row of a database found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Rows read.
    pub rows: u64,
    /// Their keys and values, in bytes.
    pub bytes: u64,
    /// Pages decoded and checked.
    pub pages: u64,
    /// What is wrong; empty for a sound database.
    pub damage: Vec<Damage>,
    /// The walk came to its end: what it did not find is not there.
    pub finished: bool,
}

/// Administration of a store's databases.
pub trait PageStoreAdmin: Send + Sync + 'static {
    /// What is known of a database; `None` if there is none of that name.
    fn stat(&self, actor: &ActorId) -> Result<Option<ActorStat>, StoreError>;

    /// Reads every row of a database, decodes every page and checks every checksum.
    /// Damage is in the report, not an error.
    fn verify(&self, actor: &ActorId) -> Result<VerifyReport, StoreError>;
}
