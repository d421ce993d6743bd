//! Quotas of databases and of namespaces, and the counters they stand on.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;

use actor_sqlite_engine::{Engine, EngineOptions};
use actor_sqlite_kv::{Fault, FaultKv, Gate, Image, MemKv, OpKind, SeededFaults, SyncMode};
use actor_sqlite_ltx::Pgno;
use actor_sqlite_pagestore::{
    ActorId, ClaimOptions, CommitRequest, PageStore, PageStoreAdmin, QuotaScope, StageRequest,
    StoreError,
};
use common::*;
use fastrand::Rng;

fn noise(rng: &mut Rng, pages: impl Iterator<Item = u32>) -> Pages {
    pages.map(|pgno| (pgno, (0..512).map(|_| rng.u8(..)).collect())).collect()
}

fn limited(engine: &Arc<Engine>, actor: &ActorId, quota_bytes: u64) -> Owner {
    let options = ClaimOptions { quota_bytes: Some(quota_bytes), ..claim_options(PAGE) };
    Owner::of(engine, engine.claim(actor, &options).unwrap()).unwrap()
}

fn stored(engine: &Engine, actor: &ActorId) -> u64 {
    engine.stat(actor).unwrap().unwrap().stored_bytes
}

/// The counter of the namespace says what its rows add up to.
fn assert_counted(engine: &Engine) {
    let counted = engine.namespace_usage("test").unwrap();
    assert_eq!(counted, engine.recount_namespace("test").unwrap());
}

#[test]
fn debt_fails_no_commit_and_history_gives_way() {
    let kv = Arc::new(FaultKv::new());
    let engine = engine_with(kv, EngineOptions::default());
    let mut owner = limited(&engine, &actor("a"), 60_000);
    let mut rng = Rng::with_seed(1);
    owner.commit(&noise(&mut rng, 1..=60), 60).unwrap();
    for _ in 0..400 {
        let first = rng.u32(1..=50);
        owner.commit(&noise(&mut rng, first..first + 10), 60).unwrap();
        assert!(stored(&engine, owner.actor()) <= 60_000);
    }
    owner.check();
    assert_sound(&engine, owner.actor());
    let metrics = engine.metrics();
    assert!(metrics.commits_made_room > 10 && metrics.quota_refusals_actor == 0, "{metrics:?}");
    // Now the pages themselves are too many.
    let refused = owner.commit(&noise(&mut rng, 61..=160), 160);
    assert!(matches!(refused, Err(StoreError::Quota { scope: QuotaScope::Actor, .. })));
    assert_eq!(engine.metrics().quota_refusals_actor, 1);
    owner.check();
    owner.commit(&noise(&mut rng, 1..=10), 60).unwrap();
    assert_sound(&engine, owner.actor());
}

#[test]
fn the_smaller_of_two_quotas_counts_and_maintenance_obeys_none() {
    let kv = Arc::new(FaultKv::new());
    let options = EngineOptions { actor_quota_bytes: Some(30_000), ..small_options() };
    let engine = engine_with(kv.clone(), options);
    for (asked, holds) in [(None, 30_000), (Some(20_000), 20_000), (Some(40_000), 30_000)] {
        let options = ClaimOptions { quota_bytes: asked, ..claim_options(PAGE) };
        assert_eq!(engine.claim(&actor("a"), &options).unwrap().quota_bytes, Some(holds));
    }
    let mut rng = Rng::with_seed(1);
    let mut owner = Owner::claim(&engine_with(kv.clone(), small_options()), &actor("a"));
    for _ in 0..6 {
        owner.commit(&noise(&mut rng, 1..=100), 100).unwrap();
    }
    // Opened by an engine with a quota it is far beyond, it is read and maintained.
    let owner = Owner::claim(&engine, &actor("a"));
    engine.compact(owner.actor()).unwrap();
    let before = stored(&engine, owner.actor());
    while engine.reclaim(owner.actor(), 9).unwrap().rows > 0 {}
    assert!(stored(&engine, owner.actor()) < before);
    let left =
        kv.image().keys().iter().filter(|key| key.windows(5).any(|at| at == b"PIDX/")).count();
    assert_eq!(left, 0, "no history of a database beyond its quota");
    owner.check();
    assert_sound(&engine, owner.actor());
}

