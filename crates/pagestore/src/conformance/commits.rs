//! Committing: what is refused, what is left out, what is found out later.

use actor_sqlite_ltx::{PageSize, Pgno, Txid};

use super::Open;
use super::support::{Owner, Pages, many, one, page};
use crate::{CommitRequest, Resolution, StoreError};

const SIZE: PageSize = PageSize::DEFAULT;

pub(super) fn run(open: &Open<'_>) {
    the_first_commit_holds_every_page(open);
    a_growth_must_be_complete(open);
    a_shrink_forgets_and_a_growth_shows_nothing_old(open);
    what_equals_its_base_is_left_out(open);
    a_malformed_request_is_refused(open);
    the_lock_page_is_refused_and_left_out(open);
    a_commit_is_found_by_its_id(open);
}

fn refused(owner: &mut Owner, pages: &Pages, size: u32) {
    let outcome = owner.try_commit(pages, size);
    assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    owner.check();
}

fn the_first_commit_holds_every_page(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    refused(&mut owner, &many(SIZE, 2..=4, 1), 4);
    refused(&mut owner, &Pages::new(), 0);
    owner.commit(&many(SIZE, 1..=4, 1), 4);
    assert_eq!(owner.head.txid, Txid::new(1));
    owner.check();
}

fn a_growth_must_be_complete(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&many(SIZE, 1..=2, 1), 2);
    refused(&mut owner, &one(SIZE, 4, 2), 4);
    refused(&mut owner, &Pages::new(), 3);
    owner.commit(&many(SIZE, 3..=4, 2), 4);
    owner.check();
}

fn a_shrink_forgets_and_a_growth_shows_nothing_old(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&many(SIZE, 1..=200, 1), 200);
    owner.commit(&one(SIZE, 1, 2), 70);
    owner.check();
    assert!(matches!(owner.read(&[71]), Err(StoreError::Invalid { .. })));
    refused(&mut owner, &one(SIZE, 200, 3), 200);
    owner.commit(&many(SIZE, 71..=150, 3), 150);
    owner.check();
    // Without a page: nothing but the size changes.
    owner.commit(&Pages::new(), 1);
    owner.check();
    let again = Owner::claim(&store, "a", SIZE);
    assert_eq!((again.head, &again.model), (owner.head, &owner.model));
}

fn what_equals_its_base_is_left_out(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&many(SIZE, 1..=5, 1), 5);
    let head = owner.head;
    owner.commit(&Pages::new(), 5);
    owner.commit(&many(SIZE, 2..=4, 1), 5);
    assert_eq!(owner.head, head, "nothing had changed");
    let mut pages = many(SIZE, 1..=5, 1);
    pages.insert(3, page(SIZE, 3, 2));
    owner.commit(&pages, 5);
    assert_eq!(owner.head.txid, head.txid.next());
    owner.check();
}

fn a_malformed_request_is_refused(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&many(SIZE, 1..=3, 1), 3);
    refused(&mut owner, &one(SIZE, 4, 2), 3);
    refused(&mut owner, &[(1, vec![0; 512])].into(), 3);
    let pages = [page(SIZE, 2, 2), page(SIZE, 1, 2)];
    for numbers in [[2, 1], [2, 2]] {
        let list = [0, 1].map(|at| (Pgno::new_saturating(numbers[at]), &pages[at][..]));
        let commit_id = owner.next_id();
        let request = CommitRequest {
            commit_id,
            expected_head: owner.head.txid,
            pages: &list,
            size: 3,
            staged: false,
            frees: false,
        };
        let outcome = store.commit(&owner.lease, &request);
        assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    }
    let commit_id = owner.next_id();
    let stale = owner.try_commit_as(commit_id, Txid::ZERO, &one(SIZE, 1, 2), 3);
    assert!(stale.is_err(), "a state that is not the head");
    owner.check();
}

/// The smallest database with a lock page has 16,385 pages of 64 KiB: too much for a test to
/// write, so only its refusal as content is checked here.
fn the_lock_page_is_refused_and_left_out(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", PageSize::MAX);
    let lock = PageSize::MAX.lock_page().get();
    owner.commit(&one(PageSize::MAX, 1, 1), 1);
    refused(&mut owner, &one(PageSize::MAX, lock, 1), lock);
    assert!(matches!(owner.read(&[lock]), Err(StoreError::Invalid { .. })));
}

fn a_commit_is_found_by_its_id(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    let committed = owner.commit(&one(SIZE, 1, 1), 1);
    let id = crate::CommitId { generation: owner.lease.generation(), sequence: owner.sequence };
    let landed = store.resolve(&owner.lease, id).expect("it is the newest");
    assert_eq!(landed, Resolution::Landed(committed.head, committed.ticket));
    let never = owner.next_id();
    let resolved = store.resolve(&owner.lease, never).expect("it was never made");
    assert_eq!(resolved, Resolution::NotLanded);
    let committed = owner.try_commit_as(never, owner.head.txid, &one(SIZE, 1, 2), 1);
    let committed = committed.expect("its id is free");
    let landed = store.resolve(&owner.lease, never).expect("it is the newest");
    assert_eq!(landed, Resolution::Landed(committed.head, committed.ticket));
}
