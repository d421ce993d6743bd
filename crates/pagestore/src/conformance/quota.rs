//! A database with a quota.

use std::sync::Arc;

use actor_sqlite_ltx::PageSize;
use fastrand::Rng;

use super::Open;
use super::support::{Owner, Pages, actor, options};
use crate::{ClaimOptions, Hints, PageStore, QuotaScope, StoreError, quota_reserve_bytes};

const SIZE: PageSize = PageSize::DEFAULT;
const QUOTA_BYTES: u64 = 1 << 20;
/// Pages of a transaction.
const STEP: u32 = 8;

pub(super) fn run(open: &Open<'_>) {
    a_claim_says_which_quota_holds(open);
    a_full_database_refuses_to_grow_and_goes_on_reading(open);
    a_full_database_deletes_its_way_out(open);
    the_reserve_is_no_second_quota(open);
    rewriting_the_same_pages_never_fills_a_database(open);
}

/// Pages that no store can make smaller.
fn noise(rng: &mut Rng, pages: impl Iterator<Item = u32>) -> Pages {
    pages.map(|pgno| (pgno, (0..SIZE.bytes()).map(|_| rng.u8(..)).collect())).collect()
}

fn limited(store: &Arc<dyn PageStore>, resume: bool) -> Owner {
    let mut options = ClaimOptions { quota_bytes: Some(QUOTA_BYTES), ..options(true, SIZE) };
    if resume {
        let last = Owner::claim(store, "a", SIZE);
        store.release(&last.lease);
        options.resume = Some(last.lease.generation());
    }
    let claim = store.claim(&actor("a"), &options).expect("a claim");
    assert_eq!(claim.quota_bytes, Some(QUOTA_BYTES));
    Owner::of(store, claim)
}

/// Grows until that is refused, and says at how many pages.
fn fill(owner: &mut Owner, rng: &mut Rng) -> u32 {
    loop {
        let size = owner.head.size + STEP;
        assert!(u64::from(size) * SIZE.bytes() as u64 <= 2 * QUOTA_BYTES, "the quota does nothing");
        let pages = noise(rng, owner.head.size + 1..=size);
        match owner.try_commit(&pages, size) {
            Ok(committed) => drop(owner.enter(&pages, size, committed)),
            Err(StoreError::Quota { actor: named, scope, stored_bytes, quota_bytes }) => {
                assert_eq!((named, scope), (actor("a"), QuotaScope::Actor));
                assert_eq!(quota_bytes, QUOTA_BYTES);
                assert!(stored_bytes > quota_bytes);
                return owner.head.size;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

fn a_claim_says_which_quota_holds(open: &Open<'_>) {
    let store = open();
    let claim = store.claim(&actor("a"), &options(true, SIZE)).expect("a claim");
    assert_eq!(claim.quota_bytes, None);
    limited(&store, false);
    limited(&store, true);
}

fn a_full_database_refuses_to_grow_and_goes_on_reading(open: &Open<'_>) {
    let store = open();
    let mut rng = Rng::with_seed(1);
    let mut owner = limited(&store, false);
    let size = fill(&mut owner, &mut rng);
    assert!(u64::from(size) * SIZE.bytes() as u64 > QUOTA_BYTES / 2, "it refuses too early");
    owner.check();
    let (head, model) = (owner.head, owner.model.clone());
    for resume in [false, true] {
        let mut again = limited(&store, resume);
        assert_eq!((again.head, &again.model), (head, &model));
        assert_eq!(fill(&mut again, &mut rng), size, "it is as full as before");
        store.save_hints(&again.lease, &Hints::default()).expect("hints are no commit");
        again.check();
    }
    // Without a quota it grows on.
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&noise(&mut rng, size + 1..=size + STEP), size + STEP);
    owner.check();
}

fn a_full_database_deletes_its_way_out(open: &Open<'_>) {
    let store = open();
    let mut rng = Rng::with_seed(2);
    let mut owner = limited(&store, false);
    let size = fill(&mut owner, &mut rng);
    // A DELETE puts pages on the free list, and changes what points at them.
    for round in 0..3 {
        let pages = noise(&mut rng, 1 + round..3 + round);
        let committed = owner.try_free(&pages, size).expect("there is a reserve");
        owner.enter(&pages, size, committed);
    }
    let pages = noise(&mut rng, 1..=2);
    let committed = owner.try_free(&pages, size / 4).expect("it becomes smaller");
    owner.enter(&pages, size / 4, committed);
    owner.check();
    let again = fill(&mut owner, &mut rng);
    assert!(again > size / 2, "there is room again: {again} of {size} pages");
    owner.check();
}

fn the_reserve_is_no_second_quota(open: &Open<'_>) {
    let store = open();
    let mut rng = Rng::with_seed(3);
    let mut owner = limited(&store, false);
    let limit = QUOTA_BYTES + quota_reserve_bytes(QUOTA_BYTES);
    loop {
        let size = owner.head.size + STEP;
        let pages = noise(&mut rng, owner.head.size + 1..=size);
        match owner.try_free(&pages, size) {
            Ok(committed) => drop(owner.enter(&pages, size, committed)),
            Err(StoreError::Quota { stored_bytes, quota_bytes, .. }) => {
                assert_eq!(quota_bytes, QUOTA_BYTES);
                assert!(stored_bytes > limit);
                break;
            }
            Err(error) => panic!("{error}"),
        }
        assert!(u64::from(size) * SIZE.bytes() as u64 <= limit, "the reserve has no end");
    }
    assert!(u64::from(owner.head.size) * SIZE.bytes() as u64 > QUOTA_BYTES);
    owner.check();
}

fn rewriting_the_same_pages_never_fills_a_database(open: &Open<'_>) {
    let store = open();
    let mut rng = Rng::with_seed(4);
    let mut owner = limited(&store, false);
    let size = 4 * STEP;
    owner.commit(&noise(&mut rng, 1..=size), size);
    let mut written = 0;
    while written < 4 * QUOTA_BYTES {
        let first = rng.u32(1..size - STEP);
        owner.commit(&noise(&mut rng, first..first + STEP), size);
        written += u64::from(STEP) * SIZE.bytes() as u64;
    }
    owner.check();
}
