//! Additions to counters.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::thread;

use super::support::{all, get, must, put, read, rows};
use super::{Open, THREADS};
use crate::{Batch, Kv, KvError, Scan, Snapshot};

pub(super) fn run(open: &Open<'_>) {
    an_absent_key_counts_as_zeros(&*open());
    counters_wrap_around(&*open());
    the_shorter_list_is_filled_up(&*open());
    bytes_behind_the_last_counter_go(&*open());
    additions_keep_their_place_in_a_batch(&*open());
    a_refused_batch_adds_nothing(&*open());
    every_way_of_reading_sees_the_sum(&*open());
    guards_compare_the_sum(&*open());
    additions_of_many_threads_sum_up(&*open());
    additions_are_whole_with_their_batch(&*open());
    guarded_writes_lose_no_addition(&*open());
    deletes_and_additions_meet(&*open());
}

fn bytes_of(counters: &[i64]) -> Vec<u8> {
    counters.iter().flat_map(|counter| counter.to_le_bytes()).collect()
}

fn counters_in(value: &[u8]) -> Vec<i64> {
    let (lanes, rest) = value.as_chunks::<8>();
    assert!(rest.is_empty(), "{} bytes are no list of counters", value.len());
    lanes.iter().map(|lane| i64::from_le_bytes(*lane)).collect()
}

fn counters(kv: &dyn Kv, key: &[u8]) -> Option<Vec<i64>> {
    get(kv, key).map(|value| counters_in(&value))
}

fn add(kv: &dyn Kv, key: &[u8], deltas: &[i64]) {
    let mut batch = Batch::new();
    batch.add(key.to_vec(), deltas.to_vec());
    must(kv.commit(&batch));
}

fn an_absent_key_counts_as_zeros(kv: &dyn Kv) {
    add(kv, b"k", &[5, -7]);
    assert_eq!(counters(kv, b"k"), Some(vec![5, -7]));
    add(kv, b"k", &[-5, 7]);
    assert_eq!(counters(kv, b"k"), Some(vec![0, 0]), "a sum of zeros is still a row");
    add(kv, b"none", &[]);
    assert_eq!(counters(kv, b"none"), Some(vec![]), "no counters are still a row");
}

fn counters_wrap_around(kv: &dyn Kv) {
    add(kv, b"k", &[i64::MAX, i64::MIN, -1]);
    add(kv, b"k", &[1, -1, i64::MIN]);
    assert_eq!(counters(kv, b"k"), Some(vec![i64::MIN, i64::MAX, i64::MAX]));
}

fn the_shorter_list_is_filled_up(kv: &dyn Kv) {
    put(kv, b"k", &bytes_of(&[1]));
    add(kv, b"k", &[1, 2, 3]);
    add(kv, b"k", &[10]);
    add(kv, b"k", &[]);
    assert_eq!(counters(kv, b"k"), Some(vec![12, 2, 3]));
    put(kv, b"empty", b"");
    add(kv, b"empty", &[4, 5]);
    assert_eq!(counters(kv, b"empty"), Some(vec![4, 5]));
}

fn bytes_behind_the_last_counter_go(kv: &dyn Kv) {
    put(kv, b"k", &[bytes_of(&[3]), b"tail".to_vec()].concat());
    add(kv, b"k", &[1]);
    assert_eq!(counters(kv, b"k"), Some(vec![4]));
    put(kv, b"short", b"tail");
    add(kv, b"short", &[]);
    assert_eq!(counters(kv, b"short"), Some(vec![]));
}

fn additions_keep_their_place_in_a_batch(kv: &dyn Kv) {
    add(kv, b"r/old", &[100]);
    add(kv, b"deleted", &[100]);
    let mut batch = Batch::new();
    batch
        .add(b"twice".to_vec(), vec![1, 1])
        .add(b"twice".to_vec(), vec![2])
        .put(b"put first".to_vec(), bytes_of(&[10]))
        .add(b"put first".to_vec(), vec![1])
        .add(b"put last".to_vec(), vec![1])
        .put(b"put last".to_vec(), bytes_of(&[10]))
        .delete(b"deleted".to_vec())
        .add(b"deleted".to_vec(), vec![1])
        .add(b"gone".to_vec(), vec![1])
        .delete(b"gone".to_vec())
        .add(b"r/before".to_vec(), vec![1])
        .delete_range(b"r/".to_vec(), b"r0".to_vec())
        .add(b"r/old".to_vec(), vec![1])
        .add(b"r/after".to_vec(), vec![1]);
    must(kv.commit(&batch));
    let found: Vec<_> = all(&*must(kv.snapshot()))
        .into_iter()
        .map(|(key, value)| (String::from_utf8_lossy(&key).into_owned(), counters_in(&value)))
        .collect();
    let expected = [
        ("deleted", vec![1]),
        ("put first", vec![11]),
        ("put last", vec![10]),
        ("r/after", vec![1]),
        ("r/old", vec![1]),
        ("twice", vec![3, 1]),
    ];
    assert_eq!(found, expected.map(|(key, counters)| (key.to_owned(), counters)));
}

