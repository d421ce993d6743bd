//! What a database is likely to be asked for first when it is opened again.

use actor_sqlite_ltx::Pgno;

use crate::StoreError;

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

    /// Refuses hints that are not as described: every store calls it before it keeps any.
    ///
    /// # Errors
    /// [`StoreError::Invalid`].
    pub fn check(&self) -> Result<(), StoreError> {
        let invalid = |reason: String| Err(StoreError::Invalid { reason });
        if self.ranges.len() > Self::RANGES_MAX {
            return invalid(format!("{} ranges of hints", self.ranges.len()));
        }
        let mut end = 0;
        for range in &self.ranges {
            let last = range.pages.checked_sub(1);
            let last = last.and_then(|more| range.first.get().checked_add(more));
            match last.filter(|_| range.first.get() > end) {
                Some(last) => end = last,
                None => {
                    let HintRange { first, pages, .. } = range;
                    return invalid(format!("hints of {pages} pages from {first} on, after {end}"));
                }
            }
        }
        Ok(())
    }

    /// The pages of a database of that size that the ranges name, those of the highest score first.
    pub fn pages(&self, size: u32) -> impl Iterator<Item = Pgno> + use<> {
        let mut ranges = self.ranges.clone();
        ranges.sort_by_key(|range| std::cmp::Reverse(range.score));
        ranges.into_iter().flat_map(move |HintRange { first, pages, .. }| {
            let last = first.index().saturating_add(pages).min(size);
            (first.get()..=last).filter_map(Pgno::new)
        })
    }
}
