//! Pages of a transaction that is still running, in the store before its commit.
//!
//! Each call of `stage` becomes one or more segments: an LTX file of at most 4,096 pages in rows of its
//! own, with its page index. A segment is one batch, guarded by the exact `HEAD` like a commit, which
//! it rewrites: `HEAD` says which stage is open and what it has stored. So a fenced owner stages
//! nothing, and the accounts are right at each moment. The commit that makes a stage count is a few
//! rows, whatever the number of pages. A stage that never comes to that is closed by the next write
//! of `HEAD`, and swept later.

mod commit;
mod read;
mod segments;

use actor_sqlite_kv::{Batch, KvError};
use actor_sqlite_ltx::{Header, PageSize, Pgno, Txid, frame_bytes_max, page_checksum};
use actor_sqlite_pagestore::{CommitId, StageRequest, StoreError};

pub(crate) use segments::{Segment, load_staged, visit_segments};

use crate::Engine;
use crate::accounts::put_head;
use crate::commit::{check_pages, check_turn, invalid};
use crate::file_writer::{FileKind, FileRows, FileWriter, buffer_bytes};
use crate::heads::Stored;
use crate::lease::{LeaseState, Pending, Writer};
use crate::placed::Layers;
use crate::rows::HeadRow;

/// The most pages of a segment, and the most bytes of them before compression.
const SEGMENT_PAGES_MAX: usize = 4_096;
const SEGMENT_BYTES_MAX: usize = 4 << 20;

/// The stage of one transaction, as its owner knows it.
pub(crate) struct Stage {
    /// The commit that it is for.
    pub(crate) commit_id: CommitId,
    /// Its number; 0 until it has a segment.
    number: u64,
    /// Segments that are stored.
    segments: u32,
    /// Where the pages of those are.
    layers: Layers,
    /// Keys and values of those, in bytes.
    bytes: u64,
}

impl Stage {
    fn new(commit_id: CommitId) -> Self {
        Self { commit_id, number: 0, segments: 0, layers: Layers::default(), bytes: 0 }
    }

    /// Whether nothing was sent that is in the store.
    pub(crate) fn is_empty(&self) -> bool {
        self.segments == 0
    }

    /// The pages that were sent.
    pub(crate) fn layers(&self) -> &Layers {
        &self.layers
    }
}

/// The txid in the headers of a stage's segments: that of the commit it is made for, but never that
/// of a snapshot, since a segment does not hold every page.
pub(crate) fn segment_txid(commit: Txid) -> Txid {
    commit.max(Txid::new(2))
}

impl Engine {
    /// Stores pages, and gives up what was staged under another id. Whatever fails, the stage is lost.
    pub(crate) fn stage_pages(
        &self,
        state: &LeaseState,
        request: &StageRequest<'_>,
    ) -> Result<(), StoreError> {
        let lose = |writer: &mut Writer| {
            writer.lost = Some(request.commit_id);
            self.close_stage(state, writer);
        };
        let staged = self.within_quota(state, || {
            let mut writer = state.writer();
            let staged = self.try_stage(state, &mut writer, request);
            // A quota may be kept once there is room: what was staged before must still be there.
            if staged.as_ref().is_err_and(|error| !matches!(error, StoreError::Quota { .. })) {
                lose(&mut writer);
            }
            staged
        });
        if matches!(staged, Err(StoreError::Quota { .. })) {
            lose(&mut state.writer());
        }
        staged
    }

    fn try_stage(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        request: &StageRequest<'_>,
    ) -> Result<(), StoreError> {
        let head = self.ready(state, writer)?.row.head;
        let id = request.commit_id;
        check_turn(state, writer, &head, id, request.expected_head)?;
        if writer.lost == Some(id) {
            return Err(invalid("pages of the transaction are lost".into()));
        }
        check_pages(&head, request.pages, u32::MAX)?;
        self.check_bytes(&head, request.pages.len())?;
        writer.stage.take_if(|stage| stage.commit_id != id);
        writer.stage.get_or_insert_with(|| Stage::new(id));
        for pages in request.pages.chunks(self.segment_pages_max(head.page_size)) {
            self.put_segment(state, writer, pages)?;
        }
        Ok(())
    }

    /// Gives up what was staged under an id. What fails here is done by the next write of `HEAD`.
    pub(crate) fn discard_stage(&self, state: &LeaseState, commit_id: CommitId) {
        let mut writer = state.writer();
        if self.ready(state, &mut writer).is_err() {
            return;
        }
        if writer.stage.as_ref().is_none_or(|stage| stage.commit_id == commit_id) {
            self.close_stage(state, &mut writer);
        }
    }

    /// Forgets the stage, and says so in `HEAD` if that says it is open.
    pub(crate) fn close_stage(&self, state: &LeaseState, writer: &mut Writer) {
        writer.stage = None;
        let (base, over) = {
            let view = state.view();
            (view.head.clone(), view.over.is_some())
        };
        if !base.row.stage_open || over || writer.pending.is_some() {
            return;
        }
        let row = HeadRow { stage_open: false, ..base.row };
        if self.rewrite(state, writer, &base, row, Batch::new()).is_ok() {
            self.gave_up(state);
        }
    }

