//! One page in memory.

use std::sync::Arc;

/// The bytes of one page, shared between the write set, a commit and the page cache.
///
/// One allocation. The write set fills it once; after the commit the same allocation is the page
/// cache's, without a copy.
#[derive(Clone)]
pub(crate) struct Frame(Arc<[u8]>);

impl Frame {
    /// A copy of a page.
    pub fn copy_of(page: &[u8]) -> Self {
        Self(page.into())
    }

    /// A page of zeros.
    pub fn zeroed(bytes: usize) -> Self {
        Self(std::iter::repeat_n(0, bytes).collect())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes for writing, if nobody else holds the frame.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        Arc::get_mut(&mut self.0)
    }

    /// Replaces the content: in place if nobody else holds the frame, else in a new one.
    pub fn overwrite(&mut self, page: &[u8]) {
        match self.bytes_mut() {
            Some(bytes) if bytes.len() == page.len() => bytes.copy_from_slice(page),
            _ => *self = Self::copy_of(page),
        }
    }
}
