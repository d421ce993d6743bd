//! What the first 100 bytes of a file say (file format, section 1.3).

use std::ops::Range;

use actor_sqlite_ltx::PageSize;

use super::error::{ImportError, refused};

/// How long the header is.
pub(super) const HEADER_BYTES: usize = 100;

const MAGIC: &[u8] = b"SQLite format 3\0";
/// For writing and for reading: 1 for a rollback journal, 2 for WAL.
const VERSIONS: Range<usize> = 18..20;
/// Maximum and minimum embedded payload fraction, leaf payload fraction.
const FRACTIONS: (Range<usize>, [u8; 3]) = (21..24, [64, 32, 32]);
/// SQLite takes no less of a page for itself.
const USABLE_BYTES_MIN: u32 = 480;

/// What an import needs of a header. All else is for SQLite to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) page_size: PageSize,
    /// The size in pages, if the header knows it: not after a write of SQLite 3.6 or older.
    pub(super) pages: Option<u32>,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, ImportError> {
        if !bytes.starts_with(MAGIC) {
            return Err(refused("it does not begin like a SQLite database"));
        }
        let page_bytes = match u16::from_be_bytes([bytes[16], bytes[17]]) {
            1 => 65_536,
            page_bytes => u32::from(page_bytes),
        };
        let page_size = PageSize::new(page_bytes)
            .map_err(|_| refused(format!("its header names a page size of {page_bytes}")))?;
        if bytes[VERSIONS].iter().any(|version| !(1..=2).contains(version)) {
            let [write, read] = [bytes[18], bytes[19]];
            return Err(refused(format!("it has the unknown format {write} / {read}")));
        }
        if page_bytes - u32::from(bytes[20]) < USABLE_BYTES_MIN {
            return Err(refused(format!("it reserves {} bytes of each page", bytes[20])));
        }
        if bytes[FRACTIONS.0] != FRACTIONS.1 {
            return Err(refused("its header has wrong payload fractions"));
        }
        let number = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let pages = Some(number(28)).filter(|&pages| pages > 0 && number(24) == number(92));
        Ok(Self { page_size, pages })
    }
}

/// Makes the file that begins with this page one of a rollback journal. The store keeps pages, not
/// journals: a file that says WAL would be opened with one.
pub fn leave_wal(page_one: &mut [u8]) {
    if let Some(versions) = page_one.get_mut(VERSIONS) {
        versions.fill(1);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn header() -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..16].copy_from_slice(MAGIC);
        bytes[16..24].copy_from_slice(&[16, 0, 2, 2, 0, 64, 32, 32]);
        bytes[31] = 7;
        bytes
    }

    #[test]
    fn a_header_says_page_size_and_size() {
        let mut bytes = header();
        let parsed = Header::parse(&bytes).unwrap();
        assert_eq!((parsed.page_size.get(), parsed.pages), (4096, Some(7)));
        bytes[95] = 1;
        assert_eq!(Header::parse(&bytes).unwrap().pages, None);
        bytes[16..18].copy_from_slice(&[0, 1]);
        assert_eq!(Header::parse(&bytes).unwrap().page_size.get(), 65_536);
    }

    #[test]
    fn a_header_that_sqlite_would_not_take_is_refused() {
        let changes: [(usize, u8); 9] =
            [(0, 0), (15, 1), (16, 17), (17, 2), (18, 3), (19, 0), (21, 63), (22, 0), (23, 33)];
        for (at, value) in changes {
            let mut bytes = header();
            bytes[at] = value;
            let refused = Header::parse(&bytes);
            assert!(matches!(refused, Err(ImportError::File { .. })), "byte {at}: {refused:?}");
        }
        let mut bytes = header();
        bytes[16..18].copy_from_slice(&[2, 0]);
        bytes[20] = 33;
        assert!(Header::parse(&bytes).is_err());
        bytes[20] = 32;
        assert!(Header::parse(&bytes).is_ok());
    }
}
