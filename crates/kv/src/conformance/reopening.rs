//! Rows outlive the handle.

use std::collections::BTreeMap;

use super::Reopen;
use super::support::{all, must, put};
use crate::{Batch, Kv, Ticket, add_to_counters};

pub(super) fn run(reopen: &Reopen<'_>, seed: u64) {
    tickets_begin_again(reopen);
    everything_is_still_there(reopen, seed);
}

fn tickets_begin_again(reopen: &Reopen<'_>) {
    let kv = reopen();
    let ticket = put(&*kv, b"k", b"v");
    must(kv.wait_durable(ticket));
    drop(kv);
    let kv = reopen();
    must(kv.wait_durable(Ticket::ZERO));
    let ticket = put(&*kv, b"k", b"v");
    assert!(ticket > Ticket::ZERO);
    must(kv.wait_durable(ticket));
    clear(&*kv);
}

fn clear(kv: &dyn Kv) {
    let mut batch = Batch::new();
    batch.delete_range(Vec::new(), vec![0xff; 16]);
    must(kv.commit(&batch));
}

/// Random batches, most of them not waited for; an orderly close keeps them all.
fn everything_is_still_there(reopen: &Reopen<'_>, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut model = BTreeMap::new();
    for _ in 0..5 {
        let kv = reopen();
        let found: BTreeMap<_, _> = all(&*must(kv.snapshot())).into_iter().collect();
        assert!(found == model, "the rows changed while the store was closed");
        for _ in 0..200 {
            let mut batch = Batch::new();
            for _ in 0..rng.usize(1..5) {
                let key = vec![rng.u8(0..0xf0), rng.u8(0..4)];
                match rng.u8(0..8) {
                    0..2 => {
                        model.remove(&key);
                        batch.delete(key);
                    }
                    2..4 => {
                        let deltas = vec![rng.i64(..); rng.usize(0..4)];
                        let before = model.get(&key).map(Vec::as_slice);
                        let value = add_to_counters(before, &deltas);
                        model.insert(key.clone(), value);
                        batch.add(key, deltas);
                    }
                    _ => {
                        let value = vec![rng.u8(..); rng.usize(0..3_000)];
                        model.insert(key.clone(), value.clone());
                        batch.put(key, value);
                    }
                }
            }
            let ticket = must(kv.commit(&batch));
            if rng.u8(0..10) == 0 {
                must(kv.wait_durable(ticket));
            }
        }
    }
}
