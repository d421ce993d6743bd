//! The legal page sizes of SQLite.

use crate::Pgno;

/// A page size in bytes: a power of two from 512 to 65,536.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PageSize(u32);

/// The number is not a page size SQLite knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("page size {0} is not a power of two from 512 to 65536")]
pub struct InvalidPageSize(pub u32);

impl PageSize {
    /// What a database gets unless its creator says otherwise.
    pub const DEFAULT: Self = Self(4096);
    /// The smallest legal size.
    pub const MIN: Self = Self(512);
    /// The largest legal size.
    pub const MAX: Self = Self(65_536);

    /// Checks a size in bytes.
    pub const fn new(bytes: u32) -> Result<Self, InvalidPageSize> {
        if bytes.is_power_of_two() && bytes >= Self::MIN.0 && bytes <= Self::MAX.0 {
            Ok(Self(bytes))
        } else {
            Err(InvalidPageSize(bytes))
        }
    }

    /// The size in bytes.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The size in bytes, as a length.
    pub const fn bytes(self) -> usize {
        self.0 as usize
    }

    /// The page that holds the byte at 1 GiB, which SQLite locks and never writes.
    ///
    /// It has no content, takes part in no checksum and must never be encoded.
    pub const fn lock_page(self) -> Pgno {
        Pgno::new_saturating(0x4000_0000 / self.0 + 1)
    }
}
