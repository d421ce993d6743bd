//! Comparing stages with the commits they belong to.

use std::collections::BTreeSet;

use actor_sqlite_ltx::Txid;

use super::books::Books;
use super::{Check, Step};
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{DeltaIndex, StagedIndexRow, StagedRow};

impl Check<'_> {
    /// Each segment belongs to a commit, or to a stage that is open or waits for the sweep. Each
    /// staged commit has a manifest and all segments that are not reclaimed.
    pub(super) fn compare_stages(&mut self, books: &Books, heads: &Heads) -> Step<()> {
        self.compare_manifests(books, heads)?;
        self.compare_leftover_stages(books, heads);
        Ok(())
    }

    fn compare_manifests(&mut self, books: &Books, heads: &Heads) -> Step<()> {
        let root = heads.root.row;
        let mut named = BTreeSet::new();
        for (&txid, entry) in &books.commits {
            let Some(index) = entry.staged else { continue };
            named.insert(index.stage);
            let row = RowId::Staged { stage: index.stage };
            match books.staged.get(&index.stage) {
                Some(staged) if !belongs(staged, txid, &index) => {
                    self.damage(row, format!("it contradicts {}", RowId::Pidx { txid }));
                }
                None if self.unnamed(row) => self.damage(row, "it is missing"),
                _ => {}
            }
            let oldest = txid == root.reclaimed_through.next();
            let first = if oldest { root.reclaimed_segments } else { 0 };
            self.compare_extent(books, RowId::Pidx { txid }, &index, first)?;
        }
        for &stage in books.staged.keys().filter(|stage| !named.contains(stage)) {
            if !self.named("PIDX ") {
                self.damage(RowId::Staged { stage }, "no page index names it");
            }
        }
        let oldest = books.commits.get(&root.reclaimed_through.next());
        let left = match oldest.and_then(|entry| entry.staged) {
            Some(index) => root.reclaimed_segments < index.segments,
            None => root.reclaimed_segments == 0,
        };
        if !left && !self.named("PIDX ") {
            let reason = "it says that segments are reclaimed of a delta that has not so many";
            self.damage(RowId::Root, reason);
        }
        Ok(())
    }

    /// Whether a staged commit has the segments from `first` on, with the pages it counts.
    fn compare_extent(
        &mut self,
        books: &Books,
        row: RowId,
        index: &StagedIndexRow,
        first: u32,
    ) -> Step<()> {
        let stage = index.stage;
        let stix = |segment| RowId::StageIndex { stage, segment };
        for segment in first..index.segments {
            if !books.segments.contains(&(stage, segment)) && self.unnamed(stix(segment)) {
                self.damage(stix(segment), "it is missing");
                return Ok(());
            }
        }
        for &(stage, segment) in books.segments.range((stage, 0)..=(stage, u32::MAX)) {
            if segment < first || segment >= index.segments {
                let row = RowId::StageIndex { stage, segment };
                self.damage(row, "its commit does not have it");
            }
        }
        if first > 0 || self.named(&format!("STIX {stage} segment ")) {
            return Ok(());
        }
        if self.count_staged(index)? != index.pages {
            self.damage(row, "its segments hold another number of pages");
        }
        Ok(())
    }

    /// The distinct pages of a staged commit, by a bit a page.
    fn count_staged(&mut self, index: &StagedIndexRow) -> Step<u64> {
        let (stage, size) = (index.stage, index.size);
        let stix = |segment| RowId::StageIndex { stage, segment };
        let mut seen = vec![0_u64; size as usize / 64 + 1];
        self.indexes((stix(0), stix(index.segments - 1)), &mut |_, _, segment| {
            if let DeltaIndex::Plain(segment) = segment {
                for page in segment.pages.iter().filter(|page| page.pgno.get() <= size) {
                    let number = page.pgno.get();
                    seen[number as usize / 64] |= 1 << (number % 64);
                }
            }
            Ok(())
        })?;
        Ok(seen.iter().map(|bits| u64::from(bits.count_ones())).sum())
    }

    /// What belongs to no commit is not swept yet, and was begun.
    fn compare_leftover_stages(&mut self, books: &Books, heads: &Heads) {
        let (head, root) = (heads.head.row, heads.root.row);
        let mut before: Option<(u64, u32)> = None;
        let leftover = |(stage, _): &&(u64, u32)| !books.staged.contains_key(stage);
        for &(stage, segment) in books.segments.iter().filter(leftover) {
            let row = RowId::StageIndex { stage, segment };
            let manifest = RowId::Staged { stage };
            if stage > head.stages {
                self.damage(row, "HEAD does not know of its stage");
            } else if stage <= root.stages_swept && self.unnamed(manifest) {
                self.damage(row, "its stage was swept");
            }
            if let Some((of, last)) = before
                && of == stage
                && last + 1 != segment
            {
                let row = RowId::StageIndex { stage, segment: last + 1 };
                if self.unnamed(row) {
                    self.damage(row, "it is missing");
                }
            }
            before = Some((stage, segment));
        }
    }
}

/// Whether a manifest and a page index speak of one commit.
fn belongs(staged: &StagedRow, txid: Txid, index: &StagedIndexRow) -> bool {
    (staged.txid, staged.segments, staged.pages) == (txid, index.segments, index.pages)
}
