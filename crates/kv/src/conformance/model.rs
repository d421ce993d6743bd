//! Random work compared with a sorted map.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::Open;
use super::support::{Rows, must, read, rows};
use crate::{Batch, Kv, KvError, Scan, Snapshot, add_to_counters};

const STEPS: usize = 3_000;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn run(open: &Open<'_>, seed: u64) {
    let kv = open();
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut model = Model::new();
    let mut kept: Vec<(Box<dyn Snapshot + '_>, Model)> = Vec::new();
    for step in 0..STEPS {
        commit(&*kv, &mut model, &mut rng, step);
        if step % 3 == 0 {
            compare(&*must(kv.snapshot()), &model, &mut rng, step);
        }
        if step % 100 == 0 {
            kept.push((must(kv.snapshot()), model.clone()));
        }
    }
    for (step, (snapshot, model)) in kept.iter().enumerate() {
        for _ in 0..5 {
            compare(&**snapshot, model, &mut rng, step * 100);
        }
    }
}

/// One to three bytes out of few, so that keys meet often and are prefixes of each other.
fn key(rng: &mut fastrand::Rng) -> Vec<u8> {
    (0..rng.usize(1..4)).map(|_| rng.choice([0, 1, b'a', b'b', 0xfe, 0xff]).unwrap_or(0)).collect()
}

fn commit(kv: &dyn Kv, model: &mut Model, rng: &mut fastrand::Rng, step: usize) {
    let mut batch = Batch::new();
    let mut after = model.clone();
    for _ in 0..rng.usize(0..3) {
        let key = key(rng);
        let expected = if rng.u8(0..8) == 0 { Some(vec![9]) } else { model.get(&key).cloned() };
        batch.guard(key, expected);
    }
    for _ in 0..rng.usize(1..8) {
        match rng.u8(0..12) {
            0..6 => {
                let (key, value) = (key(rng), vec![rng.u8(..); rng.usize(0..300)]);
                after.insert(key.clone(), value.clone());
                batch.put(key, value);
            }
            6..9 => {
                let key = key(rng);
                after.remove(&key);
                batch.delete(key);
            }
            9..11 => {
                let key = key(rng);
                let deltas: Vec<_> = (0..rng.usize(0..4)).map(|_| rng.i64(..)).collect();
                let value = add_to_counters(after.get(&key).map(Vec::as_slice), &deltas);
                after.insert(key.clone(), value);
                batch.add(key, deltas);
            }
            _ => {
                let (start, end) = (key(rng), key(rng));
                after.retain(|key, _| !(start <= *key && *key < end));
                batch.delete_range(start, end);
            }
        }
    }
    let failed =
        batch.guards.iter().position(|guard| model.get(&guard.key) != guard.expected.as_ref());
    match (kv.commit(&batch), failed) {
        (Ok(_), None) => *model = after,
        (Err(KvError::GuardFailed { index, actual }), Some(position)) => {
            assert_eq!(index, position, "step {step}");
            assert_eq!(actual.as_ref(), model.get(&batch.guards[position].key), "step {step}");
        }
        (outcome, failed) => panic!("step {step}: {outcome:?}, but the model says {failed:?}"),
    }
}

fn compare(snapshot: &dyn Snapshot, model: &Model, rng: &mut fastrand::Rng, step: usize) {
    let point = key(rng);
    assert_eq!(read(snapshot, &point).as_ref(), model.get(&point), "step {step}, key {point:?}");
    let (start, end) = (key(rng), key(rng));
    let (limit, reverse) = (rng.usize(0..40), rng.bool());
    let scan = Scan { start: &start, end: &end, limit, reverse };
    assert_eq!(rows(snapshot, scan), expected(model, scan), "step {step}, {scan:?}");
}

fn expected(model: &Model, scan: Scan<'_>) -> Rows {
    if scan.start >= scan.end {
        return Rows::new();
    }
    let bounds = (Bound::Included(scan.start), Bound::Excluded(scan.end));
    let range = model.range::<[u8], _>(bounds).map(|(key, value)| (key.clone(), value.clone()));
    if scan.reverse {
        range.rev().take(scan.limit).collect()
    } else {
        range.take(scan.limit).collect()
    }
}
