//! CRC-64/GO-ISO checksums of pages and databases (LTX specification, "Checksum").

use crc_fast::{CrcAlgorithm, Digest};

use crate::Pgno;

/// A CRC-64/GO-ISO checksum with bit 63 set, or zero for "absent".
///
/// The bit makes every present checksum differ from zero, which is what the format stores when
/// there is none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// The bit that marks a checksum as present.
    pub const FLAG: u64 = 1 << 63;
    /// No checksum: what the format stores as zero.
    pub const ABSENT: Self = Self(0);
    /// The checksum of a database of no pages.
    pub const EMPTY_DATABASE: Self = Self(Self::FLAG);

    /// Takes a value as stored, whatever it holds.
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }

    /// Sets the presence bit on a computed CRC.
    pub const fn of_crc(crc: u64) -> Self {
        Self(crc | Self::FLAG)
    }

    /// The value as stored.
    pub const fn raw(self) -> u64 {
        self.0
    }

    /// Whether the presence bit is set.
    pub const fn is_present(self) -> bool {
        self.0 & Self::FLAG != 0
    }

    /// Adds a page to a database checksum, or takes it out again: the fold is an XOR, and its
    /// own inverse.
    #[must_use]
    pub const fn toggle(self, page: Self) -> Self {
        Self((self.0 ^ page.0) | Self::FLAG)
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::fmt::Display for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The checksum of one page: CRC over the page number, u32 big-endian, and the raw page.
pub fn page_checksum(pgno: Pgno, page: &[u8]) -> Checksum {
    let mut digest = Digest::new(CrcAlgorithm::Crc64GoIso);
    digest.update(&pgno.get().to_be_bytes());
    digest.update(page);
    Checksum::of_crc(digest.finalize())
}
