//! What one batch does.

use super::Open;
use super::support::{all, delete, get, must, put, read};
use crate::{Batch, Kv, KvError};

pub(super) fn run(open: &Open<'_>) {
    writes_apply_in_order(&*open());
    ranges_are_half_open(&*open());
    large_ranges_go_too(&*open());
    guards_hold_or_nothing_lands(&*open());
    the_first_failed_guard_is_named(&*open());
    guards_see_the_state_before_the_batch(&*open());
    absent_guards_are_not_empty_values(&*open());
    limits_are_kept(&*open());
    an_empty_batch_is_ordered(&*open());
}

fn writes_apply_in_order(kv: &dyn Kv) {
    let mut batch = Batch::new();
    batch
        .put(b"twice".to_vec(), b"first".as_slice())
        .put(b"twice".to_vec(), b"last".as_slice())
        .put(b"gone".to_vec(), b"v".as_slice())
        .delete(b"gone".to_vec())
        .delete(b"back".to_vec())
        .put(b"back".to_vec(), b"v".as_slice())
        .put(b"range/old".to_vec(), b"v".as_slice())
        .delete_range(b"range/".to_vec(), b"range0".to_vec())
        .put(b"range/new".to_vec(), b"v".as_slice());
    must(kv.commit(&batch));
    assert_eq!(get(kv, b"twice").as_deref(), Some(b"last".as_slice()));
    assert_eq!(get(kv, b"gone"), None);
    assert!(get(kv, b"back").is_some());
    assert_eq!(get(kv, b"range/old"), None, "a put before a range delete must go");
    assert!(get(kv, b"range/new").is_some(), "a put after a range delete must stay");
}

fn ranges_are_half_open(kv: &dyn Kv) {
    for key in [b"a", b"b", b"c", b"d"] {
        put(kv, key, b"v");
    }
    let mut batch = Batch::new();
    batch
        .delete_range(b"b".to_vec(), b"d".to_vec())
        .delete_range(b"d".to_vec(), b"a".to_vec())
        .delete_range(b"a".to_vec(), b"a".to_vec());
    must(kv.commit(&batch));
    let keys: Vec<_> = all(&*must(kv.snapshot())).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [b"a", b"d"]);
}

/// More rows than a driver may want to delete one by one.
fn large_ranges_go_too(kv: &dyn Kv) {
    let mut batch = Batch::new();
    for number in 0..2_000_u32 {
        batch.put([b"r/".as_slice(), &number.to_be_bytes()].concat(), b"v".as_slice());
    }
    must(kv.commit(&batch));
    put(kv, b"r0", b"v");
    let before = must(kv.snapshot());
    let mut batch = Batch::new();
    batch.put(b"r/early".to_vec(), b"v".as_slice());
    batch.delete_range(b"r/".to_vec(), b"r0".to_vec());
    batch.put([b"r/".as_slice(), &7_u32.to_be_bytes()].concat(), b"new".as_slice());
    must(kv.commit(&batch));
    let left = all(&*must(kv.snapshot()));
    assert_eq!(left.len(), 2, "the row put after the range delete and the one outside");
    assert_eq!(left[0].1, b"new");
    assert_eq!(all(&*before).len(), 2_001);
}

fn guards_hold_or_nothing_lands(kv: &dyn Kv) {
    put(kv, b"guarded", b"v1");
    let mut batch = Batch::new();
    batch
        .guard(b"guarded".to_vec(), Some(b"v1".to_vec()))
        .guard(b"absent".to_vec(), None)
        .put(b"guarded".to_vec(), b"v2".as_slice())
        .put(b"other".to_vec(), b"v".as_slice());
    must(kv.commit(&batch));
    let before = all(&*must(kv.snapshot()));
    let again = kv.commit(&batch);
    let actual = Some(b"v2".to_vec());
    assert_eq!(again, Err(KvError::GuardFailed { index: 0, actual }));
    assert_eq!(all(&*must(kv.snapshot())), before, "a refused batch left something");
}

