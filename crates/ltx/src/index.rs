//! The page index: where each page's frame is, readable from the end of a file.
//!
//! Per page, ascending: page number, offset and length of its frame, as unsigned LEB128 numbers;
//! then a zero byte; then the length in bytes of all that, u64 big-endian.

use crate::header::HEADER_BYTES;
use crate::sequence::Sequence;
use crate::{
    DecodeError, Frame, Header, PAGE_HEADER_BYTES, Pgno, TRAILER_BYTES, frame::frame_bytes_max,
};

/// Length of the number that ends the index.
pub(crate) const INDEX_LENGTH_BYTES: usize = 8;

/// Bytes of a file that are neither header, frames nor index entries.
pub(crate) const TAIL_BYTES: usize = INDEX_LENGTH_BYTES + TRAILER_BYTES;

/// A file without a page: header, end of pages, end of index, index length, trailer.
pub(crate) const FILE_BYTES_MIN: usize = HEADER_BYTES + PAGE_HEADER_BYTES + 1 + TAIL_BYTES;

pub(crate) fn push_entry(index: &mut Vec<u8>, frame: &Frame) {
    push_varint(index, u64::from(frame.pgno.get()));
    push_varint(index, frame.offset);
    push_varint(index, u64::from(frame.len));
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes one LEB128 number off the front: at most 64 bits, and no byte more than it needs.
fn take_varint(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(DecodeError::IndexTruncated)?;
        *bytes = rest;
        let group = u64::from(byte & 0x7f);
        if (group << shift) >> shift != group {
            return Err(DecodeError::IndexNumber);
        }
        number |= group << shift;
        if byte < 0x80 {
            let padded = byte == 0 && shift > 0;
            return if padded { Err(DecodeError::IndexNumber) } else { Ok(number) };
        }
    }
    Err(DecodeError::IndexNumber)
}

/// Parses index entries with their closing zero byte and nothing after it.
///
/// Room is made for as many entries as `entries` has bytes for, before any is read.
pub(crate) fn parse(mut entries: &[u8]) -> Result<Vec<Frame>, DecodeError> {
    let numbers = entries.iter().filter(|&&byte| byte < 0x80).count();
    let mut frames = Vec::with_capacity(numbers / 3);
    loop {
        let pgno = take_varint(&mut entries)?;
        if pgno == 0 {
            break;
        }
        let pgno = u32::try_from(pgno).ok().and_then(Pgno::new).ok_or(DecodeError::IndexNumber)?;
        let offset = take_varint(&mut entries)?;
        let len = take_varint(&mut entries)?;
        let len = u32::try_from(len).map_err(|_| DecodeError::IndexNumber)?;
        frames.push(Frame { pgno, offset, len });
    }
    if entries.is_empty() { Ok(frames) } else { Err(DecodeError::IndexTrailing) }
}

/// Splits the tail of a file into index entries and trailer, given where the pages end.
///
/// `pages_end` is the offset after the six zero bytes, if it is known; otherwise the index is
/// where its stored length says.
pub(crate) fn split_tail(
    file: &[u8],
    pages_end: Option<usize>,
) -> Result<(&[u8], [u8; TRAILER_BYTES]), DecodeError> {
    let truncated = DecodeError::Truncated { bytes: file.len() };
    if file.len() < FILE_BYTES_MIN {
        return Err(truncated);
    }
    let (head, trailer) = file.split_last_chunk::<TRAILER_BYTES>().ok_or(truncated.clone())?;
    let (head, length) = head.split_last_chunk::<INDEX_LENGTH_BYTES>().ok_or(truncated)?;
    let stored = u64::from_be_bytes(*length);
    let begin = match pages_end {
        Some(begin) => begin,
        None => usize::try_from(stored)
            .ok()
            .and_then(|bytes| head.len().checked_sub(bytes))
            .filter(|&begin| begin >= HEADER_BYTES + PAGE_HEADER_BYTES)
            .ok_or(DecodeError::IndexLength { stored })?,
    };
    let entries = head.get(begin..).ok_or(DecodeError::IndexTruncated)?;
    if entries.len() as u64 != stored {
        return Err(DecodeError::IndexLength { stored });
    }
    Ok((entries, *trailer))
}

/// Reads where the pages of a file are from its header and its end, without reading the pages.
///
/// Refuses entries the format could not have led to: pages out of order, beyond the database or
/// missing from a snapshot, frames that leave gaps, overlap or are longer than a page can be. It
/// cannot see whether an entry tells the truth, and reads no checksum: [`crate::verify`] does.
pub fn decode_index(file: &[u8]) -> Result<Vec<Frame>, DecodeError> {
    let header = Header::decode(file)?;
    let (entries, _) = split_tail(file, None)?;
    let frames = parse(entries)?;
    let frame_max = frame_bytes_max(header.page_size);
    let mut sequence = Sequence::new(&header);
    let mut end = HEADER_BYTES as u64;
    for frame in &frames {
        sequence.accept(frame.pgno)?;
        let long = frame.len as usize > frame_max;
        if frame.offset != end || long || frame.len as usize <= crate::FRAME_HEADER_BYTES {
            return Err(DecodeError::IndexEntry { pgno: frame.pgno });
        }
        end = frame.end().ok_or(DecodeError::IndexEntry { pgno: frame.pgno })?;
    }
    sequence.end()?;
    let pages_end = (file.len() - TAIL_BYTES - entries.len() - PAGE_HEADER_BYTES) as u64;
    if end == pages_end { Ok(frames) } else { Err(DecodeError::IndexGap) }
}
