//! `EPOCH`: who may write.

use actor_sqlite_pagestore::Generation;

use super::bytes::Reader;
use super::{Format, RowFault};

/// The version of the rows of one database as a whole.
const ROWS_VERSION: u32 = 1;

/// The fencing generation and its owner.
///
/// Payload: generation u64, version of the rows u32, time of the claim i64, owner length u16, owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EpochRow {
    pub(crate) generation: Generation,
    /// When the claim was made, in milliseconds since the Unix epoch; never before the one before.
    pub(crate) claimed_at_ms: i64,
    /// In words for people.
    pub(crate) owner: String,
}

impl EpochRow {
    /// The longest owner, in bytes.
    pub(crate) const OWNER_BYTES_MAX: usize = 1024;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(22 + self.owner.len());
        out.extend_from_slice(&self.generation.0.to_be_bytes());
        out.extend_from_slice(&ROWS_VERSION.to_be_bytes());
        out.extend_from_slice(&self.claimed_at_ms.to_be_bytes());
        out.extend_from_slice(&(self.owner.len() as u16).to_be_bytes());
        out.extend_from_slice(self.owner.as_bytes());
        out
    }

    /// As for the rows that have several formats.
    pub(crate) fn decode_as(format: Format, payload: &[u8]) -> Result<Self, RowFault> {
        match format {
            Format::V1 => Self::decode(payload),
            Format::V2 => Err(RowFault::Format(format as u8)),
        }
    }

    fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let generation = Generation(reader.u64()?);
        if reader.u32()? != ROWS_VERSION {
            return Err(RowFault::Layout("the version of the database's rows is unknown"));
        }
        let claimed_at_ms = reader.i64()?;
        let owner_bytes = reader.u16()?;
        let owner = reader.take(owner_bytes.into())?;
        let owner = std::str::from_utf8(owner)
            .map_err(|_| RowFault::Layout("the owner is no UTF-8"))?
            .to_owned();
        reader.end()?;
        if generation.0 == 0 {
            return Err(RowFault::Layout("the generation is 0"));
        }
        Ok(Self { generation, claimed_at_ms, owner })
    }
}
