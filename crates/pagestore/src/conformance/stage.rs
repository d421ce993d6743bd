//! Staging: what a transaction sends before its commit, and what becomes of it.

use actor_sqlite_ltx::{PageSize, Pgno, Txid};
use fastrand::Rng;

use super::Open;
use super::support::{Owner, Pages, actor, checksum, many, one, options, page};
use crate::{CommitId, CommitRequest, Committed, PageSink, Resolution, StageRequest, StoreError};

const SIZE: PageSize = PageSize::DEFAULT;
const STEPS: u32 = 150;

pub(super) fn run(open: &Open<'_>, seed: u64) {
    nobody_sees_a_stage_before_its_commit(open);
    the_newest_version_of_a_page_counts(open);
    pages_above_the_size_do_not_count(open);
    a_growth_may_be_staged_and_must_be_complete(open);
    the_first_commit_of_a_database_may_be_staged(open);
    what_equals_its_base_is_left_out(open);
    a_stage_is_read_back_by_its_id_only(open);
    a_stage_that_was_given_up_cannot_be_committed(open);
    another_id_gives_up_the_stage_of_before(open);
    a_claim_gives_up_the_stage_of_before(open);
    a_malformed_request_is_refused(open);
    a_stage_that_failed_is_lost_with_its_id(open);
    a_commit_larger_than_a_request_is_staged_in_parts(open);
    a_staged_commit_is_found_by_its_id(open);
    random_transactions(open, seed);
}

fn list(pages: &Pages) -> Vec<(Pgno, &[u8])> {
    pages.iter().filter_map(|(&pgno, page)| Some((Pgno::new(pgno)?, page.as_slice()))).collect()
}

fn try_stage(owner: &Owner, commit_id: CommitId, pages: &Pages) -> Result<(), StoreError> {
    let (expected_head, pages) = (owner.head.txid, list(pages));
    let request = StageRequest { commit_id, expected_head, pages: &pages };
    owner.store.stage(&owner.lease, &request)
}

fn stage(owner: &Owner, commit_id: CommitId, pages: &Pages) {
    try_stage(owner, commit_id, pages).expect("a stage");
}

fn try_commit(
    owner: &Owner,
    commit_id: CommitId,
    pages: &Pages,
    size: u32,
) -> Result<Committed, StoreError> {
    let pages = list(pages);
    let expected_head = owner.head.txid;
    let request =
        CommitRequest { commit_id, expected_head, pages: &pages, size, staged: true, frees: false };
    owner.store.commit(&owner.lease, &request)
}

/// Commits what was staged with further pages, and checks the head that comes back.
fn commit(owner: &mut Owner, id: CommitId, staged: &[&Pages], pages: &Pages, size: u32) {
    let committed = try_commit(owner, id, pages, size).expect("a commit of what was staged");
    let mut model = owner.model.clone();
    for pages in staged.iter().copied().chain([pages]) {
        model.extend(pages.iter().map(|(&pgno, page)| (pgno, page.clone())));
    }
    model.split_off(&(size + 1));
    let changed = model != owner.model;
    let txid = if changed { owner.head.txid.next() } else { owner.head.txid };
    let head = crate::Head { txid, size, checksum: checksum(&model), ..owner.head };
    assert_eq!(committed.head, head);
    assert!(!changed || committed.ticket > owner.ticket, "tickets rise");
    (owner.model, owner.head, owner.ticket) = (model, committed.head, committed.ticket);
    owner.check();
}

fn refused(owner: &Owner, commit_id: CommitId, pages: &Pages, size: u32) {
    let outcome = try_commit(owner, commit_id, pages, size);
    assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    owner.check();
}

struct Sink(Pages, usize);

impl PageSink for Sink {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        let page = self.0.entry(pgno.get()).or_default();
        page.resize(self.1, 0xee);
        Some(page)
    }
}

fn read(owner: &Owner, commit_id: CommitId, pages: &[u32]) -> Result<Pages, StoreError> {
    let asked: Vec<Pgno> = pages.iter().copied().filter_map(Pgno::new).collect();
    let mut sink = Sink(Pages::new(), owner.head.page_size.bytes());
    owner.store.read_staged(&owner.lease, commit_id, &asked, &mut sink)?;
    Ok(sink.0)
}

fn unreadable(owner: &Owner, commit_id: CommitId, pgno: u32) {
    let outcome = read(owner, commit_id, &[pgno]);
    assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
}

/// An owner of a database of ten pages.
fn owner(open: &Open<'_>) -> Owner {
    let mut owner = Owner::claim(&open(), "a", SIZE);
    owner.commit(&many(SIZE, 1..=10, 1), 10);
    owner
}

