//! The first 100 bytes of a file.

use crate::{Checksum, InvalidPageSize, PageSize, Txid};

/// Length of the header.
pub const HEADER_BYTES: usize = 100;
/// The first four bytes of every version of the format.
pub const MAGIC: [u8; 4] = *b"LTX1";

const FLAG_NO_CHECKSUM: u32 = 1 << 1;
const RESERVED_AT: usize = 80;

/// What a file says about itself before its first page.
///
/// Layout, integers big-endian: magic 4, flags 4, page size 4, commit 4, min txid 8, max txid 8,
/// timestamp 8, pre-apply checksum 8, WAL offset 8, WAL size 8, WAL salts 4 + 4, node id 8, zero 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The file tracks no database checksums; its own checksum is there all the same.
    pub no_checksum: bool,
    /// Size of every page of the database.
    pub page_size: PageSize,
    /// Size of the database after the file is applied, in pages.
    pub commit: u32,
    /// The first transaction in the file; 1 makes the file a snapshot, which holds every page.
    pub min_txid: Txid,
    /// The last transaction in the file.
    pub max_txid: Txid,
    /// When the last transaction was committed, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// Checksum of the database before the file is applied; absent in snapshots and where
    /// checksums are not tracked.
    pub pre_apply: Checksum,
    /// Where in a WAL the pages came from, in bytes; 0 when they came from no WAL.
    pub wal_offset: i64,
    /// How many bytes of a WAL the pages came from.
    pub wal_size: i64,
    /// First salt of that WAL.
    pub wal_salt1: u32,
    /// Second salt of that WAL.
    pub wal_salt2: u32,
    /// A number of the writer's choosing; merging drops it.
    pub node_id: u64,
}

/// A header breaks a rule of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// There are fewer than [`HEADER_BYTES`] bytes.
    #[error("the header has {0} bytes instead of 100")]
    Truncated(usize),
    /// The file does not begin with [`MAGIC`].
    #[error("the file begins with {0:02x?} instead of LTX1")]
    Magic([u8; 4]),
    /// A header flag is set that this version does not know.
    #[error("header flags {0:#010x} have an unknown bit")]
    Flags(u32),
    /// The page size is illegal.
    #[error(transparent)]
    PageSize(#[from] InvalidPageSize),
    /// A transaction number is 0, or the first is after the last.
    #[error("transactions {min} to {max} are no range")]
    TxidRange {
        /// The first.
        min: Txid,
        /// The last.
        max: Txid,
    },
    /// A snapshot, or a file without tracking, has a pre-apply checksum.
    #[error("pre-apply checksum {0} where the file may not have one")]
    PreApplyForbidden(Checksum),
    /// A tracked file that is no snapshot has no pre-apply checksum.
    #[error("pre-apply checksum {0} has no presence bit")]
    PreApplyAbsent(Checksum),
    /// The WAL fields are negative, or set without an offset.
    #[error("WAL fields contradict each other")]
    Wal,
    /// A reserved byte is not zero.
    #[error("reserved bytes 80 to 99 are not all zero")]
    Reserved,
}

impl Header {
    /// A header without checksums, time, WAL or node: a starting point for struct update.
    pub const fn new(page_size: PageSize, commit: u32, min_txid: Txid, max_txid: Txid) -> Self {
        Self {
            no_checksum: false,
            page_size,
            commit,
            min_txid,
            max_txid,
            timestamp_ms: 0,
            pre_apply: Checksum::ABSENT,
            wal_offset: 0,
            wal_size: 0,
            wal_salt1: 0,
            wal_salt2: 0,
            node_id: 0,
        }
    }

    /// Whether the file holds the whole database: it begins with the first transaction.
    pub const fn is_snapshot(&self) -> bool {
        self.min_txid.get() == 1
    }

    /// Checks the rules that join fields.
    pub fn check(&self) -> Result<(), HeaderError> {
        if self.min_txid == Txid::ZERO || self.min_txid > self.max_txid {
            return Err(HeaderError::TxidRange { min: self.min_txid, max: self.max_txid });
        }
        let salted = self.wal_salt1 != 0 || self.wal_salt2 != 0;
        if self.wal_offset < 0
            || self.wal_size < 0
            || (self.wal_offset == 0 && (salted || self.wal_size != 0))
        {
            return Err(HeaderError::Wal);
        }
        if self.is_snapshot() || self.no_checksum {
            if self.pre_apply != Checksum::ABSENT {
                return Err(HeaderError::PreApplyForbidden(self.pre_apply));
            }
        } else if !self.pre_apply.is_present() {
            return Err(HeaderError::PreApplyAbsent(self.pre_apply));
        }
        Ok(())
    }

    /// The header as stored. Does not check it.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let flags = if self.no_checksum { FLAG_NO_CHECKSUM } else { 0 };
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&flags.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.page_size.get().to_be_bytes());
        bytes[12..16].copy_from_slice(&self.commit.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.min_txid.get().to_be_bytes());
        bytes[24..32].copy_from_slice(&self.max_txid.get().to_be_bytes());
        bytes[32..40].copy_from_slice(&self.timestamp_ms.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.pre_apply.raw().to_be_bytes());
        bytes[48..56].copy_from_slice(&self.wal_offset.to_be_bytes());
        bytes[56..64].copy_from_slice(&self.wal_size.to_be_bytes());
        bytes[64..68].copy_from_slice(&self.wal_salt1.to_be_bytes());
        bytes[68..72].copy_from_slice(&self.wal_salt2.to_be_bytes());
        bytes[72..80].copy_from_slice(&self.node_id.to_be_bytes());
        bytes
    }

    /// Reads and checks the header at the beginning of `bytes`, which may be longer.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let Some(bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(HeaderError::Truncated(bytes.len()));
        };
        if bytes[0..4] != MAGIC {
            return Err(HeaderError::Magic([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
        let flags = u32_at(bytes, 4);
        if flags & !FLAG_NO_CHECKSUM != 0 {
            return Err(HeaderError::Flags(flags));
        }
        if bytes[RESERVED_AT..].iter().any(|&byte| byte != 0) {
            return Err(HeaderError::Reserved);
        }
        let header = Self {
            no_checksum: flags & FLAG_NO_CHECKSUM != 0,
            page_size: PageSize::new(u32_at(bytes, 8))?,
            commit: u32_at(bytes, 12),
            min_txid: Txid::new(u64_at(bytes, 16)),
            max_txid: Txid::new(u64_at(bytes, 24)),
            timestamp_ms: u64_at(bytes, 32).cast_signed(),
            pre_apply: Checksum::from_raw(u64_at(bytes, 40)),
            wal_offset: u64_at(bytes, 48).cast_signed(),
            wal_size: u64_at(bytes, 56).cast_signed(),
            wal_salt1: u32_at(bytes, 64),
            wal_salt2: u32_at(bytes, 68),
            node_id: u64_at(bytes, 72),
        };
        header.check()?;
        Ok(header)
    }
}

fn u32_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_be_bytes(number)
}

fn u64_at(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_be_bytes(number)
}
