//! `PIDX` and `SIDX`: where the pages of one LTX file are, in a few bytes a page.

use actor_sqlite_ltx::{Checksum, HEADER_BYTES, PageSize, Pgno};

use super::RowFault;
use super::bytes::{Reader, push_varint};

/// Where a page's frame is in the chunks of a file, and what it decompresses to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexPage {
    pub(crate) pgno: Pgno,
    pub(crate) chunk: u32,
    /// Offset of the frame in the chunk's payload, in bytes.
    pub(crate) offset: u32,
    /// Length of the frame in bytes.
    pub(crate) len: u32,
    pub(crate) checksum: Checksum,
}

/// The page index of a delta or of a shard version.
///
/// Payload: size of the database in pages u32, checksum of the database u64 (absent for a shard),
/// time i64, number of chunks varint, length of each chunk's payload varint, number of pages
/// varint, then for each page its number (varint difference to the one before), the length of its
/// frame (varint) and its checksum u64. Frames follow each other without a gap behind the header
/// of the file, and none is cut by the end of a chunk, so that their offsets need no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IndexRow {
    /// Size of the database after the file is applied, in pages.
    pub(crate) size: u32,
    /// Checksum of the database after the file is applied.
    pub(crate) post_apply: Checksum,
    /// When the state was committed, in milliseconds since the Unix epoch.
    pub(crate) time_ms: i64,
    /// Length of each chunk's payload in bytes.
    pub(crate) chunks: Vec<u32>,
    /// Ascending.
    pub(crate) pages: Vec<IndexPage>,
}

impl IndexRow {
    /// Appends the payload.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>) {
        out.reserve(40 + self.chunks.len() * 4 + self.pages.len() * 14);
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.post_apply.raw().to_be_bytes());
        out.extend_from_slice(&self.time_ms.to_be_bytes());
        push_varint(out, self.chunks.len() as u32);
        for &chunk in &self.chunks {
            push_varint(out, chunk);
        }
        push_varint(out, self.pages.len() as u32);
        let mut before = 0;
        for page in &self.pages {
            push_varint(out, page.pgno.get() - before);
            push_varint(out, page.len);
            out.extend_from_slice(&page.checksum.raw().to_be_bytes());
            before = page.pgno.get();
        }
    }

    pub(crate) fn decode(payload: &[u8], page_size: PageSize) -> Result<Self, RowFault> {
        let mut reader = Reader::new(payload);
        let size = reader.u32()?;
        let post_apply = Checksum::from_raw(reader.u64()?);
        let time_ms = reader.i64()?;
        let chunk_count = reader.varint()? as usize;
        if size == 0 || chunk_count == 0 || chunk_count > payload.len() {
            return Err(RowFault::Layout("its numbers contradict each other"));
        }
        let chunks = (0..chunk_count).map(|_| reader.varint()).collect::<Result<Vec<_>, _>>()?;
        let page_count = reader.varint()? as usize;
        if page_count > payload.len() / 10 {
            return Err(RowFault::Layout("its list is longer than the row"));
        }
        let mut pages = Vec::with_capacity(page_count);
        let mut place = Place { chunk: 0, offset: HEADER_BYTES as u32 };
        let mut before = 0_u32;
        for _ in 0..page_count {
            let step = reader.varint()?;
            let pgno = before.checked_add(step).filter(|&number| step > 0 && number <= size);
            before = pgno.ok_or(RowFault::Layout("its pages are out of order"))?;
            let pgno = Pgno::new_saturating(before);
            let len = reader.varint()?;
            let checksum = Checksum::from_raw(reader.u64()?);
            if pgno == page_size.lock_page() || !checksum.is_present() {
                return Err(RowFault::Layout("a page is impossible"));
            }
            let (chunk, offset) = place.take(len, &chunks)?;
            pages.push(IndexPage { pgno, chunk, offset, len, checksum });
        }
        reader.end()?;
        Ok(Self { size, post_apply, time_ms, chunks, pages })
    }
}

/// Walks frames through chunks.
struct Place {
    chunk: u32,
    offset: u32,
}

impl Place {
    /// The place of the next frame: where the last ended, or the next chunk if that one is full.
    fn take(&mut self, len: u32, chunks: &[u32]) -> Result<(u32, u32), RowFault> {
        let full = |place: &Self| chunks.get(place.chunk as usize) == Some(&place.offset);
        if full(self) {
            self.chunk += 1;
            self.offset = 0;
        }
        let begin = (self.chunk, self.offset);
        let end = self.offset.checked_add(len).filter(|_| len > 0);
        let room = chunks.get(self.chunk as usize).copied().unwrap_or(0);
        match end {
            Some(end) if end <= room => self.offset = end,
            _ => return Err(RowFault::Layout("a frame does not fit its chunk")),
        }
        Ok(begin)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn page(pgno: u32, chunk: u32, offset: u32, len: u32) -> IndexPage {
        let checksum = Checksum::of_crc(u64::from(pgno));
        IndexPage { pgno: Pgno::new(pgno).unwrap(), chunk, offset, len, checksum }
    }

    fn row() -> IndexRow {
        IndexRow {
            size: 300,
            post_apply: Checksum::of_crc(5),
            time_ms: -3,
            chunks: vec![250, 400, 90],
            pages: vec![page(1, 0, 100, 50), page(2, 0, 150, 100), page(300, 1, 0, 400)],
        }
    }

    #[test]
    fn a_row_comes_back_with_every_place() {
        let mut payload = Vec::new();
        row().encode_into(&mut payload);
        assert_eq!(IndexRow::decode(&payload, PageSize::DEFAULT).unwrap(), row());
        for len in 0..payload.len() {
            assert!(IndexRow::decode(&payload[..len], PageSize::DEFAULT).is_err());
        }
        payload.push(0);
        assert!(IndexRow::decode(&payload, PageSize::DEFAULT).is_err());
    }

    #[test]
    fn a_row_that_contradicts_itself_is_refused() {
        let refused = |change: &dyn Fn(&mut IndexRow)| {
            let mut row = row();
            change(&mut row);
            let mut payload = Vec::new();
            row.encode_into(&mut payload);
            assert!(IndexRow::decode(&payload, PageSize::DEFAULT).is_err(), "{row:?}");
        };
        refused(&|row| row.size = 299);
        refused(&|row| row.size = 0);
        refused(&|row| row.chunks.clear());
        refused(&|row| row.chunks[0] = 249);
        refused(&|row| row.chunks[1] = 399);
        refused(&|row| row.pages[1].len = 0);
        refused(&|row| row.pages[1].checksum = Checksum::ABSENT);
    }
}
