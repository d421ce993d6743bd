//! Reading parts of a database, at every page size.

use actor_sqlite_ltx::{PageSize, Txid};

use super::Open;
use super::support::{Owner, many, one};
use crate::StoreError;

pub(super) fn run(open: &Open<'_>) {
    every_page_size_works(open);
    a_read_brings_what_was_asked_for(open);
    a_read_outside_the_database_or_the_head_is_refused(open);
}

fn every_page_size_works(open: &Open<'_>) {
    let store = open();
    for page_size in (9..=16).filter_map(|log| PageSize::new(1 << log).ok()) {
        let name = format!("page size {}", page_size.get());
        let mut owner = Owner::claim(&store, &name, page_size);
        assert_eq!(owner.head.page_size, page_size);
        owner.commit(&many(page_size, 1..=70, 1), 70);
        owner.commit(&one(page_size, 33, 2), 70);
        owner.check();
        let again = Owner::claim(&store, &name, PageSize::DEFAULT);
        assert_eq!(again.model, owner.model, "{name}");
    }
}

fn a_read_brings_what_was_asked_for(open: &Open<'_>) {
    let store = open();
    let page_size = PageSize::MIN;
    let mut owner = Owner::claim(&store, "a", page_size);
    owner.commit(&many(page_size, 1..=300, 1), 300);
    for version in 2..=6 {
        owner.commit(&many(page_size, (version..=300).step_by(37), version), 300);
    }
    for asked in [&[1][..], &[300], &[7, 8, 9], &[64, 65, 128, 129], &[300, 1, 77, 1]] {
        for (pgno, page) in owner.read(asked).expect("a read") {
            assert_eq!(owner.model.get(&pgno), Some(&page), "page {pgno}");
        }
    }
}

fn a_read_outside_the_database_or_the_head_is_refused(open: &Open<'_>) {
    let store = open();
    let page_size = PageSize::DEFAULT;
    let mut owner = Owner::claim(&store, "a", page_size);
    assert!(matches!(owner.read(&[1]), Err(StoreError::Invalid { .. })), "it is empty");
    owner.commit(&many(page_size, 1..=2, 1), 2);
    assert!(matches!(owner.read(&[3]), Err(StoreError::Invalid { .. })));
    owner.commit(&one(page_size, 1, 2), 2);
    for txid in [Txid::ZERO, Txid::new(1), Txid::new(3)] {
        let head = std::mem::replace(&mut owner.head.txid, txid);
        assert!(matches!(owner.read(&[1]), Err(StoreError::Invalid { .. })), "txid {txid}");
        owner.head.txid = head;
    }
    owner.check();
}
