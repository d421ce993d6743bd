//! Deleting stages that never became a commit.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Scan, Snapshot};
use actor_sqlite_ltx::{PageSize, Txid};
use actor_sqlite_pagestore::{ActorId, StoreError};

use super::queue::Turn;
use super::reclaim::Doomed;
use super::{Reclaim, existing};
use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{DeltaIndex, StagedRow};
use crate::stage::Segment;

impl Engine {
    /// Deletes the rows of stages that were given up, in at most `batches_max` batches.
    ///
    /// A stage without a manifest is the one that `HEAD` says is open, or it will never be
    /// committed: the commit would have to find `HEAD` as it was while the stage was open. So
    /// these batches need no guard on `HEAD`, and leave its owner alone. A batch deletes whole
    /// segments, oldest first, and credits in `ROOT` what it deletes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Corrupt`] when a row that lists what to delete is
    /// damaged, or a commit lost its manifest; [`StoreError::Unavailable`].
    pub fn sweep(&self, actor: &ActorId, batches_max: usize) -> Result<Reclaim, StoreError> {
        match self.turn(actor) {
            Some(turn) => self.sweep_in(&turn, batches_max),
            None => Ok(Reclaim { more: true, ..Reclaim::default() }),
        }
    }

    pub(super) fn sweep_in(
        &self,
        turn: &Turn<'_>,
        batches_max: usize,
    ) -> Result<Reclaim, StoreError> {
        let mut done = Reclaim::default();
        let actor = turn.actor();
        let db = Db::new(actor);
        for _ in 0..batches_max {
            let begun_ns = self.clock.monotonic_ns();
            let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
            let heads = existing(Heads::load(&db, &*snapshot)?, actor)?;
            let batch_bytes = self.options.compaction.batch_bytes;
            let (doomed, stages) = unswept(&db, &*snapshot, &heads, batch_bytes)?;
            drop(snapshot);
            let nothing = doomed.keys.is_empty() && doomed.swept.is_none();
            done.more = !nothing;
            if nothing || !self.delete(&db, &heads, &doomed)? {
                return Ok(done);
            }
            done.rows += doomed.keys.len() as u64;
            done.bytes += doomed.bytes;
            done.more = doomed.more;
            self.metrics.stages_swept.add(stages);
            self.metrics.reclaim_ns.add(self.clock.monotonic_ns() - begun_ns);
            if !doomed.more {
                return Ok(done);
            }
        }
        Ok(done)
    }
}

/// What one batch deletes, and how many stages end with it.
fn unswept(
    db: &Db,
    snapshot: &dyn Snapshot,
    heads: &Heads,
    batch_bytes: usize,
) -> Result<(Doomed, u64), StoreError> {
    let (head, root) = (heads.head.row, heads.root.row);
    let last = if head.stage_open { head.stages - 1 } else { head.stages };
    let (mut doomed, mut stages) = (Doomed::default(), 0);
    let mut swept = root.stages_swept;
    while swept < last {
        let Some(stage) = next_stage(db, snapshot, swept + 1)?.filter(|&stage| stage <= last)
        else {
            swept = last;
            break;
        };
        if !is_committed(db, snapshot, stage)? {
            refuse_if_committed(db, snapshot, heads, stage)?;
            take_stage(db, snapshot, head.head.page_size, (stage, batch_bytes), &mut doomed)?;
            if doomed.more {
                // What is left of it comes with the next batch.
                swept = stage - 1;
                break;
            }
            stages += 1;
        }
        swept = stage;
    }
    doomed.swept = (swept > root.stages_swept).then_some(swept);
    Ok((doomed, stages))
}

/// The first stage from a number on that has a segment.
fn next_stage(db: &Db, snapshot: &dyn Snapshot, from: u64) -> Result<Option<u64>, StoreError> {
    let stix = |stage, segment| RowId::StageIndex { stage, segment };
    let (start, end) = db.keys.between(stix(from, 0), stix(u64::MAX, u32::MAX));
    let mut found = None;
    let scan = Scan { start: &start, end: &end, limit: 1, reverse: false };
    db.walk(snapshot, scan, &mut |row, _, _| {
        if let RowId::StageIndex { stage, .. } = row {
            found = Some(stage);
        }
        Ok(ControlFlow::Break(()))
    })?;
    Ok(found)
}

fn is_committed(db: &Db, snapshot: &dyn Snapshot, stage: u64) -> Result<bool, StoreError> {
    let row = RowId::Staged { stage };
    let key = db.keys.key(row);
    let mut outcome = Ok(());
    let there = snapshot
        .get(&key, &mut |value| {
            outcome = db.open(row, &key, value).and_then(|payload| {
                StagedRow::decode(payload).map(|_| ()).map_err(|fault| db.corrupt(row, fault))
            });
        })
        .map_err(|error| db.failed(error))?;
    outcome.map(|()| there)
}

/// The manifest of a commit could be lost: a page index that names the stage shows it, before pages
/// are deleted that count.
fn refuse_if_committed(
    db: &Db,
    snapshot: &dyn Snapshot,
    heads: &Heads,
    stage: u64,
) -> Result<(), StoreError> {
    let pidx = |txid| RowId::Pidx { txid };
    let page_size = heads.head.row.head.page_size;
    let kept = (pidx(heads.root.row.reclaimed_through.next()), pidx(Txid::new(u64::MAX)));
    db.scan(snapshot, kept, &mut |row, key, value| match db
        .open_delta_index(row, key, value, page_size)?
    {
        DeltaIndex::Staged(index) if index.stage == stage => {
            Err(db.corrupt(RowId::Staged { stage }, format!("it is missing, and {row} names it")))
        }
        _ => Ok(ControlFlow::Continue(())),
    })
}

fn take_stage(
    db: &Db,
    snapshot: &dyn Snapshot,
    page_size: PageSize,
    (stage, batch_bytes): (u64, usize),
    doomed: &mut Doomed,
) -> Result<(), StoreError> {
    let stix = |segment| RowId::StageIndex { stage, segment };
    db.scan(snapshot, (stix(0), stix(u32::MAX)), &mut |row, key, value| {
        if doomed.segment_flow(batch_bytes).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let index = db.open_index(row, key, value, page_size)?;
        if let RowId::StageIndex { segment: number, .. } = row {
            doomed.take_segment(db, stage, &Segment { number, index, key, value });
        }
        Ok(ControlFlow::Continue(()))
    })
}
