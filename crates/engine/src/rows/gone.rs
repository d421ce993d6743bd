//! `GONE` and `BUILD`: shard versions that do not count any more, or not yet.

use actor_sqlite_ltx::Txid;

use super::RowFault;
use super::bytes::{Reader, push_varint};

/// A shard version that compaction has replaced; reclaim deletes its chunks and then this row.
///
/// Payload: txid of the version u64, number of chunks varint, length of each chunk's payload varint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GoneRow {
    pub(crate) as_of: Txid,
    /// Length of each chunk's payload in bytes.
    pub(crate) chunks: Vec<u32>,
}

impl GoneRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = self.as_of.get().to_be_bytes().to_vec();
        push_list(&mut out, &self.chunks);
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let as_of = Txid::new(reader.u64()?);
        let chunks = take_list(&mut reader, payload.len())?;
        reader.end()?;
        Ok(Self { as_of, chunks })
    }
}

/// The shards that a compaction in several batches is writing, so that their chunks can be found
/// if it does not come to its end.
///
/// Payload: txid u64, number of shards varint, each shard as a varint difference to the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BuildRow {
    pub(crate) as_of: Txid,
    /// Ascending.
    pub(crate) shards: Vec<u32>,
}

impl BuildRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = self.as_of.get().to_be_bytes().to_vec();
        let mut before = 0;
        let steps: Vec<u32> = self
            .shards
            .iter()
            .map(|&shard| shard - std::mem::replace(&mut before, shard))
            .collect();
        push_list(&mut out, &steps);
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let as_of = Txid::new(reader.u64()?);
        let mut shards = take_list(&mut reader, payload.len())?;
        reader.end()?;
        let mut before = 0_u32;
        for (at, shard) in shards.iter_mut().enumerate() {
            let sum = before.checked_add(*shard).filter(|&sum| at == 0 || sum > before);
            *shard = sum.ok_or(RowFault::Layout("its shards are out of order"))?;
            before = *shard;
        }
        Ok(Self { as_of, shards })
    }
}

fn push_list(out: &mut Vec<u8>, numbers: &[u32]) {
    push_varint(out, numbers.len() as u32);
    for &number in numbers {
        push_varint(out, number);
    }
}

/// `bytes_max` bounds the list before room is made for it: a number takes a byte at least.
fn take_list(reader: &mut Reader<'_>, bytes_max: usize) -> Result<Vec<u32>, RowFault> {
    let count = reader.varint()? as usize;
    if count > bytes_max {
        return Err(RowFault::Layout("its list is longer than the row"));
    }
    (0..count).map(|_| reader.varint()).collect()
}
