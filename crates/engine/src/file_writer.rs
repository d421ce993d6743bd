//! One LTX file, written straight into the values of rows.

use std::ops::Range;

use actor_sqlite_kv::{Batch, Limits};
use actor_sqlite_ltx::{
    Checksum, EncodeError, Encoder, Frame, Header, Pgno, Txid, frame_bytes_max,
};

use crate::db::Db;
use crate::keys::RowId;
use crate::rows::{self, CHECKSUM_BYTES, ENVELOPE_BYTES, IndexPage, IndexRow};

/// Whose file it is, which decides the keys of its rows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FileKind {
    Delta,
    Shard(u32),
    Segment { stage: u64, segment: u32 },
}

impl FileKind {
    fn chunk(self, as_of: Txid, chunk: u32) -> RowId {
        match self {
            Self::Delta => RowId::Delta { txid: as_of, chunk },
            Self::Shard(shard) => RowId::Shard { shard, as_of, chunk },
            Self::Segment { stage, segment } => RowId::Stage { stage, segment, chunk },
        }
    }

    fn index(self, as_of: Txid) -> RowId {
        match self {
            Self::Delta => RowId::Pidx { txid: as_of },
            Self::Shard(shard) => RowId::Sidx { shard, as_of },
            Self::Segment { stage, segment } => RowId::StageIndex { stage, segment },
        }
    }
}

/// A row whose value lies in a buffer.
#[derive(Clone, Debug)]
pub(crate) struct RowAt {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Range<usize>,
}

impl RowAt {
    fn bytes(&self) -> u64 {
        (self.key.len() + self.value.len()) as u64
    }
}

/// Encodes pages one by one into a buffer, which at the end holds the values of all rows of the
/// file, each in one piece, so that a batch can borrow them.
///
/// A chunk ends where a frame ends, as soon as it has the length the store likes.
pub(crate) struct FileWriter<'a> {
    db: &'a Db,
    kind: FileKind,
    header: Header,
    encoder: Encoder,
    out: &'a mut Vec<u8>,
    chunk_bytes: usize,
    /// Where the value of the open chunk begins.
    start: usize,
    rows: Vec<RowAt>,
    chunks: Vec<u32>,
    pages: Vec<IndexPage>,
}

/// The rows of a file.
pub(crate) struct FileRows {
    pub(crate) rows: Vec<RowAt>,
    pub(crate) index: IndexRow,
    /// Keys and values.
    pub(crate) bytes: u64,
}

impl FileRows {
    /// Adds all rows to a batch, borrowed from the buffer they were written to.
    pub(crate) fn put_into<'b>(self, buffer: &'b [u8], batch: &mut Batch<'b>) {
        for row in self.rows {
            batch.put(row.key, &buffer[row.value]);
        }
    }
}

impl<'a> FileWriter<'a> {
    pub(crate) fn new(
        db: &'a Db,
        kind: FileKind,
        header: Header,
        limits: Limits,
        out: &'a mut Vec<u8>,
    ) -> Result<Self, EncodeError> {
        let frame_max = frame_bytes_max(header.page_size) + ENVELOPE_BYTES;
        let chunk_bytes =
            limits.value_bytes_preferred.min(limits.value_bytes_max.saturating_sub(frame_max));
        let start = rows::begin(out);
        let encoder = Encoder::new(header, out)?;
        Ok(Self {
            db,
            kind,
            header,
            encoder,
            out,
            chunk_bytes,
            start,
            rows: Vec::new(),
            chunks: Vec::new(),
            pages: Vec::new(),
        })
    }

    /// Compresses a page.
    pub(crate) fn page(
        &mut self,
        pgno: Pgno,
        page: &[u8],
        checksum: Checksum,
    ) -> Result<(), EncodeError> {
        self.cut_if_full();
        let frame = self.encoder.page(pgno, page, checksum, self.out)?;
        self.enter(frame, checksum);
        Ok(())
    }

    /// Takes over a frame that is compressed already; `page` is what it decompresses to.
    pub(crate) fn frame(
        &mut self,
        pgno: Pgno,
        frame: &[u8],
        page: &[u8],
        checksum: Checksum,
    ) -> Result<(), EncodeError> {
        self.cut_if_full();
        let frame = self.encoder.frame(pgno, frame, page, self.out)?;
        self.enter(frame, checksum);
        Ok(())
    }

    /// Ends the file and adds the row of its page index.
    pub(crate) fn finish(mut self, post_apply: Checksum) -> Result<FileRows, EncodeError> {
        self.encoder.finish(post_apply, self.out)?;
        let (db, as_of) = (self.db, self.header.max_txid);
        let last = end_chunk(db, self.kind, as_of, &mut self.chunks, self.start, self.out);
        self.rows.push(last);
        let index = IndexRow {
            size: self.header.commit,
            post_apply,
            time_ms: self.header.timestamp_ms,
            chunks: self.chunks,
            pages: self.pages,
        };
        let key = db.keys.key(self.kind.index(as_of));
        let start = rows::begin(self.out);
        index.encode_into(self.out);
        rows::end(&key, start, self.out);
        self.rows.push(RowAt { key, value: start..self.out.len() });
        let bytes = self.rows.iter().map(RowAt::bytes).sum();
        Ok(FileRows { rows: self.rows, index, bytes })
    }

    fn cut_if_full(&mut self) {
        let payload = self.out.len() - self.start - 1;
        if payload >= self.chunk_bytes && self.pages.last().is_some_and(|page| self.is_open(page)) {
            let (db, as_of) = (self.db, self.header.max_txid);
            let full = end_chunk(db, self.kind, as_of, &mut self.chunks, self.start, self.out);
            self.rows.push(full);
            self.start = rows::begin(self.out);
        }
    }

    /// Whether a page is in the chunk that is being written.
    fn is_open(&self, page: &IndexPage) -> bool {
        page.chunk as usize == self.chunks.len()
    }

    fn enter(&mut self, frame: Frame, checksum: Checksum) {
        let chunk = self.chunks.len() as u32;
        let offset = (self.out.len() - self.start - 1) as u32 - frame.len;
        self.pages.push(IndexPage { pgno: frame.pgno, chunk, offset, len: frame.len, checksum });
    }
}

/// Ends the value of the chunk that begins at `start`.
fn end_chunk(
    db: &Db,
    kind: FileKind,
    as_of: Txid,
    chunks: &mut Vec<u32>,
    start: usize,
    out: &mut Vec<u8>,
) -> RowAt {
    let chunk = chunks.len() as u32;
    chunks.push((out.len() - start - 1) as u32);
    let key = db.keys.key(kind.chunk(as_of, chunk));
    rows::end(&key, start, out);
    RowAt { key, value: start..out.len() }
}

/// Room that a file of `pages` pages may need in a buffer, so that it never has to grow.
pub(crate) fn buffer_bytes(header: &Header, pages: usize, limits: Limits) -> usize {
    let page = frame_bytes_max(header.page_size) + 40;
    let raw = 1024 + pages * page;
    raw + raw / limits.value_bytes_preferred.max(1) * (1 + CHECKSUM_BYTES)
}
