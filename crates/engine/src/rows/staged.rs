//! `STAGED` and the second format of `PIDX`: a commit whose pages were staged.

use actor_sqlite_ltx::{Checksum, PageSize, Txid};

use super::bytes::Reader;
use super::{Format, IndexRow, RowFault};

/// What makes a stage part of a commit, written by that commit. A stage without it was given up,
/// or may still be committed if it is the one that `HEAD` says is open.
///
/// Payload: txid u64, segments u32, pages u64, bytes u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StagedRow {
    /// The commit.
    pub(crate) txid: Txid,
    /// Segments of the stage, numbered from 0.
    pub(crate) segments: u32,
    /// Distinct pages of them that belong to the commit.
    pub(crate) pages: u64,
    /// Keys and values of all segments and their page indexes, in bytes.
    pub(crate) bytes: u64,
}

impl StagedRow {
    /// Length of the payload.
    pub(crate) const BYTES: usize = 28;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend_from_slice(&self.txid.get().to_be_bytes());
        out.extend_from_slice(&self.segments.to_be_bytes());
        out.extend_from_slice(&self.pages.to_be_bytes());
        out.extend_from_slice(&self.bytes.to_be_bytes());
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let row = Self {
            txid: Txid::new(reader.u64()?),
            segments: reader.u32()?,
            pages: reader.u64()?,
            bytes: reader.u64()?,
        };
        reader.end()?;
        if row.txid == Txid::ZERO || row.segments == 0 {
            return Err(RowFault::Layout("its numbers contradict each other"));
        }
        Ok(row)
    }
}

/// The page index of a staged commit: where the indexes of its pages are. Its length does not
/// depend on how many there are.
///
/// Payload, format 2 of `PIDX`: size of the database in pages u32, checksum of the database u64,
/// time i64, stage u64, segments u32, pages u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StagedIndexRow {
    /// Size of the database after the commit, in pages; pages of segments above it do not count.
    pub(crate) size: u32,
    /// Checksum of the database after the commit.
    pub(crate) post_apply: Checksum,
    /// When the state was committed, in milliseconds since the Unix epoch.
    pub(crate) time_ms: i64,
    pub(crate) stage: u64,
    /// Segments of the stage, numbered from 0: a page of a later one goes before.
    pub(crate) segments: u32,
    /// Distinct pages of them that belong to the commit.
    pub(crate) pages: u64,
}

impl StagedIndexRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40);
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.post_apply.raw().to_be_bytes());
        out.extend_from_slice(&self.time_ms.to_be_bytes());
        out.extend_from_slice(&self.stage.to_be_bytes());
        out.extend_from_slice(&self.segments.to_be_bytes());
        out.extend_from_slice(&self.pages.to_be_bytes());
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let row = Self {
            size: reader.u32()?,
            post_apply: Checksum::from_raw(reader.u64()?),
            time_ms: reader.i64()?,
            stage: reader.u64()?,
            segments: reader.u32()?,
            pages: reader.u64()?,
        };
        reader.end()?;
        if row.size == 0 || !row.post_apply.is_present() || row.stage == 0 || row.segments == 0 {
            return Err(RowFault::Layout("its numbers contradict each other"));
        }
        Ok(row)
    }
}

/// What `PIDX` says of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DeltaIndex {
    /// Format 1: the index of its delta.
    Plain(IndexRow),
    /// Format 2: its pages are in segments of a stage.
    Staged(StagedIndexRow),
}

impl DeltaIndex {
    pub(crate) fn decode(
        format: Format,
        payload: &[u8],
        page_size: PageSize,
    ) -> Result<Self, RowFault> {
        match format {
            Format::V1 => IndexRow::decode(payload, page_size).map(Self::Plain),
            Format::V2 => StagedIndexRow::decode(payload).map(Self::Staged),
        }
    }

    /// Size and checksum of the database after the commit.
    pub(crate) fn state(&self) -> (u32, Checksum) {
        match self {
            Self::Plain(index) => (index.size, index.post_apply),
            Self::Staged(index) => (index.size, index.post_apply),
        }
    }

    pub(crate) fn time_ms(&self) -> i64 {
        match self {
            Self::Plain(index) => index.time_ms,
            Self::Staged(index) => index.time_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn both_rows_come_back() {
        let staged = StagedRow { txid: Txid::new(7), segments: 3, pages: 9_000, bytes: 1 << 40 };
        let payload = staged.encode();
        assert_eq!(payload.len(), StagedRow::BYTES);
        assert_eq!(StagedRow::decode(&payload).unwrap(), staged);
        assert!(StagedRow::decode(&payload[1..]).is_err());
        assert!(StagedRow::decode(&StagedRow { segments: 0, ..staged }.encode()).is_err());

        let post_apply = Checksum::of_crc(5);
        let index =
            StagedIndexRow { size: 9, post_apply, time_ms: -3, stage: 4, segments: 2, pages: 8 };
        let payload = index.encode();
        assert_eq!(StagedIndexRow::decode(&payload).unwrap(), index);
        assert!(StagedIndexRow::decode(&payload[1..]).is_err());
        assert!(StagedIndexRow::decode(&StagedIndexRow { stage: 0, ..index }.encode()).is_err());
    }
}
