//! `ROOT`: how far compaction and reclaim have come.

use actor_sqlite_ltx::{Checksum, Txid};

use super::bytes::Reader;
use super::{Format, RowFault};

/// What the shards cover and what is left of the deltas under them. Written by compaction and
/// reclaim only, each time under a guard on the exact bytes of before.
///
/// Payload: watermark u64, reclaimed-through u64, building u64, size at the watermark u32, checksum
/// at the watermark u64, bytes charged u64, bytes credited u64; since format 2 also stages swept u64,
/// reclaimed segments u32. It is always written in format 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RootRow {
    /// The shards hold the database as of this state; 0 while there are none.
    pub(crate) watermark: Txid,
    /// The deltas and page indexes up to here are deleted.
    pub(crate) reclaimed_through: Txid,
    /// A compaction up to this state is writing shards that do not count yet; 0 if none is.
    pub(crate) building: Txid,
    /// The database's size at the watermark, in pages.
    pub(crate) size: u32,
    /// The database's checksum at the watermark.
    pub(crate) checksum: Checksum,
    /// Keys and values that compaction has stored, in bytes.
    pub(crate) charged_bytes: u64,
    /// Keys and values that compaction and reclaim have deleted, in bytes.
    pub(crate) credited_bytes: u64,
    /// Each stage up to this number belongs to a commit or has no row left.
    pub(crate) stages_swept: u64,
    /// Of the oldest delta that is not reclaimed, if it is a staged one: that many of its segments
    /// are deleted.
    pub(crate) reclaimed_segments: u32,
}

impl RootRow {
    /// The row of a new database.
    pub(crate) const NEW: Self = Self {
        watermark: Txid::ZERO,
        reclaimed_through: Txid::ZERO,
        building: Txid::ZERO,
        size: 0,
        checksum: Checksum::EMPTY_DATABASE,
        charged_bytes: 0,
        credited_bytes: 0,
        stages_swept: 0,
        reclaimed_segments: 0,
    };

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(&self.watermark.get().to_be_bytes());
        out.extend_from_slice(&self.reclaimed_through.get().to_be_bytes());
        out.extend_from_slice(&self.building.get().to_be_bytes());
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.checksum.raw().to_be_bytes());
        out.extend_from_slice(&self.charged_bytes.to_be_bytes());
        out.extend_from_slice(&self.credited_bytes.to_be_bytes());
        out.extend_from_slice(&self.stages_swept.to_be_bytes());
        out.extend_from_slice(&self.reclaimed_segments.to_be_bytes());
        out
    }

    pub(crate) fn decode(format: Format, payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let mut row = Self {
            watermark: Txid::new(reader.u64()?),
            reclaimed_through: Txid::new(reader.u64()?),
            building: Txid::new(reader.u64()?),
            size: reader.u32()?,
            checksum: Checksum::from_raw(reader.u64()?),
            charged_bytes: reader.u64()?,
            credited_bytes: reader.u64()?,
            ..Self::NEW
        };
        if format == Format::V2 {
            row.stages_swept = reader.u64()?;
            row.reclaimed_segments = reader.u32()?;
        }
        reader.end()?;
        let none = row.watermark == Txid::ZERO;
        if row.watermark.get() == 1
            || none != (row.size == 0)
            || row.reclaimed_through > row.watermark
            || (row.reclaimed_segments > 0 && row.reclaimed_through == row.watermark)
            || (row.building != Txid::ZERO && row.building <= row.watermark)
        {
            return Err(RowFault::Layout("its numbers contradict each other"));
        }
        Ok(row)
    }
}
