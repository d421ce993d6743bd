//! What a compaction is going to do.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Checksum, PageSize, Txid};
use actor_sqlite_pagestore::StoreError;

use super::Fold;
use super::bases::dropped_shards;
use super::retain::{delta_bytes, left_alone, segment_bytes, staged_bytes};
use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::{RowId, SHARD_PAGES, shard_count, shard_of};
use crate::page_index::Source;
use crate::placed::{Layers, PlacedPage};
use crate::rows::{DeltaIndex, IndexRow, StagedIndexRow};
use crate::stage::visit_segments;

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
    /// Keys and values of them.
    pub(super) delta_bytes: u64,
    pub(super) deltas_left: u64,
    /// Ascending; the numbers of files are places in the next list.
    dirty: Vec<PlacedPage>,
    files: Vec<DeltaFile>,
    /// Shards that lie beyond the new size.
    pub(super) dropped: Vec<Version>,
    /// The checksums of their pages that counted, added up.
    pub(super) dropped_sum: Checksum,
    /// The states of the versions of the dirty shards before, where there are any. Not their
    /// indexes, which for a commit of some GiB would be most of what a compaction holds.
    pub(super) bases: BTreeMap<u32, Txid>,
    /// The checksums of the pages of these that the plan takes out, added up.
    pub(super) replaced_sum: Checksum,
}

/// Where pages of a commit are.
#[derive(Clone, Copy)]
enum DeltaFile {
    Delta(Txid),
    Segment { stage: u64, segment: u32 },
}

impl Plan {
    /// The shards to write, ascending, each with its pages that deltas have.
    pub(super) fn shards(&self) -> impl Iterator<Item = (u32, &[PlacedPage])> {
        by_shard(&self.dirty)
    }

    /// All pages that deltas have.
    pub(super) fn pages(&self) -> &[PlacedPage] {
        &self.dirty
    }

    /// Those of one shard.
    pub(super) fn pages_of(&self, shard: u32) -> &[PlacedPage] {
        let of = |placed: &PlacedPage| shard_of(placed.page.pgno);
        let begin = self.dirty.partition_point(|placed| of(placed) < shard);
        let end = self.dirty.partition_point(|placed| of(placed) <= shard);
        &self.dirty[begin..end]
    }

    /// Where a page of those is.
    pub(super) fn source(&self, placed: PlacedPage) -> Source {
        let PlacedPage { page, file } = placed;
        let row = match self.files[file as usize] {
            DeltaFile::Delta(txid) => RowId::Delta { txid, chunk: page.chunk },
            DeltaFile::Segment { stage, segment } => {
                RowId::Stage { stage, segment, chunk: page.chunk }
            }
        };
        Source { row, page }
    }
}

