//! Reading a whole file, and deciding whether it is one.

use crc_fast::{CrcAlgorithm, Digest};

use crate::frame::{PageHeader, decompress, split_frame};
use crate::header::HEADER_BYTES;
use crate::index::{FILE_BYTES_MIN, parse, split_tail};
use crate::sequence::Sequence;
use crate::trailer::FILE_CHECKSUM_AT;
use crate::{
    Checksum, DecodeError, FRAME_HEADER_BYTES, Frame, Header, PAGE_HEADER_BYTES, Trailer,
    page_checksum,
};

/// How much of a file a reader is ready to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest file, in bytes.
    pub file_bytes_max: u64,
    /// The most pages in one file.
    pub pages_max: u32,
}

impl Default for Limits {
    /// 4 GiB and 4 Mi pages: far above what a store writes into one file, and no more memory
    /// than a reader of such a file has already spent on holding it.
    fn default() -> Self {
        Self { file_bytes_max: 4 << 30, pages_max: 4 << 20 }
    }
}

/// A file that keeps every rule of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Its header.
    pub header: Header,
    /// Its trailer.
    pub trailer: Trailer,
    /// Its pages, ascending.
    pub frames: Vec<Frame>,
}

/// Reads a file page by page.
///
/// The pages it hands out are proven only by [`Decoder::finish`], which checks what can be known
/// at the end alone: completeness, index and checksums.
pub struct Decoder<'a> {
    file: &'a [u8],
    header: Header,
    limits: Limits,
    sequence: Sequence,
    digest: Digest,
    pages: Checksum,
    frames: Vec<Frame>,
    at: usize,
    ended: bool,
}

impl<'a> Decoder<'a> {
    /// Checks length and header.
    pub fn new(file: &'a [u8], limits: Limits) -> Result<Self, DecodeError> {
        let bytes = file.len() as u64;
        if bytes > limits.file_bytes_max {
            return Err(DecodeError::FileTooLong { bytes, bytes_max: limits.file_bytes_max });
        }
        let header = Header::decode(file)?;
        if file.len() < FILE_BYTES_MIN {
            return Err(DecodeError::Truncated { bytes: file.len() });
        }
        let mut digest = Digest::new(CrcAlgorithm::Crc64GoIso);
        digest.update(&file[..HEADER_BYTES]);
        Ok(Self {
            file,
            header,
            limits,
            sequence: Sequence::new(&header),
            digest,
            pages: Checksum::EMPTY_DATABASE,
            frames: Vec::new(),
            at: HEADER_BYTES,
            ended: false,
        })
    }

    /// The header of the file.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Decodes the next page into `page`, which has the length of a page, or says that there is
    /// none. After an error there is nothing more to be had from the file.
    pub fn next_page(&mut self, page: &mut [u8]) -> Result<Option<Frame>, DecodeError> {
        let expected = self.header.page_size.bytes();
        if page.len() != expected {
            return Err(DecodeError::BufferLength { expected, actual: page.len() });
        }
        if self.ended {
            return Ok(None);
        }
        let rest = &self.file[self.at..];
        let Some(page_header) = rest.first_chunk::<PAGE_HEADER_BYTES>() else {
            return Err(DecodeError::Truncated { bytes: self.file.len() });
        };
        let pgno = match PageHeader::decode(*page_header)? {
            PageHeader::Page(pgno) => pgno,
            PageHeader::End => {
                self.digest.update(page_header);
                self.at += PAGE_HEADER_BYTES;
                self.ended = true;
                return Ok(None);
            }
        };
        if self.frames.len() >= self.limits.pages_max as usize {
            return Err(DecodeError::TooManyPages(self.limits.pages_max));
        }
        self.sequence.accept(pgno)?;
        let (header, block) = split_frame(rest, pgno, expected)?;
        decompress(block, pgno, page)?;
        self.digest.update(header);
        self.digest.update(page);
        if self.header.is_snapshot() && !self.header.no_checksum {
            self.pages = self.pages.toggle(page_checksum(pgno, page));
        }
        let bytes = FRAME_HEADER_BYTES + block.len();
        let frame = Frame { pgno, offset: self.at as u64, len: bytes as u32 };
        self.at += bytes;
        self.frames.push(frame);
        Ok(Some(frame))
    }

    /// Checks what comes after the pages, and all that depends on it.
    pub fn finish(mut self) -> Result<Verified, DecodeError> {
        if !self.ended {
            return Err(DecodeError::Unfinished);
        }
        self.sequence.end()?;
        let (entries, trailer) = split_tail(self.file, Some(self.at))?;
        self.check_index(&parse(entries)?)?;
        let covered = self.file.len() - trailer.len() + FILE_CHECKSUM_AT;
        self.digest.update(&self.file[self.at..covered]);
        let trailer = Trailer::decode(trailer);
        let computed = Checksum::of_crc(self.digest.finalize());
        if trailer.file_checksum != computed {
            return Err(DecodeError::FileChecksum { stored: trailer.file_checksum, computed });
        }
        Trailer::check_post_apply(&self.header, trailer.post_apply, self.pages)?;
        Ok(Verified { header: self.header, trailer, frames: self.frames })
    }

    fn check_index(&self, index: &[Frame]) -> Result<(), DecodeError> {
        if index.len() != self.frames.len() {
            let (index, pages) = (index.len(), self.frames.len());
            return Err(DecodeError::IndexCount { index, pages });
        }
        match index.iter().zip(&self.frames).find(|(entry, frame)| entry != frame) {
            Some((_, frame)) => Err(DecodeError::IndexEntry { pgno: frame.pgno }),
            None => Ok(()),
        }
    }
}

/// Reads a whole file and checks every rule of the format, those included that the official
/// decoder leaves to its caller: order, bounds and completeness of pages, the lock page, exact
/// page lengths, the index against the frames, reserved bytes, and bytes that do not belong.
///
/// What it allocates is a page and a list of frames, both bounded by the file's length.
pub fn verify(file: &[u8], limits: Limits) -> Result<Verified, DecodeError> {
    let mut decoder = Decoder::new(file, limits)?;
    let mut page = vec![0; decoder.header.page_size.bytes()];
    while decoder.next_page(&mut page)?.is_some() {}
    decoder.finish()
}
