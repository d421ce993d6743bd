//! The last 16 bytes of a file.

use crate::{Checksum, Header};

/// Length of the trailer.
pub const TRAILER_BYTES: usize = 16;

/// Where the file's own checksum begins, which is the only part of a file no checksum covers.
pub(crate) const FILE_CHECKSUM_AT: usize = 8;

/// The checksums a file ends with.
///
/// Layout, integers big-endian: post-apply checksum 8, file checksum 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Checksum of the database after the file is applied; absent where checksums are not tracked.
    pub post_apply: Checksum,
    /// Checksum of the file's logical content, pages uncompressed.
    pub file_checksum: Checksum,
}

/// A trailer breaks a rule of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrailerError {
    /// A file without tracking has a post-apply checksum.
    #[error("post-apply checksum {0} in a file that tracks none")]
    PostApplyForbidden(Checksum),
    /// A tracked file has no post-apply checksum.
    #[error("post-apply checksum {0} has no presence bit")]
    PostApplyAbsent(Checksum),
    /// A tracked snapshot's post-apply checksum is not that of its pages.
    #[error("post-apply checksum {stored} but the snapshot's pages have {computed}")]
    PostApplyMismatch {
        /// What the trailer says.
        stored: Checksum,
        /// What the pages in the file add up to.
        computed: Checksum,
    },
}

impl Trailer {
    /// Checks a post-apply checksum against the header and, for a tracked snapshot, against the
    /// checksum of all its pages.
    pub(crate) fn check_post_apply(
        header: &Header,
        post_apply: Checksum,
        pages: Checksum,
    ) -> Result<(), TrailerError> {
        if header.no_checksum {
            if post_apply != Checksum::ABSENT {
                return Err(TrailerError::PostApplyForbidden(post_apply));
            }
        } else if !post_apply.is_present() {
            return Err(TrailerError::PostApplyAbsent(post_apply));
        } else if header.is_snapshot() && post_apply != pages {
            return Err(TrailerError::PostApplyMismatch { stored: post_apply, computed: pages });
        }
        Ok(())
    }

    pub(crate) fn encode(self) -> [u8; TRAILER_BYTES] {
        let mut bytes = [0; TRAILER_BYTES];
        bytes[..8].copy_from_slice(&self.post_apply.raw().to_be_bytes());
        bytes[8..].copy_from_slice(&self.file_checksum.raw().to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: [u8; TRAILER_BYTES]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self {
            post_apply: Checksum::from_raw((both >> 64) as u64),
            file_checksum: Checksum::from_raw(both as u64),
        }
    }
}