    /// Counts a stage that will never be committed, and has its rows deleted.
    pub(crate) fn gave_up(&self, state: &LeaseState) {
        self.metrics.stages_discarded.add(1);
        self.enqueue(&state.db.actor);
    }

    /// The most pages of one segment: so many that its batch stays within the store's limit even
    /// if nothing can be compressed.
    fn segment_pages_max(&self, page_size: PageSize) -> usize {
        let by_batch = self.kv.limits().batch_bytes_max / 2 / (frame_bytes_max(page_size) + 64);
        SEGMENT_PAGES_MAX.min(SEGMENT_BYTES_MAX / page_size.bytes()).min(by_batch).max(1)
    }

    /// Stores the next segment of the stage.
    fn put_segment(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        pages: &[(Pgno, &[u8])],
    ) -> Result<(), StoreError> {
        let Some((number, segments)) = writer.stage.as_ref().map(|at| (at.number, at.segments))
        else {
            return Err(invalid("nothing was staged for the commit".into()));
        };
        let base = state.view().head.clone();
        let begun = number == 0;
        let number = if begun { base.row.stages + 1 } else { number };
        let mut buffer = Vec::new();
        let kind = FileKind::Segment { stage: number, segment: segments };
        let mut file = self.encode_segment(state, &base.row, kind, pages, &mut buffer)?;
        let (index, bytes) = (std::mem::take(&mut file.index.pages), file.bytes);
        let row = HeadRow {
            charged_bytes: base.row.charged_bytes + bytes,
            stages: number,
            stage_open: true,
            ..base.row
        };
        let mut batch = Batch::new();
        file.put_into(&buffer, &mut batch);
        self.rewrite(state, writer, &base, row, batch)?;
        if let Some(stage) = &mut writer.stage {
            stage.number = number;
            stage.segments += 1;
            stage.layers.push(segments, &index);
            stage.bytes += bytes;
        }
        if begun && base.row.stage_open {
            self.gave_up(state);
        }
        self.metrics.stages_begun.add(u64::from(begun));
        self.metrics.stage_segments.add(1);
        self.metrics.stage_pages.add(pages.len() as u64);
        self.metrics.stage_bytes.add(bytes);
        Ok(())
    }

    /// Writes the rows of a segment into a buffer.
    fn encode_segment(
        &self,
        state: &LeaseState,
        base: &HeadRow,
        kind: FileKind,
        pages: &[(Pgno, &[u8])],
        buffer: &mut Vec<u8>,
    ) -> Result<FileRows, StoreError> {
        let highest = pages.last().map_or(1, |(pgno, _)| pgno.get());
        let txid = segment_txid(base.head.txid.next());
        let header = Header {
            no_checksum: true,
            timestamp_ms: self.clock.now_ms().max(base.time_ms),
            node_id: state.generation.0,
            ..Header::new(base.head.page_size, highest, txid, txid)
        };
        let limits = self.kv.limits();
        let invalid = |error: actor_sqlite_ltx::EncodeError| invalid(error.to_string());
        buffer.reserve(buffer_bytes(&header, pages.len(), limits));
        let mut file = FileWriter::new(&state.db, kind, header, limits, buffer).map_err(invalid)?;
        for &(pgno, page) in pages {
            file.page(pgno, page, page_checksum(pgno, page)).map_err(invalid)?;
        }
        file.finish(actor_sqlite_ltx::Checksum::ABSENT).map_err(invalid)
    }

    /// Orders a batch that writes `HEAD` without a commit. If its answer is lost, the stage is lost as
    /// well, with its id: a segment that may be there can neither be counted on nor be written again.
    fn rewrite(
        &self,
        state: &LeaseState,
        writer: &mut Writer,
        base: &Stored<HeadRow>,
        row: HeadRow,
        mut batch: Batch<'_>,
    ) -> Result<(), StoreError> {
        let row = HeadRow { rewrites: base.row.rewrites + 1, ..row };
        let head = put_head(&state.db, &mut batch, base, row);
        // Whether the transaction frees is not known before its commit.
        match self.order_growth(state, &batch, &head.row, true)? {
            Ok(_) => {
                state.view_mut().head = head;
                Ok(())
            }
            // A driver that tried twice may have met its own first try.
            Err(KvError::GuardFailed { actual, .. }) if actual.as_deref() != Some(&*head.value) => {
                Err(self.refused(state, actual))
            }
            Err(KvError::UnknownOutcome { .. } | KvError::GuardFailed { .. }) => {
                let lost = writer.stage.take().map(|stage| stage.commit_id);
                writer.lost = lost.or(writer.lost);
                writer.pending = Some(Pending::Rewrite);
                self.settle(state, writer)?;
                Err(StoreError::Unavailable { reason: "the answer to a stage was lost".into() })
            }
            Err(error) => Err(state.db.failed(error)),
        }
    }
}
