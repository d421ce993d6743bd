//! Deleting what nobody reads any more.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Batch, KvError, Snapshot};
use actor_sqlite_ltx::{PageSize, Txid};
use actor_sqlite_pagestore::{ActorId, StoreError};

use super::leftovers::ROWS_MAX;
use super::queue::Turn;
use super::retain::Spans;
use super::{Reclaim, existing};
use crate::Engine;
use crate::accounts::put_root;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{DeltaIndex, ENVELOPE_BYTES, GoneRow, PastRow, StagedIndexRow, StagedRow};
use crate::stage::{Segment, visit_segments};

/// Rows that one batch deletes.
#[derive(Default)]
pub(super) struct Doomed {
    pub(super) keys: Vec<Vec<u8>>,
    /// Bytes of those.
    key_bytes: usize,
    /// Their keys and values.
    pub(super) bytes: u64,
    /// The deltas up to here are among them.
    through: Option<Txid>,
    /// The segments below this of the delta after those are among them.
    segments: Option<u32>,
    /// The rows of all stages up to here that belong to no commit are among them.
    pub(super) swept: Option<u64>,
    pub(super) more: bool,
}

impl Doomed {
    /// Adds the chunks of a file and the row that lists them.
    pub(super) fn take(
        &mut self,
        db: &Db,
        list: (&[u8], &[u8]),
        chunks: &[u32],
        row: impl Fn(u32) -> RowId,
    ) {
        for (chunk, &payload) in (0..).zip(chunks) {
            let key = db.keys.key(row(chunk));
            self.push(key, payload as usize + ENVELOPE_BYTES);
        }
        let (key, value) = list;
        self.push(key.to_vec(), value.len());
    }

    fn push(&mut self, key: Vec<u8>, value_bytes: usize) {
        self.bytes += (key.len() + value_bytes) as u64;
        self.key_bytes += key.len();
        self.keys.push(key);
    }

    fn take_past(&mut self, db: &Db, watermark: Txid) {
        let key = db.keys.key(RowId::Past { watermark });
        self.bytes += (key.len() + PastRow::BYTES + ENVELOPE_BYTES) as u64;
        self.keys.push(key);
    }

    /// Adds a segment of a stage.
    pub(super) fn take_segment(&mut self, db: &Db, stage: u64, at: &Segment<'_>) {
        let segment = at.number;
        let chunk_row = |chunk| RowId::Stage { stage, segment, chunk };
        self.take(db, (at.key, at.value), &at.index.chunks, chunk_row);
    }

    /// Adds segments of a staged commit. `false` if it has more than one batch should delete; a batch
    /// after this one goes on.
    fn take_staged(
        &mut self,
        db: &Db,
        snapshot: &dyn Snapshot,
        page_size: PageSize,
        index: &StagedIndexRow,
        (first, batch_bytes): (u32, usize),
    ) -> Result<bool, StoreError> {
        let mut next = first;
        let all = (index.stage, first, index.segments);
        visit_segments(db, snapshot, page_size, all, &mut |segment| {
            if self.segment_flow(batch_bytes).is_break() {
                return ControlFlow::Break(());
            }
            self.take_segment(db, index.stage, &segment);
            next = segment.number + 1;
            ControlFlow::Continue(())
        })?;
        // The manifest and the page index go with the last of them.
        let whole = next == index.segments;
        self.segments = (!whole).then_some(next);
        Ok(whole)
    }

