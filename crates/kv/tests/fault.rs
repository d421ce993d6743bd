//! The fault-injecting store does what it is told, and remembers rightly.

#![allow(clippy::unwrap_used, missing_docs)]

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;

use actor_sqlite_kv::{
    Batch, BoundaryKind, Fault, FaultKv, Gate, Image, Kv, KvError, MemKv, OpKind, Scan,
    SeededFaults, SyncMode, Ticket, add_to_counters,
};

fn put<'a>(key: &str, value: &'a str) -> Batch<'a> {
    let mut batch = Batch::new();
    batch.put(key.into(), value.as_bytes());
    batch
}

fn manual() -> FaultKv {
    FaultKv::with(Image::default(), SyncMode::Manual, MemKv::LIMITS)
}

fn keys(image: &Image) -> Vec<String> {
    image.keys().into_iter().map(|key| String::from_utf8(key).unwrap()).collect()
}

#[test]
fn every_crash_image_is_a_prefix_between_durable_and_ordered() {
    let kv = manual();
    kv.commit(&put("a", "1")).unwrap();
    kv.commit(&put("b", "2")).unwrap();
    kv.sync().unwrap();
    kv.commit(&put("c", "3")).unwrap();
    kv.fail_next(OpKind::Commit, Fault::UnknownLost);
    kv.commit(&put("lost", "4")).unwrap_err();
    kv.fail_next(OpKind::Commit, Fault::UnknownLanded);
    kv.commit(&put("landed", "5")).unwrap_err();

    let kinds: Vec<_> = kv.boundaries().iter().map(|boundary| boundary.kind).collect();
    use BoundaryKind::{Commit, Open, Sync};
    assert_eq!(kinds, [Open, Commit, Commit, Sync, Commit, Commit]);
    let contents: Vec<Vec<Vec<String>>> = (0..kinds.len())
        .map(|boundary| {
            kv.crash_images_at(boundary).iter().map(|crash| keys(&crash.image)).collect()
        })
        .collect();
    let none: &[&str] = &[];
    assert_eq!(contents[0], [none]);
    assert_eq!(contents[1], [none, &["a"]]);
    assert_eq!(contents[2], [none, &["a"], &["a", "b"]]);
    assert_eq!(contents[3], [&["a", "b"]]);
    assert_eq!(contents[4], [["a", "b"].as_slice(), &["a", "b", "c"]]);
    assert_eq!(contents[5], [["a", "b"].as_slice(), &["a", "b", "c"], &["a", "b", "c", "landed"]]);
    assert_eq!(keys(&kv.power_loss_image().image), ["a", "b"]);

    // An image opens as a store of its own.
    let crash = kv.crash_images_at(4).pop().unwrap();
    assert_eq!((crash.boundary.durable, crash.kept), (Ticket(2), Ticket(3)));
    let opened = crash.open();
    opened.commit(&put("d", "6")).unwrap();
    assert_eq!(keys(&opened.image()), ["a", "b", "c", "d"]);
    assert_eq!(keys(&crash.image), ["a", "b", "c"]);
}

/// One operation of each kind.
fn workload(kv: &FaultKv) -> Result<(), KvError> {
    let ticket = kv.commit(&put("k", "v"))?;
    kv.wait_durable(ticket)?;
    let snapshot = kv.snapshot()?;
    snapshot.get(b"k", &mut |_| {})?;
    snapshot.multi_get(&[b"k".to_vec(), b"l".to_vec()], &mut |_, _| {})?;
    let scan = Scan { start: b"a", end: b"z", limit: 9, reverse: false };
    snapshot.scan(scan, &mut |_, _| ControlFlow::Continue(()))
}