fn nobody_sees_a_stage_before_its_commit(open: &Open<'_>) {
    let mut owner = owner(open);
    let id = owner.next_id();
    let staged = many(SIZE, 3..=5, 2);
    stage(&owner, id, &staged);
    owner.check();
    commit(&mut owner, id, &[&staged], &Pages::new(), 10);
    let again = Owner::claim(&owner.store, "a", SIZE);
    assert_eq!((again.head, &again.model), (owner.head, &owner.model));
}

fn the_newest_version_of_a_page_counts(open: &Open<'_>) {
    let mut owner = owner(open);
    let id = owner.next_id();
    let staged = [many(SIZE, 2..=6, 2), many(SIZE, 4..=8, 3), one(SIZE, 5, 4)];
    staged.iter().for_each(|pages| stage(&owner, id, pages));
    let last = [(4, page(SIZE, 4, 9)), (9, page(SIZE, 9, 9))].into();
    commit(&mut owner, id, &[&staged[0], &staged[1], &staged[2]], &last, 10);
    // On top of a staged commit, and of that again.
    owner.commit(&one(SIZE, 5, 5), 10);
    owner.check();
    let id = owner.next_id();
    let staged = many(SIZE, 5..=6, 6);
    stage(&owner, id, &staged);
    commit(&mut owner, id, &[&staged], &Pages::new(), 10);
}

fn pages_above_the_size_do_not_count(open: &Open<'_>) {
    let mut owner = owner(open);
    let id = owner.next_id();
    let staged = many(SIZE, 1..=40, 2);
    stage(&owner, id, &staged);
    commit(&mut owner, id, &[&staged], &Pages::new(), 12);
    let id = owner.next_id();
    let staged = many(SIZE, 4..=20, 3);
    stage(&owner, id, &staged);
    commit(&mut owner, id, &[&staged], &one(SIZE, 2, 3), 6);
    // What was beyond the size is gone, and does not come back with a growth.
    let id = owner.next_id();
    stage(&owner, id, &one(SIZE, 12, 4));
    refused(&owner, id, &Pages::new(), 12);
    owner.commit(&many(SIZE, 7..=20, 4), 20);
    owner.check();
}

fn a_growth_may_be_staged_and_must_be_complete(open: &Open<'_>) {
    let mut owner = owner(open);
    let staged = [many(SIZE, 11..=90, 2), many(SIZE, 92..=200, 2)];
    for (pages, size) in [(Pages::new(), 200), (one(SIZE, 91, 2), 201)] {
        let id = owner.next_id();
        staged.iter().for_each(|pages| stage(&owner, id, pages));
        refused(&owner, id, &pages, size);
    }
    let id = owner.next_id();
    staged.iter().for_each(|pages| stage(&owner, id, pages));
    commit(&mut owner, id, &[&staged[0], &staged[1]], &one(SIZE, 91, 2), 200);
}

fn the_first_commit_of_a_database_may_be_staged(open: &Open<'_>) {
    let mut owner = Owner::claim(&open(), "a", SIZE);
    let id = owner.next_id();
    let staged = [many(SIZE, 2..=130, 1), one(SIZE, 1, 1), many(SIZE, 60..=70, 2)];
    staged.iter().for_each(|pages| stage(&owner, id, pages));
    commit(&mut owner, id, &[&staged[0], &staged[1], &staged[2]], &one(SIZE, 3, 3), 130);
    assert_eq!(owner.head.txid, Txid::new(1));
    let again = Owner::claim(&owner.store, "a", SIZE);
    assert_eq!((again.head, &again.model), (owner.head, &owner.model));
}

fn what_equals_its_base_is_left_out(open: &Open<'_>) {
    let mut owner = owner(open);
    let head = owner.head;
    let id = owner.next_id();
    let staged = many(SIZE, 2..=4, 1);
    stage(&owner, id, &staged);
    commit(&mut owner, id, &[&staged], &one(SIZE, 7, 1), 10);
    assert_eq!(owner.head, head, "nothing had changed");
    let id = owner.next_id();
    stage(&owner, id, &Pages::new());
    commit(&mut owner, id, &[], &one(SIZE, 7, 2), 10);
    assert_eq!(owner.head.txid, head.txid.next());
}

