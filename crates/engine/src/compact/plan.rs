//! What a compaction is going to do.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Checksum, Pgno, Txid};
use actor_sqlite_pagestore::StoreError;

use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::{RowId, shard_count, shard_of};
use crate::rows::{IndexPage, IndexRow};

/// A plan takes no further delta once it has this many shards to write, so that the index rows of
/// all of them fit the batch that installs it.
const SHARDS_MAX: usize = 2_048;

/// The newest version of every page in the deltas from the watermark up to a state.
pub(super) struct Plan {
    /// The rows the plan was made on; `EPOCH` and `ROOT` guard everything it writes.
    pub(super) heads: Heads,
    /// The new watermark.
    pub(super) watermark: Txid,
    /// The database at the new watermark: size in pages, checksum and time.
    pub(super) size: u32,
    pub(super) checksum: Checksum,
    pub(super) time_ms: i64,
    pub(super) deltas: u64,
    pub(super) deltas_left: u64,
    /// By shard, ascending by page.
    pub(super) dirty: BTreeMap<u32, Vec<(Txid, IndexPage)>>,
    /// Shards that lie beyond the new size.
    pub(super) dropped: Vec<Version>,
}

/// A shard version that the plan replaces or drops.
pub(super) struct Version {
    pub(super) shard: u32,
    pub(super) as_of: Txid,
    /// Length of each chunk's payload in bytes.
    pub(super) chunks: Vec<u32>,
    /// Key and value of its index row, in bytes.
    pub(super) index_bytes: u64,
}

impl Engine {
    /// `None` if there is nothing to fold. A database whose newest state is its first commit is
    /// left alone: a file of part of the pages must not look like one of all.
    pub(super) fn plan(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: Heads,
    ) -> Result<Option<Plan>, StoreError> {
        let (first, mut last) = heads.open_deltas();
        // A state that its owner's view does not show yet may still turn out as one whose answer
        // was lost; the owner's readers must not find its pages in shards before.
        if let Some(lease) = self.live_lease(&db.actor)
            && lease.generation == heads.epoch.row.generation
        {
            last = last.min(lease.view().head.row.head.txid);
        }
        if last < first || last.get() < 2 {
            return Ok(None);
        }
        let mut folding = Folding { pages: BTreeMap::new(), next: first, bytes: 0, end: None };
        let mut size = heads.root.row.size;
        let page_size = heads.head.row.head.page_size;
        let pidx = |txid| RowId::Pidx { txid };
        db.scan(snapshot, (pidx(first), pidx(last)), &mut |row, key, value| {
            if row != pidx(folding.next) {
                return Err(db.corrupt(pidx(folding.next), "it is missing"));
            }
            let index = db.open_index(row, key, value, page_size)?;
            folding.take(&index, size);
            size = index.size;
            folding.end = Some((index.size, index.post_apply, index.time_ms));
            let full = folding.bytes >= self.options.compaction.plan_bytes_max
                || folding.shards_at_least() > SHARDS_MAX;
            Ok(if full && folding.next.get() > 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        let watermark = Txid::new(folding.next.get() - 1);
        let Some((size, checksum, time_ms)) = folding.end.filter(|_| watermark.get() >= 2) else {
            return Err(db.corrupt(pidx(folding.next), "it is missing"));
        };
        let dropped = dropped_shards(db, snapshot, &heads, size)?;
        Ok(Some(Plan {
            watermark,
            size,
            checksum,
            time_ms,
            deltas: folding.next.get() - first.get(),
            deltas_left: heads.head.row.head.txid.get() - watermark.get(),
            dirty: folding.by_shard(),
            dropped,
            heads,
        }))
    }
}

/// Deltas folded so far.
struct Folding {
    pages: BTreeMap<Pgno, (Txid, IndexPage)>,
    next: Txid,
    /// Payloads of the deltas.
    bytes: u64,
    /// Size, checksum and time of the newest.
    end: Option<(u32, Checksum, i64)>,
}

impl Folding {
    fn take(&mut self, index: &IndexRow, size_before: u32) {
        if index.size < size_before
            && let Some(beyond) = Pgno::new(index.size.saturating_add(1))
        {
            self.pages.split_off(&beyond);
        }
        self.pages.extend(index.pages.iter().map(|&page| (page.pgno, (self.next, page))));
        self.bytes += index.chunks.iter().map(|&chunk| u64::from(chunk)).sum::<u64>();
        self.next = self.next.next();
    }

    /// A lower bound that costs nothing; exact when whole shards are rewritten.
    fn shards_at_least(&self) -> usize {
        self.pages.len() / crate::keys::SHARD_PAGES as usize
    }

    fn by_shard(self) -> BTreeMap<u32, Vec<(Txid, IndexPage)>> {
        let mut shards: BTreeMap<u32, Vec<(Txid, IndexPage)>> = BTreeMap::new();
        for (pgno, page) in self.pages {
            shards.entry(shard_of(pgno)).or_default().push(page);
        }
        shards
    }
}

/// The versions of shards beyond a size, which a smaller database has no use for. Left as they
/// are they would be taken for the base of a later version when the database has grown again.
fn dropped_shards(
    db: &Db,
    snapshot: &dyn Snapshot,
    heads: &Heads,
    size: u32,
) -> Result<Vec<Version>, StoreError> {
    let mut dropped = Vec::new();
    if size >= heads.root.row.size {
        return Ok(dropped);
    }
    let page_size = heads.head.row.head.page_size;
    let sidx = |shard, as_of| RowId::Sidx { shard, as_of };
    let first = sidx(shard_count(size), Txid::ZERO);
    let last = sidx(u32::MAX, Txid::new(u64::MAX));
    db.scan(snapshot, (first, last), &mut |row, key, value| {
        let index = db.open_index(row, key, value, page_size)?;
        if let RowId::Sidx { shard, as_of } = row {
            let index_bytes = (key.len() + value.len()) as u64;
            dropped.push(Version { shard, as_of, chunks: index.chunks, index_bytes });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(dropped)
}
