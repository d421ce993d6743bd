//! Which states before the newest stay readable, and what is kept for them.
//!
//! Each installation leaves a `PAST` row: the span of states from the old watermark up to the new
//! one. A span is kept or given up as a whole, the oldest first. So all that reclaim deletes is
//! described by one state, the *base*: the watermark of the oldest span that is kept, or the
//! newest watermark. Every state from the base on is readable, and what serves older ones goes.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Scan, Snapshot};
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::StoreError;

use super::Fold;
use super::plan::{Plan, Version};
use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{DeltaIndex, ENVELOPE_BYTES, IndexRow, PastRow, StagedIndexRow, StagedRow};
use crate::stage::Segment;

/// Spans of states, oldest first.
pub(crate) struct Spans(pub(crate) Vec<(Txid, PastRow)>);

impl Spans {
    /// All that are there. Those below what was reclaimed are gone.
    pub(crate) fn load(
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
    ) -> Result<Self, StoreError> {
        let root = heads.root.row;
        let past = |watermark| RowId::Past { watermark };
        let range = (past(root.reclaimed_through), past(Txid::new(u64::MAX)));
        let mut spans: Vec<(Txid, PastRow)> = Vec::new();
        db.scan(snapshot, range, &mut |row, key, value| {
            let payload = db.open(row, key, value)?;
            let past = PastRow::decode(payload).map_err(|fault| db.corrupt(row, fault))?;
            if let RowId::Past { watermark } = row {
                spans.push((watermark, past));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let ends = spans.iter().skip(1).map(|&(watermark, _)| watermark);
        let ends = ends.chain(std::iter::once(root.watermark));
        match spans.iter().zip(ends).find(|((_, past), end)| past.next != *end) {
            None => Ok(Self(spans)),
            Some(((watermark, past), end)) => {
                let reason = format!("it leads to {} where {end} comes next", past.next);
                Err(db.corrupt(RowId::Past { watermark: *watermark }, reason))
            }
        }
    }

    /// Every state from here on is readable.
    pub(crate) fn oldest(&self, heads: &Heads) -> Txid {
        self.0.first().map_or(heads.root.row.watermark, |&(watermark, _)| watermark)
    }
}

impl Engine {
    /// The state up to which everything goes that no later one needs.
    pub(super) fn base(&self, heads: &Heads, spans: &Spans) -> Txid {
        let options = &self.options.compaction;
        let head = heads.head.row.head.txid.get();
        let age_ms = i64::try_from(options.retention_age_ms).unwrap_or(i64::MAX);
        let since_ms = self.clock.now_ms().saturating_sub(age_ms);
        let (mut base, mut bytes) = (heads.root.row.watermark, 0_u64);
        for (watermark, past) in spans.0.iter().rev() {
            let by_count = past.next.get().saturating_add(options.retention_txids) > head;
            let by_age = age_ms > 0 && past.until_ms >= since_ms;
            bytes = bytes.saturating_add(past.bytes);
            if !(by_count || by_age) || bytes > options.retention_bytes {
                break;
            }
            base = *watermark;
        }
        base
    }
}

/// The newest state that a fold may include.
pub(super) fn left_alone(
    db: &Db,
    snapshot: &dyn Snapshot,
    heads: &Heads,
    fold: Fold,
) -> Result<Txid, StoreError> {
    let (first, head) = heads.open_deltas();
    let (mut last, mut bytes) = (head, 0);
    if fold.keep_txids == 0 {
        return Ok(last);
    }
    let pidx = |txid| RowId::Pidx { txid };
    let (start, end) = db.keys.between(pidx(first), pidx(head));
    let limit = usize::try_from(fold.keep_txids).unwrap_or(usize::MAX);
    let page_size = heads.head.row.head.page_size;
    db.walk(
        snapshot,
        Scan { start: &start, end: &end, limit, reverse: true },
        &mut |row, key, value| {
            // What had to be staged is too large to be left alone.
            let DeltaIndex::Plain(index) = db.open_delta_index(row, key, value, page_size)? else {
                return Ok(ControlFlow::Break(()));
            };
            bytes += delta_bytes(db, (key, value), &index);
            if bytes > fold.keep_bytes {
                return Ok(ControlFlow::Break(()));
            }
            if let RowId::Pidx { txid } = row {
                last = Txid::new(txid.get() - 1);
            }
            Ok(ControlFlow::Continue(()))
        },
    )?;
    Ok(last)
}

/// Keys and values of a delta, in bytes: its page index and its chunks.
pub(super) fn delta_bytes(db: &Db, (key, value): (&[u8], &[u8]), index: &IndexRow) -> u64 {
    let chunk_key = db.keys.key(RowId::Delta { txid: Txid::ZERO, chunk: 0 }).len();
    (key.len() + value.len()) as u64 + chunk_bytes(chunk_key, &index.chunks)
}

/// Keys and values of what a staged commit has beside its segments: its page index and its manifest.
pub(super) fn staged_bytes(db: &Db, (key, value): (&[u8], &[u8]), index: &StagedIndexRow) -> u64 {
    let manifest = db.keys.key(RowId::Staged { stage: index.stage }).len();
    (key.len() + value.len() + manifest + StagedRow::BYTES + ENVELOPE_BYTES) as u64
}

/// Keys and values of a segment.
pub(super) fn segment_bytes(db: &Db, segment: &Segment<'_>) -> u64 {
    let chunk = RowId::Stage { stage: 0, segment: 0, chunk: 0 };
    let index = (segment.key.len() + segment.value.len()) as u64;
    index + chunk_bytes(db.keys.key(chunk).len(), &segment.index.chunks)
}

/// Keys and values of chunks whose payloads have these lengths.
fn chunk_bytes(key: usize, chunks: &[u32]) -> u64 {
    let around = (key + ENVELOPE_BYTES) as u64;
    chunks.iter().map(|&payload| u64::from(payload) + around).sum()
}

/// The row that an installation leaves behind for the span of states it ends.
pub(super) fn past_row<'a>(
    db: &Db,
    plan: &Plan,
    gone: impl Iterator<Item = (&'a Version, usize)>,
) -> PastRow {
    let root = plan.heads.root.row;
    let shard = RowId::Shard { shard: 0, as_of: Txid::ZERO, chunk: 0 };
    let shard_key = db.keys.key(shard).len();
    let versions: u64 = gone
        .map(|(version, gone_row)| gone_row as u64 + chunk_bytes(shard_key, &version.chunks))
        .sum();
    let own_key = db.keys.key(RowId::Past { watermark: root.watermark }).len();
    let own = own_key + PastRow::BYTES + ENVELOPE_BYTES;
    PastRow {
        next: plan.watermark,
        size: root.size,
        checksum: root.checksum,
        until_ms: plan.time_ms,
        bytes: plan.delta_bytes + versions + own as u64,
    }
}
