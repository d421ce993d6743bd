//! Page indexes that pass their own envelope and are wrong: compaction finds them before it writes.

#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::Arc;

use actor_sqlite_kv::{Image, MemKv};
use actor_sqlite_pagestore::StoreError;
use common::*;
use crc_fast::{CrcAlgorithm, Digest};
use fastrand::Rng;

/// Puts the envelope around a payload, as it is written down in the document of the format.
fn sealed(key: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut value = vec![1];
    value.extend_from_slice(payload);
    let mut digest = Digest::new(CrcAlgorithm::Crc64GoIso);
    digest.update(&(key.len() as u32).to_be_bytes());
    digest.update(key);
    digest.update(&value);
    value.extend_from_slice(&digest.finalize().to_be_bytes());
    value
}

fn varint(bytes: &[u8], at: &mut usize) -> usize {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = bytes[*at];
        *at += 1;
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

/// Where the number of pages is in a page index, and where each page's entry begins.
fn entries(payload: &[u8]) -> (usize, Vec<usize>) {
    let mut at = 20;
    for _ in 0..varint(payload, &mut at) {
        varint(payload, &mut at);
    }
    let count_at = at;
    let count = varint(payload, &mut at);
    let mut begins = Vec::new();
    for _ in 0..count {
        begins.push(at);
        varint(payload, &mut at);
        varint(payload, &mut at);
        at += 8;
    }
    (count_at, begins)
}

/// The only row of a kind.
fn row(image: &Image, kind: &str) -> Vec<u8> {
    let path = [&b"\0"[..], kind.as_bytes(), b"/"].concat();
    let keys = image.keys();
    let mut found = keys.into_iter().filter(|key| key.windows(path.len()).any(|at| at == path));
    found.next_back().unwrap()
}

/// A database folded once, with a commit of pages 1 to 9 above that.
fn specimen() -> (Arc<MemKv>, Owner) {
    let kv = Arc::new(MemKv::new());
    let mut owner = Owner::claim(&engine(kv.clone()), &actor("a"));
    let mut rng = Rng::with_seed(1);
    let mut noise = |pgno| (pgno, (0..512).map(|_| rng.u8(..)).collect());
    owner.commit(&(1..=9).map(&mut noise).collect(), 9).unwrap();
    owner.commit(&(1..=9).map(&mut noise).collect(), 9).unwrap();
    owner.engine.compact(owner.actor()).unwrap();
    owner.engine.reclaim(owner.actor(), 9).unwrap();
    owner.commit(&(1..=9).map(&mut noise).collect(), 9).unwrap();
    (kv, owner)
}

/// Compacts after an edit of a page index, and checks that nothing was written.
fn refused(kind: &str, edit: impl Fn(&mut Vec<u8>)) {
    let (kv, owner) = specimen();
    let key = row(&kv.image(), kind);
    kv.edit(|image| {
        let value = image.get(&key).unwrap().to_vec();
        assert_eq!(value, sealed(&key, &value[1..value.len() - 8]), "the envelope");
        let mut payload = value[1..value.len() - 8].to_vec();
        edit(&mut payload);
        image.set(&key, &sealed(&key, &payload));
    });
    let before: Vec<_> = kv.image().iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    match owner.engine.compact(owner.actor()) {
        Err(StoreError::Corrupt { row, .. }) => assert_eq!(row, "PIDX 3", "{kind}"),
        other => panic!("{kind}: {other:?}"),
    }
    let after: Vec<_> = kv.image().iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert!(before == after, "{kind}: something was written");
    assert_eq!(owner.engine.metrics().compactions, 1);
}

#[test]
fn a_delta_index_that_lost_a_page_is_not_folded() {
    refused("PIDX", |payload| {
        let (count_at, begins) = entries(payload);
        payload[count_at] -= 1;
        payload.truncate(*begins.last().unwrap());
    });
}

#[test]
fn a_wrong_checksum_of_a_page_that_is_replaced_is_noticed() {
    refused("SIDX", |payload| {
        let (_, begins) = entries(payload);
        let end = payload.len() - 1;
        assert_eq!(begins.len(), 9);
        payload[end] ^= 1;
    });
}

#[test]
fn a_wrong_checksum_of_a_new_page_is_noticed() {
    refused("PIDX", |payload| {
        let end = payload.len() - 1;
        payload[end] ^= 1;
    });
}

#[test]
fn a_shard_index_that_lost_a_page_is_noticed() {
    refused("SIDX", |payload| {
        let (count_at, begins) = entries(payload);
        payload[count_at] -= 1;
        payload.truncate(*begins.last().unwrap());
    });
}
