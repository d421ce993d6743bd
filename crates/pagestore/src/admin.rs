//! Looking at and after databases, beside the path of reads and commits.

use crate::{ActorId, Generation, Head, StoreError, Ticket};

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

/// Which databases to list: some of a namespace, in the order of the bytes of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRequest<'a> {
    /// The namespace.
    pub namespace: &'a str,
    /// What their names begin with; empty for all.
    pub prefix: &'a str,
    /// Their names come after this one, which need not name a database.
    pub after: Option<&'a str>,
    /// The most names of the answer. A shorter answer came to the end.
    pub limit: usize,
}

impl ListRequest<'_> {
    /// Refuses what no name can hold: every store calls it first.
    ///
    /// # Errors
    /// [`StoreError::Invalid`].
    pub fn check(&self) -> Result<(), StoreError> {
        let parts = [Some(self.prefix), self.after].into_iter().flatten();
        // The last stands for a name, so that the namespace is checked in any case.
        parts.filter(|part| !part.is_empty()).chain(["*"]).try_for_each(|part| {
            let checked = ActorId::new(self.namespace, part);
            checked.map(drop).map_err(|error| StoreError::Invalid { reason: error.to_string() })
        })
    }
}

/// The answer to a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Whether there was a database.
    pub existed: bool,
    /// Covers that there is none now.
    pub ticket: Ticket,
}

/// Administration of a store's databases.
pub trait PageStoreAdmin: Send + Sync + 'static {
    /// The databases that are ordered now. Over several calls each that is there all the time is
    /// listed once; one that comes or goes meanwhile may be.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when a part of the request cannot belong to a name.
    fn list(&self, request: &ListRequest<'_>) -> Result<Vec<ActorId>, StoreError>;

    /// Whether there is a database of that name: whether [`Self::list`] has it.
    fn exists(&self, actor: &ActorId) -> Result<bool, StoreError>;

    /// Deletes a database, whoever owns it: all of it, or nothing. Its lease is over, asleep or not
    /// ([`StoreError::Fenced`] with [`Generation::NONE`], or with that of a later database of the name),
    /// and no generation of it is granted again.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the rows that say what it is are damaged.
    /// [`StoreError::Unavailable`]: if the store's answer was lost, the database may be deleted all
    /// the same, and asking again finds out.
    fn delete(&self, actor: &ActorId) -> Result<Deletion, StoreError>;

    /// What is known of a database; `None` if there is none of that name.
    fn stat(&self, actor: &ActorId) -> Result<Option<ActorStat>, StoreError>;

    /// Reads every row of a database, decodes every page and checks every checksum.
    /// Damage is in the report, not an error.
    fn verify(&self, actor: &ActorId) -> Result<VerifyReport, StoreError>;
}