fn a_refused_batch_adds_nothing(kv: &dyn Kv) {
    add(kv, b"k", &[1]);
    let mut refused = Batch::new();
    refused.guard(b"absent".to_vec(), Some(Vec::new())).add(b"k".to_vec(), vec![1]);
    assert_eq!(kv.commit(&refused), Err(KvError::GuardFailed { index: 0, actual: None }));
    let limits = kv.limits();
    let mut too_large = Batch::new();
    too_large
        .add(b"k".to_vec(), vec![1])
        .add(b"k".to_vec(), vec![0; limits.value_bytes_max / size_of::<i64>() + 1]);
    assert!(matches!(kv.commit(&too_large), Err(KvError::TooLarge { what: "value", .. })));
    let mut too_long = Batch::new();
    too_long.add(vec![b'k'; limits.key_bytes_max + 1], vec![1]);
    assert!(matches!(kv.commit(&too_long), Err(KvError::TooLarge { what: "key", .. })));
    assert_eq!(counters(kv, b"k"), Some(vec![1]));
}

fn every_way_of_reading_sees_the_sum(kv: &dyn Kv) {
    put(kv, b"b", &bytes_of(&[1]));
    let before = must(kv.snapshot());
    for _ in 0..100 {
        add(kv, b"a", &[1]);
        add(kv, b"b", &[1]);
    }
    let after = must(kv.snapshot());
    add(kv, b"b", &[1]);
    let seen = |snapshot: &dyn Snapshot, expected: [Option<i64>; 2]| {
        let expected = expected.map(|counter| counter.map(|counter| bytes_of(&[counter])));
        let keys = [b"a".to_vec(), b"b".to_vec()];
        assert_eq!([read(snapshot, b"a"), read(snapshot, b"b")], expected, "get");
        must(snapshot.multi_get(&keys, &mut |position, value| {
            assert_eq!(value, expected[position].as_deref(), "multi_get");
        }));
        for reverse in [false, true] {
            let scan = Scan { start: b"a", end: b"c", limit: 9, reverse };
            let mut found = rows(snapshot, scan);
            found.sort();
            let there = keys.iter().cloned().zip(expected.clone());
            let there: Vec<_> = there.filter_map(|(key, value)| Some((key, value?))).collect();
            assert_eq!(found, there, "scan");
        }
    };
    seen(&*before, [None, Some(1)]);
    seen(&*after, [Some(100), Some(101)]);
    seen(&*must(kv.snapshot()), [Some(100), Some(102)]);
}

fn guards_compare_the_sum(kv: &dyn Kv) {
    add(kv, b"k", &[1]);
    add(kv, b"k", &[2]);
    let mut batch = Batch::new();
    batch.guard(b"k".to_vec(), Some(bytes_of(&[3]))).add(b"k".to_vec(), vec![4]);
    must(kv.commit(&batch));
    let actual = Some(bytes_of(&[7]));
    assert_eq!(kv.commit(&batch), Err(KvError::GuardFailed { index: 0, actual }));
    let mut absent = Batch::new();
    absent.guard(b"k".to_vec(), None).put(b"k".to_vec(), b"v".as_slice());
    assert!(matches!(kv.commit(&absent), Err(KvError::GuardFailed { index: 0, .. })));
}

fn additions_of_many_threads_sum_up(kv: &dyn Kv) {
    const ROUNDS: i64 = 300;
    thread::scope(|scope| {
        for thread in 0..THREADS as i64 {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let mut batch = Batch::new();
                    batch
                        .add(b"all".to_vec(), vec![1, thread, -round])
                        .add(vec![thread as u8], vec![1]);
                    must(kv.commit(&batch));
                    // A thread sees at least its own.
                    assert_eq!(counters(kv, &[thread as u8]), Some(vec![round + 1]));
                }
            });
        }
    });
    let threads = THREADS as i64;
    let expected = vec![
        threads * ROUNDS,
        threads * (threads - 1) / 2 * ROUNDS,
        -threads * ROUNDS * (ROUNDS - 1) / 2,
    ];
    assert_eq!(counters(kv, b"all"), Some(expected));
}

