//! What can be wrong with a file, and with a request to write one.

use crate::{Checksum, HeaderError, Pgno, SequenceError, TrailerError, Txid};

/// Bytes are no file of this format, or not the file that was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The header breaks a rule.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A page stands where none may, or lacks.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The trailer breaks a rule.
    #[error(transparent)]
    Trailer(#[from] TrailerError),
    /// The file is longer than the caller takes.
    #[error("the file has {bytes} bytes, more than {bytes_max}")]
    FileTooLong {
        /// Length of the file.
        bytes: u64,
        /// The caller's limit.
        bytes_max: u64,
    },
    /// The file has more pages than the caller takes.
    #[error("the file has more than {0} pages")]
    TooManyPages(u32),
    /// The file ends too early.
    #[error("the file ends after {bytes} bytes")]
    Truncated {
        /// Length of what is there.
        bytes: usize,
    },
    /// The buffer for a page has not the length of a page.
    #[error("a buffer of {actual} bytes for a page of {expected}")]
    BufferLength {
        /// The page size in bytes.
        expected: usize,
        /// The buffer's length.
        actual: usize,
    },
    /// A page header has flags but no page number.
    #[error("a page has number 0")]
    PageZero,
    /// A page header has an unknown flag.
    #[error("page {pgno} has unknown flags {flags:#06x}")]
    PageFlags {
        /// The page.
        pgno: Pgno,
        /// Its flags.
        flags: u16,
    },
    /// The page is an LZ4 frame without a length, as releases before v0.5.2 wrote them.
    #[error("page {pgno} is a legacy LZ4 frame")]
    LegacyFrame {
        /// The page.
        pgno: Pgno,
    },
    /// A frame holds another page than the one asked for.
    #[error("a frame holds page {found} instead of page {expected}")]
    WrongPage {
        /// The page asked for.
        expected: Pgno,
        /// The page there is.
        found: Pgno,
    },
    /// A frame ends too early.
    #[error("the frame of page {pgno} ends too early")]
    FrameTruncated {
        /// The page.
        pgno: Pgno,
    },
    /// There are bytes after a frame.
    #[error("the frame of page {pgno} is followed by more bytes")]
    FrameTrailing {
        /// The page.
        pgno: Pgno,
    },
    /// The compressed length is more than any encoder needs for a page of this size.
    #[error("page {pgno} claims {bytes} compressed bytes")]
    BlockTooLong {
        /// The page.
        pgno: Pgno,
        /// Its stored compressed length.
        bytes: u32,
    },
    /// The LZ4 block is damaged, or longer than a page when decompressed.
    #[error("the LZ4 block of page {pgno} is damaged")]
    Lz4 {
        /// The page.
        pgno: Pgno,
    },
    /// The LZ4 block decompresses to less than a page.
    #[error("page {pgno} decompresses to {bytes} bytes only")]
    ShortPage {
        /// The page.
        pgno: Pgno,
        /// Its decompressed length.
        bytes: usize,
    },
    /// The pages were not read to their end.
    #[error("the pages were not read to their end")]
    Unfinished,
    /// The page index ends in the middle of an entry.
    #[error("the page index ends too early")]
    IndexTruncated,
    /// The page index goes on after its end mark.
    #[error("the page index goes on after its end")]
    IndexTrailing,
    /// A number of the page index is too large or written with more bytes than it needs.
    #[error("the page index has a malformed number")]
    IndexNumber,
    /// The stored length of the page index is not its length.
    #[error("the page index is not {stored} bytes long")]
    IndexLength {
        /// The stored length.
        stored: u64,
    },
    /// An index entry cannot be true, or is not.
    #[error("the page index entry of page {pgno} is wrong")]
    IndexEntry {
        /// The page.
        pgno: Pgno,
    },
    /// The index names another number of pages than there are.
    #[error("the page index has {index} entries for {pages} pages")]
    IndexCount {
        /// Entries of the index.
        index: usize,
        /// Pages of the file.
        pages: usize,
    },
    /// The frames of the index do not reach to the end of the pages.
    #[error("the page index does not reach to the end of the pages")]
    IndexGap,
    /// The file's checksum is not that of its content.
    #[error("file checksum {stored} but the content has {computed}")]
    FileChecksum {
        /// What the trailer says.
        stored: Checksum,
        /// What the content adds up to.
        computed: Checksum,
    },
}

/// A file cannot be written as asked. Nothing was written by the call that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The header breaks a rule.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A page stands where none may, or lacks.
    #[error(transparent)]
    Sequence(#[from] SequenceError),
    /// The post-apply checksum breaks a rule.
    #[error(transparent)]
    Trailer(#[from] TrailerError),
    /// The database has no pages after the file: the official tool cannot apply such a file.
    #[error("a file that leaves a database of no pages")]
    EmptyDatabase,
    /// The page has not the length of a page.
    #[error("page {pgno} has {actual} bytes instead of {expected}")]
    PageLength {
        /// The page.
        pgno: Pgno,
        /// The page size in bytes.
        expected: usize,
        /// The page's length.
        actual: usize,
    },
    /// The frame to be reused is none of that page.
    #[error("cannot reuse a frame: {0}")]
    Frame(#[source] DecodeError),
}

/// Files cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is no file.
    #[error("no file to merge")]
    Nothing,
    /// A file is damaged.
    #[error("file {file}: {source}")]
    Decode {
        /// Position of the file, from 0.
        file: usize,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The page size changes between two files.
    #[error("file {file} has another page size than the one before it")]
    PageSize {
        /// Position of the later file, from 0.
        file: usize,
    },
    /// A file does not begin with the transaction after the last one of the file before it.
    #[error("file {file} begins with transaction {min} after transaction {previous}")]
    Gap {
        /// Position of the later file, from 0.
        file: usize,
        /// Its first transaction.
        min: Txid,
        /// The last transaction of the file before it.
        previous: Txid,
    },
    /// A file starts from another database than the file before it left.
    #[error("file {file} applies to checksum {pre_apply}, the file before it leaves {post_apply}")]
    Chain {
        /// Position of the later file, from 0.
        file: usize,
        /// What it applies to.
        pre_apply: Checksum,
        /// What there is.
        post_apply: Checksum,
    },
    /// A file makes the database larger without holding a page it adds. Applied one by one, the
    /// files would leave zeros there; merged, they could bring back what a shrink had dropped.
    #[error("file {file} adds page {pgno} without holding it")]
    Unwritten {
        /// Position of the file, from 0.
        file: usize,
        /// The page.
        pgno: Pgno,
    },
    /// The merged file breaks a rule.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}
