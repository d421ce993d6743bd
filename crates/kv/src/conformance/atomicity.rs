//! A batch is seen whole or not at all.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;

use super::support::{all, must, put, read, rows};
use super::{Open, THREADS};
use crate::{Batch, Kv, Scan};

const ROWS: u8 = 16;
const ROUNDS: u64 = 300;

pub(super) fn run(open: &Open<'_>) {
    no_torn_reads(&*open());
    range_deletes_are_whole(&*open());
    later_commits_never_come_without_earlier_ones(&*open());
}

fn stamp_all(kv: &dyn Kv, stamp: u64) {
    let mut batch = Batch::new();
    for row in 0..ROWS {
        batch.put(vec![row], stamp.to_be_bytes().to_vec());
    }
    must(kv.commit(&batch));
}

/// Each batch writes one stamp to all rows; every view holds a single stamp, however it reads.
fn no_torn_reads(kv: &dyn Kv) {
    stamp_all(kv, 0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..THREADS / 2)
            .map(|_| {
                scope.spawn(|| {
                    while !done.load(SeqCst) {
                        let snapshot = must(kv.snapshot());
                        let first = read(&*snapshot, &[0]);
                        for row in 1..ROWS {
                            assert_eq!(read(&*snapshot, &[row]), first, "a torn get");
                        }
                        let keys: Vec<_> = (0..ROWS).map(|row| vec![row]).collect();
                        must(snapshot.multi_get(&keys, &mut |_, value| {
                            assert_eq!(value, first.as_deref(), "a torn multi_get");
                        }));
                        let scan = Scan { start: &[0], end: &[ROWS], limit: 99, reverse: true };
                        for (_, value) in rows(&*snapshot, scan) {
                            assert_eq!(Some(value), first, "a torn scan");
                        }
                    }
                })
            })
            .collect();
        let writers: Vec<_> = (0..THREADS as u64 / 2)
            .map(|writer| {
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        stamp_all(kv, writer << 32 | round);
                    }
                })
            })
            .collect();
        let written = writers.into_iter().all(|writer| writer.join().is_ok());
        done.store(true, SeqCst);
        let read = readers.into_iter().all(|reader| reader.join().is_ok());
        assert!(written && read, "a thread panicked; see above");
    });
}

/// Rows are deleted as a range and put back in one batch: no view may find some of them.
fn range_deletes_are_whole(kv: &dyn Kv) {
    stamp_all(kv, 0);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(SeqCst) {
                let found = all(&*must(kv.snapshot())).len();
                assert!(found == 0 || found == usize::from(ROWS), "{found} rows of {ROWS}");
            }
        });
        let writer = scope.spawn(|| {
            for round in 0..ROUNDS {
                let mut batch = Batch::new();
                batch.delete_range(vec![0], vec![ROWS]);
                must(kv.commit(&batch));
                stamp_all(kv, round);
            }
        });
        let written = writer.join().is_ok();
        done.store(true, SeqCst);
        assert!(reader.join().is_ok() && written, "a thread panicked; see above");
    });
}

/// One writer puts `1, 2, 3, …` into rows in turn. A view that has `n` has all before it.
fn later_commits_never_come_without_earlier_ones(kv: &dyn Kv) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(SeqCst) {
                for (position, (key, _)) in all(&*must(kv.snapshot())).iter().enumerate() {
                    assert_eq!(key, &(position as u32).to_be_bytes(), "a gap");
                }
            }
        });
        let writer = scope.spawn(|| {
            for number in 0..1_000_u32 {
                put(kv, &number.to_be_bytes(), b"v");
            }
        });
        let written = writer.join().is_ok();
        done.store(true, SeqCst);
        assert!(reader.join().is_ok() && written, "a thread panicked; see above");
    });
}