fn a_stage_is_read_back_by_its_id_only(open: &Open<'_>) {
    let mut owner = owner(open);
    let (id, other) = (owner.next_id(), owner.next_id());
    unreadable(&owner, id, 3);
    stage(&owner, id, &many(SIZE, 3..=60, 2));
    stage(&owner, id, &many(SIZE, 50..=70, 3));
    let expected = [(70, 3), (3, 2), (55, 3), (49, 2)];
    let read_back = read(&owner, id, &expected.map(|(pgno, _)| pgno)).expect("they are staged");
    for (pgno, version) in expected {
        assert_eq!(read_back[&pgno], page(SIZE, pgno, version), "page {pgno}");
    }
    unreadable(&owner, id, 71);
    unreadable(&owner, id, 1);
    unreadable(&owner, other, 3);
    owner.store.discard(&owner.lease, id);
    unreadable(&owner, id, 3);
    owner.check();
}

fn a_stage_that_was_given_up_cannot_be_committed(open: &Open<'_>) {
    let mut owner = owner(open);
    let id = owner.next_id();
    refused(&owner, id, &one(SIZE, 1, 2), 10);
    stage(&owner, id, &many(SIZE, 1..=30, 2));
    let other = CommitId { sequence: id.sequence + 7, ..id };
    owner.store.discard(&owner.lease, other);
    assert!(read(&owner, id, &[30]).is_ok(), "another id was discarded");
    owner.store.discard(&owner.lease, id);
    owner.store.discard(&owner.lease, id);
    refused(&owner, id, &one(SIZE, 1, 2), 10);
    owner.commit(&one(SIZE, 1, 2), 10);
    owner.check();
    let id = owner.next_id();
    let staged = many(SIZE, 4..=20, 3);
    stage(&owner, id, &staged);
    commit(&mut owner, id, &[&staged], &Pages::new(), 20);
}

fn another_id_gives_up_the_stage_of_before(open: &Open<'_>) {
    let mut owner = owner(open);
    let (first, second) = (owner.next_id(), owner.next_id());
    stage(&owner, first, &many(SIZE, 1..=5, 2));
    let staged = many(SIZE, 4..=8, 3);
    stage(&owner, second, &staged);
    unreadable(&owner, first, 1);
    unreadable(&owner, second, 1);
    refused(&owner, first, &Pages::new(), 10);
    stage(&owner, second, &one(SIZE, 9, 3));
    commit(&mut owner, second, &[&staged, &one(SIZE, 9, 3)], &Pages::new(), 10);
}

fn a_claim_gives_up_the_stage_of_before(open: &Open<'_>) {
    let mut first = owner(open);
    let id = first.next_id();
    stage(&first, id, &many(SIZE, 1..=5, 2));
    let mut second = Owner::claim(&first.store, "a", SIZE);
    assert_eq!((second.head, &second.model), (first.head, &first.model));
    let fenced = |outcome: Result<(), StoreError>| {
        assert!(matches!(outcome, Err(StoreError::Fenced { .. })), "{outcome:?}");
    };
    fenced(try_stage(&first, id, &one(SIZE, 6, 2)));
    fenced(try_commit(&first, id, &Pages::new(), 10).map(|_| ()));
    fenced(read(&first, id, &[1]).map(|_| ()));
    first.store.discard(&first.lease, id);
    let same = second.next_id();
    unreadable(&second, same, 1);
    refused(&second, same, &Pages::new(), 10);
    let staged = many(SIZE, 2..=3, 4);
    stage(&second, same, &staged);
    commit(&mut second, same, &[&staged], &Pages::new(), 10);
}

fn a_malformed_request_is_refused(open: &Open<'_>) {
    let mut owner = owner(open);
    let id = owner.next_id();
    let invalid = |pages: &[(Pgno, &[u8])]| {
        let expected_head = owner.head.txid;
        let request = StageRequest { commit_id: id, expected_head, pages };
        let outcome = owner.store.stage(&owner.lease, &request);
        assert!(matches!(outcome, Err(StoreError::Invalid { .. })), "{outcome:?}");
    };
    let page = page(SIZE, 1, 2);
    let number = Pgno::new_saturating;
    invalid(&[(number(2), &page), (number(1), &page)]);
    invalid(&[(number(2), &page), (number(2), &page)]);
    invalid(&[(number(2), &page[..512])]);
    invalid(&[(SIZE.lock_page(), &page)]);
    let stale = StageRequest { commit_id: id, expected_head: Txid::ZERO, pages: &[] };
    assert!(owner.store.stage(&owner.lease, &stale).is_err(), "a state that is not the head");
    owner.check();
    let id = owner.next_id();
    let staged = one(SIZE, 2, 2);
    stage(&owner, id, &staged);
    commit(&mut owner, id, &[&staged], &Pages::new(), 10);
}

