//! Claiming, fencing, releasing.

use actor_sqlite_ltx::{Checksum, PageSize, Txid};

use super::Open;
use super::support::{Owner, actor, many, one, options};
use crate::{Generation, StoreError};

const SIZE: PageSize = PageSize::DEFAULT;

pub(super) fn run(open: &Open<'_>) {
    a_database_is_made_only_when_asked(open);
    each_claim_takes_a_higher_generation_and_fences_the_one_before(open);
    databases_do_not_see_each_other(open);
    a_released_lease_is_closed(open);
    a_lease_of_another_store_is_refused(open);
}

fn a_database_is_made_only_when_asked(open: &Open<'_>) {
    let store = open();
    let refused = store.claim(&actor("a"), &options(false, SIZE));
    assert!(matches!(refused, Err(StoreError::NotFound { actor: named }) if named == actor("a")));
    let claim = store.claim(&actor("a"), &options(true, SIZE)).expect("a claim that makes it");
    assert_eq!((claim.head.txid, claim.head.size), (Txid::ZERO, 0));
    assert_eq!(claim.head.checksum, Checksum::EMPTY_DATABASE);
    assert!(claim.pages.is_empty());
    let again = store.claim(&actor("a"), &options(false, PageSize::MIN)).expect("it is there now");
    assert_eq!(again.head.page_size, SIZE, "a database keeps its page size");
}

fn each_claim_takes_a_higher_generation_and_fences_the_one_before(open: &Open<'_>) {
    let store = open();
    let mut first = Owner::claim(&store, "a", SIZE);
    first.commit(&many(SIZE, 1..=3, 1), 3);
    let mut second = Owner::claim(&store, "a", SIZE);
    assert!(second.lease.generation() > first.lease.generation());
    assert_eq!((&second.model, second.head), (&first.model, first.head));
    second.commit(&one(SIZE, 2, 2), 3);

    let expected = (first.lease.generation(), second.lease.generation());
    let fenced = |error: Option<StoreError>| match error {
        Some(StoreError::Fenced { expected_generation, actual_generation, .. }) => {
            assert_eq!((expected_generation, actual_generation), expected);
        }
        other => panic!("fenced was expected, not {other:?}"),
    };
    let id = first.next_id();
    fenced(first.try_commit(&one(SIZE, 1, 9), 3).err());
    fenced(first.read(&[1]).err());
    fenced(first.store.resolve(&first.lease, id).err());
    second.check();
    second.commit(&one(SIZE, 1, 3), 3);
    second.check();
    assert_ne!(second.lease.generation(), Generation(0));
}

fn databases_do_not_see_each_other(open: &Open<'_>) {
    let store = open();
    let names = ["a", "a/b", "b", "ab", "a\u{1}"];
    let mut owners: Vec<Owner> =
        names.iter().map(|name| Owner::claim(&store, name, SIZE)).collect();
    for (version, owner) in (1..).zip(&mut owners) {
        owner.commit(&many(SIZE, 1..=version, version), version);
    }
    for owner in &mut owners {
        owner.check();
        owner.commit(&one(SIZE, 1, 77), owner.head.size);
    }
    for owner in &owners {
        owner.check();
    }
}

fn a_released_lease_is_closed(open: &Open<'_>) {
    let store = open();
    let mut owner = Owner::claim(&store, "a", SIZE);
    owner.commit(&one(SIZE, 1, 1), 1);
    let model = owner.model.clone();
    store.release(&owner.lease);
    assert!(matches!(owner.read(&[1]), Err(StoreError::Closed)));
    assert!(matches!(owner.try_commit(&one(SIZE, 1, 2), 1), Err(StoreError::Closed)));
    assert_eq!(Owner::claim(&store, "a", SIZE).model, model);
}

fn a_lease_of_another_store_is_refused(open: &Open<'_>) {
    let mut owner = Owner::claim(&open(), "a", SIZE);
    owner.store = open();
    let foreign = crate::Lease::new(actor("a"), owner.lease.generation(), std::sync::Arc::new(()));
    owner.lease = foreign;
    assert!(matches!(owner.try_commit(&one(SIZE, 1, 2), 1), Err(StoreError::Invalid { .. })));
    assert!(matches!(owner.read(&[1]), Err(StoreError::Invalid { .. })));
}
