//! Interior pages out of random bytes, and scans over random trees. `SEED=…` repeats a run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use actor_sqlite_ltx::{PageSize, Pgno};

use crate::btree::{children, may_be_interior};
use crate::fetch::Committed;
use crate::frame::Frame;
use crate::page_cache::{Incarnation, MountCache, PageCache};
use crate::read_ahead::{Plan, ReadAhead};
use crate::tree::Base;
use crate::write_set::WriteSet;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn seeded() -> Self {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        println!("SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

fn page(number: u32) -> Pgno {
    Pgno::new(number).unwrap()
}

/// An interior page of a table with those children.
fn interior(pgno: Pgno, bytes: usize, children: &[u32]) -> Vec<u8> {
    let mut page = vec![0; bytes];
    let start = if pgno == Pgno::ONE { 100 } else { 0 };
    let (right, cells) = children.split_last().unwrap();
    page[start] = 5;
    page[start + 3..start + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
    page[start + 8..start + 12].copy_from_slice(&right.to_be_bytes());
    for (index, child) in cells.iter().enumerate() {
        let at = bytes - 5 * (index + 1);
        let pointer = start + 12 + 2 * index;
        page[pointer..pointer + 2].copy_from_slice(&(at as u16).to_be_bytes());
        page[at..at + 4].copy_from_slice(&child.to_be_bytes());
    }
    page
}

fn numbers(children: Option<Box<[Pgno]>>) -> Option<Vec<u32>> {
    children.map(|children| children.iter().map(|child| child.get()).collect())
}

#[test]
fn children_are_read_in_order() {
    for pgno in [Pgno::ONE, page(7)] {
        let list: Vec<u32> = (10..60).rev().collect();
        let bytes = interior(pgno, 1024, &list);
        assert!(may_be_interior(pgno, &bytes));
        assert_eq!(numbers(children(pgno, &bytes, 100)), Some(list.clone()));
        assert_eq!(children(pgno, &bytes, 58), None, "a child beyond the database");
        let only = interior(pgno, 512, &[2]);
        assert_eq!(numbers(children(pgno, &only, 100)), Some(vec![2]));
        for wrong in [0, 1] {
            let bytes = interior(pgno, 512, &[3, wrong, 4]);
            assert_eq!(children(pgno, &bytes, 100), None, "{wrong} is nobody's child");
        }
    }
    let own = interior(page(7), 512, &[3, 7]);
    assert_eq!(children(page(7), &own, 100), None, "no page is its own child");
    let mut leaf = interior(page(7), 512, &[3]);
    leaf[0] = 13;
    assert_eq!(children(page(7), &leaf, 100), None);
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random::seeded();
    for round in 0..20_000 {
        let pgno = page(1 + random.below(3) as u32);
        let length = [0, 5, 12, 101, 112, 512, 4096][random.below(7)];
        let mut bytes: Vec<u8> = match round % 2 {
            0 => (0..length).map(|_| random.below(256) as u8).collect(),
            _ => interior(pgno, 1024, &[9; 40]),
        };
        for _ in 0..random.below(4) {
            if !bytes.is_empty() {
                let at = random.below(bytes.len().min(200));
                bytes[at] = random.below(256) as u8;
            }
        }
        for start in [0, 100] {
            if let Some(kind) = bytes.get_mut(start) {
                *kind = [2, 5][random.below(2)];
            }
        }
        for child in children(pgno, &bytes, 1000).unwrap_or_default() {
            assert!(child > Pgno::ONE && child.get() <= 1000 && child != pgno);
        }
    }
}

/// A database of `size` pages, of which some are here.
struct Pages {
    size: u32,
    here: BTreeSet<Pgno>,
    interiors: Vec<(Pgno, Vec<Pgno>)>,
}

impl Base for Pages {
    fn size(&self) -> u32 {
        self.size
    }

    fn is_absent(&self, pgno: Pgno) -> bool {
        pgno.get() <= self.size && !self.here.contains(&pgno)
    }

    fn children(&self, pgno: Pgno) -> Option<Box<[Pgno]>> {
        let (_, children) = self.interiors.iter().find(|(at, _)| *at == pgno)?;
        self.here.contains(&pgno).then(|| children.as_slice().into())
    }
}

fn check(plan: &Plan, pgno: Pgno, pages_max: usize, base: &Pages) {
    assert!(plan.pages.contains(&pgno));
    assert!(plan.pages.len() <= pages_max + 1, "{} pages", plan.pages.len());
    assert!(plan.pages.is_sorted_by(|a, b| a < b));
    assert!(plan.pages.iter().all(|page| *page == pgno || base.is_absent(*page)));
}

#[test]
fn random_trees_lead_nowhere_else() {
    let mut random = Random::seeded();
    for _ in 0..200 {
        let size = 2 + random.below(300) as u32;
        let mut base = Pages { size, here: BTreeSet::new(), interiors: Vec::new() };
        // Any page may be a child of any other, in circles too: stored bytes are not to be trusted.
        for _ in 0..random.below(100) {
            let at = page(1 + random.below(size as usize) as u32);
            let mut child = || page(2 + random.below(size as usize - 1) as u32);
            let first = child();
            let count = first.get() % 20;
            base.interiors.push((at, (0..count).map(|_| child()).chain([first]).collect()));
        }
        let mut ahead = ReadAhead::new(Arc::new(AtomicU64::new(0)));
        let mut next = 1;
        for _ in 0..500 {
            let here = random.below(size as usize) as u32 + 1;
            next = match random.below(4) {
                0 => here,
                1 => next.saturating_sub(1).max(1),
                _ => next % size + 1,
            };
            let pgno = page(next);
            let pages_max = random.below(600);
            let plan = ahead.plan(pgno, pages_max, &base);
            check(&plan, pgno, pages_max, &base);
            base.here.extend(&plan.pages);
            let known = base.children(pgno);
            if known.is_some() {
                ahead.learn(pgno, known);
            }
            if random.below(30) == 0 {
                base.here.clear();
            }
        }
    }
}

/// A scan by page numbers: how many pages each read brings.
fn scan(ahead: &mut ReadAhead, pages: impl Iterator<Item = u32>, size: u32) -> Vec<usize> {
    let mut base = Pages { size, here: BTreeSet::new(), interiors: Vec::new() };
    let mut reads = Vec::new();
    for pgno in pages.map(page) {
        if base.is_absent(pgno) {
            let plan = ahead.plan(pgno, 512, &base);
            check(&plan, pgno, 512, &base);
            base.here.extend(&plan.pages);
            if let Some(tally) = plan.tally {
                (1..plan.pages.len()).for_each(|_| tally.add_used());
            }
            reads.push(plan.pages.len());
        }
    }
    reads
}

fn new() -> ReadAhead {
    ReadAhead::new(Arc::new(AtomicU64::new(0)))
}

#[test]
fn what_is_here_is_not_absent() {
    let (page_size, lock_page) = (PageSize::MAX, PageSize::MAX.lock_page());
    let size = lock_page.get() + 10;
    let cache = MountCache::new(PageCache::new(1 << 20), Incarnation::next());
    cache.insert(page(2), Frame::zeroed(16));
    let mut write_set = WriteSet::new(page_size, size);
    let bytes = vec![0; page_size.bytes()];
    write_set.put(page(3), &bytes);
    write_set.put(page(4), &bytes);
    write_set.set_staged();
    write_set.put(page(5), &bytes);
    write_set.truncate(size - 2);
    let base = Committed { cache: &cache, write_set: &write_set, size, lock_page };
    let here = [2, 3, 4, 5, lock_page.get(), size - 1, size, size + 1];
    assert_eq!(here.map(|number| base.is_absent(page(number))), [false; 8]);
    assert!(base.is_absent(page(6)) && base.is_absent(page(size - 2)));
}

#[test]
fn windows_double_in_both_directions() {
    let expected = [1, 5, 9, 17, 33, 65, 129, 257, 513];
    assert_eq!(scan(&mut new(), 100..1100, 5000)[..9], expected);
    assert_eq!(scan(&mut new(), (1000..2100).rev(), 5000)[..9], expected);
    let two = (0..200).flat_map(|i| [1000 + i, 4000 - i]);
    let both = [1, 1, 5, 5, 9, 9, 17, 17, 33, 33, 65, 65];
    assert_eq!(scan(&mut new(), two, 5000)[..12], both);
}

#[test]
fn random_misses_bring_one_page_each() {
    let mut random = Random::seeded();
    let mut ahead = new();
    scan(&mut ahead, 1..2000, 100_000);
    let misses: Vec<u32> = (0..1000).map(|_| 1 + random.below(100_000) as u32).collect();
    let pages: usize = scan(&mut ahead, misses.into_iter(), 100_000).iter().sum();
    assert!(pages < 1030, "{pages} pages");
}

#[test]
fn streams_that_end_early_make_the_next_ones_careful() {
    let mut ahead = new();
    let mut base = Pages { size: 100_000, here: BTreeSet::new(), interiors: Vec::new() };
    let mut brought = Vec::new();
    for start in (0..100).map(|i| 1000 * i + 5) {
        for pgno in [page(start), page(start + 1)] {
            let plan = ahead.plan(pgno, 512, &base);
            base.here.extend(&plan.pages);
            brought.push(plan.pages.len() - 1);
        }
    }
    assert_eq!(brought[1], 4);
    assert_eq!(brought[150..].iter().sum::<usize>(), 0, "{brought:?}");
}

/// A table whose last children were read at different times, some of them long ago.
#[test]
fn a_neighbour_after_other_misses_brings_one_page() {
    let mut ahead = new();
    let base = Pages { size: 10_000, here: BTreeSet::new(), interiors: Vec::new() };
    let children: Vec<Pgno> = (0..200).map(|at| page(1_000 + 7 * at)).collect();
    ahead.learn(page(2), Some(children.clone().into()));
    let mut brought = |pgno| ahead.plan(pgno, 512, &base).pages.len() - 1;
    assert_eq!(brought(children[10]), 0);
    for elsewhere in [5_000, 6_000, 7_000] {
        assert_eq!(brought(page(elsewhere)), 0);
    }
    assert_eq!(brought(children[11]), 1, "after a gap");
    assert_eq!(brought(children[100]), 0);
    assert_eq!(brought(children[101]), 4, "at once");
}

/// A scan over a table of 20 interior pages, whose leaves lie anywhere: those pages come along with
/// the leaves before them.
#[test]
fn the_next_interior_pages_come_with_the_leaves() {
    for backward in [false, true] {
        let mut ahead = new();
        let leaf = |number: u32| page(1_000 + number * 797 % 4_000);
        let mut tree: Vec<(Pgno, Vec<Pgno>)> = (0..20)
            .map(|at| (page(100 + at * 7 % 20 * 3), (200 * at..200 * at + 200).map(leaf).collect()))
            .collect();
        if backward {
            tree.reverse();
            tree.iter_mut().for_each(|(_, leaves)| leaves.reverse());
        }
        let order = |mut list: Vec<Pgno>| {
            if backward {
                list.reverse();
            }
            list
        };
        let root = order(tree.iter().map(|(at, _)| *at).collect());
        let interiors = tree.iter().map(|(at, leaves)| (*at, order(leaves.clone()))).collect();
        let mut base = Pages { size: 10_000, here: BTreeSet::new(), interiors };
        ahead.learn(page(2), Some(root.into()));
        let (mut missed, mut reads) = (0, 0);
        for (interior, leaves) in &tree {
            for &pgno in [interior].into_iter().chain(leaves) {
                if base.is_absent(pgno) {
                    let plan = ahead.plan(pgno, 128, &base);
                    check(&plan, pgno, 128, &base);
                    base.here.extend(&plan.pages);
                    if let Some(tally) = plan.tally {
                        (1..plan.pages.len()).for_each(|_| tally.add_used());
                    }
                    missed += u32::from(pgno == *interior);
                    reads += 1;
                }
                if pgno == *interior && !ahead.knows(pgno) {
                    ahead.learn(pgno, base.children(pgno));
                }
            }
        }
        assert!(missed <= 2 && reads <= 42, "{missed} of 20 missed, {reads} reads");
    }
}
