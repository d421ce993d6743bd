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
use crate::placed;
use crate::refresh::has_version;
use crate::rows::{ENVELOPE_BYTES, IndexRow};

/// A shard version at the old watermark.
pub(super) struct Base {
    pub(super) as_of: Txid,
    pub(super) index: IndexRow,
}

impl Base {
    /// What has to be known to move it out of the way.
    pub(super) fn version(&self, db: &Db, shard: u32) -> Version {
        let mut payload = Vec::new();
        self.index.encode_into(&mut payload);
        let key = db.keys.key(RowId::Sidx { shard, as_of: self.as_of });
        let index_bytes = (key.len() + payload.len() + ENVELOPE_BYTES) as u64;
        Version { shard, as_of: self.as_of, chunks: self.index.chunks.clone(), index_bytes }
    }
}

impl Engine {
    /// Reads the index of each shard that has a version and is about to get another.
    pub(super) fn bases(
        &self,
        db: &Db,
        snapshot: &dyn Snapshot,
        heads: &Heads,
        shards: impl Iterator<Item = u32>,
    ) -> Result<BTreeMap<u32, Base>, StoreError> {
        let (root, page_size) = (heads.root.row, heads.head.row.head.page_size);
        let mut bases = BTreeMap::new();
        for shard in shards.filter(|&shard| has_version(shard, root.size, page_size)) {
            let found = db.shard_index(snapshot, shard, root.watermark, page_size)?;
            let missing = || db.corrupt_named(format!("SIDX {shard}"), "it is missing");
            let (as_of, index) = found.ok_or_else(missing)?;
            self.metrics.compaction_read_rows.add(1);
            bases.insert(shard, Base { as_of, index });
        }
        Ok(bases)
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
        let root = plan.heads.root.row;
        let mut sum = root.checksum;
        for (&shard, base) in &plan.bases {
            let dirty = plan.pages_of(shard);
            let is_dirty = |pgno: Pgno| placed::find(dirty, pgno).is_some();
            for page in base.index.pages.iter().filter(|page| page.pgno.get() <= root.size) {
                if page.pgno.get() > plan.size || is_dirty(page.pgno) {
                    sum = sum.toggle(page.checksum);
                }
            }
        }
        sum = plan.pages().iter().fold(sum, |sum, placed| sum.toggle(placed.page.checksum));
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
        let mut bases = self.bases(db, snapshot, &plan.heads, std::iter::once(shard))?;
        Ok(bases.remove(&shard).map(|base| base.index))
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
