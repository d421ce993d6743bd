//! The LTX V3 codec: pages of one or more SQLite transactions in one file, and the value types
//! every layer above speaks in ([`Pgno`], [`Txid`], [`PageSize`], [`Checksum`]).
//!
//! Bytes in, bytes out: this crate does no I/O, keeps no clock and knows nothing of SQLite
//! beyond the number of the lock page. The byte layout is `docs/FORMAT.md`, section "LTX file".

#![forbid(unsafe_code)]

mod checksum;
mod decoder;
mod encoder;
mod error;
mod frame;
mod header;
mod index;
mod merge;
mod page_size;
mod pgno;
mod sequence;
mod trailer;
mod txid;

pub use checksum::{Checksum, page_checksum};
pub use decoder::{Decoder, Limits, Verified, verify};
pub use encoder::{Encoder, FileEnd};
pub use error::{DecodeError, EncodeError, MergeError};
pub use frame::{FRAME_HEADER_BYTES, Frame, PAGE_HEADER_BYTES, decode_frame, frame_bytes_max};
pub use header::{HEADER_BYTES, Header, HeaderError, MAGIC};
pub use index::decode_index;
pub use merge::merge;
pub use page_size::{InvalidPageSize, PageSize};
pub use pgno::Pgno;
pub use sequence::SequenceError;
pub use trailer::{TRAILER_BYTES, Trailer, TrailerError};
pub use txid::Txid;
