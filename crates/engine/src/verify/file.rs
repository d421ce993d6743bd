//! One LTX file put together from its chunks.

use actor_sqlite_ltx::{
    Checksum, DecodeError, Decoder, Frame, Header, Limits, Txid, page_checksum,
};

use crate::keys::RowId;

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileId {
    Delta(Txid),
    Shard(u32, Txid),
    Segment(u64, u32),
}

impl FileId {
    pub(super) fn row(self, chunk: u32) -> RowId {
        match self {
            Self::Delta(txid) => RowId::Delta { txid, chunk },
            Self::Shard(shard, as_of) => RowId::Shard { shard, as_of, chunk },
            Self::Segment(stage, segment) => RowId::Stage { stage, segment, chunk },
        }
    }

    /// The row of its index.
    pub(super) fn index_row(self) -> RowId {
        match self {
            Self::Delta(txid) => RowId::Pidx { txid },
            Self::Shard(shard, as_of) => RowId::Sidx { shard, as_of },
            Self::Segment(stage, segment) => RowId::StageIndex { stage, segment },
        }
    }

    /// The file that a row is the index of.
    pub(super) fn of_index(row: RowId) -> Option<Self> {
        match row {
            RowId::Pidx { txid } => Some(Self::Delta(txid)),
            RowId::Sidx { shard, as_of } => Some(Self::Shard(shard, as_of)),
            RowId::StageIndex { stage, segment } => Some(Self::Segment(stage, segment)),
            _ => None,
        }
    }
}

/// A file whose chunks are still coming.
pub(super) struct OpenFile {
    pub(super) id: FileId,
    bytes: Vec<u8>,
    chunks: Vec<u32>,
    /// The chunk that should come next.
    pub(super) next: u32,
    whole: bool,
}

/// A file that was decoded and keeps every rule of the format.
pub(super) struct File {
    pub(super) header: Header,
    pub(super) post_apply: Checksum,
    /// Length of each chunk's payload.
    pub(super) chunks: Vec<u32>,
    /// Frames and checksums, ascending by page.
    pub(super) pages: Vec<(Frame, Checksum)>,
}

impl OpenFile {
    pub(super) fn new(id: FileId) -> Self {
        Self { id, bytes: Vec::new(), chunks: Vec::new(), next: 0, whole: true }
    }

    /// The file and chunk of a row.
    pub(super) fn of(row: RowId) -> Option<(FileId, u32)> {
        match row {
            RowId::Delta { txid, chunk } => Some((FileId::Delta(txid), chunk)),
            RowId::Shard { shard, as_of, chunk } => Some((FileId::Shard(shard, as_of), chunk)),
            RowId::Stage { stage, segment, chunk } => {
                Some((FileId::Segment(stage, segment), chunk))
            }
            _ => None,
        }
    }

    /// Appends a chunk, and says which are missing before it. `None` is a damaged one.
    pub(super) fn take(&mut self, chunk: u32, payload: Option<&[u8]>) -> std::ops::Range<u32> {
        let missing = self.next..chunk;
        self.whole &= missing.is_empty() && payload.is_some();
        if let Some(payload) = payload {
            self.bytes.extend_from_slice(payload);
            self.chunks.push(payload.len() as u32);
        }
        self.next = chunk.saturating_add(1);
        missing
    }

    /// Decodes the file; `None` if a part of it is missing or damaged, which is known already.
    pub(super) fn decode(self) -> Result<Option<File>, DecodeError> {
        if !self.whole {
            return Ok(None);
        }
        let mut decoder = Decoder::new(&self.bytes, Limits::default())?;
        let header = *decoder.header();
        let mut page = vec![0; header.page_size.bytes()];
        let mut pages = Vec::new();
        while let Some(frame) = decoder.next_page(&mut page)? {
            pages.push((frame, page_checksum(frame.pgno, &page)));
        }
        let verified = decoder.finish()?;
        let post_apply = verified.trailer.post_apply;
        Ok(Some(File { header, post_apply, chunks: self.chunks, pages }))
    }
}
