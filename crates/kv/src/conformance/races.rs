//! Guards under contention: check and write are one step.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;

use super::support::{get, increment, must, number, put, read};
use super::{Open, THREADS};
use crate::{Batch, Kv, KvError};

pub(super) fn run(open: &Open<'_>) {
    no_lost_updates(&*open());
    no_write_skew(&*open());
    one_winner(&*open(), Some(b"free"));
    one_winner(&*open(), None);
    transfers_keep_the_sum(&*open());
    unguarded_writes_are_not_overtaken(&*open());
    range_deletes_are_not_overtaken(&*open());
}

fn no_lost_updates(kv: &dyn Kv) {
    const ROUNDS: usize = 500;
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    increment(kv, b"counter");
                }
            });
        }
    });
    assert_eq!(get(kv, b"counter").as_deref().map(number), Some((THREADS * ROUNDS) as u64));
}

/// Two rows, of which one may be taken as long as the other is free. Guards on both rows must
/// keep two who each saw both free from taking one each.
fn no_write_skew(kv: &dyn Kv) {
    for _ in 0..200 {
        put(kv, b"left", b"free");
        put(kv, b"right", b"free");
        let barrier = Barrier::new(THREADS);
        thread::scope(|scope| {
            for thread in 0..THREADS {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    let mut batch = Batch::new();
                    batch
                        .guard(b"left".to_vec(), Some(b"free".to_vec()))
                        .guard(b"right".to_vec(), Some(b"free".to_vec()))
                        .put(
                            [b"left".to_vec(), b"right".to_vec()][thread % 2].clone(),
                            b"taken".as_slice(),
                        );
                    let _ = kv.commit(&batch);
                });
            }
        });
        let snapshot = must(kv.snapshot());
        let taken = [b"left".as_slice(), b"right"]
            .iter()
            .filter(|key| read(&*snapshot, key).as_deref() == Some(b"taken"))
            .count();
        assert_eq!(taken, 1, "write skew");
    }
}

fn one_winner(kv: &dyn Kv, initial: Option<&[u8]>) {
    for round in 0..100_u8 {
        let key = vec![round];
        if let Some(initial) = initial {
            put(kv, &key, initial);
        }
        let barrier = Barrier::new(THREADS);
        let winners = AtomicUsize::new(0);
        thread::scope(|scope| {
            for thread in 0..THREADS as u8 {
                let (key, barrier, winners) = (&key, &barrier, &winners);
                scope.spawn(move || {
                    let mut batch = Batch::new();
                    batch.guard(key.clone(), initial.map(<[u8]>::to_vec));
                    batch.put(key.clone(), vec![thread; 100]);
                    barrier.wait();
                    match kv.commit(&batch) {
                        Ok(_) => drop(winners.fetch_add(1, SeqCst)),
                        // The loser learns what the winner wrote.
                        Err(KvError::GuardFailed { index: 0, actual: Some(actual) }) => {
                            assert!(actual.len() == 100 && actual[0] != thread);
                        }
                        other => panic!("neither won nor lost: {other:?}"),
                    }
                });
            }
        });
        assert_eq!(winners.into_inner(), 1);
    }
}

fn transfers_keep_the_sum(kv: &dyn Kv) {
    const ACCOUNTS: u8 = 6;
    const EACH: u64 = 1_000;
    for account in 0..ACCOUNTS {
        put(kv, &[account], &EACH.to_be_bytes());
    }
    let transfer = |from: u8, to: u8, amount: u64| {
        let snapshot = must(kv.snapshot());
        let balance = |account: u8| number(&read(&*snapshot, &[account]).unwrap_or_default());
        let (have, has) = (balance(from), balance(to));
        if have < amount {
            return;
        }
        let mut batch = Batch::new();
        batch
            .guard(vec![from], Some(have.to_be_bytes().to_vec()))
            .guard(vec![to], Some(has.to_be_bytes().to_vec()))
            .put(vec![from], (have - amount).to_be_bytes().to_vec())
            .put(vec![to], (has + amount).to_be_bytes().to_vec());
        match kv.commit(&batch) {
            Ok(_) | Err(KvError::GuardFailed { .. }) => {}
            Err(error) => panic!("the store failed: {error:?}"),
        }
    };
    let sum = || -> u64 {
        let snapshot = must(kv.snapshot());
        (0..ACCOUNTS).map(|account| number(&read(&*snapshot, &[account]).unwrap_or_default())).sum()
    };
    thread::scope(|scope| {
        for thread in 0..THREADS as u8 {
            scope.spawn(move || {
                for round in 0..200_u8 {
                    let from = thread.wrapping_add(round) % ACCOUNTS;
                    let to = (from + 1 + round % (ACCOUNTS - 1)) % ACCOUNTS;
                    transfer(from, to, u64::from(round));
                    assert_eq!(sum(), u64::from(ACCOUNTS) * EACH);
                }
            });
        }
    });
}

/// One thread overwrites a counter without any guard, to restart it at a round number; others
/// increment with guards. An increment that was checked before the overwrite and landed after it
/// would bring back the old count.
fn unguarded_writes_are_not_overtaken(kv: &dyn Kv) {
    beside_incrementers(kv, |round| {
        put(kv, b"counter", &(round << 32).to_be_bytes());
        let now = get(kv, b"counter").as_deref().map(number).unwrap_or_default();
        assert_eq!(now >> 32, round, "an older count came back");
    });
}

/// The same with a range delete, which does not name the row. Nobody but this thread makes it.
fn range_deletes_are_not_overtaken(kv: &dyn Kv) {
    beside_incrementers(kv, |_| {
        put(kv, b"counter", &0_u64.to_be_bytes());
        while get(kv, b"counter").as_deref().map(number) == Some(0) {
            thread::yield_now();
        }
        let mut batch = Batch::new();
        batch.delete_range(b"c".to_vec(), b"d".to_vec());
        must(kv.commit(&batch));
        for _ in 0..10 {
            assert_eq!(get(kv, b"counter"), None, "a deleted row came back");
        }
    });
}

/// Calls `step` with the numbers of the rounds while other threads increment the row `counter`
/// wherever they find it, and never make it.
fn beside_incrementers(kv: &dyn Kv, step: impl Fn(u64) + Send) {
    const ROUNDS: u64 = 200;
    let done = AtomicBool::new(false);
    let increment_for_ever = || {
        while !done.load(SeqCst) {
            let Some(before) = get(kv, b"counter") else {
                // A store behind one lock must let the other thread have it.
                thread::yield_now();
                continue;
            };
            let next = number(&before) + 1;
            let mut batch = Batch::new();
            batch.guard(b"counter".to_vec(), Some(before));
            batch.put(b"counter".to_vec(), next.to_be_bytes().to_vec());
            match kv.commit(&batch) {
                Ok(_) | Err(KvError::GuardFailed { .. }) => {}
                Err(error) => panic!("the store failed: {error:?}"),
            }
        }
    };
    thread::scope(|scope| {
        let incrementers: Vec<_> = (0..4).map(|_| scope.spawn(increment_for_ever)).collect();
        let stepper = scope.spawn(move || (1..=ROUNDS).for_each(step));
        let stepped = stepper.join().is_ok();
        done.store(true, SeqCst);
        let incremented = incrementers.into_iter().all(|thread| thread.join().is_ok());
        assert!(stepped && incremented, "a thread panicked; see above");
    });
}
