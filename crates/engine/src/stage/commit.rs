//! The commit of a transaction that was staged.

use actor_sqlite_kv::Batch;
use actor_sqlite_ltx::Checksum;
use actor_sqlite_pagestore::{CommitRequest, Committed, Head, StoreError};

use super::Stage;
use crate::Engine;
use crate::commit::{invalid, next_head};
use crate::file_writer::{FileKind, FileRows};
use crate::keys::RowId;
use crate::lease::{LeaseState, PendingCommit, Writer};
use crate::page_index::{DeltaPages, StagedDelta};
use crate::placed::PlacedPage;
use crate::rows::{Format, HeadRow, StagedIndexRow, StagedRow, seal, seal_as};

/// What a staged commit adds up to.
struct Sum {
    pages: Vec<PlacedPage>,
    /// Checksum of the database after the commit.
    checksum: Checksum,
    /// Whether anything differs from the state before.
    changed: bool,
}

impl Engine {
    /// The pages of the request become the last segments of the stage. The final batch has the last
    /// of them, the manifest of the stage, a page index that names the stage, and `HEAD`: a few
    /// rows, whatever the number of pages.
    pub(crate) fn commit_staged(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        request: &CommitRequest<'_>,
        begun_ns: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<Committed, StoreError> {
        let page_size = state.view().head.row.head.page_size;
        let segment_pages = self.segment_pages_max(page_size);
        let last = request.pages.len().saturating_sub(1) / segment_pages * segment_pages;
        for pages in request.pages[..last].chunks(segment_pages) {
            self.put_segment(state, writer, pages)?;
        }
        // A write of a segment has changed it.
        let base = state.view().head.clone();
        let stage = writer.stage.take().ok_or_else(|| invalid("nothing was staged".into()))?;
        let kind = FileKind::Segment { stage: stage.number, segment: stage.segments };
        let summed = match &request.pages[last..] {
            [] => Ok(None),
            pages => self.encode_segment(state, &base.row, kind, pages, buffer).map(Some),
        }
        .and_then(|file| {
            let sum = self.sum(state, writer, &base.row.head, request.size, &stage, &file)?;
            Ok((file, sum))
        });
        let numbers = (stage.number, stage.segments, stage.bytes);
        // Until the commit has landed it may be sent again, and the stage with it.
        writer.stage = Some(stage);
        let (file, sum) = summed?;
        if !sum.changed {
            return Ok(self.empty_commit(state, writer, request));
        }
        let time_ms = self.clock.now_ms().max(base.row.time_ms);
        let segments = numbers.1 + u32::from(file.is_some());
        let staged_bytes = numbers.2 + file.as_ref().map_or(0, |file| file.bytes);
        let mut batch = Batch::new();
        let mut charged = file.as_ref().map_or(0, |file| file.bytes);
        if let Some(file) = file {
            file.put_into(buffer, &mut batch);
        }
        let head = Head { size: request.size, checksum: sum.checksum, ..base.row.head };
        let rows = self.manifest(
            state,
            StagedRow {
                txid: head.txid.next(),
                segments,
                pages: sum.pages.len() as u64,
                bytes: staged_bytes,
            },
            StagedIndexRow {
                size: request.size,
                post_apply: sum.checksum,
                time_ms,
                stage: numbers.0,
                segments,
                pages: sum.pages.len() as u64,
            },
        );
        let mut bytes = staged_bytes;
        for (key, value) in rows {
            charged += (key.len() + value.len()) as u64;
            bytes += (key.len() + value.len()) as u64;
            batch.put(key, value);
        }
        let charged_bytes = base.row.charged_bytes + charged;
        let head = HeadRow { head, charged_bytes, time_ms, ..base.row };
        let head = next_head(&state.db, &mut batch, &base, request, head);
        let delta = StagedDelta { stage: numbers.0, pages: sum.pages };
        let commit = PendingCommit { head, pages: DeltaPages::Staged(delta), bytes };
        self.order_commit(state, writer, batch, commit, begun_ns)
    }

    /// Keys and values of the rows that make a stage a commit.
    fn manifest(
        &self,
        state: &LeaseState,
        staged: StagedRow,
        index: StagedIndexRow,
    ) -> [(Vec<u8>, Vec<u8>); 2] {
        let manifest = state.db.keys.key(RowId::Staged { stage: index.stage });
        let pidx = state.db.keys.key(RowId::Pidx { txid: staged.txid });
        let staged = seal(&manifest, &staged.encode());
        let index = seal_as(Format::V2, &pidx, &index.encode());
        [(manifest, staged), (pidx, index)]
    }

    /// Gathers the newest version of each page, and folds the database checksum: the old checksums
    /// of all pages that are replaced or dropped go out, the new ones come in.
    fn sum(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        head: &Head,
        size: u32,
        stage: &Stage,
        last: &Option<FileRows>,
    ) -> Result<Sum, StoreError> {
        let last = last.as_ref().map_or(&[][..], |file| &file.index.pages);
        let pages = stage.layers.pages_with(stage.segments, last, size);
        let mut checksum =
            pages.iter().fold(head.checksum, |sum, placed| sum.toggle(placed.page.checksum));
        let replaced = pages.partition_point(|placed| placed.page.pgno.get() <= head.size);
        let mut changed = size != head.size || replaced < pages.len();
        let mut at = 0;
        let numbers = pages[..replaced].iter().map(|placed| placed.page.pgno);
        self.visit_base(state, writer, numbers, &mut |_, old| {
            checksum = checksum.toggle(old);
            changed |= pages[at].page.checksum != old;
            at += 1;
        })?;
        let checksum = self.without_dropped(state, writer, head, size, checksum)?;
        Ok(Sum { pages, checksum, changed })
    }
}
