//! `PAST`: a watermark that compaction has moved on from.

use actor_sqlite_ltx::{Checksum, Txid};

use super::RowFault;
use super::bytes::Reader;

/// The span of states from an earlier watermark up to the one before the next watermark. As long
/// as this row is there, all that those states need is there: the deltas above the earlier watermark
/// and the shard versions that held at it.
///
/// Payload: next u64, size u32, checksum u64, until i64, bytes u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PastRow {
    /// The watermark that took its place.
    pub(crate) next: Txid,
    /// The database's size at the earlier watermark, in pages; 0 before the first.
    pub(crate) size: u32,
    /// The database's checksum at the earlier watermark.
    pub(crate) checksum: Checksum,
    /// When the state at the next watermark was committed, in milliseconds since the Unix epoch:
    /// until then the span had the newest state.
    pub(crate) until_ms: i64,
    /// Keys and values that are kept for the span and for no later state, in bytes.
    pub(crate) bytes: u64,
}

impl PastRow {
    /// Length of the payload.
    pub(crate) const BYTES: usize = 36;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::BYTES);
        out.extend_from_slice(&self.next.get().to_be_bytes());
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.checksum.raw().to_be_bytes());
        out.extend_from_slice(&self.until_ms.to_be_bytes());
        out.extend_from_slice(&self.bytes.to_be_bytes());
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let row = Self {
            next: Txid::new(reader.u64()?),
            size: reader.u32()?,
            checksum: Checksum::from_raw(reader.u64()?),
            until_ms: reader.i64()?,
            bytes: reader.u64()?,
        };
        reader.end()?;
        if row.next.get() < 2 || !row.checksum.is_present() {
            return Err(RowFault::Layout("its numbers contradict each other"));
        }
        Ok(row)
    }
}
