//! Pages of several files, of which the newest version of each counts.

use actor_sqlite_ltx::Pgno;

use crate::rows::IndexPage;

/// A page, and which file of a list holds this version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PlacedPage {
    pub(crate) page: IndexPage,
    /// Number of the file; what it means is the owner's.
    pub(crate) file: u32,
}

/// The newest version of every page of some files, 32 bytes a page.
///
/// Sorted runs, newest last, each more than twice as long as the one after it: a run is merged into
/// the next when it is not. So there are few of them however many files there were, and a page
/// is moved a number of times that grows with the logarithm of the files.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    runs: Vec<Vec<PlacedPage>>,
}

impl Layers {
    /// Adds a file that is newer than all before. `pages` are ascending.
    pub(crate) fn push(&mut self, file: u32, pages: &[IndexPage]) {
        let mut newest: Vec<PlacedPage> =
            pages.iter().map(|&page| PlacedPage { page, file }).collect();
        while let Some(older) = self.runs.pop_if(|older| older.len() <= 2 * newest.len()) {
            newest = merge(&older, &newest);
        }
        self.runs.push(newest);
    }

    /// The newest version of a page.
    pub(crate) fn find(&self, pgno: Pgno) -> Option<PlacedPage> {
        self.runs.iter().rev().find_map(|run| find(run, pgno))
    }

    /// Forgets the pages above a size.
    pub(crate) fn truncate(&mut self, size: u32) {
        for run in &mut self.runs {
            run.truncate(run.partition_point(|placed| placed.page.pgno.get() <= size));
        }
    }

    /// Every version that is held, in no order: some pages may come more than once.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &PlacedPage> {
        self.runs.iter().flatten()
    }

    /// How many versions are held; no fewer than pages.
    pub(crate) fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// Each page once, ascending.
    pub(crate) fn into_pages(mut self) -> Vec<PlacedPage> {
        let mut pages = self.runs.pop().unwrap_or_default();
        while let Some(older) = self.runs.pop() {
            pages = merge(&older, &pages);
        }
        pages
    }

    /// What [`Self::into_pages`] gives once another file is pushed and the layers are cut to a size.
    pub(crate) fn pages_with(&self, file: u32, pages: &[IndexPage], size: u32) -> Vec<PlacedPage> {
        let within = |run: &[PlacedPage]| run.partition_point(|at| at.page.pgno.get() <= size);
        let newest: Vec<PlacedPage> = pages.iter().map(|&page| PlacedPage { page, file }).collect();
        let newest = newest[..within(&newest)].to_vec();
        self.runs.iter().rev().fold(newest, |newer, run| merge(&run[..within(run)], &newer))
    }
}

/// A page of a sorted run.
pub(crate) fn find(run: &[PlacedPage], pgno: Pgno) -> Option<PlacedPage> {
    run.binary_search_by_key(&pgno, |placed| placed.page.pgno).ok().map(|at| run[at])
}

/// Both runs in one, where a page of the newer goes before.
fn merge(older: &[PlacedPage], newer: &[PlacedPage]) -> Vec<PlacedPage> {
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut rest = older;
    for &placed in newer {
        let before = rest.partition_point(|old| old.page.pgno < placed.page.pgno);
        merged.extend_from_slice(&rest[..before]);
        rest = &rest[before..];
        if let [same, after @ ..] = rest
            && same.page.pgno == placed.page.pgno
        {
            rest = after;
        }
        merged.push(placed);
    }
    merged.extend_from_slice(rest);
    if merged.len() < merged.capacity() / 4 * 3 {
        merged.shrink_to_fit();
    }
    merged
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use actor_sqlite_ltx::Checksum;

    use super::*;

    fn page(number: u32) -> IndexPage {
        let checksum = Checksum::of_crc(u64::from(number));
        IndexPage { pgno: Pgno::new(number).unwrap(), chunk: 0, offset: 100, len: 20, checksum }
    }

    #[test]
    fn the_newest_version_of_each_page_is_found() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut layers, mut model) = (Layers::default(), BTreeMap::new());
        for file in 0..200 {
            let mut numbers: Vec<u32> = (0..rng.u32(1..30)).map(|_| rng.u32(1..400)).collect();
            numbers.sort_unstable();
            numbers.dedup();
            let pages: Vec<IndexPage> = numbers.iter().copied().map(page).collect();
            let size = rng.u32(300..500);
            let mut next = model.clone();
            next.extend(numbers.iter().map(|&number| (number, file)));
            next.split_off(&(size + 1));
            let listed = layers.pages_with(file, &pages, size);
            let listed: BTreeMap<u32, u32> =
                listed.iter().map(|placed| (placed.page.pgno.get(), placed.file)).collect();
            assert_eq!(listed, next);
            layers.push(file, &pages);
            layers.truncate(size);
            model = next;
            for number in 1..500 {
                let found = layers.find(Pgno::new(number).unwrap());
                assert_eq!(found.map(|found| found.file), model.get(&number).copied());
            }
            assert!(layers.runs.len() < 10, "{} runs", layers.runs.len());
            assert!(layers.len() >= model.len() && layers.iter().count() == layers.len());
        }
        let pages = layers.into_pages();
        assert!(pages.is_sorted_by_key(|placed| placed.page.pgno));
        assert_eq!(pages.len(), model.len());
    }

    #[test]
    fn a_page_takes_32_bytes_and_is_moved_a_few_times() {
        assert_eq!(size_of::<PlacedPage>(), 32);
        let mut layers = Layers::default();
        for file in 0..1024 {
            let pages: Vec<IndexPage> = (0..64).map(|at| page(1 + at * 1024 + file)).collect();
            layers.push(file, &pages);
        }
        let capacity: usize = layers.runs.iter().map(Vec::capacity).sum();
        assert_eq!(layers.len(), 65_536);
        assert!(capacity < 70_000, "{capacity} places for 65,536 pages");
    }
}
