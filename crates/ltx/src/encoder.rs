//! Writing a file, page by page.

use crc_fast::{CrcAlgorithm, Digest};
use lz4_flex::block::{CompressTable, compress_into_with_table, get_maximum_output_size};

use crate::frame::{encode_frame_header, split_frame};
use crate::header::HEADER_BYTES;
use crate::index::push_entry;
use crate::sequence::Sequence;
use crate::trailer::FILE_CHECKSUM_AT;
use crate::{
    Checksum, EncodeError, FRAME_HEADER_BYTES, Frame, Header, PAGE_HEADER_BYTES, Pgno, Trailer,
    page_checksum,
};

/// Writes a file behind what the caller's buffer already holds.
///
/// Offsets are counted from the file's beginning, not the buffer's: between two calls the caller
/// may append bytes of its own, or take a finished part away. A call that fails leaves buffer and
/// encoder as they were.
pub struct Encoder {
    header: Header,
    sequence: Sequence,
    /// Covers what is written so far, pages uncompressed.
    digest: Digest,
    /// The page index, as it will be stored.
    index: Vec<u8>,
    offset: u64,
    /// Of a tracked snapshot only; for others the caller's word is all there is.
    pages: Checksum,
    /// Made when the first page is compressed; an encoder that only reuses frames has none.
    table: Option<CompressTable>,
}

/// What is known of a file once it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEnd {
    /// Checksum of the file's content, as its last eight bytes store it.
    pub file_checksum: Checksum,
    /// Length of the file in bytes, without what the caller put between its parts.
    pub len: u64,
}

impl Encoder {
    /// Checks the header and appends it.
    pub fn new(header: Header, out: &mut Vec<u8>) -> Result<Self, EncodeError> {
        header.check()?;
        if header.commit == 0 {
            return Err(EncodeError::EmptyDatabase);
        }
        let bytes = header.encode();
        let mut digest = Digest::new(CrcAlgorithm::Crc64GoIso);
        digest.update(&bytes);
        out.extend_from_slice(&bytes);
        Ok(Self {
            header,
            sequence: Sequence::new(&header),
            digest,
            index: Vec::new(),
            offset: HEADER_BYTES as u64,
            pages: Checksum::EMPTY_DATABASE,
            table: None,
        })
    }

    /// Bytes of the file written so far: where the next frame will begin.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Compresses a page and appends its frame. `checksum` is the page's [`page_checksum`].
    pub fn page(
        &mut self,
        pgno: Pgno,
        page: &[u8],
        checksum: Checksum,
        out: &mut Vec<u8>,
    ) -> Result<Frame, EncodeError> {
        self.check_length(pgno, page)?;
        self.sequence.accept(pgno)?;
        let begin = out.len();
        let block_begin = begin + FRAME_HEADER_BYTES;
        out.resize(block_begin + get_maximum_output_size(page.len()), 0);
        let table = self.table.get_or_insert_default();
        let block_bytes = compress_into_with_table(page, &mut out[block_begin..], table)
            .expect("the output has the length LZ4 asks for");
        out.truncate(block_begin + block_bytes);
        let header = encode_frame_header(pgno, block_bytes as u32);
        out[begin..block_begin].copy_from_slice(&header);
        self.toggle(checksum);
        Ok(self.count(pgno, &header, page, block_bytes))
    }

    /// Appends a frame that another file already has. `page` is what it decompresses to: the
    /// caller has decoded it, and the file's checksum rests on that.
    pub fn frame(
        &mut self,
        pgno: Pgno,
        frame: &[u8],
        page: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Frame, EncodeError> {
        self.check_length(pgno, page)?;
        let (header, block) = split_frame(frame, pgno, page.len()).map_err(EncodeError::Frame)?;
        if header.len() + block.len() != frame.len() {
            return Err(EncodeError::Frame(crate::DecodeError::FrameTrailing { pgno }));
        }
        self.sequence.accept(pgno)?;
        out.extend_from_slice(frame);
        if self.tracked_snapshot() {
            self.toggle(page_checksum(pgno, page));
        }
        Ok(self.count(pgno, header, page, block.len()))
    }

    /// Appends the end of the pages, the page index and the trailer.
    ///
    /// `post_apply` is the checksum of the database after the file, absent where the header says
    /// that none is tracked; that of a snapshot must be the one of its pages.
    pub fn finish(
        mut self,
        post_apply: Checksum,
        out: &mut Vec<u8>,
    ) -> Result<FileEnd, EncodeError> {
        self.sequence.end()?;
        Trailer::check_post_apply(&self.header, post_apply, self.pages)?;
        self.index.push(0);
        let index_bytes = (self.index.len() as u64).to_be_bytes();
        let begin = out.len();
        out.extend_from_slice(&[0; PAGE_HEADER_BYTES]);
        out.extend_from_slice(&self.index);
        out.extend_from_slice(&index_bytes);
        out.extend_from_slice(&post_apply.raw().to_be_bytes());
        self.digest.update(&out[begin..]);
        let trailer =
            Trailer { post_apply, file_checksum: Checksum::of_crc(self.digest.finalize()) };
        out.extend_from_slice(&trailer.encode()[FILE_CHECKSUM_AT..]);
        let tail_bytes = out.len() - begin;
        Ok(FileEnd { file_checksum: trailer.file_checksum, len: self.offset + tail_bytes as u64 })
    }

    fn check_length(&self, pgno: Pgno, page: &[u8]) -> Result<(), EncodeError> {
        let expected = self.header.page_size.bytes();
        if page.len() == expected {
            Ok(())
        } else {
            Err(EncodeError::PageLength { pgno, expected, actual: page.len() })
        }
    }

    fn tracked_snapshot(&self) -> bool {
        self.header.is_snapshot() && !self.header.no_checksum
    }

    fn toggle(&mut self, page: Checksum) {
        self.pages = self.pages.toggle(page);
    }

    /// Enters a frame that was just appended into checksum, index and length.
    fn count(
        &mut self,
        pgno: Pgno,
        header: &[u8; FRAME_HEADER_BYTES],
        page: &[u8],
        block_bytes: usize,
    ) -> Frame {
        self.digest.update(header);
        self.digest.update(page);
        let len = (FRAME_HEADER_BYTES + block_bytes) as u32;
        let frame = Frame { pgno, offset: self.offset, len };
        push_entry(&mut self.index, &frame);
        self.offset += u64::from(len);
        frame
    }
}
