//! What makes a database a candidate for compaction: the number of its deltas, their bytes, or
//! time without a commit; and that candidates take turns.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actor_sqlite_engine::{Engine, EngineOptions, MaintenanceBudget};
use actor_sqlite_kv::MemKv;
use actor_sqlite_pagestore::{Clock, PageStoreAdmin};
use common::*;
use fastrand::Rng;

/// A clock that stands still until it is told.
#[derive(Default)]
struct StillClock(AtomicU64);

impl StillClock {
    fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for StillClock {
    fn now_ms(&self) -> i64 {
        (self.monotonic_ns() / 1_000_000) as i64
    }

    fn monotonic_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An engine in which only the trigger set by `set` can be met.
fn engine_where(set: impl FnOnce(&mut EngineOptions)) -> (Arc<Engine>, Arc<StillClock>) {
    let clock = Arc::new(StillClock::default());
    let mut options = EngineOptions::default();
    let compaction = &mut options.compaction;
    (compaction.delta_count, compaction.delta_bytes) = (1_000_000, 1 << 40);
    (compaction.idle_delta_count, compaction.idle_ms) = (1_000_000, 1_000_000);
    (compaction.hard_delta_count, compaction.hard_delta_bytes) = (2_000_000, 1 << 41);
    compaction.retention_txids = 0;
    set(&mut options);
    (Arc::new(Engine::new(Arc::new(MemKv::new()), clock.clone(), options)), clock)
}

fn page(owner: &mut Owner, rng: &mut Rng) {
    let bytes = owner.head.page_size.bytes();
    let pages = Pages::from([(1, random_page(rng, bytes))]);
    owner.commit(&pages, 1).unwrap();
}

fn compactions(engine: &Engine) -> u64 {
    let report = engine.maintain(MaintenanceBudget::default());
    assert_eq!(report.failures, []);
    report.compactions
}

#[test]
fn the_number_of_deltas() {
    let (engine, _) = engine_where(|options| options.compaction.delta_count = 5);
    let (mut owner, mut rng) = (Owner::claim(&engine, &actor("a")), Rng::with_seed(1));
    for _ in 0..4 {
        page(&mut owner, &mut rng);
    }
    assert_eq!(compactions(&engine), 0);
    page(&mut owner, &mut rng);
    assert_eq!(compactions(&engine), 1);
    assert_eq!(engine.stat(&actor("a")).unwrap().unwrap().delta_count, 0);
    assert_eq!(compactions(&engine), 0);
    owner.check();
}

#[test]
fn the_bytes_of_deltas() {
    let (engine, _) = engine_where(|options| options.compaction.delta_bytes = 20_000);
    let (mut owner, mut rng) = (Owner::claim(&engine, &actor("a")), Rng::with_seed(2));
    let mut commits = 0;
    while compactions(&engine) == 0 {
        let pages: Pages = (1..=8).map(|pgno| (pgno, vec![rng.u8(..); 512])).collect();
        let noise = (9, (0..512).map(|_| rng.u8(..)).collect());
        owner.commit(&pages.into_iter().chain([noise]).collect(), 9).unwrap();
        commits += 1;
        assert!(commits < 200, "bytes never made it a candidate");
    }
    assert!(commits > 5, "20,000 bytes came together in {commits} commits");
    owner.check();
}

#[test]
fn time_without_a_commit() {
    let (engine, clock) = engine_where(|options| {
        (options.compaction.idle_delta_count, options.compaction.idle_ms) = (3, 5_000);
    });
    let mut rng = Rng::with_seed(3);
    let mut idle = Owner::claim(&engine, &actor("idle"));
    let mut few = Owner::claim(&engine, &actor("few"));
    for _ in 0..3 {
        page(&mut idle, &mut rng);
    }
    page(&mut few, &mut rng);
    clock.advance_ms(4_999);
    assert_eq!(compactions(&engine), 0);
    clock.advance_ms(1);
    assert_eq!(compactions(&engine), 1, "the idle one, not the one with few deltas");
    assert_eq!(engine.stat(idle.actor()).unwrap().unwrap().delta_count, 0);
    assert_eq!(engine.stat(few.actor()).unwrap().unwrap().delta_count, 1);
}

#[test]
fn candidates_take_turns() {
    let (engine, _) = engine_where(|options| options.compaction.delta_count = 2);
    let mut rng = Rng::with_seed(4);
    let mut owners: Vec<_> =
        (0..4).map(|n| Owner::claim(&engine, &actor(&n.to_string()))).collect();
    for owner in &mut owners {
        page(owner, &mut rng);
        page(owner, &mut rng);
    }
    // The first is hot: it is a candidate again before each round.
    let one = MaintenanceBudget { compactions_max: 1, ..MaintenanceBudget::default() };
    for _ in 0..owners.len() {
        page(&mut owners[0], &mut rng);
        page(&mut owners[0], &mut rng);
        engine.maintain(one);
    }
    for owner in &owners[1..] {
        let left = engine.stat(owner.actor()).unwrap().unwrap().delta_count;
        assert_eq!(left, 0, "{} waited behind the hot one", owner.actor());
    }
}

#[test]
fn back_off_rises_from_the_soft_limit_to_the_hard_one() {
    let (engine, _) = engine_where(|options| {
        options.compaction.soft_delta_count = 10;
        options.compaction.hard_delta_count = 80;
    });
    let (mut owner, mut rng) = (Owner::claim(&engine, &actor("a")), Rng::with_seed(5));
    let mut answers = Vec::new();
    for _ in 0..300 {
        let pages = Pages::from([(1, random_page(&mut rng, 512))]);
        answers.push(owner.commit(&pages, 1).unwrap().back_off_us);
        assert!(engine.stat(owner.actor()).unwrap().unwrap().delta_count <= 80);
    }
    assert!(answers[..10].iter().all(|&us| us == 0), "{answers:?}");
    assert!(answers[10..70].is_sorted() && answers[10] > 0, "{answers:?}");
    let most = answers.iter().max().copied().unwrap();
    assert!((10_000..=20_000).contains(&most), "{most}");
    let metrics = engine.metrics();
    assert_eq!(metrics.back_off_us, answers.iter().map(|&us| u64::from(us)).sum::<u64>());
    assert!(metrics.commits_held_back > 0 && metrics.commits_refused == 0);
    owner.check();
    assert_sound(&engine, owner.actor());
}

/// One large commit is not held against its owner: nothing would make it smaller.
#[test]
fn a_single_large_delta_is_not_far_behind() {
    let (engine, _) = engine_where(|options| {
        options.compaction.soft_delta_bytes = 40_000;
        options.compaction.hard_delta_bytes = 80_000;
    });
    let (mut owner, mut rng) = (Owner::claim(&engine, &actor("a")), Rng::with_seed(6));
    let noise = |rng: &mut Rng| (0..512).map(|_| rng.u8(..)).collect::<Vec<_>>();
    let all: Pages = (1..=400).map(|pgno| (pgno, noise(&mut rng))).collect();
    assert_eq!(owner.commit(&all, 400).unwrap().back_off_us, 0);
    let small = Pages::from([(7, noise(&mut rng))]);
    assert_eq!(owner.commit(&small, 400).unwrap().back_off_us, 0);
    assert_eq!(engine.metrics().compactions, 0);
    for _ in 0..4 {
        let all: Pages = (1..=400).map(|pgno| (pgno, noise(&mut rng))).collect();
        owner.commit(&all, 400).unwrap();
    }
    assert!(engine.metrics().compactions > 0, "several are");
    owner.check();
    assert_sound(&engine, owner.actor());
}

/// What one turn folds is bounded by the shards it rewrites, not only by the deltas it reads.
#[test]
fn a_turn_rewrites_a_bounded_number_of_shards() {
    let shard_bytes = 64 * 512;
    let (engine, _) = engine_where(|options| {
        options.compaction.delta_count = 2;
        options.compaction.plan_bytes_max = 3 * shard_bytes;
    });
    let mut owner = Owner::claim(&engine, &actor("a"));
    let all: Pages = (1..=640).map(|pgno| (pgno, vec![1; 512])).collect();
    owner.commit(&all, 640).unwrap();
    owner.commit(&[(1, vec![2; 512])].into(), 640).unwrap();
    compactions(&engine);
    for shard in 0..10_u32 {
        owner.commit(&[(shard * 64 + 1, vec![3; 512])].into(), 640).unwrap();
    }
    let (before, mut turns) = (engine.metrics(), 0);
    while engine.stat(owner.actor()).unwrap().unwrap().delta_count > 1 {
        let shards = engine.metrics().compaction_shards;
        compactions(&engine);
        assert!(engine.metrics().compaction_shards - shards <= 3);
        turns += 1;
    }
    assert_eq!(turns, 3);
    assert_eq!(engine.metrics().turns - before.turns, turns);
    owner.check();
    assert_sound(&engine, owner.actor());
}

#[test]
fn one_that_commits_faster_than_others_is_asked_to_wait_and_one_alone_is_not() {
    let mut options = small_options();
    options.compaction.crowded_gap_us = 1_000_000;
    (options.compaction.soft_delta_count, options.compaction.hard_delta_count) = (10_000, 20_000);
    let engine = engine_with(Arc::new(MemKv::new()), options);
    let mut hot = Owner::claim(&engine, &actor("hot"));
    let mut mild = Owner::claim(&engine, &actor("mild"));
    let mut rng = fastrand::Rng::with_seed(1);
    let mut commit = |owner: &mut Owner| {
        let pages = Pages::from([(1, random_page(&mut rng, PAGE as usize))]);
        owner.commit(&pages, 1).unwrap().back_off_us
    };
    assert!((0..200).all(|_| commit(&mut hot) == 0), "it is alone");
    let waits: Vec<u32> = (0..200)
        .map(|at| {
            let wait_us = commit(&mut hot);
            assert!(at % 8 != 0 || commit(&mut mild) == 0, "one in eight is not many");
            wait_us
        })
        .collect();
    assert!(waits.iter().filter(|&&wait_us| wait_us > 0).count() > 100, "{waits:?}");
    let metrics = engine.metrics();
    assert_eq!(metrics.back_off_us, waits.iter().map(|&us| u64::from(us)).sum::<u64>());
    assert!((0..128).map(|_| commit(&mut hot)).skip(64).all(|wait_us| wait_us == 0), "alone again");
}
