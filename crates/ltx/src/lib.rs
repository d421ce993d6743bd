//! The LTX V3 codec: pages of one or more SQLite transactions in one file, and the value types
//! every layer above speaks in ([`Pgno`], [`Txid`], [`PageSize`], [`Checksum`]).
//!
//! Bytes in, bytes out: this crate does no I/O, keeps no clock and knows nothing of SQLite
//! beyond the number of the lock page. The byte layout is `docs/FORMAT.md`, section "LTX file".

#![forbid(unsafe_code)]

mod checksum;
mod page_size;
mod pgno;
mod txid;

pub use checksum::{Checksum, page_checksum};
pub use page_size::{InvalidPageSize, PageSize};
pub use pgno::Pgno;
pub use txid::Txid;
