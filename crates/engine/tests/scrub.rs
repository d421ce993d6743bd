//! Listing the databases of a store, and looking at all of them bit by bit.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_engine::{Engine, ScrubCursor};
use actor_sqlite_kv::{FaultKv, MemKv};
use actor_sqlite_pagestore::{ActorId, PageStoreAdmin};
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
    assert_eq!(engine.list(None, None, 9).unwrap(), []);
    fill(&engine);
    let scans = kv.counters().scans;
    assert_eq!(engine.list(None, None, usize::MAX).unwrap(), names());
    assert_eq!(kv.counters().scans - scans, names().len() as u64 + 1);
    for limit in [1, 3, 7] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let more = engine.list(None, after.as_ref(), limit).unwrap();
            assert!(more.len() <= limit);
            let Some(last) = more.last() else { break };
            after = Some(last.clone());
            listed.extend(more);
        }
        assert_eq!(listed, names());
    }
    let of_a: Vec<_> = names().into_iter().filter(|name| name.namespace() == "a").collect();
    assert_eq!(engine.list(Some("a"), None, 99).unwrap(), of_a);
    assert_eq!(engine.list(Some("a"), Some(&of_a[2]), 99).unwrap(), of_a[3..]);
    assert_eq!(engine.list(Some("nobody"), None, 99).unwrap(), []);
    let other = ActorId::new("b", "x").unwrap();
    assert_eq!(engine.list(Some("a"), Some(&other), 99).unwrap(), []);
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
            let report = engine.scrub(&cursor, budget_bytes).unwrap();
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
