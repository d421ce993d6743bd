//! Where each page of a claimed database is, in memory.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use actor_sqlite_ltx::{Pgno, Txid};

use crate::keys::{RowId, shard_count, shard_of};
use crate::rows::{IndexPage, IndexRow};

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

/// The pages of one shard version.
#[derive(Debug)]
pub(crate) struct ShardIndex {
    pub(crate) as_of: Txid,
    /// Ascending.
    pub(crate) pages: Vec<IndexPage>,
}

impl ShardIndex {
    fn find(&self, pgno: Pgno) -> Lookup {
        match self.pages.binary_search_by_key(&pgno, |page| page.pgno) {
            Ok(at) => {
                let page = self.pages[at];
                let shard = shard_of(pgno);
                Lookup::Found(Source {
                    row: RowId::Shard { shard, as_of: self.as_of, chunk: page.chunk },
                    page,
                })
            }
            Err(_) => Lookup::Missing,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct DeltaPage {
    txid: Txid,
    page: IndexPage,
}

/// The newest place of every page: all deltas above the watermark, and the indexes of those
/// shards that were asked for.
///
/// A page above the database's size is never asked for. An entry of a shard may be older than a
/// shrink; the page is then either beyond the size, or was written again when the database grew,
/// and the delta of that commit (or the shard version folded from it) goes before.
#[derive(Debug, Default)]
pub(crate) struct PageIndex {
    deltas: HashMap<Pgno, DeltaPage, BuildHasherDefault<PgnoHasher>>,
    /// `None` where there is no version of the shard.
    shards: HashMap<u32, Option<Arc<ShardIndex>>>,
}

impl PageIndex {
    pub(crate) fn find(&self, pgno: Pgno) -> Lookup {
        if let Some(delta) = self.deltas.get(&pgno) {
            let row = RowId::Delta { txid: delta.txid, chunk: delta.page.chunk };
            return Lookup::Found(Source { row, page: delta.page });
        }
        let shard = shard_of(pgno);
        match self.shards.get(&shard) {
            None => Lookup::Unloaded(shard),
            Some(None) => Lookup::Missing,
            Some(Some(index)) => index.find(pgno),
        }
    }

    /// Enters a commit, which left a database of `size` pages.
    pub(crate) fn apply(&mut self, txid: Txid, pages: &[IndexPage], size: u32, size_before: u32) {
        if size < size_before {
            self.deltas.retain(|pgno, _| pgno.get() <= size);
            self.shards.retain(|&shard, _| shard < shard_count(size));
        }
        self.deltas.reserve(pages.len());
        for &page in pages {
            self.deltas.insert(page.pgno, DeltaPage { txid, page });
        }
    }

    /// Enters what a scan of the store found for a shard.
    pub(crate) fn load(&mut self, shard: u32, found: Option<(Txid, IndexRow)>) {
        let index = found.map(|(as_of, row)| Arc::new(ShardIndex { as_of, pages: row.pages }));
        self.shards.insert(shard, index);
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
        match rewritten {
            None => self.shards.clear(),
            Some(rewritten) => {
                for (shard, index) in rewritten {
                    if let Some(cached) = self.shards.get_mut(shard) {
                        *cached = Some(Arc::clone(index));
                    }
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
