//! Page numbers.

use std::num::NonZeroU32;

/// The number of a page in a database; the first page is 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pgno(NonZeroU32);

impl Pgno {
    /// The page with the database header.
    pub const ONE: Self = Self(NonZeroU32::MIN);

    /// `None` for 0, which is no page.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The page of that number, and page 1 for 0.
    pub const fn new_saturating(number: u32) -> Self {
        match NonZeroU32::new(number) {
            Some(number) => Self(number),
            None => Self::ONE,
        }
    }

    /// The number, 1 or more.
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The zero-based position of the page in the file.
    pub const fn index(self) -> u32 {
        self.0.get() - 1
    }
}

impl std::fmt::Debug for Pgno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::fmt::Display for Pgno {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}
