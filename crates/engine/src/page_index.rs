//! Where each page of a claimed database is, in memory.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use actor_sqlite_ltx::{Pgno, Txid};

use crate::keys::{RowId, shard_count, shard_of};
use crate::placed::{self, PlacedPage};
use crate::rows::IndexPage;
use crate::shard_cache::{Known, Pinned, ShardCache, ShardIndex};

/// Where a page is: the row that holds its frame, and the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) row: RowId,
    pub(crate) page: IndexPage,
}

/// The answer to where a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    Found(Source),
    /// The index of its shard is not in memory.
    Unloaded(u32),
    /// It is in no delta and not in its shard.
    Missing,
}

#[derive(Clone, Copy, Debug)]
struct DeltaPage {
    txid: Txid,
    page: IndexPage,
}

/// The pages of a commit that was staged.
#[derive(Debug)]
pub(crate) struct StagedDelta {
    pub(crate) stage: u64,
    /// Each page once, ascending, with its segment.
    pub(crate) pages: Vec<PlacedPage>,
}

impl StagedDelta {
    fn find(&self, pgno: Pgno) -> Option<Source> {
        let PlacedPage { page, file: segment } = placed::find(&self.pages, pgno)?;
        let row = RowId::Stage { stage: self.stage, segment, chunk: page.chunk };
        Some(Source { row, page })
    }
}

/// The pages of one commit.
#[derive(Debug)]
pub(crate) enum DeltaPages {
    /// Ascending.
    Plain(Vec<IndexPage>),
    Staged(StagedDelta),
}

impl DeltaPages {
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Plain(pages) => pages.len(),
            Self::Staged(delta) => delta.pages.len(),
        }
    }
}

/// The newest place of every page: all deltas above the watermark, and the indexes of those
/// shards that were asked for last.
///
/// A page above the database's size is never asked for. An entry of a shard may be older than a
/// shrink; the page is then either beyond the size, or was written again when the database grew,
/// and the delta of that commit (or the shard version folded from it) goes before.
#[derive(Debug)]
pub(crate) struct PageIndex {
    deltas: HashMap<Pgno, DeltaPage, BuildHasherDefault<PgnoHasher>>,
    /// Commits that were staged, oldest first. They are large and few, so that each keeps a sorted
    /// list, which takes half the room of a table.
    staged: Vec<(Txid, StagedDelta)>,
    shards: ShardCache,
}

impl PageIndex {
    /// An empty one, that keeps so many bytes of indexes of shards.
    pub(crate) fn new(shard_index_bytes_max: usize) -> Self {
        let shards = ShardCache::new(shard_index_bytes_max);
        Self { deltas: HashMap::default(), staged: Vec::new(), shards }
    }

    /// Looks a page up. `pinned` are indexes at the watermark that may not be cached.
    pub(crate) fn find(&self, pgno: Pgno, pinned: &Pinned) -> Lookup {
        if let Some(source) = self.find_delta(pgno) {
            return Lookup::Found(source);
        }
        let shard = shard_of(pgno);
        match self.shards.get(shard).or_else(|| pinned.shards.get(&shard)) {
            None => Lookup::Unloaded(shard),
            Some(None) => Lookup::Missing,
            Some(Some(index)) => match index.find(pgno) {
                Some(page) => {
                    let row = RowId::Shard { shard, as_of: index.as_of, chunk: page.chunk };
                    Lookup::Found(Source { row, page })
                }
                None => Lookup::Missing,
            },
        }
    }

    fn find_delta(&self, pgno: Pgno) -> Option<Source> {
        let plain = self.deltas.get(&pgno);
        let after = plain.map_or(Txid::ZERO, |delta| delta.txid);
        let newer = self.staged.iter().rev().take_while(|(txid, _)| *txid > after);
        if let Some(source) = newer.filter_map(|(_, delta)| delta.find(pgno)).next() {
            return Some(source);
        }
        plain.map(|&DeltaPage { txid, page }| Source {
            row: RowId::Delta { txid, chunk: page.chunk },
            page,
        })
    }

    /// Enters a commit, which left a database of `size` pages.
    pub(crate) fn apply(&mut self, txid: Txid, pages: DeltaPages, size: u32, size_before: u32) {
        if size < size_before {
            self.deltas.retain(|pgno, _| pgno.get() <= size);
            for (_, delta) in &mut self.staged {
                delta.pages.truncate(delta.pages.partition_point(|at| at.page.pgno.get() <= size));
            }
            self.shards.truncate(shard_count(size));
        }
        match pages {
            DeltaPages::Plain(pages) => {
                self.deltas.reserve(pages.len());
                for page in pages {
                    self.deltas.insert(page.pgno, DeltaPage { txid, page });
                }
            }
            DeltaPages::Staged(delta) => self.staged.push((txid, delta)),
        }
    }

    /// Enters what a scan of the store found for a shard.
    pub(crate) fn load(&mut self, shard: u32, known: Known) {
        self.shards.insert(shard, known);
    }

    /// Moves to a new watermark: the deltas up to it are in shards now. `rewritten` are new
    /// versions; `None` if it is not known which shards have one.
    pub(crate) fn advance(
        &mut self,
        watermark: Txid,
        rewritten: Option<&[(u32, Arc<ShardIndex>)]>,
    ) {
        self.deltas.retain(|_, delta| delta.txid > watermark);
        self.deltas.shrink_to(self.deltas.len() * 2);
        self.staged.retain(|(txid, _)| *txid > watermark);
        match rewritten {
            None => self.shards.clear(),
            Some(rewritten) => {
                for (shard, index) in rewritten {
                    self.shards.replace(*shard, index);
                }
            }
        }
    }
}

/// Spreads page numbers, which are mostly consecutive, over a table. Who chooses page numbers
/// owns the database, so nothing is to be feared from collisions made on purpose.
#[derive(Default)]
struct PgnoHasher(u64);

impl Hasher for PgnoHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // 2^64 divided by the golden ratio; the rotation brings the well mixed bits down.
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}
