//! `HEAD`: the newest committed state.

use actor_sqlite_ltx::{Checksum, PageSize, Txid};
use actor_sqlite_pagestore::{CommitId, Generation, Head};

use super::bytes::Reader;
use super::{Format, RowFault};

/// A stage is being written.
const STAGE_OPEN: u8 = 1;
/// The bytes of the database are in the counter of its namespace.
const NAMESPACED: u8 = 1 << 1;

/// The newest committed state. Its exact bytes are the guard of every commit.
///
/// Payload: generation u64, txid u64, size in pages u32, page size u32, database checksum u64,
/// commit id (generation u64, sequence u64), bytes charged u64, time i64, rewrites u64; since
/// format 2 also stages u64, flags u8. It is always written in format 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadRow {
    /// The lease that may commit on top of it.
    pub(crate) generation: Generation,
    pub(crate) head: Head,
    /// The commit that made the state.
    pub(crate) commit_id: CommitId,
    /// Keys and values that claims and commits have stored, in bytes. What compaction and reclaim
    /// add and remove is in `ROOT`, which they may write without disturbing a commit.
    pub(crate) charged_bytes: u64,
    /// When the state was committed, in milliseconds since the Unix epoch; never before the state
    /// before it.
    pub(crate) time_ms: i64,
    /// Rises when the row is written without a commit, so that a commit whose answer was lost and
    /// that is guarded by the bytes of before can no longer land.
    pub(crate) rewrites: u64,
    /// The number of the last stage that was begun; 0 before the first. No number is used twice.
    pub(crate) stages: u64,
    /// The last stage is being written: its pages may still be committed. No other stage without
    /// a manifest will ever be.
    pub(crate) stage_open: bool,
    /// The bytes of the database are counted in its namespace's counter.
    pub(crate) namespaced: bool,
}

impl HeadRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(81);
        out.extend_from_slice(&self.generation.0.to_be_bytes());
        out.extend_from_slice(&self.head.txid.get().to_be_bytes());
        out.extend_from_slice(&self.head.size.to_be_bytes());
        out.extend_from_slice(&self.head.page_size.get().to_be_bytes());
        out.extend_from_slice(&self.head.checksum.raw().to_be_bytes());
        out.extend_from_slice(&self.commit_id.generation.0.to_be_bytes());
        out.extend_from_slice(&self.commit_id.sequence.to_be_bytes());
        out.extend_from_slice(&self.charged_bytes.to_be_bytes());
        out.extend_from_slice(&self.time_ms.to_be_bytes());
        out.extend_from_slice(&self.rewrites.to_be_bytes());
        out.extend_from_slice(&self.stages.to_be_bytes());
        let stage_open = if self.stage_open { STAGE_OPEN } else { 0 };
        out.push(stage_open | if self.namespaced { NAMESPACED } else { 0 });
        out
    }

    pub(crate) fn decode(format: Format, payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let generation = Generation(reader.u64()?);
        let txid = Txid::new(reader.u64()?);
        let size = reader.u32()?;
        let page_size = PageSize::new(reader.u32()?)
            .map_err(|_| RowFault::Layout("the page size is illegal"))?;
        let checksum = Checksum::from_raw(reader.u64()?);
        let commit_id = CommitId { generation: Generation(reader.u64()?), sequence: reader.u64()? };
        let mut row = Self {
            generation,
            head: Head { txid, page_size, size, checksum },
            commit_id,
            charged_bytes: reader.u64()?,
            time_ms: reader.i64()?,
            rewrites: reader.u64()?,
            stages: 0,
            stage_open: false,
            namespaced: false,
        };
        if format == Format::V2 {
            row.stages = reader.u64()?;
            let flags = reader.u8()?;
            if flags & !(STAGE_OPEN | NAMESPACED) != 0 {
                return Err(RowFault::Layout("it has an unknown flag"));
            }
            row.stage_open = flags & STAGE_OPEN != 0;
            row.namespaced = flags & NAMESPACED != 0;
        }
        reader.end()?;
        if row.stage_open && row.stages == 0 {
            return Err(RowFault::Layout("a stage is open that was never begun"));
        }
        let empty = size == 0 && checksum == Checksum::EMPTY_DATABASE;
        if (txid == Txid::ZERO) != empty || !checksum.is_present() || (size == 0) != empty {
            return Err(RowFault::Layout("txid, size and checksum contradict each other"));
        }
        Ok(row)
    }
}