/// Else a transaction could be committed without the pages that were lost.
fn a_stage_that_failed_is_lost_with_its_id(open: &Open<'_>) {
    let mut owner = owner(open);
    let id = owner.next_id();
    stage(&owner, id, &many(SIZE, 1..=5, 2));
    let malformed = try_stage(&owner, id, &one(PageSize::MIN, 6, 2));
    assert!(matches!(malformed, Err(StoreError::Invalid { .. })), "{malformed:?}");
    unreadable(&owner, id, 1);
    let again = try_stage(&owner, id, &many(SIZE, 1..=5, 2));
    assert!(matches!(again, Err(StoreError::Invalid { .. })), "{again:?}");
    refused(&owner, id, &one(SIZE, 6, 2), 10);
    let id = owner.next_id();
    let staged = many(SIZE, 1..=5, 3);
    stage(&owner, id, &staged);
    commit(&mut owner, id, &[&staged], &Pages::new(), 10);
}

/// Five megabytes in each of two parts: a store that takes less than both at once has to say so.
fn a_commit_larger_than_a_request_is_staged_in_parts(open: &Open<'_>) {
    let store = open();
    let claim = store.claim(&actor("a"), &options(true, PageSize::MAX)).expect("a claim");
    let mut owner = Owner::claim(&store, "a", PageSize::MAX);
    let parts = [many(PageSize::MAX, 1..=80, 1), many(PageSize::MAX, 81..=160, 1)];
    let whole = many(PageSize::MAX, 1..=160, 1);
    let part_bytes = 80 * PageSize::MAX.bytes() as u64;
    let id = owner.next_id();
    if (part_bytes..2 * part_bytes).contains(&claim.commit_bytes_max) {
        for outcome in [try_stage(&owner, id, &whole), owner.try_commit(&whole, 160).map(|_| ())] {
            assert!(matches!(outcome, Err(StoreError::Limit { .. })), "{outcome:?}");
        }
    }
    let id = owner.next_id();
    if claim.commit_bytes_max >= part_bytes {
        stage(&owner, id, &parts[0]);
        commit(&mut owner, id, &[&parts[0]], &parts[1], 160);
    }
}

fn a_staged_commit_is_found_by_its_id(open: &Open<'_>) {
    let mut owner = owner(open);
    let id = owner.next_id();
    let staged = many(SIZE, 1..=3, 2);
    stage(&owner, id, &staged);
    assert_eq!(owner.store.resolve(&owner.lease, id), Ok(Resolution::NotLanded));
    commit(&mut owner, id, &[&staged], &Pages::new(), 10);
    let landed = owner.store.resolve(&owner.lease, id);
    assert_eq!(landed, Ok(Resolution::Landed(owner.head, owner.ticket)));
}

/// Transactions staged in parts of any size, committed, given up or forgotten.
fn random_transactions(open: &Open<'_>, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let page_size = PageSize::MIN;
    let store = open();
    let mut owner = Owner::claim(&store, "a", page_size);
    for step in 0..STEPS {
        let old = owner.head.size;
        let size = match rng.u32(0..5) {
            0 => rng.u32(1..=old.max(1)),
            1 => old + rng.u32(1..90),
            _ => old.max(1),
        }
        .min(400);
        let mut parts: Vec<Pages> = (0..rng.usize(0..4))
            .map(|part| {
                let numbers = (0..rng.u32(0..40)).map(|_| rng.u32(1..=size + 20));
                let numbers: Vec<u32> = numbers.collect();
                many(page_size, numbers.into_iter(), step * 10 + part as u32)
            })
            .collect();
        let mut gained = many(page_size, old + 1..=size, step * 10 + 8);
        let last = gained.split_off(&rng.u32(old + 1..=size.max(old) + 1));
        parts.push(gained);
        let id = owner.next_id();
        parts.iter().for_each(|pages| stage(&owner, id, pages));
        match rng.u32(0..10) {
            0 => store.discard(&owner.lease, id),
            1 => {}
            2 => {
                let (head, model) = (owner.head, owner.model.clone());
                owner = Owner::claim(&store, "a", page_size);
                assert_eq!((owner.head, &owner.model), (head, &model), "step {step}");
            }
            _ => {
                let parts: Vec<&Pages> = parts.iter().collect();
                commit(&mut owner, id, &parts, &last, size);
            }
        }
    }
    let again = Owner::claim(&store, "a", page_size);
    assert_eq!((again.head, again.model), (owner.head, owner.model));
}