#[test]
fn stages_are_charged_and_refused_beyond_the_reserve() {
    let engine = engine_with(Arc::new(FaultKv::new()), EngineOptions::default());
    let mut owner = limited(&engine, &actor("a"), 100_000);
    let mut rng = Rng::with_seed(1);
    owner.commit(&noise(&mut rng, 1..=20), 20).unwrap();
    let commit_id = owner.next_id();
    let mut first = 21;
    let refused = loop {
        let pages = noise(&mut rng, first..first + 200);
        let list: Vec<(Pgno, &[u8])> =
            pages.iter().map(|(&pgno, page)| (Pgno::new(pgno).unwrap(), &page[..])).collect();
        let expected_head = owner.head.txid;
        let request = StageRequest { commit_id, expected_head, pages: &list };
        if let Err(error) = engine.stage(&owner.lease, &request) {
            break error;
        }
        first += 200;
        assert!(first < 5_000, "the reserve has no end");
    };
    assert!(matches!(refused, StoreError::Quota { scope: QuotaScope::Actor, .. }), "{refused}");
    engine.discard(&owner.lease, commit_id);
    owner.check();
    owner.commit(&noise(&mut rng, 1..=20), 20).unwrap();
    assert!(stored(&engine, owner.actor()) <= 100_000, "the stage was swept to make room");
    assert_sound(&engine, owner.actor());
    assert_counted(&engine);
}

/// The room that a stage needs is made without losing what was staged before.
#[test]
fn a_stage_goes_on_after_room_was_made() {
    let engine = engine_with(Arc::new(FaultKv::new()), EngineOptions::default());
    let mut owner = limited(&engine, &actor("a"), 4 << 20);
    let mut rng = Rng::with_seed(1);
    for _ in 0..45 {
        owner.commit(&noise(&mut rng, 1..=150), 150).unwrap();
    }
    let id = owner.next_id();
    let mut all = Pages::new();
    for first in (1..=3_000).step_by(200) {
        let pages = noise(&mut rng, first..first + 200);
        let list: Vec<(Pgno, &[u8])> =
            pages.iter().map(|(&pgno, page)| (Pgno::new(pgno).unwrap(), &page[..])).collect();
        let expected_head = owner.head.txid;
        let request = StageRequest { commit_id: id, expected_head, pages: &list };
        engine.stage(&owner.lease, &request).unwrap();
        all.extend(pages);
    }
    assert_eq!(engine.metrics().commits_made_room, 1, "in the middle of it");
    let request = CommitRequest {
        commit_id: id,
        expected_head: owner.head.txid,
        pages: &[],
        size: 3_000,
        staged: true,
        frees: false,
    };
    let committed = engine.commit(&owner.lease, &request).unwrap();
    owner.entered(&all, 3_000, committed.head);
    owner.check();
    assert!(stored(&engine, owner.actor()) <= 4 << 20);
    assert_sound(&engine, owner.actor());
}

#[test]
fn a_namespace_is_full_for_all_of_its_databases() {
    let kv = Arc::new(FaultKv::new());
    let engine = engine_with(kv.clone(), small_options());
    engine.set_namespace_quota("test", Some(100_000));
    let mut rng = Rng::with_seed(1);
    let mut a = Owner::claim(&engine, &actor("a"));
    let mut b = Owner::claim(&engine, &actor("b"));
    let mut beside = Owner::claim(&engine, &ActorId::new("", "test").unwrap());
    a.commit(&noise(&mut rng, 1..=80), 80).unwrap();
    b.commit(&noise(&mut rng, 1..=80), 80).unwrap();
    for owner in [&mut a, &mut b] {
        let refused = owner.commit(&noise(&mut rng, 81..=150), 150);
        match refused {
            Err(StoreError::Quota { scope, stored_bytes, quota_bytes, .. }) => {
                assert_eq!((scope, quota_bytes), (QuotaScope::Namespace, 100_000));
                assert!(stored_bytes > quota_bytes);
            }
            other => panic!("{other:?}"),
        }
        owner.check();
    }
    beside.commit(&noise(&mut rng, 1..=500), 500).unwrap();
    assert_eq!(engine.metrics().quota_refusals_namespace, 2);
    assert_counted(&engine);
    // Another engine, without a quota, makes one of them larger: the next claim learns of it.
    let other = engine_with(kv, small_options());
    let mut b = Owner::claim(&other, &actor("b"));
    b.commit(&noise(&mut rng, 81..=110), 110).unwrap();
    let mut a = Owner::claim(&engine, &actor("a"));
    let refused = a.commit(&noise(&mut rng, 81..=90), 90);
    assert!(matches!(refused, Err(StoreError::Quota { .. })), "{refused:?}");
    engine.set_namespace_quota("test", None);
    a.commit(&noise(&mut rng, 81..=90), 90).unwrap();
    assert_counted(&engine);
}

