//! `FLOOR`: the generations of databases that are no more.

use actor_sqlite_pagestore::Generation;

use super::RowFault;
use super::bytes::Reader;

/// No deleted database of the row's bucket had a higher generation; a new one begins above it.
///
/// Payload: generation u64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FloorRow {
    pub(crate) generation: Generation,
}

impl FloorRow {
    pub(crate) fn encode(self) -> Vec<u8> {
        self.generation.0.to_be_bytes().to_vec()
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let generation = Generation(reader.u64()?);
        reader.end()?;
        if generation == Generation::NONE {
            return Err(RowFault::Layout("the generation is 0"));
        }
        Ok(Self { generation })
    }
}