/// Calls `look` again and again while `THREADS` threads run `write`.
fn beside_writers(kv: &dyn Kv, write: impl Fn(usize) + Sync, look: impl Fn(&dyn Kv) + Sync) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(SeqCst) {
                look(kv);
                thread::yield_now();
            }
        });
        let write = &write;
        let writers: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || write(thread))).collect();
        let written = writers.into_iter().all(|writer| writer.join().is_ok());
        done.store(true, SeqCst);
        let read = reader.join().is_ok();
        assert!(written && read, "a thread panicked; see above");
    });
    look(kv);
}

/// Each batch makes a row and counts it: a view holds as many rows as the counter says.
fn additions_are_whole_with_their_batch(kv: &dyn Kv) {
    let write = |thread: usize| {
        for round in 0..100_u8 {
            let mut batch = Batch::new();
            batch.add(b"n".to_vec(), vec![1]).put(vec![b'r', thread as u8, round], b"v".as_slice());
            must(kv.commit(&batch));
        }
    };
    beside_writers(kv, write, |kv| {
        let snapshot = must(kv.snapshot());
        let scan = Scan { start: b"r", end: b"s", limit: usize::MAX, reverse: false };
        let found = rows(&*snapshot, scan).len();
        let counted = read(&*snapshot, b"n").map_or(0, |value| counters_in(&value)[0]);
        assert_eq!(counted, found as i64, "the counter and the rows are of two batches");
    });
}

/// Some threads add; one moves what it finds to another row, guarded by the exact bytes. An
/// addition between its check and its write would be lost.
fn guarded_writes_lose_no_addition(kv: &dyn Kv) {
    const ROUNDS: i64 = 200;
    let moved = AtomicI64::new(0);
    let write = |thread: usize| {
        if thread > 0 {
            return (0..ROUNDS).for_each(|_| add(kv, b"purse", &[1]));
        }
        for _ in 0..ROUNDS {
            let Some(found) = get(kv, b"purse") else { continue };
            let amount = counters_in(&found)[0];
            let mut batch = Batch::new();
            batch.guard(b"purse".to_vec(), Some(found)).put(b"purse".to_vec(), bytes_of(&[0]));
            batch.add(b"bank".to_vec(), vec![amount]);
            match kv.commit(&batch) {
                Ok(_) => drop(moved.fetch_add(amount, SeqCst)),
                Err(KvError::GuardFailed { .. }) => {}
                Err(error) => panic!("the store failed: {error:?}"),
            }
        }
    };
    beside_writers(kv, write, |_| ());
    let total = |key: &[u8]| counters(kv, key).map_or(0, |counters| counters[0]);
    assert_eq!(total(b"bank"), moved.load(SeqCst));
    assert_eq!(total(b"bank") + total(b"purse"), (THREADS as i64 - 1) * ROUNDS);
}

/// Rows are deleted, singly and as a range, guarded by what they hold, beside additions to them.
/// What was taken away and what is left is all that was added.
fn deletes_and_additions_meet(kv: &dyn Kv) {
    const ROUNDS: i64 = 200;
    let taken = AtomicI64::new(0);
    let write = |thread: usize| {
        for round in 0..ROUNDS {
            if thread > 1 {
                add(kv, b"k", &[1]);
                continue;
            }
            let Some(found) = get(kv, b"k") else { continue };
            let amount = counters_in(&found)[0];
            let mut batch = Batch::new();
            batch.guard(b"k".to_vec(), Some(found));
            if (thread + round as usize).is_multiple_of(2) {
                batch.delete(b"k".to_vec());
            } else {
                batch.delete_range(b"k".to_vec(), b"l".to_vec());
            }
            match kv.commit(&batch) {
                Ok(_) => drop(taken.fetch_add(amount, SeqCst)),
                Err(KvError::GuardFailed { .. }) => {}
                Err(error) => panic!("the store failed: {error:?}"),
            }
        }
    };
    beside_writers(kv, write, |_| ());
    let left = counters(kv, b"k").map_or(0, |counters| counters[0]);
    assert_eq!(taken.load(SeqCst) + left, (THREADS as i64 - 2) * ROUNDS);
}