#[test]
fn two_owners_cannot_both_take_the_last_bytes() {
    for round in 0..20 {
        let engine = engine_with(Arc::new(MemKv::new()), EngineOptions::default());
        let names: Vec<ActorId> = (0..4).map(|at| actor(&format!("a{at}"))).collect();
        let mut owners: Vec<Owner> = names.iter().map(|name| Owner::claim(&engine, name)).collect();
        engine.set_namespace_quota("test", Some(200_000));
        std::thread::scope(|threads| {
            for (at, owner) in owners.iter_mut().enumerate() {
                threads.spawn(move || {
                    let mut rng = Rng::with_seed(round * 8 + at as u64);
                    loop {
                        let size = owner.head.size + rng.u32(1..9);
                        let pages = noise(&mut rng, owner.head.size + 1..=size);
                        match owner.commit(&pages, size) {
                            Ok(_) => {}
                            Err(StoreError::Quota { .. }) => return,
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        let used = engine.namespace_usage("test").unwrap();
        assert!(used <= 200_000, "{used}");
        assert_eq!(used, engine.recount_namespace("test").unwrap());
        owners.iter().for_each(Owner::check);
    }
}

#[test]
fn random_quotas_and_faults_keep_states_and_counters() {
    let seed = seed(1);
    let (mut refused, mut landed) = (0, 0);
    for round in 0..20 {
        let mut rng = Rng::with_seed(seed + round);
        let kv = Arc::new(FaultKv::new());
        let engine = engine(kv.clone());
        engine.set_namespace_quota("test", Some(rng.u64(60_000..200_000)));
        let names = [actor("a"), actor("b"), ActorId::new("", "c").unwrap()];
        let mut owners: Vec<Owner> =
            names.iter().map(|name| limited(&engine, name, rng.u64(20_000..80_000))).collect();
        for _ in 0..80 {
            let owner = &mut owners[rng.usize(0..3)];
            kv.fail_randomly(SeededFaults {
                seed: rng.u64(..),
                unavailable_per_mille: 20,
                unknown_landed_per_mille: 50,
                unknown_lost_per_mille: 50,
                sync_fails_per_mille: 0,
            });
            let (pages, size) = owner.transaction(&mut rng, 120);
            let id = owner.next_id();
            let sent = (0..200).find_map(|_| match owner.commit_as(id, &pages, size) {
                Ok(_) => Some(true),
                Err(StoreError::Quota { .. }) => Some(false),
                Err(StoreError::Unavailable { .. } | StoreError::UnknownCommit { .. }) => None,
                Err(error) => panic!("{error}"),
            });
            kv.clear_faults();
            let took_place = sent.unwrap();
            refused += u64::from(!took_place);
            landed += u64::from(took_place);
            owner.check();
            assert_counted(&engine);
        }
        for owner in &owners {
            assert_sound(&engine, owner.actor());
        }
    }
    println!("{landed} commits, {refused} refused");
    assert!(refused > 100 && landed > 500, "{landed} commits, {refused} refused");
}

#[test]
fn a_counter_is_right_after_every_crash() {
    let kv = Arc::new(FaultKv::with(Image::default(), SyncMode::Manual, MemKv::LIMITS));
    let mut options = small_options();
    options.compaction.batch_bytes = 900;
    let engine = engine_with(kv.clone(), options);
    let names = [actor("a"), actor("b")];
    let mut owners: Vec<Owner> = names.iter().map(|name| limited(&engine, name, 90_000)).collect();
    let mut rng = Rng::with_seed(seed(1));
    for _ in 0..120 {
        let at = rng.usize(0..2);
        match rng.u32(0..10) {
            0 => owners[at] = limited(&engine, &names[at], 90_000),
            1 => drop(engine.compact(&names[at]).unwrap()),
            2 => drop(engine.reclaim(&names[at], 2).unwrap()),
            3 => drop(kv.sync()),
            _ => {
                let (pages, size) = owners[at].transaction(&mut rng, 150);
                match owners[at].commit(&pages, size) {
                    Ok(_) | Err(StoreError::Quota { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
    let mut images = 0;
    for boundary in 0..kv.boundaries().len() {
        for crash in kv.crash_images_at(boundary) {
            let store = MemKv::with(crash.image, SyncMode::OnDemand, MemKv::LIMITS);
            assert_counted(&engine_with(Arc::new(store), options));
            images += 1;
        }
    }
    assert!(images > 100);
}

/// A store of before there were counters.
fn old_store() -> Image {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/rows/v1.hex");
    let unhex = |text: &str| -> Vec<u8> {
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    };
    let mut image = Image::default();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let (key, value) = line.split_once(' ').unwrap();
        image.set(&unhex(key), &unhex(value));
    }
    image
}

#[test]
fn a_database_of_before_is_counted_from_its_first_claim_on() {
    let kv = Arc::new(MemKv::with(old_store(), SyncMode::OnDemand, MemKv::LIMITS));
    let engine = engine(kv.clone());
    let name = ActorId::new("golden", "folded").unwrap();
    let usage = |engine: &Engine| {
        let usage = engine.namespace_usage("golden").unwrap();
        assert_eq!(usage, engine.recount_namespace("golden").unwrap());
        usage
    };
    assert_eq!(usage(&engine), 0);
    engine.compact(&name).unwrap();
    engine.reclaim(&name, 9).unwrap();
    assert_eq!(usage(&engine), 0, "maintenance counts nothing of it");
    let before = engine.stat(&name).unwrap().unwrap().head;
    let resumed = ClaimOptions {
        resume: Some(engine.stat(&name).unwrap().unwrap().generation),
        ..claim_options(PAGE)
    };
    let mut owner = Owner::of(&engine, engine.claim(&name, &resumed).unwrap()).unwrap();
    owner.commit(&[(1, vec![9; 512])].into(), before.size).unwrap();
    assert_eq!(usage(&engine), 0, "nor does a lease of before");
    let mut owner = Owner::claim(&engine, &name);
    assert_eq!(usage(&engine), stored(&engine, &name));
    owner.commit(&[(1, vec![8; 512])].into(), before.size).unwrap();
    engine.compact(&name).unwrap();
    engine.reclaim(&name, 9).unwrap();
    let owner = Owner::claim(&engine, &name);
    assert_eq!(usage(&engine), stored(&engine, &name), "once, not twice");
    owner.check();
    assert_sound(&engine, &name);
}

#[test]
fn a_damaged_counter_is_corruption_with_a_name() {
    let kv = Arc::new(FaultKv::new());
    let engine = engine(kv.clone());
    let mut owner = Owner::claim(&engine, &actor("a"));
    let mut rng = Rng::with_seed(1);
    owner.commit(&noise(&mut rng, 1..=9), 9).unwrap();
    let key = kv.image().keys().into_iter().find(|key| key[0] == 3).unwrap();
    let value = kv.image().get(&key).unwrap().to_vec();
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        kv.edit(|image| image.set(&key, &flipped));
        match engine.namespace_usage("test") {
            Err(StoreError::Corrupt { row, .. }) => assert_eq!(row, "USAGE of test"),
            other => panic!("bit {bit}: {other:?}"),
        }
    }
    for len in 0..value.len() {
        kv.edit(|image| image.set(&key, &value[..len]));
        assert!(matches!(engine.namespace_usage("test"), Err(StoreError::Corrupt { .. })));
    }
    // Without a quota nobody asks it; with one nothing is guessed.
    owner.commit(&noise(&mut rng, 1..=3), 9).unwrap();
    engine.set_namespace_quota("test", Some(1 << 30));
    let refused = owner.commit(&noise(&mut rng, 1..=3), 9);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    owner.check();
}

/// The counter is read while a batch has landed and its answer is on the way: it must not be
/// counted twice for that.
#[test]
fn a_batch_under_way_is_counted_once() {
    let kv = Arc::new(FaultKv::new());
    let engine = engine_with(kv.clone(), EngineOptions::default());
    let mut rng = Rng::with_seed(1);
    let mut first = Owner::claim(&engine, &actor("a"));
    let mut second = Owner::claim(&engine, &actor("b"));
    let (large, small) = (noise(&mut rng, 1..=200), noise(&mut rng, 1..=4));
    let answer = Gate::new();
    kv.fail_next(OpKind::Commit, Fault::HoldAnswer(answer.clone()));
    std::thread::scope(|scope| {
        let held = scope.spawn(|| first.commit(&large, 200).unwrap());
        answer.wait_arrived(1);
        engine.set_namespace_quota("test", Some(1 << 20));
        second.commit(&small, 4).unwrap();
        answer.open();
        held.join().unwrap();
    });
    let used = engine.namespace_usage("test").unwrap();
    engine.set_namespace_quota("test", Some(used + 4_000));
    second.commit(&noise(&mut rng, 1..=4), 4).unwrap();
    assert_eq!(engine.metrics().commits_made_room, 0);
    assert_counted(&engine);
}

#[test]
fn a_counter_that_contradicts_itself_is_named() {
    let kv = Arc::new(FaultKv::new());
    let engine = engine_with(kv.clone(), EngineOptions::default());
    let mut owner = Owner::claim(&engine, &actor("a"));
    owner.commit(&noise(&mut Rng::with_seed(1), 1..=9), 9).unwrap();
    kv.edit(|image| {
        let (key, value) = image.iter().find(|(key, _)| key.ends_with(b"USAGE")).unwrap();
        let (key, mut value) = (key.to_vec(), value.to_vec());
        value[9] ^= 1;
        image.set(&key, &value);
    });
    let corrupt = engine.namespace_usage("test");
    assert!(matches!(corrupt, Err(StoreError::Corrupt { .. })), "{corrupt:?}");
    let damage = engine.verify(owner.actor()).unwrap().damage;
    assert_eq!(damage.iter().map(|damage| &damage.row[..]).collect::<Vec<_>>(), ["USAGE of test"]);
    owner.check();
}
