//! Short words for the checks.

use std::ops::ControlFlow;

use crate::{Batch, Kv, KvError, Scan, Snapshot, Ticket};

/// The rows of a walk.
pub(super) type Rows = Vec<(Vec<u8>, Vec<u8>)>;

pub(super) fn must<T>(result: Result<T, KvError>) -> T {
    result.unwrap_or_else(|error| panic!("the store failed: {error:?}"))
}

pub(super) fn number(value: &[u8]) -> u64 {
    u64::from_be_bytes(value.try_into().expect("a counter of eight bytes"))
}

pub(super) fn put(kv: &dyn Kv, key: &[u8], value: &[u8]) -> Ticket {
    let mut batch = Batch::new();
    batch.put(key.to_vec(), value.to_vec());
    must(kv.commit(&batch))
}

pub(super) fn delete(kv: &dyn Kv, key: &[u8]) -> Ticket {
    let mut batch = Batch::new();
    batch.delete(key.to_vec());
    must(kv.commit(&batch))
}

pub(super) fn read(snapshot: &dyn Snapshot, key: &[u8]) -> Option<Vec<u8>> {
    let mut value = None;
    let found = must(snapshot.get(key, &mut |bytes| value = Some(bytes.to_vec())));
    assert_eq!(found, value.is_some(), "get says one thing and does another");
    value
}

pub(super) fn get(kv: &dyn Kv, key: &[u8]) -> Option<Vec<u8>> {
    read(&*must(kv.snapshot()), key)
}

/// A walk over `start..end` that `visit` never ends.
pub(super) fn rows(snapshot: &dyn Snapshot, scan: Scan<'_>) -> Rows {
    let mut rows = Rows::new();
    must(snapshot.scan(scan, &mut |key, value| {
        rows.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    }));
    rows
}

pub(super) fn all(snapshot: &dyn Snapshot) -> Rows {
    rows(snapshot, Scan { start: b"", end: &[0xff; 16], limit: usize::MAX, reverse: false })
}

/// Adds one to a counter if it still is what a snapshot says; retries until it lands. Says what
/// it made of it.
pub(super) fn increment(kv: &dyn Kv, key: &[u8]) -> (u64, Ticket) {
    loop {
        let before = get(kv, key);
        let next = before.as_deref().map_or(0, number) + 1;
        let mut batch = Batch::new();
        batch.guard(key.to_vec(), before).put(key.to_vec(), next.to_be_bytes().to_vec());
        match kv.commit(&batch) {
            Ok(ticket) => return (next, ticket),
            Err(KvError::GuardFailed { .. }) => {}
            Err(error) => panic!("the store failed: {error:?}"),
        }
    }
}
