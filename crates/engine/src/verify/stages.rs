//! Comparing stages with the commits they belong to.

use std::collections::BTreeSet;

use actor_sqlite_ltx::{Checksum, Pgno, Txid};

use super::Walk;
use super::cross::compare_file;
use crate::heads::Heads;
use crate::keys::RowId;
use crate::rows::{DeltaIndex, StagedIndexRow, StagedRow};
use crate::stage::segment_txid;

type Found = Vec<(RowId, String)>;

impl Walk<'_> {
    /// The newest version of each page of a staged commit, as far as its segments are there.
    pub(super) fn staged_pages(
        &self,
        index: &StagedIndexRow,
    ) -> impl Iterator<Item = (Pgno, Checksum)> {
        let size = index.size;
        let segments = (index.stage, 0)..(index.stage, index.segments);
        let pages = self.stix.range(segments).flat_map(|(_, index)| &index.pages);
        pages.map(|page| (page.pgno, page.checksum)).filter(move |(pgno, _)| pgno.get() <= size)
    }

    /// Each segment has its index and belongs to a commit, or to a stage that is open or waits for the
    /// sweep. Each staged commit has a manifest and all segments that are not reclaimed.
    pub(super) fn compare_stages(&mut self, heads: &Heads) {
        let mut found = Vec::new();
        self.compare_segments(heads, &mut found);
        self.compare_manifests(heads, &mut found);
        self.compare_leftover_stages(heads, &mut found);
        self.enter(found);
    }

    fn compare_segments(&self, heads: &Heads, found: &mut Found) {
        for (&(stage, segment), file) in &self.segments {
            let row = RowId::StageIndex { stage, segment };
            match self.stix.get(&(stage, segment)) {
                Some(index) => found.extend(compare_file(row, index, file)),
                None if self.unnamed(row) => found.push((row, "it is missing".to_owned())),
                None => {}
            }
            let header = file.header;
            let page_size = heads.head.row.head.page_size;
            let right = header.no_checksum
                && header.page_size == page_size
                && header.min_txid == header.max_txid
                && self
                    .staged
                    .get(&stage)
                    .is_none_or(|staged| header.max_txid == segment_txid(staged.txid));
            if !right {
                let row = RowId::Stage { stage, segment, chunk: 0 };
                found.push((row, "its LTX header is of another file".to_owned()));
            }
        }
        for &(stage, segment) in self.stix.keys() {
            let row = RowId::Stage { stage, segment, chunk: 0 };
            let beginning = format!("STAGE {stage} segment {segment} chunk ");
            if !self.segments.contains_key(&(stage, segment)) && !self.named(&beginning) {
                found.push((row, "it is missing".to_owned()));
            }
        }
    }

    fn compare_manifests(&self, heads: &Heads, found: &mut Found) {
        let root = heads.root.row;
        let mut named = BTreeSet::new();
        for (&txid, index) in &self.pidx {
            let DeltaIndex::Staged(index) = index else { continue };
            named.insert(index.stage);
            let row = RowId::Staged { stage: index.stage };
            match self.staged.get(&index.stage) {
                Some(staged) if !belongs(staged, txid, index) => {
                    found.push((row, format!("it contradicts {}", RowId::Pidx { txid })));
                }
                None if self.unnamed(row) => found.push((row, "it is missing".to_owned())),
                _ => {}
            }
            let oldest = txid == root.reclaimed_through.next();
            let first = if oldest { root.reclaimed_segments } else { 0 };
            self.compare_extent(RowId::Pidx { txid }, index, first, found);
        }
        for &stage in self.staged.keys().filter(|stage| !named.contains(stage)) {
            let row = RowId::Staged { stage };
            if !self.named("PIDX ") {
                found.push((row, "no page index names it".to_owned()));
            }
        }
        let oldest = self.pidx.get(&root.reclaimed_through.next());
        let left = match oldest {
            Some(DeltaIndex::Staged(index)) => root.reclaimed_segments < index.segments,
            _ => root.reclaimed_segments == 0,
        };
        if !left && !self.named("PIDX ") {
            let reason = "it says that segments are reclaimed of a delta that has not so many";
            found.push((RowId::Root, reason.to_owned()));
        }
    }

    /// Whether a staged commit has the segments from `first` on, with the pages it counts.
    fn compare_extent(&self, row: RowId, index: &StagedIndexRow, first: u32, found: &mut Found) {
        let stage = index.stage;
        for segment in first..index.segments {
            let row = RowId::StageIndex { stage, segment };
            if !self.stix.contains_key(&(stage, segment)) && self.unnamed(row) {
                found.push((row, "it is missing".to_owned()));
                return;
            }
        }
        for (&(stage, segment), _) in self.stix.range((stage, 0)..(stage + 1, 0)) {
            if segment < first || segment >= index.segments {
                let row = RowId::StageIndex { stage, segment };
                found.push((row, "its commit does not have it".to_owned()));
            }
        }
        let pages: BTreeSet<Pgno> = self.staged_pages(index).map(|(pgno, _)| pgno).collect();
        let whole = first == 0 && !self.named(&format!("STIX {stage} segment "));
        if whole && pages.len() as u64 != index.pages {
            found.push((row, "its segments hold another number of pages".to_owned()));
        }
    }

    /// What belongs to no commit is not swept yet, and was begun.
    fn compare_leftover_stages(&self, heads: &Heads, found: &mut Found) {
        let (head, root) = (heads.head.row, heads.root.row);
        let mut before: Option<(u64, u32)> = None;
        for &(stage, segment) in
            self.stix.keys().filter(|(stage, _)| !self.staged.contains_key(stage))
        {
            let row = RowId::StageIndex { stage, segment };
            let manifest = RowId::Staged { stage };
            if stage > head.stages {
                found.push((row, "HEAD does not know of its stage".to_owned()));
            } else if stage <= root.stages_swept && self.unnamed(manifest) {
                found.push((row, "its stage was swept".to_owned()));
            }
            if let Some((of, last)) = before
                && of == stage
                && last + 1 != segment
            {
                let row = RowId::StageIndex { stage, segment: last + 1 };
                if self.unnamed(row) {
                    found.push((row, "it is missing".to_owned()));
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
