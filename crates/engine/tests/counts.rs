//! How many operations of the store each piece of work takes. Counts, not times.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::EngineOptions;
use actor_sqlite_kv::{Counters, FaultKv};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{ActorId, ClaimOptions, HintRange, Hints, PageStore};
use common::*;
use fastrand::Rng;

/// What happened between two counts.
fn since(kv: &FaultKv, before: Counters) -> Counters {
    let after = kv.counters();
    Counters {
        snapshots: after.snapshots - before.snapshots,
        gets: after.gets - before.gets,
        multi_gets: after.multi_gets - before.multi_gets,
        scans: after.scans - before.scans,
        scan_rows: after.scan_rows - before.scan_rows,
        commits: after.commits - before.commits,
        rows_put: after.rows_put - before.rows_put,
        rows_added_to: after.rows_added_to - before.rows_added_to,
        rows_deleted: after.rows_deleted - before.rows_deleted,
        guards: after.guards - before.guards,
        ..Counters::default()
    }
}

fn filled(pages: u32) -> (Arc<FaultKv>, Owner) {
    filled_in("", pages)
}

fn filled_in(namespace: &str, pages: u32) -> (Arc<FaultKv>, Owner) {
    let kv = Arc::new(FaultKv::new());
    let engine = engine_with(kv.clone(), EngineOptions::default());
    let mut owner = Owner::claim(&engine, &ActorId::new(namespace, "a").unwrap());
    let mut rng = Rng::with_seed(1);
    let all: Pages = (1..=pages).map(|pgno| (pgno, random_page(&mut rng, 512))).collect();
    owner.commit(&all, pages).unwrap();
    let one = [(1, vec![9; 512])].into();
    owner.commit(&one, pages).unwrap();
    (kv, owner)
}

fn read_one(owner: &Owner, pgno: u32) {
    let asked = [Pgno::new(pgno).unwrap()];
    let sink = Sink { page_bytes: 512, ..Sink::default() };
    let mut sink = Strict { asked: &asked, sink };
    owner.engine.read(&owner.lease, owner.head.txid, &asked, &mut sink).unwrap();
    assert_eq!(sink.sink.pages[&pgno], owner.model[&pgno]);
}

#[test]
fn a_small_commit_is_three_rows_one_guard_and_no_read() {
    // A namespace has a counter, and who has none pays nothing for that.
    for (namespace, rows_added_to) in [("", 0), ("tenant", 1)] {
        let (kv, mut owner) = filled_in(namespace, 200);
        for pages in [1, 4, 20] {
            let before = kv.counters();
            let pages: Pages =
                (10..10 + pages).map(|pgno| (pgno, vec![pages as u8; 512])).collect();
            owner.commit(&pages, 200).unwrap();
            let did = since(&kv, before);
            let expected = Counters {
                commits: 1,
                rows_put: 3,
                rows_added_to,
                guards: 1,
                ..Counters::default()
            };
            assert_eq!(did, expected);
        }
    }
}

#[test]
fn an_empty_commit_asks_the_store_nothing() {
    let (kv, mut owner) = filled(20);
    let before = kv.counters();
    let same: Pages = owner.model.range(3..7).map(|(&pgno, page)| (pgno, page.clone())).collect();
    let head = owner.head;
    assert_eq!(owner.commit(&same, 20).unwrap().head, head);
    assert_eq!(owner.commit(&Pages::new(), 20).unwrap().head, head);
    assert_eq!(since(&kv, before), Counters::default());
}

#[test]
fn a_cold_page_is_one_get() {
    let (kv, owner) = filled(200);
    let before = kv.counters();
    read_one(&owner, 77);
    let expected = Counters { snapshots: 1, gets: 1, ..Counters::default() };
    assert_eq!(since(&kv, before), expected, "from a delta");

    owner.engine.compact(owner.actor()).unwrap();
    let before = kv.counters();
    read_one(&owner, 77);
    let first = Counters { snapshots: 2, multi_gets: 1, scans: 1, scan_rows: 1, ..expected };
    assert_eq!(since(&kv, before), first, "EPOCH, ROOT and the index of the shard come first");
    let before = kv.counters();
    read_one(&owner, 78);
    assert_eq!(since(&kv, before), expected, "from a shard");
}

#[test]
fn pages_of_one_row_are_one_get() {
    let (kv, owner) = filled(200);
    let before = kv.counters();
    let asked: Vec<Pgno> = (100..130).filter_map(Pgno::new).collect();
    let mut sink = Sink { page_bytes: 512, ..Sink::default() };
    owner.engine.read(&owner.lease, owner.head.txid, &asked, &mut sink).unwrap();
    let did = since(&kv, before);
    assert!(did.gets <= 2, "30 pages of 512 bytes lie in one chunk of 32 KiB, or two: {did:?}");
    assert!(sink.pages.len() >= 30);
}

#[test]
fn a_claim_is_one_look_one_batch_and_page_one() {
    let (kv, owner) = filled(200);
    let before = kv.counters();
    let claim = claim(&owner.engine, owner.actor()).unwrap();
    let did = since(&kv, before);
    let expected = Counters {
        // One to look, one to read page 1 after the batch.
        snapshots: 2,
        // EPOCH, HEAD and ROOT.
        multi_gets: 1,
        // The page indexes above the watermark, and the deltas above the head.
        scans: 2,
        scan_rows: 2,
        commits: 1,
        guards: 3,
        rows_put: 2,
        // The chunk that holds page 1.
        gets: 1,
        ..Counters::default()
    };
    assert_eq!(did, expected);
    assert_eq!(&*claim.pages[0].1, &owner.model[&1][..]);
}