fn by_shard(pages: &[PlacedPage]) -> impl Iterator<Item = (u32, &[PlacedPage])> {
    let shard = |placed: &PlacedPage| shard_of(placed.page.pgno);
    let shards = pages.chunk_by(move |a, b| shard(a) == shard(b));
    shards.map(move |pages| (shard(&pages[0]), pages))
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
        last = left_alone(db, snapshot, &heads, fold)?.min(last);
        if last < first || last.get() < 2 {
            return Ok(None);
        }
        let folding = self.fold_deltas(db, snapshot, &heads, (first, last), fold)?;
        let watermark = Txid::new(folding.next.get() - 1);
        let Some((size, checksum, time_ms)) = folding.end.filter(|_| watermark.get() >= 2) else {
            return Err(db.corrupt(RowId::Pidx { txid: folding.next }, "it is missing"));
        };
        let (dropped, dropped_sum) = dropped_shards(db, snapshot, &heads, size)?;
        let dirty = folding.pages.into_pages();
        let (bases, replaced_sum) = self.bases(db, snapshot, &heads, by_shard(&dirty), size)?;
        let plan = Plan {
            watermark,
            size,
            checksum,
            time_ms,
            deltas: folding.next.get() - first.get(),
            delta_bytes: folding.stored_bytes,
            deltas_left: heads.head.row.head.txid.get() - watermark.get(),
            dirty,
            files: folding.files,
            dropped,
            dropped_sum,
            bases,
            replaced_sum,
            heads,
        };
        self.prove(db, snapshot, &plan)?;
        Ok(Some(plan))
    }

    /// Takes deltas in their order, as many as fit one plan, at least one and the first two of all.
    fn fold_deltas(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
        (first, last): (Txid, Txid),
        fold: Fold,
    ) -> Result<Folding, StoreError> {
        let mut folding = Folding::new(first);
        let mut size = heads.root.row.size;
        let page_size = heads.head.row.head.page_size;
        let pidx = |txid| RowId::Pidx { txid };
        db.scan(snapshot, (pidx(first), pidx(last)), &mut |row, key, value| {
            if row != pidx(folding.next) {
                return Err(db.corrupt(pidx(folding.next), "it is missing"));
            }
            let index = db.open_delta_index(row, key, value, page_size)?;
            self.metrics.compaction_read_rows.add(1);
            self.metrics.compaction_read_bytes.add((key.len() + value.len()) as u64);
            let (size_after, checksum) = index.state();
            folding.end = Some((size_after, checksum, index.time_ms()));
            match index {
                DeltaIndex::Plain(index) => {
                    folding.stored_bytes += delta_bytes(db, (key, value), &index);
                    folding.take(DeltaFile::Delta(folding.next), &index);
                }
                DeltaIndex::Staged(index) => {
                    folding.stored_bytes += staged_bytes(db, (key, value), &index);
                    self.fold_segments(db, snapshot, page_size, &index, &mut folding)?;
                }
            }
            if size_after < size {
                folding.cut(size_after);
            }
            size = size_after;
            folding.next = folding.next.next();
            let full = folding.cost_bytes(page_size) >= fold.bytes_max
                || folding.shards.len() > SHARDS_MAX;
            Ok(if full && folding.next.get() > 2 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(folding)
    }

    /// Takes the segments of a staged commit. Pages above its size are not its own.
    fn fold_segments(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        page_size: PageSize,
        staged: &StagedIndexRow,
        folding: &mut Folding,
    ) -> Result<(), StoreError> {
        let (stage, all) = (staged.stage, (staged.stage, 0, staged.segments));
        visit_segments(db, snapshot, page_size, all, &mut |at| {
            self.metrics.compaction_read_rows.add(1);
            self.metrics.compaction_read_bytes.add((at.key.len() + at.value.len()) as u64);
            folding.stored_bytes += segment_bytes(db, &at);
            folding.take(DeltaFile::Segment { stage, segment: at.number }, &at.index);
            ControlFlow::Continue(())
        })?;
        folding.cut(staged.size);
        Ok(())
    }
}

/// Deltas folded so far.
struct Folding {
    pages: Layers,
    files: Vec<DeltaFile>,
    /// Shards of those pages.
    shards: BTreeSet<u32>,
    next: Txid,
    /// Payloads of the deltas.
    bytes: u64,
    /// Keys and values of the deltas and their page indexes.
    stored_bytes: u64,
    /// Size, checksum and time of the newest.
    end: Option<(u32, Checksum, i64)>,
}

impl Folding {
    fn new(next: Txid) -> Self {
        let (pages, files, shards) = (Layers::default(), Vec::new(), BTreeSet::new());
        Self { pages, files, shards, next, bytes: 0, stored_bytes: 0, end: None }
    }

    fn take(&mut self, file: DeltaFile, index: &IndexRow) {
        self.pages.push(self.files.len() as u32, &index.pages);
        self.files.push(file);
        self.shards.extend(index.pages.iter().map(|page| shard_of(page.pgno)));
        self.bytes += index.chunks.iter().map(|&chunk| u64::from(chunk)).sum::<u64>();
    }

    /// Forgets the pages above a size.
    fn cut(&mut self, size: u32) {
        self.pages.truncate(size);
        self.shards.split_off(&shard_count(size));
    }

    /// What it takes to fold them: the larger of what is read and of what is written, the latter
    /// as if each shard were full and nothing compressed.
    fn cost_bytes(&self, page_size: PageSize) -> u64 {
        let shard_bytes = u64::from(SHARD_PAGES) * u64::from(page_size.get());
        self.bytes.max(self.shards.len() as u64 * shard_bytes)
    }
}
