//! What one reader sees.

use std::ops::ControlFlow;

use super::Open;
use super::support::{all, delete, must, put, read, rows};
use crate::{Batch, Kv, Scan};

pub(super) fn run(open: &Open<'_>) {
    an_empty_store_has_nothing(&*open());
    keys_are_byte_strings(&*open());
    scans_keep_bounds_and_limits(&*open());
    scans_end_when_told(&*open());
    multi_get_visits_each_position_once(&*open());
    snapshots_do_not_move(&*open());
}

fn an_empty_store_has_nothing(kv: &dyn Kv) {
    let snapshot = must(kv.snapshot());
    assert!(all(&*snapshot).is_empty());
    assert_eq!(read(&*snapshot, b"k"), None);
}

fn keys_are_byte_strings(kv: &dyn Kv) {
    let mut keys: Vec<Vec<u8>> = vec![
        vec![],
        vec![0],
        vec![0, 0],
        vec![0, 0xff],
        vec![1],
        b"a".to_vec(),
        b"a\0".to_vec(),
        b"aa".to_vec(),
        b"b".to_vec(),
        vec![0x7f],
        vec![0x80],
        vec![0xff],
        vec![0xff, 0],
    ];
    for key in keys.iter().rev() {
        put(kv, key, key);
    }
    keys.sort();
    let found = all(&*must(kv.snapshot()));
    assert_eq!(found.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), keys);
    assert!(found.iter().all(|(key, value)| key == value));
}

fn scans_keep_bounds_and_limits(kv: &dyn Kv) {
    for key in 0..100_u8 {
        put(kv, &[key], &[key]);
    }
    let snapshot = must(kv.snapshot());
    let keys = |start: u8, end: u8, limit, reverse| -> Vec<u8> {
        let scan = Scan { start: &[start], end: &[end], limit, reverse };
        rows(&*snapshot, scan).into_iter().map(|(key, _)| key[0]).collect()
    };
    assert_eq!(keys(10, 15, usize::MAX, false), [10, 11, 12, 13, 14]);
    assert_eq!(keys(10, 15, usize::MAX, true), [14, 13, 12, 11, 10]);
    assert_eq!(keys(10, 15, 2, false), [10, 11]);
    assert_eq!(keys(10, 15, 2, true), [14, 13]);
    assert_eq!(keys(98, 200, 5, false), [98, 99]);
    assert_eq!(keys(98, 200, 5, true), [99, 98]);
    assert!(keys(10, 15, 0, false).is_empty());
    assert!(keys(10, 10, 5, false).is_empty());
    assert!(keys(15, 10, 5, false).is_empty());
    assert!(keys(15, 10, 5, true).is_empty());
    assert!(keys(100, 200, 5, true).is_empty());
}

fn scans_end_when_told(kv: &dyn Kv) {
    for key in 0..10_u8 {
        put(kv, &[key], b"v");
    }
    let snapshot = must(kv.snapshot());
    for reverse in [false, true] {
        let mut visited = 0;
        let scan = Scan { start: &[0], end: &[10], limit: usize::MAX, reverse };
        must(snapshot.scan(scan, &mut |_, _| {
            visited += 1;
            if visited == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }));
        assert_eq!(visited, 3);
    }
}

fn multi_get_visits_each_position_once(kv: &dyn Kv) {
    for key in (0..50_u8).step_by(2) {
        put(kv, &[key], &[key, key]);
    }
    let snapshot = must(kv.snapshot());
    // Unsorted, with duplicates, absent ones among them.
    let keys: Vec<Vec<u8>> = [40_u8, 3, 2, 2, 49, 0, 40].map(|key| vec![key]).to_vec();
    let mut seen = vec![None; keys.len()];
    must(snapshot.multi_get(&keys, &mut |position, value| {
        let before = seen[position].replace(value.map(<[u8]>::to_vec));
        assert!(before.is_none(), "position {position} was visited twice");
    }));
    for (key, value) in keys.iter().zip(seen) {
        let value = value.expect("each position is visited");
        assert_eq!(value, (key[0] % 2 == 0 && key[0] < 50).then(|| vec![key[0], key[0]]));
    }
    must(snapshot.multi_get(&[], &mut |_, _| panic!("there is nothing to visit")));
}

fn snapshots_do_not_move(kv: &dyn Kv) {
    put(kv, b"a", b"1");
    put(kv, b"b", b"1");
    let early = must(kv.snapshot());
    let seen = all(&*early);
    put(kv, b"a", b"2");
    delete(kv, b"b");
    let mut batch = Batch::new();
    batch.put(b"c".to_vec(), b"2".as_slice()).delete_range(b"a".to_vec(), b"b".to_vec());
    must(kv.commit(&batch));
    assert_eq!(all(&*early), seen);
    assert_eq!(read(&*early, b"a").as_deref(), Some(b"1".as_slice()));
    assert_eq!(read(&*early, b"c"), None);
    let late = must(kv.snapshot());
    assert_eq!(all(&*late), [(b"c".to_vec(), b"2".to_vec())]);
}
