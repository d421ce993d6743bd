//! One page in a file: page number, flags, length, LZ4 block.

use crate::{DecodeError, PageSize, Pgno};

/// Length of a page header: page number u32 and flags u16. All zero ends the pages of a file.
pub const PAGE_HEADER_BYTES: usize = 6;
/// Length of what stands before the compressed page: page header and compressed length u32.
pub const FRAME_HEADER_BYTES: usize = 10;

/// The page header is followed by a length and an LZ4 block; without it, by a legacy LZ4 frame.
const FLAG_SIZED_BLOCK: u16 = 1;

/// Where in a file a page is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The page.
    pub pgno: Pgno,
    /// Where the frame begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// Length of the frame in bytes, its header included.
    pub len: u32,
}

impl Frame {
    /// The offset of the byte after the frame; `None` when no file is that long.
    pub fn end(&self) -> Option<u64> {
        self.offset.checked_add(u64::from(self.len))
    }
}

/// The longest frame a page of that size can have, in bytes: LZ4 stores what it cannot compress
/// as literals, at one byte in 255 more and a few for its tokens.
pub const fn frame_bytes_max(page_size: PageSize) -> usize {
    FRAME_HEADER_BYTES + block_bytes_max(page_size.bytes())
}

/// The bound of the LZ4 block format itself, which holds for every encoder.
const fn block_bytes_max(page_bytes: usize) -> usize {
    page_bytes + page_bytes / 255 + 16
}

/// What begins at some place among the pages of a file.
pub(crate) enum PageHeader {
    /// A page.
    Page(Pgno),
    /// The end of the pages.
    End,
}

impl PageHeader {
    pub(crate) fn decode(bytes: [u8; PAGE_HEADER_BYTES]) -> Result<Self, DecodeError> {
        let [a, b, c, d, high, low] = bytes;
        let flags = u16::from_be_bytes([high, low]);
        match (Pgno::new(u32::from_be_bytes([a, b, c, d])), flags) {
            (None, 0) => Ok(Self::End),
            (None, _) => Err(DecodeError::PageZero),
            (Some(pgno), FLAG_SIZED_BLOCK) => Ok(Self::Page(pgno)),
            (Some(pgno), 0) => Err(DecodeError::LegacyFrame { pgno }),
            (Some(pgno), flags) => Err(DecodeError::PageFlags { pgno, flags }),
        }
    }
}

/// The ten bytes before a compressed page.
pub(crate) fn encode_frame_header(pgno: Pgno, block_bytes: u32) -> [u8; FRAME_HEADER_BYTES] {
    let mut bytes = [0; FRAME_HEADER_BYTES];
    bytes[..4].copy_from_slice(&pgno.get().to_be_bytes());
    bytes[4..6].copy_from_slice(&FLAG_SIZED_BLOCK.to_be_bytes());
    bytes[6..].copy_from_slice(&block_bytes.to_be_bytes());
    bytes
}

/// Splits the frame at the beginning of `bytes`, which may be longer, into header and LZ4 block.
///
/// The block's length is checked against the largest of that page size before it is used.
pub(crate) fn split_frame(
    bytes: &[u8],
    pgno: Pgno,
    page_bytes: usize,
) -> Result<(&[u8; FRAME_HEADER_BYTES], &[u8]), DecodeError> {
    let (header, rest) = bytes
        .split_first_chunk::<FRAME_HEADER_BYTES>()
        .ok_or(DecodeError::FrameTruncated { pgno })?;
    let [page_header @ .., a, b, c, d] = *header;
    match PageHeader::decode(page_header)? {
        PageHeader::Page(found) if found == pgno => {}
        PageHeader::Page(found) => return Err(DecodeError::WrongPage { expected: pgno, found }),
        PageHeader::End => return Err(DecodeError::PageZero),
    }
    let block_bytes = u32::from_be_bytes([a, b, c, d]);
    if block_bytes as usize > block_bytes_max(page_bytes) {
        return Err(DecodeError::BlockTooLong { pgno, bytes: block_bytes });
    }
    let block = rest.get(..block_bytes as usize).ok_or(DecodeError::FrameTruncated { pgno })?;
    Ok((header, block))
}

/// Decompresses an LZ4 block into exactly one page.
pub(crate) fn decompress(block: &[u8], pgno: Pgno, page: &mut [u8]) -> Result<(), DecodeError> {
    match lz4_flex::block::decompress_into(block, page) {
        Ok(bytes) if bytes == page.len() => Ok(()),
        Ok(bytes) => Err(DecodeError::ShortPage { pgno, bytes }),
        Err(_) => Err(DecodeError::Lz4 { pgno }),
    }
}

/// Decodes one stored frame, whole and nothing more, into a page; `page.len()` is the page size.
///
/// The frame carries no checksum of its own: whoever stores it has to bring one. After an error
/// the content of `page` is unspecified.
pub fn decode_frame(frame: &[u8], pgno: Pgno, page: &mut [u8]) -> Result<(), DecodeError> {
    let (header, block) = split_frame(frame, pgno, page.len())?;
    if header.len() + block.len() != frame.len() {
        return Err(DecodeError::FrameTrailing { pgno });
    }
    decompress(block, pgno, page)
}
