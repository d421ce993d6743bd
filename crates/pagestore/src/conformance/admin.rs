//! Listing and deleting databases.

use std::sync::Arc;

use actor_sqlite_ltx::{PageSize, Txid};

use super::OpenAdmin;
use super::support::{Owner, actor, many, one, options};
use crate::{
    ActorId, ClaimOptions, Generation, Hints, ListRequest, PageStore, PageStoreAdmin, StoreError,
};

const SIZE: PageSize = PageSize::MIN;

pub(super) fn run(open: &OpenAdmin<'_>) {
    databases_are_listed_in_the_order_of_their_names(open);
    what_no_name_can_hold_is_not_looked_for(open);
    a_deleted_database_is_not_there(open);
    an_owner_is_fenced_by_the_deletion(open);
    a_lease_that_sleeps_is_not_resumed_after_the_deletion(open);
    a_later_database_of_the_name_has_nothing_of_the_one_before(open);
    a_deletion_is_covered_by_its_ticket(open);
}

fn names(admin: &dyn PageStoreAdmin, request: ListRequest<'_>) -> Vec<String> {
    let actors = admin.list(&request).expect("a list");
    assert!(actors.iter().all(|actor| actor.namespace() == request.namespace));
    actors.iter().map(|actor| actor.name().to_owned()).collect()
}

fn all(namespace: &str) -> ListRequest<'_> {
    ListRequest { namespace, prefix: "", after: None, limit: usize::MAX }
}

fn databases_are_listed_in_the_order_of_their_names(open: &OpenAdmin<'_>) {
    let (store, admin) = open();
    assert!(names(&*admin, all("n")).is_empty());
    // In the order of their bytes: the last two are not in that of UTF-16.
    let long = "y".repeat(ActorId::PART_BYTES_MAX);
    let sorted =
        ["\u{1}", "a", "a\u{1}", "a/b", "aa", "ab", "b", &long, "é", "日本", "\u{ffee}", "🦀"];
    for (at, name) in sorted.iter().rev().enumerate() {
        for namespace in ["n", "", "n\u{1}"].iter().take(1 + at % 3) {
            let id = ActorId::new(namespace, name).expect("a legal name");
            assert!(!admin.exists(&id).expect("an answer"));
            store.claim(&id, &options(true, SIZE)).expect("a claim");
            assert!(admin.exists(&id).expect("an answer"));
        }
    }
    assert_eq!(names(&*admin, all("n")), sorted);
    for limit in 1..=sorted.len() + 1 {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let request = ListRequest { after: after.as_deref(), limit, ..all("n") };
            let page = names(&*admin, request);
            listed.extend(page.iter().cloned());
            after = page.last().cloned();
            if page.len() < limit {
                break;
            }
        }
        assert_eq!(listed, sorted, "in pages of {limit}");
    }
    let begins = |prefix| names(&*admin, ListRequest { prefix, ..all("n") });
    assert_eq!(begins("a"), ["a", "a\u{1}", "a/b", "aa", "ab"]);
    assert_eq!(begins("é"), ["é"]);
    assert_eq!(begins("🦀"), ["🦀"]);
    assert_eq!(begins(&long), [long.as_str()]);
    assert!(begins("c").is_empty());
    let request = ListRequest { prefix: "a", after: Some("a/"), limit: 2, ..all("n") };
    assert_eq!(names(&*admin, request), ["a/b", "aa"]);
    assert_eq!(names(&*admin, ListRequest { after: Some("A"), ..request }), ["a", "a\u{1}"]);
    assert!(names(&*admin, ListRequest { after: Some("b"), ..request }).is_empty());
    assert!(names(&*admin, ListRequest { limit: 0, ..request }).is_empty());
}

fn what_no_name_can_hold_is_not_looked_for(open: &OpenAdmin<'_>) {
    let (store, admin) = open();
    store.claim(&ActorId::new("", "a").expect("a name"), &options(true, SIZE)).expect("a claim");
    let long = "y".repeat(ActorId::PART_BYTES_MAX + 1);
    for text in ["a\0", "a\0EPOCH", long.as_str()] {
        for request in [
            ListRequest { prefix: text, ..all("") },
            ListRequest { after: Some(text), ..all("") },
            all(text),
        ] {
            let refused = admin.list(&request);
            assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
        }
    }
}

/// A database with some content, hints and a stage that is open.
fn filled(store: &Arc<dyn PageStore>, name: &str) -> Owner {
    let mut owner = Owner::claim(store, name, SIZE);
    owner.commit(&many(SIZE, 1..=70, 1), 70);
    owner.commit(&one(SIZE, 3, 2), 70);
    let first = actor_sqlite_ltx::Pgno::ONE;
    let ranges = vec![crate::HintRange { first, pages: 3, score: 1 }];
    store.save_hints(&owner.lease, &Hints { ranges }).expect("hints");
    owner
}