#[test]
fn each_operation_can_be_failed_by_its_number() {
    let untouched = FaultKv::new();
    workload(&untouched).unwrap();
    let counters = untouched.counters();
    assert_eq!(counters.ops(), 6);
    assert_eq!((counters.multi_get_keys, counters.scan_rows, counters.bytes_read), (2, 1, 3));
    assert_eq!((counters.rows_put, counters.bytes_written, counters.faults), (1, 2, 0));
    for number in 1..=counters.ops() {
        let kv = FaultKv::new();
        kv.fail_op(number, Fault::Unavailable);
        let failed = workload(&kv).unwrap_err();
        if number == 2 {
            assert!(matches!(failed, KvError::Dead { .. }));
        } else {
            assert!(matches!(failed, KvError::Unavailable { .. }));
            assert_eq!(kv.image().len(), usize::from(number > 1));
            workload(&kv).unwrap();
        }
        assert_eq!(kv.counters().faults, 1);
    }
    let kv = FaultKv::new();
    kv.fail_op(7, Fault::Unavailable);
    workload(&kv).unwrap();
}

/// A crash keeps an addition with the rest of its batch, or drops it with them.
#[test]
fn additions_are_counted_and_in_every_crash_image() {
    let kv = manual();
    for round in 1..=3_u8 {
        let mut batch = Batch::new();
        batch.add(b"n".to_vec(), vec![1, i64::MAX]).put(vec![round], b"v".as_slice());
        kv.commit(&batch).unwrap();
        let before = kv.counters();
        assert_eq!((before.rows_added_to, before.rows_put), (round.into(), round.into()));
        // A key, two counters, a key and a value.
        assert_eq!(before.bytes_written, u64::from(round) * (1 + 16 + 1 + 1));
    }
    let mut refused = Batch::new();
    refused.guard(b"n".to_vec(), None).add(b"n".to_vec(), vec![1]);
    kv.commit(&refused).unwrap_err();
    assert_eq!(kv.counters().rows_added_to, 3);

    let images = kv.crash_images_at(3);
    assert_eq!(images.len(), 4);
    for (kept, crash) in images.iter().enumerate() {
        let counted = crash.image.get(b"n").map(<[u8]>::to_vec);
        let sum = (0..kept).fold(None, |value: Option<Vec<u8>>, _| {
            Some(add_to_counters(value.as_deref(), &[1, i64::MAX]))
        });
        assert_eq!(counted, sum);
        assert_eq!(crash.image.len(), kept + usize::from(kept > 0));
    }
}

#[test]
fn a_failed_sync_ends_the_store() {
    let kv = manual();
    let early = kv.commit(&put("a", "1")).unwrap();
    kv.sync().unwrap();
    let late = kv.commit(&put("b", "2")).unwrap();
    let (sender, receiver) = mpsc::channel();
    kv.on_durable(late, Box::new(move |outcome| sender.send(outcome).unwrap()));
    kv.fail_next(OpKind::Sync, Fault::SyncFails);
    assert!(matches!(kv.sync(), Err(KvError::Dead { .. })));
    assert!(matches!(receiver.try_recv().unwrap(), Err(KvError::Dead { .. })));
    assert!(matches!(kv.commit(&put("c", "3")), Err(KvError::Dead { .. })));
    assert!(matches!(kv.snapshot().err(), Some(KvError::Dead { .. })));
    assert!(matches!(kv.wait_durable(late), Err(KvError::Dead { .. })));
    assert!(matches!(kv.sync(), Err(KvError::Dead { .. })));
    assert_eq!(kv.wait_durable(early), Ok(()));
    assert_eq!(keys(&kv.power_loss_image().image), ["a"]);
    assert_eq!(kv.boundaries().len(), 4);
}

#[test]
fn a_closed_store_says_so() {
    let kv = manual();
    let ticket = kv.commit(&put("a", "1")).unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| kv.wait_durable(ticket));
        kv.close();
        assert_eq!(waiter.join().unwrap(), Err(KvError::Closed));
    });
    assert_eq!(kv.commit(&put("b", "2")), Err(KvError::Closed));
    assert_eq!(kv.snapshot().err(), Some(KvError::Closed));
}

