//! The commit of a transaction that was staged.

use actor_sqlite_kv::Batch;
use actor_sqlite_ltx::{Checksum, Pgno};
use actor_sqlite_pagestore::{CommitRequest, Committed, Head, StoreError};

use super::Stage;
use crate::Engine;
use crate::commit::{invalid, next_head};
use crate::db::Db;
use crate::file_writer::{FileKind, FileRows};
use crate::heads::Stored;
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
        let gathered = self.gather(
            state,
            writer,
            &base,
            request.size,
            (&stage, &request.pages[last..]),
            buffer,
        );
        let (number, segments, bytes) = (stage.number, stage.segments, stage.bytes);
        // Until the commit has landed it may be sent again, and the stage with it.
        writer.stage = Some(stage);
        let (file, sum) = gathered?;
        if !sum.changed {
            return Ok(self.empty_commit(state, writer, request));
        }
        let time_ms = self.clock.now_ms().max(base.row.time_ms);
        let last_bytes = file.as_ref().map_or(0, |file| file.bytes);
        let (txid, segments) = (base.row.head.txid.next(), segments + u32::from(file.is_some()));
        let (pages, size, post_apply) = (sum.pages.len() as u64, request.size, sum.checksum);
        let staged = StagedRow { txid, segments, pages, bytes: bytes + last_bytes };
        let index = StagedIndexRow { size, post_apply, time_ms, stage: number, segments, pages };
        let rows = manifest(&state.db, staged, index);
        let row_bytes: usize = rows.iter().map(|(key, value)| key.len() + value.len()).sum();
        let mut batch = Batch::new();
        if let Some(file) = file {
            file.put_into(buffer, &mut batch);
        }
        for (key, value) in rows {
            batch.put(key, value);
        }
        let head = HeadRow {
            head: Head { size, checksum: post_apply, ..base.row.head },
            charged_bytes: base.row.charged_bytes + last_bytes + row_bytes as u64,
            time_ms,
            ..base.row
        };
        let head = next_head(&state.db, &mut batch, &base, request, head);
        let pages = DeltaPages::Staged(StagedDelta { stage: number, pages: sum.pages });
        let commit = PendingCommit { head, pages, bytes: staged.bytes + row_bytes as u64 };
        self.order_commit(state, writer, batch, commit, (begun_ns, request.frees))
    }

    /// Encodes the last segment, if there are pages left for one, and adds up the commit.
    fn gather(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        base: &Stored<HeadRow>,
        size: u32,
        (stage, last): (&Stage, &[(Pgno, &[u8])]),
        buffer: &mut Vec<u8>,
    ) -> Result<(Option<FileRows>, Sum), StoreError> {
        let kind = FileKind::Segment { stage: stage.number, segment: stage.segments };
        let file = match last {
            [] => None,
            pages => Some(self.encode_segment(state, &base.row, kind, pages, buffer)?),
        };
        let sum = self.sum(state, writer, &base.row.head, size, stage, &file)?;
        Ok((file, sum))
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

/// Keys and values of the rows that make a stage a commit.
fn manifest(db: &Db, staged: StagedRow, index: StagedIndexRow) -> [(Vec<u8>, Vec<u8>); 2] {
    let manifest = db.keys.key(RowId::Staged { stage: index.stage });
    let pidx = db.keys.key(RowId::Pidx { txid: staged.txid });
    let staged = seal(&manifest, &staged.encode());
    let index = seal_as(Format::V2, &pidx, &index.encode());
    [(manifest, staged), (pidx, index)]
}