fn a_deleted_database_is_not_there(open: &OpenAdmin<'_>) {
    let (store, admin) = open();
    let beside = filled(&store, "ab");
    for name in ["a", "never"] {
        let there = name == "a";
        if there {
            filled(&store, name);
        }
        assert_eq!(admin.exists(&actor(name)), Ok(there));
        let deletion = admin.delete(&actor(name)).expect("a deletion");
        assert_eq!(deletion.existed, there);
        assert_eq!(admin.exists(&actor(name)), Ok(false));
        assert_eq!(admin.stat(&actor(name)), Ok(None));
        assert!(matches!(admin.verify(&actor(name)), Err(StoreError::NotFound { .. })));
        assert_eq!(names(&*admin, all("conformance")), ["ab"]);
        let refused = store.claim(&actor(name), &options(false, SIZE));
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        assert!(!admin.delete(&actor(name)).expect("a deletion").existed);
    }
    beside.check();
}

/// The error of a lease whose database was deleted, and is `now` of that generation.
fn assert_over(refused: Option<StoreError>, owner: &Owner, now: Generation) {
    match refused {
        Some(StoreError::Fenced { expected_generation, actual_generation, .. }) => {
            assert_eq!(expected_generation, owner.lease.generation());
            // A lease that was told of the deletion goes on to say so.
            assert!([Generation::NONE, now].contains(&actual_generation), "{actual_generation:?}");
        }
        other => panic!("fenced was expected, not {other:?}"),
    }
}

fn an_owner_is_fenced_by_the_deletion(open: &OpenAdmin<'_>) {
    let (store, admin) = open();
    let mut owner = filled(&store, "a");
    assert!(admin.delete(&actor("a")).expect("a deletion").existed);
    let mut now = Generation::NONE;
    for again in [false, true] {
        if again {
            // With the same content, so that only the generation tells the two.
            now = filled(&store, "a").lease.generation();
            assert!(now > owner.lease.generation());
        }
        let id = owner.next_id();
        assert_over(owner.try_commit(&one(SIZE, 1, 9), 70).err(), &owner, now);
        assert_over(owner.read(&[1, 69]).err(), &owner, now);
        assert_over(store.resolve(&owner.lease, id).err(), &owner, now);
        assert_over(store.save_hints(&owner.lease, &Hints::default()).err(), &owner, now);
        assert_eq!(admin.exists(&actor("a")), Ok(again));
    }
    store.release(&owner.lease);
    let mut last = Owner::claim(&store, "a", SIZE);
    assert_eq!(last.model[&1], many(SIZE, 1..=1, 1)[&1], "the zombie has changed nothing");
    last.commit(&one(SIZE, 1, 5), 70);
    last.check();
}

fn a_lease_that_sleeps_is_not_resumed_after_the_deletion(open: &OpenAdmin<'_>) {
    let (store, admin) = open();
    let owner = filled(&store, "a");
    store.release(&owner.lease);
    let resume = ClaimOptions { resume: Some(owner.lease.generation()), ..options(true, SIZE) };
    assert!(admin.delete(&actor("a")).expect("a deletion").existed);
    for create in [true, false] {
        let refused = store.claim(&actor("a"), &ClaimOptions { create, ..resume.clone() });
        assert_over(refused.err(), &owner, Generation::NONE);
        assert_eq!(admin.exists(&actor("a")), Ok(false), "a resume makes nothing");
    }
    let next = filled(&store, "a");
    assert!(next.lease.generation() > owner.lease.generation());
    assert_over(store.claim(&actor("a"), &resume).err(), &owner, next.lease.generation());
    next.check();
}

fn a_later_database_of_the_name_has_nothing_of_the_one_before(open: &OpenAdmin<'_>) {
    let (store, admin) = open();
    let mut last = Generation::NONE;
    for life in 1..=4 {
        let mut owner = filled(&store, "a");
        for _ in 0..life % 3 {
            owner = Owner::claim(&store, "a", SIZE);
        }
        assert!(owner.lease.generation() > last, "no generation is granted twice");
        last = owner.lease.generation();
        assert!(admin.delete(&actor("a")).expect("a deletion").existed);
        let claim = store.claim(&actor("a"), &options(true, PageSize::DEFAULT)).expect("a claim");
        assert!(claim.lease.generation() > last);
        last = claim.lease.generation();
        assert_eq!((claim.head.txid, claim.head.size), (Txid::ZERO, 0));
        assert_eq!((claim.head.page_size, claim.next_sequence), (PageSize::DEFAULT, 1));
        assert!(claim.pages.is_empty() && claim.hints.ranges.is_empty());
        assert!(admin.delete(&actor("a")).expect("a deletion").existed);
    }
}

fn a_deletion_is_covered_by_its_ticket(open: &OpenAdmin<'_>) {
    let (store, admin) = open();
    let owner = filled(&store, "a");
    for existed in [true, false] {
        let deletion = admin.delete(&actor("a")).expect("a deletion");
        assert_eq!(deletion.existed, existed);
        assert!(deletion.ticket > owner.ticket, "it comes after what it deletes");
        store.wait_durable(deletion.ticket).expect("a sync");
        assert!(store.durable() >= deletion.ticket);
    }
}
