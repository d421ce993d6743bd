//! Listing the databases of a store, and looking at all of them bit by bit.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::ops::ControlFlow;
use std::sync::Arc;

use actor_sqlite_engine::{Engine, EngineOptions, ScrubCursor, ScrubReport};
use actor_sqlite_kv::{FaultKv, Image, MemKv, SyncMode};
use actor_sqlite_pagestore::{ActorId, ListRequest, PageStoreAdmin};
use common::specimen::{key_of, limits, options, row_name, specimen};
use common::*;
use fastrand::Rng;

fn names() -> Vec<ActorId> {
    let mut names = Vec::new();
    for namespace in ["", "a", "ab", "b"] {
        for name in ["x", "x/y", "xy", "\u{1}", "ü"] {
            names.push(ActorId::new(namespace, name).unwrap());
        }
    }
    let prefix = |actor: &ActorId| format!("{}\0{}\0", actor.namespace(), actor.name());
    names.sort_by_key(prefix);
    names
}

fn fill(engine: &Arc<Engine>) {
    let mut rng = Rng::with_seed(1);
    for name in names() {
        let mut owner = Owner::claim(engine, &name);
        for _ in 0..5 {
            owner.commit_random(&mut rng, 20);
        }
        engine.compact(&name).unwrap();
        owner.commit_random(&mut rng, 20);
    }
}

#[test]
fn all_databases_are_listed_in_order_and_by_one_seek_each() {
    let kv = Arc::new(FaultKv::new());
    let engine = engine(kv.clone());
    assert_eq!(engine.list_all(None, 9).unwrap(), []);
    fill(&engine);
    let scans = kv.counters().scans;
    assert_eq!(engine.list_all(None, usize::MAX).unwrap(), names());
    assert_eq!(kv.counters().scans - scans, names().len() as u64 + 1);
    for limit in [1, 3, 7] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let more = engine.list_all(after.as_ref(), limit).unwrap();
            assert!(more.len() <= limit);
            let Some(last) = more.last() else { break };
            after = Some(last.clone());
            listed.extend(more);
        }
        assert_eq!(listed, names());
    }
    let of_a: Vec<_> = names().into_iter().filter(|name| name.namespace() == "a").collect();
    let list = |namespace, after| {
        let request = ListRequest { namespace, prefix: "", after, limit: 99 };
        engine.list(&request).unwrap()
    };
    let scans = kv.counters().scans;
    assert_eq!(list("a", None), of_a);
    assert_eq!(kv.counters().scans - scans, of_a.len() as u64 + 1);
    assert_eq!(list("a", Some(of_a[2].name())), of_a[3..]);
    assert_eq!(list("nobody", None), []);
}

#[test]
fn a_scrub_looks_at_every_row_once_a_round_and_names_what_is_damaged() {
    let kv = Arc::new(MemKv::new());
    let engine = engine(kv.clone());
    fill(&engine);
    let rows: u64 = names().iter().map(|name| engine.verify(name).unwrap().rows).sum();
    let round = |budget_bytes| {
        let (mut cursor, mut seen, mut calls, mut damage) =
            (ScrubCursor::default(), 0, 0, Vec::new());
        while cursor.round == 0 {
            let report =
                engine.scrub(&cursor, budget_bytes, &mut |_| ControlFlow::Continue(())).unwrap();
            seen += report.rows;
            damage.extend(report.damage);
            cursor = report.next;
            calls += 1;
        }
        assert_eq!((seen, &cursor.after), (rows, &None));
        (calls, damage)
    };
    assert_eq!(round(1), (names().len() + 1, vec![]));
    assert_eq!(round(u64::MAX), (1, vec![]));
    let victim = kv.image().keys().into_iter().rfind(|key| key[0] == 2).unwrap();
    kv.edit(|image| {
        let mut value = image.get(&victim).unwrap().to_vec();
        value[5] ^= 4;
        image.set(&victim, &value);
    });
    let (_, damage) = round(50_000);
    assert!(!damage.is_empty());
    assert!(damage.iter().all(|(actor, _)| actor == names().last().unwrap()), "{damage:?}");
}

/// Options under which a slice is one file, or all that is no file.
fn sliced(options: EngineOptions) -> EngineOptions {
    EngineOptions { scrub_slice_bytes: 1, ..options }
}

/// The reports of one round, a slice or a database each; `between` is called after each.
fn round(engine: &Engine, mut between: impl FnMut()) -> Vec<ScrubReport> {
    let (mut cursor, mut reports) = (ScrubCursor::default(), Vec::new());
    while cursor.round == 0 {
        let report = engine.scrub(&cursor, 1, &mut |_| ControlFlow::Continue(())).unwrap();
        cursor = report.next.clone();
        reports.push(report);
        between();
    }
    reports
}

#[test]
fn slices_see_every_row_once() {
    let kv = Arc::new(MemKv::new());
    fill(&engine(kv.clone()));
    let engine = engine_with(kv, sliced(small_options()));
    let reports = round(&engine, || {});
    let sum = |of: fn(&ScrubReport) -> u64| reports.iter().map(of).sum::<u64>();
    let whole: Vec<_> = names().iter().map(|name| engine.verify(name).unwrap()).collect();
    assert!(reports.len() > 4 * names().len(), "{}", reports.len());
    assert_eq!(sum(|report| report.databases), names().len() as u64);
    assert_eq!(sum(|report| report.rows), whole.iter().map(|whole| whole.rows).sum());
    assert_eq!(sum(|report| report.bytes), whole.iter().map(|whole| whole.bytes).sum());
    assert_eq!(sum(|report| report.pages), whole.iter().map(|whole| whole.pages).sum());
    assert_eq!(sum(|report| report.damage.len() as u64), 0);
}

