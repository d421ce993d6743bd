//! All rows that are no chunks of files.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use actor_sqlite_ltx::{Checksum, Txid};
use actor_sqlite_pagestore::StoreError;

use super::files::Kind;
use super::{Check, Step, Stop};
use crate::floor::Floor;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::refresh::has_version;
use crate::rows::{
    BuildRow, DeltaIndex, GoneRow, HintsRow, IndexRow, PastRow, RowFault, StagedIndexRow, StagedRow,
};
use crate::usage::stored_usage;

/// What is kept of them; what could not be decoded is missing from it, and in the report.
#[derive(Default)]
pub(super) struct Books {
    pub(super) commits: BTreeMap<Txid, CommitEntry>,
    /// The version that a `GONE` row lists.
    pub(super) gone: BTreeMap<(Txid, u32), Txid>,
    pub(super) past: BTreeMap<Txid, PastRow>,
    pub(super) build: Option<BuildRow>,
    /// Segments that have an index.
    pub(super) segments: BTreeSet<(u64, u32)>,
    pub(super) staged: BTreeMap<u64, StagedRow>,
    /// The shard of the index that came last.
    shard: Option<u32>,
}

/// What is kept of a page index of a commit.
pub(super) struct CommitEntry {
    /// Size and checksum of the database after it.
    pub(super) state: (u32, Checksum),
    /// Pages that it wrote.
    pub(super) pages: u64,
    pub(super) staged: Option<StagedIndexRow>,
}

impl CommitEntry {
    fn new(index: &DeltaIndex) -> Self {
        let (pages, staged) = match index {
            DeltaIndex::Plain(index) => (index.pages.len() as u64, None),
            DeltaIndex::Staged(index) => (index.pages, Some(*index)),
        };
        Self { state: index.state(), pages, staged }
    }
}

impl Check<'_> {
    /// Reads them and compares them with each other.
    pub(super) fn books(&mut self) -> Step<()> {
        let mut books = Books::default();
        let (mut start, behind) = self.db.keys.range();
        let kinds = Kind::ALL.map(|kind| self.db.keys.kind(kind.path()));
        for (end, next) in kinds.into_iter().chain([(behind.clone(), behind)]) {
            self.each((&start, &end), &mut |check, key, value| {
                check.count(key, value)?;
                check.book(&mut books, key, value);
                Ok(ControlFlow::Continue(()))
            })?;
            start = next;
        }
        match self.heads.clone() {
            Some(heads) => self.compare(&books, &heads)?,
            None if self.report.damage.is_empty() => self.without_heads()?,
            None => {}
        }
        self.floor()?;
        self.usage()
    }

    /// The floor of the database's bucket can be read: no database of it is made or deleted without.
    fn floor(&mut self) -> Step<()> {
        match Floor::load(self.db, self.snapshot) {
            Ok(_) => Ok(()),
            Err(StoreError::Corrupt { row, reason, .. }) => {
                self.damage_named(row, reason);
                Ok(())
            }
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    /// The counter of the namespace does not contradict itself. What it adds up to is said by a walk
    /// over all databases: `Engine::recount_namespace`.
    fn usage(&mut self) -> Step<()> {
        let actor = &self.db.actor;
        if actor.namespace().is_empty() {
            return Ok(());
        }
        match stored_usage(self.snapshot, actor, actor.namespace()) {
            Ok(_) => Ok(()),
            Err(StoreError::Corrupt { row, reason, .. }) => {
                self.damage_named(row, reason);
                Ok(())
            }
            Err(error) => Err(Stop::Failed(error)),
        }
    }

    /// None of the three is there: then no other row should be.
    fn without_heads(&mut self) -> Step<()> {
        let (start, end) = self.db.keys.range();
        let mut empty = true;
        self.each((&start, &end), &mut |_, _, _| {
            empty = false;
            Ok(ControlFlow::Break(()))
        })?;
        if empty {
            let actor = self.db.actor.clone();
            return Err(Stop::Failed(StoreError::NotFound { actor }));
        }
        self.damage(RowId::Epoch, "it is missing, and so are HEAD and ROOT");
        Ok(())
    }

    fn book(&mut self, books: &mut Books, key: &[u8], value: &[u8]) {
        let Some(row) = self.db.keys.parse(key) else {
            return self.damage_named(self.db.keys.describe(key), "no row has such a key");
        };
        let entered = self.enter_book(books, row, key, value);
        // `Heads::load` has named its three already, or a contradiction between them.
        if let Err(fault) = entered
            && self.unnamed(row)
        {
            self.damage(row, fault);
        }
    }

    fn enter_book(
        &mut self,
        books: &mut Books,
        row: RowId,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), RowFault> {
        let (_, payload) = Self::open(row, key, value)?;
        match row {
            // The other walk reads these.
            RowId::Delta { .. } | RowId::Shard { .. } | RowId::Stage { .. } => {}
            RowId::Pidx { txid } => {
                let index = self.index(row, key, value)?;
                books.commits.insert(txid, CommitEntry::new(&index));
            }
            RowId::Sidx { shard, as_of } => {
                IndexRow::decode(payload, self.page_size)?;
                self.compare_version(shard, as_of, &mut books.shard);
            }
            RowId::Gone { at, shard } => {
                books.gone.insert((at, shard), GoneRow::decode(payload)?.as_of);
            }
            RowId::Past { watermark } => {
                books.past.insert(watermark, PastRow::decode(payload)?);
            }
            RowId::Build => books.build = Some(BuildRow::decode(payload)?),
            // `Heads::load` has decoded these three.
            RowId::Epoch | RowId::Head | RowId::Root => {}
            RowId::Hints => drop(HintsRow::decode(payload)?),
            RowId::StageIndex { stage, segment } => {
                IndexRow::decode(payload, self.page_size)?;
                books.segments.insert((stage, segment));
            }
            RowId::Staged { stage } => {
                books.staged.insert(stage, StagedRow::decode(payload)?);
            }
        }
        Ok(())
    }

    /// Each shard of the database at the watermark has one version, and no other has any. Called in
    /// the order of the shards.
    fn compare_version(&mut self, shard: u32, as_of: Txid, before: &mut Option<u32>) {
        let Some(Heads { root, .. }) = &self.heads else { return };
        let (root, row) = (root.row, RowId::Sidx { shard, as_of });
        if as_of > root.watermark || !has_version(shard, root.size, self.page_size) {
            self.damage(row, "ROOT does not cover it");
        }
        if before.replace(shard) == Some(shard) {
            self.damage(row, "it is the second of its shard");
        }
    }
}
