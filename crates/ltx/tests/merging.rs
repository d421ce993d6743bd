//! A merged file does what its parts do one after the other.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;

use actor_sqlite_ltx::{
    Checksum, DecodeError, Header, Limits, MergeError, PageSize, Pgno, Txid, merge,
};
use common::{Model, PAGE_SIZES, Random, decode, encode, page_size, pgno};

fn merged(files: &[Vec<u8>]) -> Result<Vec<u8>, MergeError> {
    let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    merge(&files, Limits::default())
}

/// Applies a file to a database as a reader would.
fn apply(pages: &mut BTreeMap<Pgno, Vec<u8>>, file: &[u8]) {
    let (verified, changed) = decode(file).unwrap();
    pages.extend(changed);
    pages.retain(|pgno, _| pgno.get() <= verified.header.commit);
}

#[test]
fn every_run_of_a_random_history() {
    let mut random = Random::seeded(21);
    for _ in 0..60 {
        let mut model = Model::new(page_size(PAGE_SIZES[random.index(4)]));
        let mut states = vec![model.clone()];
        let mut files = Vec::new();
        for _ in 0..7 {
            files.push(model.random_commit(&mut random, 14));
            states.push(model.clone());
        }
        for begin in 0..files.len() {
            for end in begin + 1..=files.len() {
                let file = merged(&files[begin..end]).unwrap();
                let mut pages = states[begin].pages.clone();
                apply(&mut pages, &file);
                assert_eq!(pages, states[end].pages);
                let (verified, _) = decode(&file).unwrap();
                let header = verified.header;
                let before = states[begin].checksum();
                assert_eq!(header.min_txid.get(), begin as u64 + 1);
                assert_eq!(header.max_txid.get(), end as u64);
                assert_eq!(header.commit, states[end].commit);
                assert_eq!(header.pre_apply, if begin == 0 { Checksum::ABSENT } else { before });
                assert_eq!(header.timestamp_ms, 1_700_000_000_000 + end as i64);
                assert_eq!(verified.trailer.post_apply, states[end].checksum());
                if end - begin > 2 {
                    let middle = begin + 1 + random.index(end - begin - 1);
                    let parts = [merged(&files[begin..middle]), merged(&files[middle..end])];
                    let parts = parts.map(Result::unwrap);
                    assert_eq!(merged(&parts).unwrap(), file, "merging is associative");
                }
            }
        }
    }
}

#[test]
fn one_file_comes_back_without_its_node() {
    let mut model = Model::new(PageSize::MIN);
    let file = model.commit([(pgno(1), vec![1; 512])].into(), 1);
    assert_eq!(merged(std::slice::from_ref(&file)).unwrap(), file);
    let (verified, pages) = decode(&file).unwrap();
    let header = Header { node_id: 7, wal_offset: 32, wal_size: 1, ..verified.header };
    let with_node = encode(header, &pages, verified.trailer.post_apply);
    assert_eq!(merged(&[with_node]).unwrap(), file);
}

#[test]
fn an_untracked_file_makes_the_result_untracked() {
    let mut model = Model::new(PageSize::MIN);
    let first = model.commit([(pgno(1), vec![1; 512])].into(), 1);
    let second = model.commit([(pgno(1), vec![2; 512])].into(), 1);
    let (verified, pages) = decode(&second).unwrap();
    let header = Header { no_checksum: true, pre_apply: Checksum::ABSENT, ..verified.header };
    let untracked = encode(header, &pages, Checksum::ABSENT);
    let (verified, pages) = decode(&merged(&[first, untracked]).unwrap()).unwrap();
    assert!(verified.header.no_checksum);
    assert_eq!(pages, model.pages);
}

#[test]
fn files_that_do_not_follow_each_other() {
    let mut random = Random::new(22);
    let mut model = Model::new(PageSize::MIN);
    let files: Vec<_> = (0..3).map(|_| model.random_commit(&mut random, 5)).collect();
    let gap = |min, previous| {
        Err(MergeError::Gap { file: 1, min: Txid::new(min), previous: Txid::new(previous) })
    };
    assert_eq!(merged(&[]), Err(MergeError::Nothing));
    assert_eq!(merged(&[files[0].clone(), files[2].clone()]), gap(3, 1));
    assert_eq!(merged(&[files[1].clone(), files[0].clone()]), gap(1, 2));
    assert_eq!(merged(&[files[1].clone(), files[1].clone()]), gap(2, 2));

    let mut other = Model::new(PageSize::DEFAULT);
    other.random_commit(&mut random, 5);
    let wide = other.random_commit(&mut random, 5);
    assert_eq!(merged(&[files[0].clone(), wide]), Err(MergeError::PageSize { file: 1 }));

    let mut other = Model::new(PageSize::MIN);
    other.commit([(pgno(1), vec![9; 512])].into(), 1);
    let branch = other.commit([(pgno(1), vec![8; 512])].into(), 1);
    assert!(matches!(merged(&[files[0].clone(), branch]), Err(MergeError::Chain { file: 1, .. })));

    let mut damaged = files[1].clone();
    let at = damaged.len() - 1;
    damaged[at] ^= 1;
    assert!(matches!(
        merged(&[files[0].clone(), damaged]),
        Err(MergeError::Decode { file: 1, source: DecodeError::FileChecksum { .. } })
    ));
}

#[test]
fn a_dropped_page_does_not_come_back() {
    let page = |number: u32, byte: u8| (pgno(number), vec![byte; 512]);
    let mut model = Model::new(PageSize::MIN);
    let first = model.commit([page(1, 1), page(2, 1), page(3, 1)].into(), 3);
    let second = model.commit([page(1, 2)].into(), 1);
    let mut holed = model.clone();
    let third = holed.commit([page(1, 3), page(3, 3)].into(), 3);
    assert_eq!(
        merged(&[first.clone(), second.clone(), third]),
        Err(MergeError::Unwritten { file: 2, pgno: pgno(2) })
    );
    let third = model.commit([page(2, 3), page(3, 3)].into(), 3);
    let (_, pages) = decode(&merged(&[first, second, third]).unwrap()).unwrap();
    assert_eq!(pages, model.pages);
}