fn the_first_failed_guard_is_named(kv: &dyn Kv) {
    put(kv, b"a", b"1");
    put(kv, b"b", b"2");
    let refused = |guards: &[(&[u8], Option<&[u8]>)]| {
        let mut batch = Batch::new();
        for (key, expected) in guards {
            batch.guard(key.to_vec(), expected.map(<[u8]>::to_vec));
        }
        batch.put(b"never".to_vec(), b"v".as_slice());
        kv.commit(&batch).expect_err("a guard that fails must refuse")
    };
    let failed = |index, actual: Option<&[u8]>| KvError::GuardFailed {
        index,
        actual: actual.map(<[u8]>::to_vec),
    };
    assert_eq!(
        refused(&[(b"a", Some(b"1")), (b"b", Some(b"x")), (b"a", Some(b"x"))]),
        failed(1, Some(b"2"))
    );
    assert_eq!(refused(&[(b"b", None), (b"a", Some(b"x"))]), failed(0, Some(b"2")));
    assert_eq!(refused(&[(b"a", Some(b"1")), (b"c", Some(b"1"))]), failed(1, None));
    // A prefix and an extension of the value are other values.
    assert_eq!(refused(&[(b"a", Some(b"")), (b"b", Some(b"2"))]), failed(0, Some(b"1")));
    assert_eq!(refused(&[(b"a", Some(b"11"))]), failed(0, Some(b"1")));
    assert_eq!(get(kv, b"never"), None);
}

fn guards_see_the_state_before_the_batch(kv: &dyn Kv) {
    let mut batch = Batch::new();
    batch.guard(b"k".to_vec(), None).guard(b"k".to_vec(), None).put(b"k".to_vec(), b"v".as_slice());
    must(kv.commit(&batch));
    assert!(get(kv, b"k").is_some());
}

fn absent_guards_are_not_empty_values(kv: &dyn Kv) {
    put(kv, b"empty", b"");
    let snapshot = must(kv.snapshot());
    assert_eq!(read(&*snapshot, b"empty"), Some(Vec::new()));
    assert_eq!(read(&*snapshot, b"absent"), None);
    let mut absent = Batch::new();
    absent.guard(b"empty".to_vec(), None);
    let actual = Some(Vec::new());
    assert_eq!(kv.commit(&absent), Err(KvError::GuardFailed { index: 0, actual }));
    let mut empty = Batch::new();
    empty.guard(b"absent".to_vec(), Some(Vec::new()));
    assert_eq!(kv.commit(&empty), Err(KvError::GuardFailed { index: 0, actual: None }));
    delete(kv, b"empty");
    must(kv.commit(&absent));
}

fn limits_are_kept(kv: &dyn Kv) {
    let limits = kv.limits();
    assert!(limits.value_bytes_preferred <= limits.value_bytes_max);
    let largest_key = vec![b'k'; limits.key_bytes_max];
    let largest_value = vec![1; limits.value_bytes_max.min(limits.batch_bytes_max) / 2];
    put(kv, &largest_key, &largest_value);
    assert_eq!(get(kv, &largest_key).map(|value| value.len()), Some(largest_value.len()));

    let refuse = |what: &str, batch: &Batch<'_>| match kv.commit(batch) {
        Err(KvError::TooLarge { what: named, bytes, limit }) => {
            assert_eq!(named, what);
            assert!(bytes > limit);
        }
        other => panic!("a {what} that is too large: {other:?}"),
    };
    let too_long = vec![b'k'; limits.key_bytes_max + 1];
    let mut batch = Batch::new();
    batch.put(b"small".to_vec(), b"v".as_slice()).put(too_long.clone(), b"v".as_slice());
    refuse("key", &batch);
    let mut batch = Batch::new();
    batch.put(b"small".to_vec(), b"v".as_slice()).delete(too_long.clone());
    refuse("key", &batch);
    let mut batch = Batch::new();
    batch.put(b"small".to_vec(), b"v".as_slice()).guard(too_long, None);
    refuse("key", &batch);
    let mut batch = Batch::new();
    batch.put(b"small".to_vec(), b"v".as_slice());
    batch.put(b"k".to_vec(), vec![0; limits.value_bytes_max + 1]);
    refuse("value", &batch);
    let mut batch = Batch::new();
    let value = vec![0; limits.value_bytes_max];
    for number in 0..=limits.batch_bytes_max / limits.value_bytes_max {
        batch.put(number.to_be_bytes().to_vec(), value.as_slice());
    }
    refuse("batch", &batch);
    assert_eq!(all(&*must(kv.snapshot())).len(), 1, "a refused batch left something");
}

fn an_empty_batch_is_ordered(kv: &dyn Kv) {
    let first = must(kv.commit(&Batch::new()));
    let second = must(kv.commit(&Batch::new()));
    assert!(second > first);
    must(kv.wait_durable(second));
}