#[test]
fn gates_hold_before_and_after() {
    let kv = manual();
    for (fault, landed_meanwhile) in [
        (Fault::HoldBefore as fn(Gate) -> Fault, false),
        (Fault::HoldAnswer as fn(Gate) -> Fault, true),
    ] {
        kv.edit(|image| image.remove(b"k"));
        let gate = Gate::new();
        kv.fail_next(OpKind::Commit, fault(gate.clone()));
        thread::scope(|scope| {
            let committer = scope.spawn(|| kv.commit(&put("k", "v")));
            gate.wait_arrived(1);
            assert_eq!(kv.image().get(b"k").is_some(), landed_meanwhile);
            gate.open();
            committer.join().unwrap().unwrap();
        });
        assert!(kv.image().get(b"k").is_some());
    }
}

#[test]
fn manual_waiters_wait_for_the_sync() {
    let kv = manual();
    let ticket = kv.commit(&put("a", "1")).unwrap();
    let (sender, receiver) = mpsc::channel();
    kv.on_durable(ticket, Box::new(move |outcome| sender.send(outcome).unwrap()));
    thread::scope(|scope| {
        let waiter = scope.spawn(|| kv.wait_durable(ticket));
        assert!(receiver.try_recv().is_err());
        assert_eq!(kv.sync(), Ok(ticket));
        waiter.join().unwrap().unwrap();
    });
    assert_eq!(receiver.try_recv().unwrap(), Ok(()));
}

#[test]
fn seeded_faults_repeat() {
    let run = |seed| {
        let kv = FaultKv::new();
        kv.fail_randomly(SeededFaults {
            seed,
            unavailable_per_mille: 100,
            unknown_landed_per_mille: 100,
            unknown_lost_per_mille: 100,
            sync_fails_per_mille: 0,
        });
        let outcomes: Vec<_> = (0..1_000)
            .map(|number: u32| kv.commit(&put(&number.to_string(), "v")).is_ok())
            .collect();
        (outcomes, kv.image().len(), kv.counters())
    };
    let (outcomes, rows, counters) = run(7);
    assert_eq!(run(7), (outcomes.clone(), rows, counters));
    assert_ne!(run(8).0, outcomes);
    let succeeded = outcomes.iter().filter(|ok| **ok).count();
    assert!((600..800).contains(&succeeded), "{succeeded}");
    // Those that landed without saying so.
    assert!((50..150).contains(&(rows - succeeded)), "{rows} rows");
    assert_eq!(counters.faults as usize, 1_000 - succeeded);
}

#[test]
fn the_hook_is_asked_first_and_unreachable_ends() {
    let kv = FaultKv::new();
    let asked = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&asked);
    kv.set_hook(Some(Arc::new(move |kind, number| {
        seen.store(number, SeqCst);
        (kind == OpKind::Snapshot).then_some(Fault::Unavailable)
    })));
    kv.commit(&put("k", "v")).unwrap();
    assert!(matches!(kv.snapshot().err(), Some(KvError::Unavailable { .. })));
    assert_eq!(asked.load(SeqCst), 2);
    kv.clear_faults();
    kv.set_unreachable(true);
    assert!(matches!(kv.commit(&put("k", "v")), Err(KvError::Unavailable { .. })));
    kv.set_unreachable(false);
    kv.commit(&put("k", "v")).unwrap();
}

#[test]
fn edits_damage_what_readers_and_crashes_find() {
    let kv = FaultKv::new();
    kv.commit(&put("a", "1")).unwrap();
    kv.commit(&put("b", "2")).unwrap();
    kv.edit(|image| {
        image.swap(b"a", b"b");
        image.set(b"c", b"3");
        let mut value = image.get(b"c").unwrap().to_vec();
        value[0] ^= 1;
        image.set(b"c", &value);
        assert!(image.remove(b"c") && !image.remove(b"c"));
        image.swap(b"b", b"d");
    });
    let rows: Vec<_> = kv.image().iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert_eq!(rows, [(b"a".to_vec(), b"2".to_vec()), (b"d".to_vec(), b"1".to_vec())]);
    assert_eq!(kv.crash_images_at(2).pop().unwrap().image, kv.image());
}
