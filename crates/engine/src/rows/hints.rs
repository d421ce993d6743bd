//! `HINTS`: what the owner of a database expects to be read first.

use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{Generation, HintRange, Hints};

use super::RowFault;
use super::bytes::{Reader, push_varint};

/// The hints that were saved last.
///
/// Payload: generation u64, number of ranges varint, then for each its first page (varint difference
/// to the last page of the one before), the number of its pages (varint) and its score u8. No
/// ranges, no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HintsRow {
    /// The lease that saved them.
    pub(crate) generation: Generation,
    pub(crate) hints: Hints,
}

impl HintsRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(10 + self.hints.ranges.len() * 6);
        out.extend_from_slice(&self.generation.0.to_be_bytes());
        push_varint(&mut out, self.hints.ranges.len() as u32);
        let mut before = 0;
        for range in &self.hints.ranges {
            push_varint(&mut out, range.first.get() - before);
            push_varint(&mut out, range.pages);
            out.push(range.score);
            before = range.first.get() + (range.pages - 1);
        }
        out
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let generation = Generation(reader.u64()?);
        let count = reader.varint()? as usize;
        if count == 0 || count > Hints::RANGES_MAX {
            return Err(RowFault::Layout("it has an impossible number of ranges"));
        }
        let mut ranges = Vec::with_capacity(count);
        let mut before = 0_u32;
        for _ in 0..count {
            let first = before.checked_add(reader.varint()?).filter(|&first| first > before);
            let first = first.and_then(Pgno::new);
            let first = first.ok_or(RowFault::Layout("its ranges are out of order"))?;
            let (pages, score) = (reader.varint()?, reader.u8()?);
            let last = pages.checked_sub(1).and_then(|more| first.get().checked_add(more));
            before = last.ok_or(RowFault::Layout("a range has no end"))?;
            ranges.push(HintRange { first, pages, score });
        }
        reader.end()?;
        Ok(Self { generation, hints: Hints { ranges } })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(ranges: &[(u32, u32, u8)]) -> HintsRow {
        let range = |&(first, pages, score): &(u32, u32, u8)| HintRange {
            first: Pgno::new(first).unwrap(),
            pages,
            score,
        };
        let ranges = ranges.iter().map(range).collect();
        HintsRow { generation: Generation(7), hints: Hints { ranges } }
    }

    #[test]
    fn a_row_comes_back_and_no_part_of_it_does() {
        for row in [
            row(&[(1, 1, 0)]),
            row(&[(1, 2, 255), (3, 300, 4), (u32::MAX, 1, 1)]),
            row(&(0..256).map(|at| (at * 1_000 + 1, 1_000, at as u8)).collect::<Vec<_>>()),
        ] {
            let mut payload = row.encode();
            assert_eq!(HintsRow::decode(&payload).unwrap(), row);
            row.hints.check().unwrap();
            for len in 0..payload.len() {
                assert!(HintsRow::decode(&payload[..len]).is_err());
            }
            payload.push(0);
            assert!(HintsRow::decode(&payload).is_err());
        }
    }

    #[test]
    fn what_is_decoded_keeps_the_contract() {
        let mut rng = fastrand::Rng::with_seed(1);
        let payload = row(&[(1, 2, 255), (3, 300, 4), (900, 1, 1)]).encode();
        for _ in 0..5_000 {
            let mut changed = payload.clone();
            for _ in 0..rng.u32(1..4) {
                let at = rng.usize(8..changed.len());
                changed[at] = rng.u8(..);
            }
            if let Ok(row) = HintsRow::decode(&changed) {
                row.hints.check().unwrap();
                assert_eq!(row.encode(), changed);
            }
        }
    }
}