    /// Whether another segment fits a batch that is to be about so large.
    pub(super) fn segment_flow(&mut self, batch_bytes: usize) -> ControlFlow<()> {
        self.more = self.keys.len() >= ROWS_MAX || self.key_bytes >= batch_bytes;
        if self.more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flow(&mut self) -> ControlFlow<()> {
        self.more = self.keys.len() >= ROWS_MAX;
        if self.more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

impl Engine {
    /// Deletes the replaced shard versions, deltas and page indexes that serve no state within the
    /// retention, in at most `batches_max` batches: see
    /// [`crate::CompactionOptions::retention_txids`].
    ///
    /// A batch deletes whole files with their index rows, and credits in `ROOT` what it deletes. A
    /// staged commit is many files: `ROOT` says how many of them are deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Corrupt`] when a row that lists what to delete is
    /// damaged; [`StoreError::Unavailable`].
    pub fn reclaim(&self, actor: &ActorId, batches_max: usize) -> Result<Reclaim, StoreError> {
        match self.turn(actor) {
            Some(turn) => self.reclaim_in(&turn, batches_max),
            None => Ok(Reclaim { more: true, ..Reclaim::default() }),
        }
    }

    pub(super) fn reclaim_in(
        &self,
        turn: &Turn<'_>,
        batches_max: usize,
    ) -> Result<Reclaim, StoreError> {
        self.reclaim_keeping(turn, batches_max, true)
    }

    /// As [`Self::reclaim`], and without regard to the retention if so wanted.
    pub(super) fn reclaim_keeping(
        &self,
        turn: &Turn<'_>,
        batches_max: usize,
        retain: bool,
    ) -> Result<Reclaim, StoreError> {
        let mut done = Reclaim::default();
        let actor = turn.actor();
        let db = Db::new(actor);
        for _ in 0..batches_max {
            let begun_ns = self.clock.monotonic_ns();
            let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
            let heads = existing(Heads::load(&db, &*snapshot)?, actor)?;
            let retain = retain && !self.is_full(&heads, actor);
            let doomed = self.doomed(&db, &*snapshot, &heads, retain)?;
            drop(snapshot);
            done.more = doomed.more;
            if doomed.keys.is_empty() {
                return Ok(done);
            }
            if !self.delete(&db, &heads, &doomed)? {
                done.more = true;
                return Ok(done);
            }
            done.rows += doomed.keys.len() as u64;
            done.bytes += doomed.bytes;
            self.metrics.reclaim_ns.add(self.clock.monotonic_ns() - begun_ns);
            if !doomed.more {
                return Ok(done);
            }
        }
        Ok(done)
    }

    /// Whether a database is beyond its quota: then history gives way, before commits do.
    fn is_full(&self, heads: &Heads, actor: &ActorId) -> bool {
        let lease = self.live_lease(actor).and_then(|lease| lease.view().quota_bytes);
        let quota_bytes = lease.or(self.options.actor_quota_bytes);
        quota_bytes.is_some_and(|quota_bytes| heads.stored_bytes() > quota_bytes)
    }

    fn doomed(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
        retain: bool,
    ) -> Result<Doomed, StoreError> {
        let mut doomed = Doomed::default();
        let root = heads.root.row;
        let spans = Spans::load(db, snapshot, heads)?;
        let base = if retain { self.base(heads, &spans) } else { root.watermark };
        // The spans go first: while the row of one is there, so is all that its states need.
        for (watermark, _) in spans.0.iter().filter(|(watermark, _)| *watermark < base) {
            doomed.take_past(db, *watermark);
            if doomed.flow().is_break() {
                return Ok(doomed);
            }
        }
        let gone = |at, shard| RowId::Gone { at, shard };
        let all = (gone(root.reclaimed_through.next(), 0), gone(base, u32::MAX));
        db.scan(snapshot, all, &mut |row, key, value| {
            let payload = db.open(row, key, value)?;
            let old = GoneRow::decode(payload).map_err(|fault| db.corrupt(row, fault))?;
            if let RowId::Gone { shard, .. } = row {
                let chunk_row = |chunk| RowId::Shard { shard, as_of: old.as_of, chunk };
                doomed.take(db, (key, value), &old.chunks, chunk_row);
            }
            Ok(doomed.flow())
        })?;
        if doomed.more || base <= root.reclaimed_through {
            return Ok(doomed);
        }
        let page_size = heads.head.row.head.page_size;
        let pidx = |txid| RowId::Pidx { txid };
        let mut next = root.reclaimed_through.next();
        let range = (pidx(next), pidx(base));
        db.scan(snapshot, range, &mut |row, key, value| {
            if row != pidx(next) {
                return Err(db.corrupt(pidx(next), "it is missing"));
            }
            let txid = next;
            match db.open_delta_index(row, key, value, page_size)? {
                DeltaIndex::Plain(index) => {
                    let chunk_row = |chunk| RowId::Delta { txid, chunk };
                    doomed.take(db, (key, value), &index.chunks, chunk_row);
                }
                DeltaIndex::Staged(index) => {
                    let first = if doomed.through.is_none() { root.reclaimed_segments } else { 0 };
                    let from = (first, self.options.compaction.batch_bytes);
                    if !doomed.take_staged(db, snapshot, page_size, &index, from)? {
                        return Ok(ControlFlow::Break(()));
                    }
                    let manifest = db.keys.key(RowId::Staged { stage: index.stage });
                    doomed.push(manifest, StagedRow::BYTES + ENVELOPE_BYTES);
                    doomed.take(db, (key, value), &[], |chunk| RowId::Delta { txid, chunk });
                }
            }
            doomed.through = Some(txid);
            next = txid.next();
            Ok(doomed.flow())
        })?;
        Ok(doomed)
    }

    /// Deletes rows and credits them. `false` if somebody else came between.
    pub(super) fn delete(
        &self,
        db: &Db,
        heads: &Heads,
        doomed: &Doomed,
    ) -> Result<bool, StoreError> {
        let mut root = heads.root.row;
        root.credited_bytes += doomed.bytes;
        if let Some(through) = doomed.through {
            root.reclaimed_through = through;
            root.reclaimed_segments = 0;
        }
        if let Some(segments) = doomed.segments {
            root.reclaimed_segments = segments;
        }
        if let Some(swept) = doomed.swept {
            root.stages_swept = swept;
        }
        let mut batch = Batch::new();
        for key in &doomed.keys {
            batch.delete(key.clone());
        }
        put_root(db, &mut batch, heads, &heads.root, root);
        match self.order(&batch) {
            Ok(_) => {
                self.metrics.reclaim_batches.add(1);
                self.metrics.reclaim_rows.add(doomed.keys.len() as u64);
                self.metrics.reclaim_bytes.add(doomed.bytes);
                Ok(true)
            }
            Err(KvError::GuardFailed { .. }) => Ok(false),
            Err(error) => Err(db.failed(error)),
        }
    }
}
