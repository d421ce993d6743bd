//! What a compaction is going to do.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Checksum, PageSize, Pgno, Txid};
use actor_sqlite_pagestore::StoreError;

use super::Fold;
use super::bases::{Base, dropped_shards};
use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::{RowId, SHARD_PAGES, shard_count, shard_of};
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
    /// The checksums of their pages that counted, added up.
    pub(super) dropped_sum: Checksum,
    /// The versions of the dirty shards before, where there are any.
    pub(super) bases: BTreeMap<u32, Base>,
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
        fold: Fold,
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
        let mut folding = Folding::new(first);
        let mut size = heads.root.row.size;
        let page_size = heads.head.row.head.page_size;
        let pidx = |txid| RowId::Pidx { txid };
        db.scan(snapshot, (pidx(first), pidx(last)), &mut |row, key, value| {
            if row != pidx(folding.next) {
                return Err(db.corrupt(pidx(folding.next), "it is missing"));
            }
            let index = db.open_index(row, key, value, page_size)?;
            self.metrics.compaction_read_rows.add(1);
            self.metrics.compaction_read_bytes.add((key.len() + value.len()) as u64);
            folding.take(&index, size);
            size = index.size;
            folding.end = Some((index.size, index.post_apply, index.time_ms));
            let full = folding.cost_bytes(page_size) >= fold.bytes_max
                || folding.shards.len() > SHARDS_MAX;
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
        let (dropped, dropped_sum) = dropped_shards(db, snapshot, &heads, size)?;
        let deltas = folding.next.get() - first.get();
        let dirty = folding.by_shard();
        let bases = self.bases(db, snapshot, &heads, dirty.keys().copied())?;
        let plan = Plan {
            watermark,
            size,
            checksum,
            time_ms,
            deltas,
            deltas_left: heads.head.row.head.txid.get() - watermark.get(),
            dirty,
            dropped,
            dropped_sum,
            bases,
            heads,
        };
        self.prove(db, snapshot, &plan)?;
        Ok(Some(plan))
    }
}

/// Deltas folded so far.
struct Folding {
    pages: BTreeMap<Pgno, (Txid, IndexPage)>,
    /// Shards of those pages.
    shards: BTreeSet<u32>,
    next: Txid,
    /// Payloads of the deltas.
    bytes: u64,
    /// Size, checksum and time of the newest.
    end: Option<(u32, Checksum, i64)>,
}

impl Folding {
    fn new(first: Txid) -> Self {
        let (pages, shards) = (BTreeMap::new(), BTreeSet::new());
        Self { pages, shards, next: first, bytes: 0, end: None }
    }

    fn take(&mut self, index: &IndexRow, size_before: u32) {
        if index.size < size_before
            && let Some(beyond) = Pgno::new(index.size.saturating_add(1))
        {
            self.pages.split_off(&beyond);
            self.shards.split_off(&shard_count(index.size));
        }
        self.shards.extend(index.pages.iter().map(|page| shard_of(page.pgno)));
        self.pages.extend(index.pages.iter().map(|&page| (page.pgno, (self.next, page))));
        self.bytes += index.chunks.iter().map(|&chunk| u64::from(chunk)).sum::<u64>();
        self.next = self.next.next();
    }

    /// What it takes to fold them: the larger of what is read and of what is written, the latter
    /// as if each shard were full and nothing compressed.
    fn cost_bytes(&self, page_size: PageSize) -> u64 {
        let shard_bytes = u64::from(SHARD_PAGES) * u64::from(page_size.get());
        self.bytes.max(self.shards.len() as u64 * shard_bytes)
    }

    fn by_shard(self) -> BTreeMap<u32, Vec<(Txid, IndexPage)>> {
        let mut shards: BTreeMap<u32, Vec<(Txid, IndexPage)>> = BTreeMap::new();
        for (pgno, page) in self.pages {
            shards.entry(shard_of(pgno)).or_default().push(page);
        }
        shards
    }
}
