//! Going on with a lease that was released.

use actor_sqlite_ltx::PageSize;

use super::Open;
use super::support::{Owner, actor, many, one, options};
use crate::{ClaimOptions, CommitId, Generation, PageStore, Resolution, StoreError, Ticket};

const SIZE: PageSize = PageSize::DEFAULT;

pub(super) fn run(open: &Open<'_>) {
    a_released_lease_goes_on(open);
    what_a_resumed_lease_shows_is_covered_by_its_ticket(open);
    a_lease_goes_on_again_and_again(open);
    a_lease_that_was_not_released_is_by_its_resume(open);
    a_resumed_lease_can_be_fenced(open);
    what_somebody_claimed_is_not_resumed(open);
    what_was_never_made_is_not_resumed(open);
}

fn resume(store: &dyn PageStore, generation: u64) -> Result<crate::Claim, StoreError> {
    let generation = Some(Generation(generation));
    store.claim(&actor("a"), &ClaimOptions { resume: generation, ..options(true, SIZE) })
}

fn a_released_lease_goes_on(open: &Open<'_>) {
    let store = open();
    let mut before = Owner::claim(&store, "a", SIZE);
    before.commit(&many(SIZE, 1..=3, 1), 3);
    let last = before.commit(&one(SIZE, 2, 2), 3);
    let id = CommitId { generation: before.lease.generation(), sequence: before.sequence };
    store.release(&before.lease);
    let mut owner = Owner::resume(&store, "a", before.lease.generation());
    assert_eq!((owner.head, &owner.model), (before.head, &before.model));
    assert_eq!(owner.sequence, before.sequence, "commit ids go on rising");
    let landed = store.resolve(&owner.lease, id).expect("it is the newest");
    assert!(matches!(landed, Resolution::Landed(head, _) if head == last.head));
    assert!(matches!(before.read(&[1]), Err(StoreError::Closed)));
    owner.commit(&one(SIZE, 1, 3), 3);
    owner.check();
    assert_eq!(Owner::claim(&store, "a", SIZE).model, owner.model);
}

fn what_a_resumed_lease_shows_is_covered_by_its_ticket(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    let mut last = Ticket::ZERO;
    for version in 1..=3 {
        last = owner.commit(&one(SIZE, 1, version), 1).ticket;
        store.release(&owner.lease);
        owner = Owner::resume(&store, "a", owner.lease.generation());
        assert!(owner.ticket >= last, "it shows the commit");
    }
    store.wait_durable(owner.ticket).expect("a sync");
    assert!(store.durable() >= last);
}

fn a_lease_goes_on_again_and_again(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    for version in 1..=5 {
        // In the even rounds without a commit in between.
        if version % 2 == 1 {
            owner.commit(&many(SIZE, 1..=version, version), version);
        }
        store.release(&owner.lease);
        let again = Owner::resume(&store, "a", owner.lease.generation());
        assert_eq!((again.head, &again.model), (owner.head, &owner.model));
        assert_eq!(again.sequence, owner.sequence);
        owner = again;
    }
    owner.commit(&one(SIZE, 1, 9), 5);
    owner.check();
}

fn a_lease_that_was_not_released_is_by_its_resume(open: &Open<'_>) {
    let store = open();
    let mut first = Owner::claim(&store, "a", SIZE);
    first.commit(&many(SIZE, 1..=2, 1), 2);
    let mut second = Owner::resume(&store, "a", first.lease.generation());
    assert!(matches!(first.try_commit(&one(SIZE, 1, 9), 2), Err(StoreError::Closed)));
    assert!(matches!(first.read(&[1]), Err(StoreError::Closed)));
    second.commit(&one(SIZE, 1, 2), 2);
    second.check();
    let third = Owner::resume(&store, "a", first.lease.generation());
    assert!(matches!(second.read(&[1]), Err(StoreError::Closed)));
    assert_eq!(third.model, second.model);
}

fn a_resumed_lease_can_be_fenced(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&one(SIZE, 1, 1), 1);
    store.release(&owner.lease);
    owner = Owner::resume(&store, "a", owner.lease.generation());
    let next = Owner::claim(&store, "a", SIZE);
    assert!(next.lease.generation() > owner.lease.generation());
    assert!(matches!(owner.try_commit(&one(SIZE, 1, 2), 1), Err(StoreError::Fenced { .. })));
    assert!(matches!(owner.read(&[1]), Err(StoreError::Fenced { .. })));
    next.check();
}

fn what_somebody_claimed_is_not_resumed(open: &Open<'_>) {
    let store = open();
    let mut first = Owner::claim(&store, "a", SIZE);
    first.commit(&one(SIZE, 1, 1), 1);
    store.release(&first.lease);
    let second = Owner::claim(&store, "a", SIZE);
    store.release(&second.lease);
    let (old, new) = (first.lease.generation(), second.lease.generation());
    for generation in [old.0, new.0 + 1, 0] {
        match resume(&*store, generation) {
            Err(StoreError::Fenced {
                expected_generation, actual_generation, actual_head, ..
            }) => {
                assert_eq!((expected_generation.0, actual_generation), (generation, new));
                assert_eq!(actual_head, second.head.txid);
            }
            other => panic!("fenced was expected, not {other:?}"),
        }
    }
    Owner::resume(&store, "a", new).check();
}

fn what_was_never_made_is_not_resumed(open: &Open<'_>) {
    let store = open();
    let refused = resume(&*store, 1);
    assert!(matches!(refused, Err(StoreError::NotFound { actor: named }) if named == actor("a")));
    let refused = store.claim(&actor("a"), &options(false, SIZE));
    assert!(matches!(refused, Err(StoreError::NotFound { .. })), "the resume made nothing");
}
