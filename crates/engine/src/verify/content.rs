//! The page checksums of a database, added up.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use actor_sqlite_ltx::{Checksum, Pgno, Txid};

use super::books::Books;
use super::{Check, Step, Stop};
use crate::heads::Heads;
use crate::keys::{RowId, SHARD_PAGES, shard_count, shard_of, shard_pages};
use crate::refresh::has_version;
use crate::rows::DeltaIndex;

type Content = BTreeMap<Pgno, Checksum>;

/// The pages of one state, added up in their order.
struct Sum {
    checksum: Checksum,
    /// The first page without a source, and how many more there are.
    missing: Option<(Pgno, u64)>,
}

/// What the walk over the windows adds to.
struct Sums {
    at_root: Sum,
    at_head: Sum,
}

/// What commits that are not folded have written of some shards.
struct Overlay {
    pages: Content,
    /// Pages above it were cut off since the watermark: a shard's version of one does not count.
    kept: u32,
}

impl Sum {
    fn new() -> Self {
        Self { checksum: Checksum::EMPTY_DATABASE, missing: None }
    }

    fn add(&mut self, pgno: Pgno, page: Option<&Checksum>) {
        match (page, &mut self.missing) {
            (Some(&page), _) => self.checksum = self.checksum.toggle(page),
            (None, Some((_, others))) => *others += 1,
            (None, missing) => *missing = Some((pgno, 0)),
        }
    }
}

impl Check<'_> {
    /// Every page of the database has a source, at the watermark and at the head, and the page
    /// checksums add up to those of `ROOT` and `HEAD`.
    pub(super) fn compare_content(&mut self, books: &Books, heads: &Heads) -> Step<()> {
        let (root, head) = (heads.root.row, heads.head.row.head);
        let shards = shard_count(root.size.max(head.size));
        let open = (root.watermark.next())..=head.txid;
        let mut listed = 0;
        if root.watermark < head.txid {
            listed = books.commits.range(open).map(|(_, entry)| entry.pages).sum();
        }
        let all = listed <= u64::from(self.pages_max);
        let step = if all { shards } else { self.pages_max.div_ceil(SHARD_PAGES) };
        let mut sums = Sums { at_root: Sum::new(), at_head: Sum::new() };
        for first in (0..shards).step_by(step.max(1) as usize) {
            let window = first..first.saturating_add(step).min(shards);
            let overlay = self.overlay(books, heads, &window)?;
            self.add_shards(heads, window, &overlay, &mut sums)?;
        }
        self.compare_sum(&sums.at_root, root.size, root.checksum, RowId::Root);
        self.compare_sum(&sums.at_head, head.size, head.checksum, RowId::Head);
        Ok(())
    }

    fn compare_sum(&mut self, sum: &Sum, size: u32, expected: Checksum, row: RowId) {
        if let Some((first, others)) = sum.missing {
            let reason = format!("it and {others} more have no source, of the {size} of {row}");
            return self.damage_named(format!("page {first}"), reason);
        }
        let computed = sum.checksum;
        if computed != expected {
            let reason = format!("it has checksum {expected}, its pages add up to {computed}");
            self.damage(row, reason);
        }
    }

    /// Gathers the newest version of each page in the window.
    fn overlay(&mut self, books: &Books, heads: &Heads, window: &Range<u32>) -> Step<Overlay> {
        let (root, head) = (heads.root.row, heads.head.row.head);
        let mut overlay = Overlay { pages: Content::new(), kept: root.size };
        if root.watermark == head.txid {
            return Ok(overlay);
        }
        for (&txid, entry) in books.commits.range(root.watermark.next()..=head.txid) {
            let (size, _) = entry.state;
            overlay.cut(size);
            let pidx = RowId::Pidx { txid };
            let (first, last) = match entry.staged {
                None => (pidx, pidx),
                Some(staged) => {
                    let row = |segment| RowId::StageIndex { stage: staged.stage, segment };
                    (row(0), row(staged.segments - 1))
                }
            };
            self.indexes((first, last), &mut |_, _, index| {
                if let DeltaIndex::Plain(index) = index {
                    let pages = index.pages.iter().filter(|page| page.pgno.get() <= size);
                    let inside = pages.filter(|page| window.contains(&shard_of(page.pgno)));
                    overlay.pages.extend(inside.map(|page| (page.pgno, page.checksum)));
                }
                Ok(())
            })?;
        }
        overlay.cut(head.size);
        Ok(overlay)
    }

    /// Adds up the pages of a window, shard by shard.
    fn add_shards(
        &mut self,
        heads: &Heads,
        window: Range<u32>,
        overlay: &Overlay,
        sums: &mut Sums,
    ) -> Step<()> {
        let row = |shard, as_of| RowId::Sidx { shard, as_of };
        let range = (row(window.start, Txid::ZERO), row(window.end - 1, Txid::new(u64::MAX)));
        let (mut next, mut folded, mut there) = (window.start, Content::new(), false);
        self.indexes(range, &mut |check, row, index| {
            let (RowId::Sidx { shard, as_of }, DeltaIndex::Plain(index)) = (row, index) else {
                return Ok(());
            };
            while next < shard {
                check.add_shard(heads, next, (&folded, there), overlay, sums);
                (next, there) = (next + 1, false);
                folded.clear();
            }
            there = true;
            if as_of <= heads.root.row.watermark {
                folded.extend(index.pages.iter().map(|page| (page.pgno, page.checksum)));
            }
            Ok(())
        })?;
        while next < window.end {
            self.add_shard(heads, next, (&folded, there), overlay, sums);
            (next, there) = (next + 1, false);
            folded.clear();
        }
        Ok(())
    }

    fn add_shard(
        &mut self,
        heads: &Heads,
        shard: u32,
        (folded, there): (&Content, bool),
        overlay: &Overlay,
        sums: &mut Sums,
    ) {
        let (root, page_size) = (heads.root.row, self.page_size);
        let prefix = format!("SIDX {shard} as of ");
        if !there && has_version(shard, root.size, page_size) && !self.named(&prefix) {
            let row = RowId::Sidx { shard, as_of: root.watermark };
            self.damage(row, "it is missing, or an older version of its shard");
        }
        for pgno in shard_pages(shard, root.size, page_size) {
            sums.at_root.add(pgno, folded.get(&pgno));
        }
        for pgno in shard_pages(shard, heads.head.row.head.size, page_size) {
            let folded = folded.get(&pgno).filter(|_| pgno.get() <= overlay.kept);
            sums.at_head.add(pgno, overlay.pages.get(&pgno).or(folded));
        }
    }

    /// Visits the indexes of files from one row to another of the same kind; those that are damaged
    /// are in the report already.
    pub(super) fn indexes(
        &mut self,
        (first, last): (RowId, RowId),
        visit: &mut dyn FnMut(&mut Self, RowId, &DeltaIndex) -> Result<(), Stop>,
    ) -> Step<()> {
        let (start, end) = self.db.keys.between(first, last);
        self.each((&start, &end), &mut |check, key, value| {
            check.read(key, value)?;
            if let Some(row) = check.db.keys.parse(key)
                && let Ok(index) = check.index(row, key, value)
            {
                visit(check, row, &index)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}

impl Overlay {
    /// Leaves out what a commit with that size cuts off.
    fn cut(&mut self, size: u32) {
        self.kept = self.kept.min(size);
        let above = self.pages.last_key_value().is_some_and(|(pgno, _)| pgno.get() > size);
        if above {
            self.pages.retain(|pgno, _| pgno.get() <= size);
        }
    }
}
