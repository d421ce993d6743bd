//! Bringing a lease's view up to date with compactions it was not told of.

use std::sync::Arc;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{PageSize, Txid};
use actor_sqlite_pagestore::StoreError;

use crate::Engine;
use crate::heads::decode;
use crate::keys::{RowId, shard_count, shard_pages};
use crate::lease::{LeaseState, Writer};
use crate::rows::{EpochRow, RootRow};
use crate::shard_cache::{Pinned, ShardIndex};

impl Engine {
    /// Brings the indexes of shards, which are ascending, into memory, and pins them. `false` if the
    /// snapshot shows another watermark than the view: the caller has to refresh and look again.
    ///
    /// The look at `EPOCH` and `ROOT` in the same snapshot is what makes the version found the right
    /// one: under one generation and watermark each shard has exactly one index row, and it stays
    /// until the next.
    pub(crate) fn load_shards(
        &self,
        state: &LeaseState,
        snapshot: &dyn Snapshot,
        shards: &[u32],
        pinned: &mut Pinned,
    ) -> Result<bool, StoreError> {
        let db = &state.db;
        let (root, page_size) = {
            let view = state.view();
            (view.root, view.head.row.head.page_size)
        };
        if stored_watermark(state, snapshot)? != Some(root.watermark) {
            return Ok(false);
        }
        let stored = |&shard: &u32| has_version(shard, root.size, page_size);
        let asked: Vec<u32> = shards.iter().copied().filter(stored).collect();
        let mut indexes = db.shard_indexes(snapshot, &asked, root.watermark, page_size)?;
        if let Some(shard) = asked.iter().find(|&shard| !indexes.contains_key(shard)) {
            return Err(db.corrupt_named(format!("SIDX {shard}"), "it is missing"));
        }
        let mut view = state.view_mut();
        if view.root.watermark != root.watermark {
            return Ok(false);
        }
        pinned.at(root.watermark);
        for &shard in shards {
            let known = indexes.remove(&shard).map(|index| Arc::new(ShardIndex::new(index)));
            view.index.load(shard, known.clone());
            pinned.shards.insert(shard, known);
        }
        self.metrics.shard_indexes_loaded.add(shards.len() as u64);
        Ok(true)
    }

    /// Brings the view's watermark up to date. `false` if it was.
    ///
    /// The writer's lock is held, so that no commit is between the store and the view: a watermark
    /// above the view's head is then the work of another owner, and never shown.
    pub(crate) fn refresh(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
    ) -> Result<bool, StoreError> {
        let db = &state.db;
        self.settle(state, writer)?;
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let root = self.own_heads(state, &*snapshot)?.root.row;
        let mut view = state.view_mut();
        if view.root.watermark == root.watermark {
            // What reclaim has deleted since.
            view.root = root;
            return Ok(false);
        }
        if root.watermark > view.head.row.head.txid || root.watermark < view.root.watermark {
            return Err(db.corrupt(RowId::Root, "its watermark is none this lease can have"));
        }
        view.compacted(root, None);
        Ok(true)
    }
}

/// The watermark of the lease's database; `None` if there is another of its name now, or none.
fn stored_watermark(
    state: &LeaseState,
    snapshot: &dyn Snapshot,
) -> Result<Option<Txid>, StoreError> {
    let db = &state.db;
    let (mut watermark, mut own) = (None, false);
    db.get_rows(snapshot, &[RowId::Epoch, RowId::Root], &mut |at, _, value| {
        let Some(value) = value.map(<[u8]>::to_vec) else { return Ok(()) };
        if at == 0 {
            let epoch = decode(db, RowId::Epoch, value, EpochRow::decode_as)?;
            own = epoch.row.generation == state.generation;
        } else {
            let root = decode(db, RowId::Root, value, RootRow::decode)?;
            watermark = Some(root.row.watermark);
        }
        Ok(())
    })?;
    Ok(watermark.filter(|_| own))
}

/// Whether the shards of a database of that size include this one. The lock page alone makes no
/// shard.
pub(crate) fn has_version(shard: u32, size: u32, page_size: PageSize) -> bool {
    shard < shard_count(size) && shard_pages(shard, size, page_size).next().is_some()
}

/// A state a lease was asked for that is not its head.
pub(crate) fn not_the_head(asked: Txid, head: Txid) -> StoreError {
    StoreError::Invalid { reason: format!("txid {asked} is not the head {head} of the lease") }
}