#[test]
fn a_read_of_many_pages_is_a_few_operations() {
    let (kv, owner) = filled(640);
    owner.engine.compact(owner.actor()).unwrap();
    for first in [1, 100] {
        let before = kv.counters();
        let asked: Vec<Pgno> = (first..first + 512).filter_map(Pgno::new).collect();
        let mut sink = Sink { page_bytes: 512, ..Sink::default() };
        owner.engine.read(&owner.lease, owner.head.txid, &asked, &mut sink).unwrap();
        let did = since(&kv, before);
        let mut expected = Counters { snapshots: 1, multi_gets: 1, ..Counters::default() };
        if first == 1 {
            // EPOCH and ROOT, and the indexes of the 8 shards in one walk.
            expected = Counters { snapshots: 2, multi_gets: 2, scans: 1, scan_rows: 8, ..expected };
        } else {
            // The 2 shards that are not known yet.
            expected = Counters { snapshots: 2, multi_gets: 2, scans: 1, scan_rows: 2, ..expected };
        }
        assert_eq!(did, expected, "from page {first}");
        assert!(asked.iter().all(|pgno| sink.pages[&pgno.get()] == owner.model[&pgno.get()]));
    }
    let before = kv.counters();
    let all: Vec<Pgno> = (1..=512).filter_map(Pgno::new).collect();
    let mut sink = Sink { page_bytes: 512, ..Sink::default() };
    owner.engine.read(&owner.lease, owner.head.txid, &all, &mut sink).unwrap();
    let expected = Counters { snapshots: 1, multi_gets: 1, ..Counters::default() };
    assert_eq!(since(&kv, before), expected, "with the indexes in memory");
}

#[test]
fn a_claim_with_hints_reads_their_pages_at_once() {
    let (kv, owner) = filled(2_000);
    owner.engine.compact(owner.actor()).unwrap();
    // 200 pages in 40 places, of 30 shards.
    let ranges = (0..40).map(|at| HintRange {
        first: Pgno::new(30 + at * 48).unwrap(),
        pages: 5,
        score: at as u8,
    });
    let hints = Hints { ranges: ranges.collect() };
    let before = kv.counters();
    owner.engine.save_hints(&owner.lease, &hints).unwrap();
    let one = Counters { commits: 1, guards: 1, rows_put: 2, ..Counters::default() };
    assert_eq!(since(&kv, before), one, "HINTS and HEAD");
    owner.engine.save_hints(&owner.lease, &hints).unwrap();
    assert_eq!(since(&kv, before), one, "the same again writes nothing");

    let before = kv.counters();
    let claim = claim(&owner.engine, owner.actor()).unwrap();
    let did = since(&kv, before);
    let expected = Counters {
        snapshots: 2,
        // EPOCH, HEAD, ROOT and HINTS; EPOCH and ROOT once more, after the batch; all rows of pages.
        multi_gets: 3,
        // Page indexes above the watermark, deltas above the head, the indexes of the shards.
        scans: 3,
        scan_rows: 30,
        commits: 1,
        guards: 3,
        rows_put: 2,
        ..Counters::default()
    };
    assert_eq!(did, expected);
    assert_eq!(claim.hints, hints);
    assert!(claim.pages.len() > 200, "{} pages", claim.pages.len());
    for (pgno, page) in &claim.pages {
        assert_eq!(&**page, &owner.model[&pgno.get()][..]);
    }
    let metrics = owner.engine.metrics();
    assert_eq!((metrics.hints_saved, metrics.hints_loaded, metrics.pages_preloaded), (1, 1, 200));

    let before = kv.counters();
    let none = ClaimOptions { preload_bytes_max: 0, ..claim_options(PAGE) };
    let claim = owner.engine.claim(owner.actor(), &none).unwrap();
    assert_eq!(claim.pages.len(), 1);
    assert_eq!(since(&kv, before), Counters { scan_rows: 1, gets: 1, multi_gets: 2, ..expected });
}

#[test]
fn a_resume_writes_nothing() {
    let (kv, owner) = filled(200);
    owner.engine.release(&owner.lease);
    let before = kv.counters();
    let claim = resume(&owner.engine, &owner.lease).unwrap();
    let did = since(&kv, before);
    let expected = Counters {
        // As a claim without its batch.
        snapshots: 2,
        multi_gets: 1,
        scans: 2,
        scan_rows: 2,
        gets: 1,
        ..Counters::default()
    };
    assert_eq!(did, expected);
    assert_eq!(claim.lease.generation(), owner.lease.generation());
    assert_eq!(&*claim.pages[0].1, &owner.model[&1][..]);
}

#[test]
fn an_installation_is_guarded_twice_and_reclaim_credits_what_it_deletes() {
    let (kv, owner) = filled(200);
    let before = kv.counters();
    owner.engine.compact(owner.actor()).unwrap();
    let did = since(&kv, before);
    assert_eq!((did.commits, did.guards), (1, 2), "EPOCH and ROOT, in one batch");
    assert_sound(&owner.engine, owner.actor());
    owner.check();
}
