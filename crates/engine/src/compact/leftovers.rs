//! Deleting what an interrupted compaction left.

use std::ops::ControlFlow;

use actor_sqlite_kv::{Batch, KvError, Snapshot};
use actor_sqlite_ltx::Txid;
use actor_sqlite_pagestore::StoreError;

use crate::Engine;
use crate::accounts::put_root;
use crate::db::Db;
use crate::heads::{Heads, Stored};
use crate::keys::RowId;
use crate::rows::{BuildRow, RootRow};

/// The most rows that one batch deletes.
pub(super) const ROWS_MAX: usize = 512;

/// A key and the bytes of its row.
type KeyAndBytes = (Vec<u8>, u64);

impl Engine {
    /// Deletes the chunks of a compaction that did not come to its end, and answers with the
    /// `ROOT` that shows none; `None` if somebody else changed `EPOCH` or `ROOT` in between, as a
    /// compaction does that was not interrupted at all. Interrupted itself, it is done again.
    ///
    /// Whoever calls this has written `EPOCH`, or is about to be stopped by `ROOT`'s guard: the
    /// compaction that left the chunks cannot go on after the first batch.
    pub(crate) fn clean_leftovers(
        &self,
        db: &Db,
        heads: &Heads,
    ) -> Result<Option<Stored<RootRow>>, StoreError> {
        let mut root = heads.root.clone();
        let as_of = root.row.building;
        if as_of == Txid::ZERO {
            return Ok(Some(root));
        }
        let Some((shards, build_bytes)) = self.leftover_shards(db, &root)? else {
            return Ok(None);
        };
        loop {
            let (rows, more) = self.leftover_chunks(db, as_of, &shards)?;
            let mut row = root.row;
            let mut batch = Batch::new();
            for (key, bytes) in rows {
                batch.delete(key);
                row.credited_bytes += bytes;
            }
            if !more {
                batch.delete(db.keys.key(RowId::Build));
                row.credited_bytes += build_bytes;
                row.building = Txid::ZERO;
            }
            let next = put_root(db, &mut batch, heads, &root, row);
            match self.order(&batch) {
                Ok(_) => {}
                Err(KvError::GuardFailed { .. }) => return Ok(None),
                Err(error) => return Err(db.failed(error)),
            }
            root = next;
            if !more {
                self.metrics.leftovers_cleaned.add(1);
                return Ok(Some(root));
            }
        }
    }

    /// The shards that `BUILD` names, and the bytes of that row; `None` if `ROOT` is another now,
    /// which makes `BUILD` another as well.
    ///
    /// None of the shards may count: their index rows come with the batch that ends a compaction,
    /// so one that is there means that `ROOT` is from before it, and its chunks are no leftovers.
    fn leftover_shards(
        &self,
        db: &Db,
        root: &Stored<RootRow>,
    ) -> Result<Option<(Vec<u32>, u64)>, StoreError> {
        let as_of = root.row.building;
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        if value_of(db, &*snapshot, RowId::Root)?.as_ref() != Some(&root.value) {
            return Ok(None);
        }
        let key = db.keys.key(RowId::Build);
        let value = value_of(db, &*snapshot, RowId::Build)?;
        let value = value.ok_or_else(|| db.corrupt(RowId::Build, "it is missing"))?;
        let payload = db.open(RowId::Build, &key, &value)?;
        let build = BuildRow::decode(payload).map_err(|fault| db.corrupt(RowId::Build, fault))?;
        if build.as_of != as_of {
            return Err(db.corrupt(RowId::Build, "it is of another compaction than ROOT says"));
        }
        let indexes: Vec<_> =
            build.shards.iter().map(|&shard| db.keys.key(RowId::Sidx { shard, as_of })).collect();
        let mut counts = false;
        snapshot
            .multi_get(&indexes, &mut |_, value| counts |= value.is_some())
            .map_err(|error| db.failed(error))?;
        if counts {
            return Err(db.corrupt(RowId::Root, "it is older than the shards it covers"));
        }
        Ok(Some((build.shards, (key.len() + value.len()) as u64)))
    }

    /// Keys of chunks to delete, each with the bytes of its row, and whether there are more.
    fn leftover_chunks(
        &self,
        db: &Db,
        as_of: Txid,
        shards: &[u32],
    ) -> Result<(Vec<KeyAndBytes>, bool), StoreError> {
        let snapshot = self.kv.snapshot().map_err(|error| db.failed(error))?;
        let mut rows = Vec::new();
        for &shard in shards {
            let chunk = |chunk| RowId::Shard { shard, as_of, chunk };
            db.scan(&*snapshot, (chunk(0), chunk(u32::MAX)), &mut |_, key, value| {
                rows.push((key.to_vec(), (key.len() + value.len()) as u64));
                Ok(if rows.len() >= ROWS_MAX {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            })?;
            if rows.len() >= ROWS_MAX {
                return Ok((rows, true));
            }
        }
        Ok((rows, false))
    }
}

fn value_of(db: &Db, snapshot: &dyn Snapshot, row: RowId) -> Result<Option<Vec<u8>>, StoreError> {
    let mut value = None;
    snapshot
        .get(&db.keys.key(row), &mut |found| value = Some(found.to_vec()))
        .map_err(|error| db.failed(error))?;
    Ok(value)
}
