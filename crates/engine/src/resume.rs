//! Going on with a lease that was released.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actor_sqlite_kv::{Batch, KvError};
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::{ActorId, Claim, ClaimOptions, Generation, StoreError};

use crate::Engine;
use crate::accounts::put_head;
use crate::claim::refuse_rows_without_epoch;
use crate::db::Db;
use crate::floor::Floor;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::lease::LeaseState;
use crate::rows::HeadRow;

/// How often a resume asks about a commit in doubt before it says that the store is away.
const TRIES: usize = 4;

/// Leases that ended while the outcome of a commit was unknown: its batch may still be on its way.
///
/// An entry stays until the database is resumed or claimed. If the process ends, so do its handles.
#[derive(Debug, Default)]
pub(crate) struct Doubts(Mutex<HashMap<ActorId, Generation>>);

impl Doubts {
    fn lock(&self) -> MutexGuard<'_, HashMap<ActorId, Generation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, actor: &ActorId, generation: Generation) {
        let mut doubts = self.lock();
        let noted = doubts.entry(actor.clone()).or_insert(generation);
        *noted = generation.max(*noted);
    }

    fn of(&self, actor: &ActorId, generation: Generation) -> bool {
        self.lock().get(actor) == Some(&generation)
    }

    /// Forgets what is in doubt about leases up to a generation.
    pub(crate) fn forget(&self, actor: &ActorId, generation: Generation) {
        let mut doubts = self.lock();
        if doubts.get(actor).is_some_and(|&noted| noted <= generation) {
            doubts.remove(actor);
        }
    }
}

impl Engine {
    /// One snapshot and no batch: the generation is the lease's already, so there is nobody to
    /// fence, and what an interrupted compaction left is cleaned up by the next one.
    ///
    /// The snapshot shows what is ordered. All of it that belongs to a lease of this engine is
    /// covered by the newest ticket: a batch is under way only while its lease's writer is locked,
    /// and ending the lease waits for that.
    pub(crate) fn resume_database(
        &self,
        db: &Db,
        options: &ClaimOptions,
        generation: Generation,
    ) -> Result<Claim, StoreError> {
        let begun_ns = self.clock.monotonic_ns();
        loop {
            let before = self.live_lease(&db.actor).filter(|lease| lease.generation == generation);
            if let Some(lease) = before {
                self.end_lease(&lease);
            }
            if self.doubts().of(&db.actor, generation) {
                self.end_doubt(db, generation)?;
            }
            let state = self.load_lease(db, generation)?;
            // Each turn but the last is another resume that came to its end.
            if self.register(&state) {
                let ticket = state.view().ticket;
                let claim = self.answer(state, ticket, options)?;
                self.metrics.resumes.add(1);
                self.metrics.claim_ns.add(self.clock.monotonic_ns() - begun_ns);
                return Ok(claim);
            }
        }
    }

    /// The lease as the rows show it, not known to others yet.
    fn load_lease(&self, db: &Db, generation: Generation) -> Result<Arc<LeaseState>, StoreError> {
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let ticket = self.newest_ticket();
        let mut hints = None;
        let loaded = Heads::load_beside(db, &*snapshot, Some((RowId::Hints, &mut hints)))?;
        let Some(heads) = loaded else {
            refuse_rows_without_epoch(db, &*snapshot)?;
            let floor = Floor::load(db, &*snapshot)?;
            if generation > floor.generation {
                return Err(StoreError::NotFound { actor: db.actor.clone() });
            }
            // Whoever was granted the generation had a database, and it was deleted.
            return Err(fenced(db, generation, (Generation::NONE, Txid::ZERO)));
        };
        check_generation(db, &heads, generation)?;
        let deltas = self.load_deltas(db, &*snapshot, &heads)?;
        drop(snapshot);
        let root = heads.root.row;
        let hints = self.stored_hints(db, hints.as_deref());
        Ok(self.lease_state(db, heads, root, hints, deltas, ticket))
    }

    /// Closes a lease once no batch of it is under way. What it staged is given up. Until then others
    /// find it, so that a resume waits for that batch as well.
    pub(crate) fn end_lease(&self, state: &LeaseState) {
        let mut writer = state.writer();
        self.close_stage(state, &mut writer);
        state.note_doubt(&writer);
        state.view_mut().over.get_or_insert(StoreError::Closed);
        self.unregister(state);
    }

    /// Writes `HEAD` again with another count, so that a batch guarded by its bytes of before
    /// cannot land any more; what `HEAD` says then is the outcome. Without that the batch could
    /// land after the resume, under the feet of the handle.
    fn end_doubt(&self, db: &Db, generation: Generation) -> Result<(), StoreError> {
        let mut reason = String::new();
        for _ in 0..TRIES {
            let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
            let Some(heads) = Heads::load(db, &*snapshot)? else { return Ok(()) };
            drop(snapshot);
            check_generation(db, &heads, generation)?;
            let head = heads.head.row;
            let rewritten = HeadRow { rewrites: head.rewrites + 1, ..head };
            let mut batch = Batch::new();
            put_head(db, &mut batch, &heads.head, rewritten);
            match self.order(&batch) {
                Ok(_) => {
                    self.doubts().forget(&db.actor, generation);
                    return Ok(());
                }
                Err(
                    error @ (KvError::GuardFailed { .. }
                    | KvError::UnknownOutcome { .. }
                    | KvError::Unavailable { .. }),
                ) => reason = error.to_string(),
                Err(error) => return Err(db.failed(error)),
            }
        }
        Err(StoreError::Unavailable { reason })
    }
}

fn check_generation(db: &Db, heads: &Heads, generation: Generation) -> Result<(), StoreError> {
    let actual = heads.epoch.row.generation;
    if actual == generation {
        return Ok(());
    }
    Err(fenced(db, generation, (actual, heads.head.row.head.txid)))
}

/// The error of a resume that came too late.
fn fenced(db: &Db, generation: Generation, (actual, head): (Generation, Txid)) -> StoreError {
    StoreError::Fenced {
        actor: db.actor.clone(),
        expected_generation: generation,
        actual_generation: actual,
        expected_head: Txid::ZERO,
        actual_head: head,
    }
}
