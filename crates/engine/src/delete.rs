//! Deleting a database.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Batch, KvError, Scan, Snapshot};
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::{ActorId, Deletion, Generation, StoreError, Ticket};

use crate::Engine;
use crate::accounts::put_deleted;
use crate::claim::refuse_rows_without_epoch;
use crate::db::Db;
use crate::floor::Floor;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::HeadRow;

/// How often a deletion begins again before it says that the store is too busy.
const TRIES: usize = 16;
/// A database of so many rows is deleted row by row. More go as a range, which a store has to look up
/// and to remember while it holds others up.
const ROWS_SINGLY_MAX: usize = 128;

impl Engine {
    /// One snapshot, then one batch that deletes every row, guarded by the exact `EPOCH`, `HEAD` and
    /// `ROOT` the snapshot showed. Each batch of an owner, of compaction, reclaim and sweep changes one
    /// of them, so that the rows are those of the snapshot when they go, and a batch that comes later
    /// finds none of what it is guarded by, nor ever will: it has a generation in it.
    pub(crate) fn delete_database(&self, actor: &ActorId) -> Result<Deletion, StoreError> {
        self.delete_if(actor, &|_| true)
    }

    /// Deletes a database that a claim of that generation has made, if nothing was committed to it and
    /// nobody has claimed it since; whether it did.
    ///
    /// # Errors
    /// As [`actor_sqlite_pagestore::PageStoreAdmin::delete`].
    pub fn withdraw(&self, actor: &ActorId, generation: Generation) -> Result<bool, StoreError> {
        let unused = |head: &HeadRow| head.generation == generation && head.head.txid == Txid::ZERO;
        Ok(self.delete_if(actor, &unused)?.existed)
    }

    fn delete_if(
        &self,
        actor: &ActorId,
        wanted: &dyn Fn(&HeadRow) -> bool,
    ) -> Result<Deletion, StoreError> {
        let db = Db::new(actor);
        let mut in_doubt = None;
        for attempt in 0..TRIES {
            // A database that is busy in this very process is not raced with a second time.
            let rival = (attempt > 0).then(|| self.live_lease(actor)).flatten();
            let held = rival.as_ref().map(|rival| rival.writer());
            let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
            let heads = Heads::load(&db, &*snapshot)?;
            if heads.as_ref().is_some_and(|heads| !wanted(&heads.head.row)) {
                return Ok(Deletion { existed: false, ticket: Ticket(self.newest_ticket().0) });
            }
            let generation = heads.as_ref().map(|heads| heads.head.row.generation);
            if let (Some(asked), Some(now)) = (in_doubt, generation)
                && asked != now
            {
                let reason = "the answer to a deletion was lost, and somebody has claimed since";
                return Err(StoreError::Unavailable { reason: reason.into() });
            }
            let batch = match &heads {
                Some(heads) => deletion(&db, &*snapshot, heads)?,
                None => absence(&db, &*snapshot)?,
            };
            drop(snapshot);
            let ordered = self.order(&batch);
            drop(held);
            match ordered {
                Ok(ticket) => {
                    let existed = generation.is_some() || in_doubt.is_some();
                    if let Some(generation) = generation.or(in_doubt) {
                        self.deleted(&db, generation);
                    }
                    if let Some(heads) = &heads {
                        self.metrics.deleted_bytes.add(heads.stored_bytes());
                    }
                    return Ok(Deletion { existed, ticket: Ticket(ticket.0) });
                }
                Err(KvError::GuardFailed { .. }) => {}
                // It may still land, for as long as nobody else changes the database.
                Err(KvError::UnknownOutcome { .. }) => in_doubt = generation.or(in_doubt),
                Err(KvError::Unavailable { .. }) if in_doubt.is_some() => {}
                Err(error) => return Err(db.failed(error)),
            }
        }
        Err(StoreError::Unavailable { reason: "others kept changing the database".into() })
    }

    /// Ends what this engine knows of a database that is no more, up to a generation.
    fn deleted(&self, db: &Db, generation: Generation) {
        self.metrics.databases_deleted.add(1);
        self.doubts().forget(&db.actor, generation);
        let lease = self.live_lease(&db.actor).filter(|lease| lease.generation <= generation);
        if let Some(lease) = lease {
            lease.fence(Generation::NONE, Txid::ZERO);
            self.unregister(&lease);
            self.metrics.fenced.add(1);
        }
    }
}

/// The batch that deletes a database.
fn deletion(db: &Db, snapshot: &dyn Snapshot, heads: &Heads) -> Result<Batch<'static>, StoreError> {
    let mut batch = Batch::new();
    let (start, end) = db.keys.range();
    let mut keys = Vec::new();
    let scan = Scan { start: &start, end: &end, limit: ROWS_SINGLY_MAX + 1, reverse: false };
    let mut take = |key: &[u8], _: &[u8]| {
        keys.push(key.to_vec());
        ControlFlow::Continue(())
    };
    snapshot.scan(scan, &mut take).map_err(|error| db.failed(error))?;
    if keys.len() > ROWS_SINGLY_MAX {
        batch.delete_range(start, end);
    } else {
        for key in keys {
            batch.delete(key);
        }
    }
    put_deleted(db, &mut batch, heads);
    Floor::load(db, snapshot)?.raise(&mut batch, heads.head.row.generation);
    Ok(batch)
}

/// The batch that lands if there is still no database: its ticket covers that.
fn absence(db: &Db, snapshot: &dyn Snapshot) -> Result<Batch<'static>, StoreError> {
    refuse_rows_without_epoch(db, snapshot)?;
    let mut batch = Batch::new();
    batch.guard(db.keys.key(RowId::Epoch), None);
    Ok(batch)
}
