//! What a database is likely to be asked for first when it is opened again.

use actor_sqlite_ltx::Pgno;

/// A run of pages that were read after recent openings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HintRange {
    /// The first page.
    pub first: Pgno,
    /// How many, 1 or more.
    pub pages: u32,
    /// How sure the owner is: hints of a higher score are brought first. What else it means, and how
    /// it fades, is the owner's.
    pub score: u8,
}

/// Ranges of pages, ascending and without overlap. A store keeps them for the owner and uses them
/// at the next claim; pages beyond the database are passed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// At most [`Self::RANGES_MAX`].
    pub ranges: Vec<HintRange>,
}

impl Hints {
    /// The most ranges a store keeps.
    pub const RANGES_MAX: usize = 256;
}