/// What only the sum of all bytes tells is all that slices may overlook.
#[test]
fn slices_find_what_a_verification_finds() {
    let specimen = specimen(1);
    let prefix = key_of(&specimen.actor, b"");
    let (mut found, mut overlooked) = (0, 0);
    for key in specimen.image.keys().into_iter().filter(|key| key.starts_with(&prefix)) {
        let name = row_name(&specimen.actor, &key).unwrap();
        let value = specimen.image.get(&key).unwrap().to_vec();
        let mut flipped = value.clone();
        flipped[value.len() / 2] ^= 1;
        let images: [&dyn Fn(&mut Image); 2] =
            [&|image| _ = image.remove(&key), &|image| image.set(&key, &flipped)];
        for damage in images {
            let mut image = specimen.image.clone();
            damage(&mut image);
            let kv = Arc::new(MemKv::with(image, SyncMode::OnDemand, limits()));
            let engine = engine_with(kv, sliced(options()));
            let whole = engine.verify(&specimen.actor).unwrap().damage;
            let sliced: Vec<_> =
                round(&engine, || {}).into_iter().flat_map(|report| report.damage).collect();
            assert!(sliced.iter().all(|(actor, _)| *actor == specimen.actor), "{sliced:?}");
            let only_accounts = whole.iter().all(|damage| damage.row == "HEAD and ROOT");
            assert_eq!(sliced.is_empty(), only_accounts, "{name}: {whole:?}, {sliced:?}");
            found += u32::from(!sliced.is_empty());
            overlooked += u32::from(sliced.is_empty());
        }
    }
    println!("{found} found, {overlooked} overlooked");
    assert!(found > 10 * overlooked, "{found} found, {overlooked} overlooked");
}

#[test]
fn slices_find_nothing_wrong_with_a_database_that_is_in_use() {
    let mut rng = Rng::with_seed(seed(1));
    for _ in 0..20 {
        let kv = Arc::new(MemKv::new());
        let engine = engine_with(kv, sliced(small_options()));
        let name = actor("busy");
        let mut owner = Owner::claim(&engine, &name);
        for _ in 0..8 {
            owner.commit_random(&mut rng, 400);
        }
        let mut slices = 0;
        for _ in 0..3 {
            let reports = round(&engine, || match rng.u32(0..8) {
                0..4 => _ = owner.commit_random(&mut rng, 400),
                4 => {
                    let (parts, rest, size) = staged_transaction(&mut rng, &owner.head, 400);
                    let id = owner.next_id();
                    parts.iter().for_each(|part| owner.stage(id, part).unwrap());
                    owner.commit_staged(id, &parts, &rest, size).unwrap();
                }
                5 => _ = engine.compact(&name).unwrap(),
                6 => _ = engine.reclaim(&name, 3).unwrap(),
                _ => {}
            });
            let damage: Vec<_> = reports.iter().flat_map(|report| &report.damage).collect();
            assert!(damage.is_empty(), "{damage:?}");
            slices += reports.len();
        }
        assert!(slices > 20, "{slices}");
        owner.check();
    }
}

#[test]
fn a_host_that_breaks_off_goes_on_with_the_same_slice() {
    let kv = Arc::new(MemKv::new());
    fill(&engine(kv.clone()));
    for options in [small_options(), sliced(small_options())] {
        let engine = engine_with(kv.clone(), options);
        let (mut cursor, mut rows, mut left, mut broken) = (ScrubCursor::default(), 0, 0, 0);
        while cursor.round == 0 {
            let mut read = 0;
            let pace = &mut |_| {
                read += 1;
                if read > left { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let report = engine.scrub(&cursor, 1, pace).unwrap();
            assert_eq!(report.damage, []);
            rows += report.rows;
            if read > left {
                assert_eq!(report.rows, 0);
                (left, broken) = (left + 1, broken + 1);
            } else {
                left = 0;
            }
            cursor = report.next;
        }
        let whole: u64 = names().iter().map(|name| engine.verify(name).unwrap().rows).sum();
        assert_eq!(rows, whole);
        assert!(broken > rows / 2, "{broken} of {rows}");
    }
}

#[test]
fn a_verification_is_told_of_every_row_and_says_whether_it_was_finished() {
    let kv = Arc::new(MemKv::new());
    let engine = engine(kv.clone());
    fill(&engine);
    let name = &names()[3];
    let (mut read, mut calls) = (0, 0_u64);
    let whole = engine.verify_paced(name, &mut |bytes| {
        (read, calls) = (read + bytes, calls + 1);
        ControlFlow::Continue(())
    });
    let whole = whole.unwrap();
    assert!(whole.finished && calls >= whole.rows && read >= whole.bytes, "{whole:?}");
    for rows in 0..calls {
        let mut left = rows;
        let part = engine.verify_paced(name, &mut |_| match left {
            0 => ControlFlow::Break(()),
            _ => {
                left -= 1;
                ControlFlow::Continue(())
            }
        });
        let part = part.unwrap();
        assert!(!part.finished && part.rows <= rows + 1 && part.damage.is_empty(), "{part:?}");
    }
}
