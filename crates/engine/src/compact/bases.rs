//! The shard versions that a plan replaces, and the proof that the plan is complete.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use actor_sqlite_kv::Snapshot;
use actor_sqlite_ltx::{Checksum, Pgno, Txid};
use actor_sqlite_pagestore::StoreError;

use super::plan::{Plan, Version};
use crate::Engine;
use crate::db::Db;
use crate::heads::Heads;
use crate::keys::{RowId, SHARD_PAGES, shard_count, shard_of};
use crate::placed::{self, PlacedPage};
use crate::refresh::has_version;
use crate::rows::IndexRow;

/// A shard version at the old watermark.
pub(super) struct Base {
    pub(super) index: IndexRow,
    pub(super) version: Version,
}

impl Engine {
    /// Finds the versions of the shards that are about to get another, and adds the checksums up of
    /// those of their pages that `dirty` or the new size takes out.
    pub(super) fn bases<'a>(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
        dirty: impl Iterator<Item = (u32, &'a [PlacedPage])>,
        size: u32,
    ) -> Result<(BTreeMap<u32, Txid>, Checksum), StoreError> {
        let (root, page_size) = (heads.root.row, heads.head.row.head.page_size);
        let (mut bases, mut sum) = (BTreeMap::new(), Checksum::EMPTY_DATABASE);
        for (shard, dirty) in dirty {
            if !has_version(shard, root.size, page_size) {
                continue;
            }
            let (as_of, index) = self.newest_version(db, snapshot, heads, shard)?;
            for page in index.pages.iter().filter(|page| page.pgno.get() <= root.size) {
                if page.pgno.get() > size || placed::find(dirty, page.pgno).is_some() {
                    sum = sum.toggle(page.checksum);
                }
            }
            bases.insert(shard, as_of);
        }
        Ok((bases, sum))
    }

    /// The version of a shard at the watermark.
    fn newest_version(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
        shard: u32,
    ) -> Result<(Txid, IndexRow), StoreError> {
        let (root, page_size) = (heads.root.row, heads.head.row.head.page_size);
        let found = db.shard_index(snapshot, shard, root.watermark, page_size)?;
        self.metrics.compaction_read_rows.add(1);
        found.ok_or_else(|| db.corrupt_named(format!("SIDX {shard}"), "it is missing"))
    }

    /// Reads a version again that the plan found.
    pub(super) fn base_of(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        plan: &Plan,
        shard: u32,
    ) -> Result<Option<Base>, StoreError> {
        let Some(&as_of) = plan.bases.get(&shard) else { return Ok(None) };
        let row = RowId::Sidx { shard, as_of };
        let page_size = plan.heads.head.row.head.page_size;
        let (key, mut base) = (db.keys.key(row), None);
        let mut take = |value: &[u8]| {
            base = Some(db.open_index(row, &key, value, page_size).map(|index| {
                let index_bytes = (key.len() + value.len()) as u64;
                let chunks = index.chunks.clone();
                Base { version: Version { shard, as_of, chunks, index_bytes }, index }
            }));
        };
        snapshot.get(&key, &mut take).map_err(|error| db.failed(error))?;
        self.metrics.compaction_read_rows.add(1);
        base.unwrap_or_else(|| Err(db.corrupt(row, "it is missing"))).map(Some)
    }

    /// Proves before anything is written that the plan leads to the state of its watermark: the
    /// checksum of the state before, with the old pages taken out and the new ones put in, is that
    /// of the newest delta. A page index that lost a page, or has a wrong one, is found here,
    /// whatever its envelope says. That each page is what its index says is proved when the
    /// shards are built.
    pub(super) fn prove(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        plan: &Plan,
    ) -> Result<(), StoreError> {
        let replaced = plan.heads.root.row.checksum.toggle(plan.replaced_sum);
        let mut sum =
            plan.pages().iter().fold(replaced, |sum, placed| sum.toggle(placed.page.checksum));
        sum = sum_of_cut(sum, plan, self.cut_shard(db, snapshot, plan)?);
        if sum == plan.checksum {
            return Ok(());
        }
        let reason = format!("its state has checksum {}, its pages make it {sum}", plan.checksum);
        Err(db.corrupt(RowId::Pidx { txid: plan.watermark }, reason))
    }

    /// The version of a shard that a shrink cuts and no delta touches: it stays, with pages beyond
    /// the size that do not count any more.
    fn cut_shard(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        plan: &Plan,
    ) -> Result<Option<IndexRow>, StoreError> {
        let root = plan.heads.root.row;
        let cut = plan.size < root.size && !plan.size.is_multiple_of(SHARD_PAGES);
        let shard = Pgno::new(plan.size).filter(|_| cut).map(shard_of);
        // One that has no page any more was dropped.
        let page_size = plan.heads.head.row.head.page_size;
        let shard = shard.filter(|&shard| has_version(shard, plan.size, page_size));
        let Some(shard) = shard.filter(|&shard| plan.pages_of(shard).is_empty()) else {
            return Ok(None);
        };
        Ok(Some(self.newest_version(db, snapshot, &plan.heads, shard)?.1))
    }
}

/// Takes the pages out that a shrink dropped with whole shards, and those of the shard it cut.
fn sum_of_cut(mut sum: Checksum, plan: &Plan, cut: Option<IndexRow>) -> Checksum {
    let before = plan.heads.root.row.size;
    sum = sum.toggle(plan.dropped_sum);
    let pages = cut.iter().flat_map(|index| &index.pages);
    pages
        .filter(|page| (plan.size + 1..=before).contains(&page.pgno.get()))
        .fold(sum, |sum, page| sum.toggle(page.checksum))
}

/// The versions of shards beyond a size, which a smaller database has no use for, and the sum of
/// their pages that counted. Left as they are they would be taken for the base of a later version
/// when the database has grown again.
pub(super) fn dropped_shards(
    db: &Db,
    snapshot: &dyn Snapshot,
    heads: &Heads,
    size: u32,
) -> Result<(Vec<Version>, Checksum), StoreError> {
    let (mut dropped, mut sum) = (Vec::new(), Checksum::EMPTY_DATABASE);
    let before = heads.root.row.size;
    if size >= before {
        return Ok((dropped, sum));
    }
    let page_size = heads.head.row.head.page_size;
    let sidx = |shard, as_of| RowId::Sidx { shard, as_of };
    // The lock page alone makes no shard.
    let last_kept = shard_count(size).checked_sub(1);
    let lone = last_kept.is_some_and(|shard| !has_version(shard, size, page_size));
    let first = sidx(shard_count(size) - u32::from(lone), Txid::ZERO);
    let last = sidx(u32::MAX, Txid::new(u64::MAX));
    db.scan(snapshot, (first, last), &mut |row, key, value| {
        let index = db.open_index(row, key, value, page_size)?;
        if let RowId::Sidx { shard, as_of } = row {
            for page in index.pages.iter().filter(|page| page.pgno.get() <= before) {
                sum = sum.toggle(page.checksum);
            }
            let index_bytes = (key.len() + value.len()) as u64;
            dropped.push(Version { shard, as_of, chunks: index.chunks, index_bytes });
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((dropped, sum))
}
