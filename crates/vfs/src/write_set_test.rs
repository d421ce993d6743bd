//! The write set by itself: what a commit holds, and what is left of pages that were cut off.

use actor_sqlite_ltx::{PageSize, Pgno};

use crate::write_set::{Place, WriteSet};

const PAGE: usize = 512;

#[test]
fn a_commit_holds_every_gained_page_but_the_lock_page() {
    let page_size = PageSize::MAX;
    let lock_page = page_size.lock_page().get();
    let mut set = WriteSet::new(page_size, lock_page - 2);
    let page = vec![1; page_size.bytes()];
    set.put(Pgno::new(lock_page + 2).unwrap(), &page);
    assert!(matches!(set.place(page_size.lock_page()), Place::Zero));
    set.trim();
    assert_eq!(set.seal(0, usize::MAX), None);
    assert_eq!(numbers(&set), [lock_page - 1, lock_page + 1, lock_page + 2]);
    assert_eq!(set.size(), lock_page + 2);
}

fn numbers(set: &WriteSet) -> Vec<u32> {
    set.pages().map(|(pgno, _)| pgno.get()).collect()
}

#[test]
fn pages_cut_off_come_back_as_zeros() {
    let mut set = WriteSet::new(PageSize::MIN, 10);
    set.truncate(4);
    set.put(Pgno::new(7).unwrap(), &[1; PAGE]);
    assert!(matches!(set.place(Pgno::new(4).unwrap()), Place::Base));
    assert!(matches!(set.place(Pgno::new(5).unwrap()), Place::Zero));
    assert!(matches!(set.place(Pgno::new(8).unwrap()), Place::Beyond));
    set.trim();
    assert_eq!(set.seal(0, usize::MAX), None);
    assert_eq!(numbers(&set), [5, 6, 7]);
    set.reset(10);
    assert!(set.is_clean());
    assert!(matches!(set.place(Pgno::new(9).unwrap()), Place::Base));
}

#[test]
fn a_staged_page_that_was_cut_off_comes_back_as_zeros() {
    let mut set = WriteSet::new(PageSize::MIN, 3);
    for number in 1..=6 {
        set.put(Pgno::new(number).unwrap(), &[1; PAGE]);
    }
    let staged = set.set_staged();
    assert_eq!(staged.into_keys().map(Pgno::get).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    assert_eq!(numbers(&set), [1], "page 1 stays at hand");
    set.put(Pgno::new(2).unwrap(), &[2; PAGE]);
    set.truncate(4);
    set.truncate(6);
    assert!(matches!(set.place(Pgno::new(2).unwrap()), Place::Written(_)));
    assert!(matches!(set.place(Pgno::new(4).unwrap()), Place::Staged));
    assert!(matches!(set.place(Pgno::new(5).unwrap()), Place::Zero));
    set.trim();
    assert_eq!(set.seal(0, usize::MAX), None);
    assert_eq!(numbers(&set), [1, 2, 5, 6]);
    let (pages, staged) = set.take(6);
    assert_eq!((pages.len(), staged.iter().map(Pgno::get).collect()), (4, vec![3, 4]));
}

#[test]
fn a_commit_says_whether_it_frees() {
    let page = |size: u32, free: u32| {
        let mut page = vec![0; PAGE];
        page[28..32].copy_from_slice(&size.to_be_bytes());
        page[36..40].copy_from_slice(&free.to_be_bytes());
        page
    };
    let before = page(10, 2);
    for (size, free, frees) in
        [(10, 2, true), (10, 3, true), (10, 1, false), (11, 3, true), (11, 2, false), (8, 0, true)]
    {
        let mut set = WriteSet::new(PageSize::MIN, 10);
        set.truncate(size);
        set.put(Pgno::ONE, &page(size, free));
        assert_eq!(set.frees(&before), frees, "{size} {free}");
    }
    let mut set = WriteSet::new(PageSize::MIN, 10);
    assert!(set.frees(&before));
    set.put(Pgno::new(11).unwrap(), &[0; PAGE]);
    assert!(!set.frees(&before), "it grows");
}
