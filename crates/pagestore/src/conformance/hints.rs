//! Hints, and the pages they bring.

use std::sync::Arc;

use actor_sqlite_ltx::{PageSize, Pgno};

use super::Open;
use super::support::{Owner, actor, many, one, options};
use crate::{Claim, ClaimOptions, HintRange, Hints, PageStore, StoreError};

const SIZE: PageSize = PageSize::MIN;

pub(super) fn run(open: &Open<'_>) {
    hints_come_back(open);
    hints_are_the_owners(open);
    malformed_hints_are_refused(open);
    hinted_pages_come_within_the_budget(open);
    hints_of_what_is_not_there_are_passed_over(open);
}

fn hints(ranges: &[(u32, u32, u8)]) -> Hints {
    let range = |&(first, pages, score): &(u32, u32, u8)| {
        Some(HintRange { first: Pgno::new(first)?, pages, score })
    };
    Hints { ranges: ranges.iter().filter_map(range).collect() }
}

fn claim(store: &Arc<dyn PageStore>, preload_bytes_max: u64) -> Claim {
    let options = ClaimOptions { preload_bytes_max, ..options(false, SIZE) };
    store.claim(&actor("a"), &options).expect("a claim")
}

fn hints_come_back(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    let saved = hints(&[(1, 1, 255), (7, 3, 9), (200, 40, 0), (u32::MAX, 1, 1)]);
    store.save_hints(&owner.lease, &saved).expect("before the first commit");
    owner.commit(&many(SIZE, 1..=100, 1), 100);
    let first = claim(&store, 0);
    assert_eq!(first.hints, saved, "a commit leaves them");
    owner = Owner::of(&store, first);
    let most: Vec<_> = (0..Hints::RANGES_MAX as u32).map(|at| (at * 3 + 1, 2, at as u8)).collect();
    for next in [hints(&[(1, 2, 3), (3, 1, 3)]), hints(&most), Hints::default(), saved] {
        store.save_hints(&owner.lease, &next).expect("hints");
        store.save_hints(&owner.lease, &next).expect("the same again");
        owner.check();
        owner.commit(&one(SIZE, 5, owner.head.txid.get() as u32), 100);
        let claim = claim(&store, 0);
        assert_eq!((&claim.hints, claim.head), (&next, owner.head), "hints make no state");
        owner = Owner::of(&store, claim);
        store.release(&owner.lease);
        let generation = owner.lease.generation();
        let options = ClaimOptions { resume: Some(generation), ..options(false, SIZE) };
        let claim = store.claim(&actor("a"), &options).expect("a resume");
        assert_eq!(claim.hints, next);
        owner = Owner::of(&store, claim);
    }
}

fn hints_are_the_owners(open: &Open<'_>) {
    let store = open();
    let old = Owner::claim(&store, "a", SIZE);
    let saved = hints(&[(1, 4, 1)]);
    store.save_hints(&old.lease, &saved).expect("hints");
    let new = Owner::claim(&store, "a", SIZE);
    let refused = store.save_hints(&old.lease, &hints(&[(9, 9, 9)]));
    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(claim(&store, 0).hints, saved);
    store.release(&new.lease);
    let last = Owner::claim(&store, "a", SIZE);
    store.release(&last.lease);
    let refused = store.save_hints(&last.lease, &hints(&[(9, 9, 9)]));
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
    assert_eq!(claim(&store, 0).hints, saved);
}

fn malformed_hints_are_refused(open: &Open<'_>) {
    let store = open();
    let owner = Owner::claim(&store, "a", SIZE);
    let saved = hints(&[(1, 4, 1)]);
    store.save_hints(&owner.lease, &saved).expect("hints");
    let too_many: Vec<_> = (0..=Hints::RANGES_MAX as u32).map(|at| (at + 1, 1, 1)).collect();
    let malformed: [&[(u32, u32, u8)]; 6] = [
        &[(1, 0, 1)],
        &[(5, 2, 1), (6, 2, 1)],
        &[(5, 2, 1), (3, 1, 1)],
        &[(u32::MAX, 2, 1)],
        &[(2, u32::MAX, 1)],
        &too_many,
    ];
    for ranges in malformed {
        let refused = store.save_hints(&owner.lease, &hints(ranges));
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(claim(&store, 0).hints, saved);
}

fn hinted_pages_come_within_the_budget(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&many(SIZE, 1..=300, 1), 300);
    for version in 2..=5 {
        owner.commit(&many(SIZE, (version..=300).step_by(31), version), 300);
    }
    let saved = hints(&[(1, 2, 1), (40, 5, 7), (130, 70, 3), (299, 2, 7)]);
    store.save_hints(&owner.lease, &saved).expect("hints");
    let best: Vec<u32> = [40..=44, 299..=300, 130..=199, 2..=2].into_iter().flatten().collect();
    for wanted in [0, 1, 7, 20, 78, 300] {
        let budget = u64::from(SIZE.get()) * wanted as u64;
        // Not a whole page more.
        let claim = claim(&store, budget + u64::from(SIZE.get()) - 1);
        let came: Vec<u32> = claim.pages.iter().map(|(pgno, _)| pgno.get()).collect();
        assert!(came.contains(&1), "page 1 always comes");
        assert!(came.len() <= wanted + 1, "{} pages of {wanted}", came.len());
        for pgno in &best[..wanted.min(best.len())] {
            assert!(came.contains(pgno), "page {pgno} of {wanted}: {came:?}");
        }
        for (pgno, page) in &claim.pages {
            assert_eq!(owner.model.get(&pgno.get()).map(|page| &page[..]), Some(&**page));
        }
    }
}

fn hints_of_what_is_not_there_are_passed_over(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    let saved = hints(&[(1, 500, 9), (1_000, 1, 9), (u32::MAX - 5, 6, 9)]);
    store.save_hints(&owner.lease, &saved).expect("hints");
    assert!(claim(&store, u64::MAX).pages.is_empty(), "the database is empty");
    owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&many(SIZE, 1..=9, 1), 9);
    let mut came: Vec<u32> =
        claim(&store, u64::MAX).pages.iter().map(|(pgno, _)| pgno.get()).collect();
    came.sort_unstable();
    assert_eq!(came, (1..=9).collect::<Vec<_>>(), "each page once");
}
