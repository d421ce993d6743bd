//! An owner of one database, and the answers a check expects.

use std::collections::BTreeMap;
use std::sync::Arc;

use actor_sqlite_ltx::{Checksum, PageSize, Pgno, Txid, page_checksum};

use crate::{
    ActorId, Claim, ClaimOptions, CommitId, CommitRequest, Committed, Generation, Head, Lease,
    PageSink, PageStore, StoreError, Ticket,
};

/// Page by number.
pub(super) type Pages = BTreeMap<u32, Vec<u8>>;

pub(super) fn actor(name: &str) -> ActorId {
    ActorId::new("conformance", name).expect("a short name without NUL")
}

pub(super) fn options(create: bool, page_size: PageSize) -> ClaimOptions {
    ClaimOptions { create, page_size, ..ClaimOptions::new("conformance") }
}

/// A page that differs from the pages of other numbers and versions.
pub(super) fn page(page_size: PageSize, pgno: u32, version: u32) -> Vec<u8> {
    let mut page = vec![version as u8; page_size.bytes()];
    page[..4].copy_from_slice(&pgno.to_be_bytes());
    page[4..8].copy_from_slice(&version.to_be_bytes());
    page
}

/// One page.
pub(super) fn one(page_size: PageSize, pgno: u32, version: u32) -> Pages {
    [(pgno, page(page_size, pgno, version))].into()
}

/// Consecutive pages.
pub(super) fn many(page_size: PageSize, range: impl Iterator<Item = u32>, version: u32) -> Pages {
    range.map(|pgno| (pgno, page(page_size, pgno, version))).collect()
}

/// Whoever holds a lease, and what it has committed.
pub(super) struct Owner {
    pub(super) store: Arc<dyn PageStore>,
    pub(super) lease: Lease,
    pub(super) head: Head,
    pub(super) ticket: Ticket,
    pub(super) sequence: u64,
    pub(super) model: Pages,
}

impl Owner {
    /// Claims a database, which must be there or be made, and reads all of it.
    pub(super) fn claim(store: &Arc<dyn PageStore>, name: &str, page_size: PageSize) -> Self {
        let claim = store.claim(&actor(name), &options(true, page_size)).expect("a claim");
        assert_eq!(claim.next_sequence, 1, "a new generation has committed nothing");
        Self::of(store, claim)
    }

    /// Goes on with a lease that was released, and reads all of its database.
    pub(super) fn resume(store: &Arc<dyn PageStore>, name: &str, generation: Generation) -> Self {
        let options = ClaimOptions { resume: Some(generation), ..options(true, PageSize::MAX) };
        let claim = store.claim(&actor(name), &options).expect("nobody claimed it");
        assert_eq!(claim.lease.generation(), generation);
        Self::of(store, claim)
    }

    pub(super) fn of(store: &Arc<dyn PageStore>, claim: Claim) -> Self {
        let mut owner = Self {
            store: Arc::clone(store),
            lease: claim.lease,
            head: claim.head,
            ticket: claim.ticket,
            sequence: claim.next_sequence - 1,
            model: Pages::new(),
        };
        owner.model = owner.read_all().expect("a read after a claim");
        for (pgno, page) in &claim.pages {
            assert_eq!(owner.model.get(&pgno.get()).map(|page| &page[..]), Some(&**page));
        }
        let first = claim.pages.iter().any(|(pgno, _)| *pgno == Pgno::ONE);
        assert_eq!(first, owner.head.size > 0, "page 1 comes with a claim if there is one");
        owner
    }

    pub(super) fn next_id(&mut self) -> CommitId {
        self.sequence += 1;
        CommitId { generation: self.lease.generation(), sequence: self.sequence }
    }

    /// Tries a commit and changes nothing here.
    pub(super) fn try_commit(&mut self, pages: &Pages, size: u32) -> Result<Committed, StoreError> {
        let commit_id = self.next_id();
        self.try_commit_as(commit_id, self.head.txid, pages, size)
    }

    pub(super) fn try_commit_as(
        &self,
        commit_id: CommitId,
        expected_head: Txid,
        pages: &Pages,
        size: u32,
    ) -> Result<Committed, StoreError> {
        self.send(commit_id, expected_head, pages, size, false)
    }

    /// Tries a commit that leaves no more pages in use, and changes nothing here.
    pub(super) fn try_free(&mut self, pages: &Pages, size: u32) -> Result<Committed, StoreError> {
        let commit_id = self.next_id();
        self.send(commit_id, self.head.txid, pages, size, true)
    }

    fn send(
        &self,
        commit_id: CommitId,
        expected_head: Txid,
        pages: &Pages,
        size: u32,
        frees: bool,
    ) -> Result<Committed, StoreError> {
        let pages: Vec<(Pgno, &[u8])> = pages
            .iter()
            .filter_map(|(&pgno, page)| Some((Pgno::new(pgno)?, page.as_slice())))
            .collect();
        let request =
            CommitRequest { commit_id, expected_head, pages: &pages, size, staged: false, frees };
        self.store.commit(&self.lease, &request)
    }

    /// Commits, and checks the head that comes back.
    pub(super) fn commit(&mut self, pages: &Pages, size: u32) -> Committed {
        let committed = self.try_commit(pages, size).expect("a commit");
        self.enter(pages, size, committed)
    }

    /// Enters a commit that took place, and checks the head that came back.
    pub(super) fn enter(&mut self, pages: &Pages, size: u32, committed: Committed) -> Committed {
        let mut model = self.model.clone();
        model.extend(pages.iter().map(|(&pgno, page)| (pgno, page.clone())));
        model.split_off(&(size + 1));
        let changed = model != self.model;
        let txid = if changed { self.head.txid.next() } else { self.head.txid };
        let checksum = checksum(&model);
        assert_eq!(committed.head, Head { txid, size, checksum, ..self.head });
        if changed {
            assert!(committed.ticket > self.ticket, "tickets rise");
        } else {
            assert_eq!(committed.ticket, self.ticket, "an empty commit has the ticket of its head");
        }
        self.model = model;
        self.head = committed.head;
        self.ticket = committed.ticket;
        committed
    }

    pub(super) fn read(&self, pages: &[u32]) -> Result<Pages, StoreError> {
        let asked: Vec<Pgno> = pages.iter().copied().filter_map(Pgno::new).collect();
        let mut sink = Sink { page_size: self.head.page_size, pages: Pages::new() };
        self.store.read(&self.lease, self.head.txid, &asked, &mut sink)?;
        for pgno in pages {
            assert!(sink.pages.contains_key(pgno), "page {pgno} was asked for and did not come");
        }
        Ok(sink.pages)
    }

    /// Reads all pages, neighbours included.
    pub(super) fn read_all(&self) -> Result<Pages, StoreError> {
        let lock = self.head.page_size.lock_page().get();
        let all: Vec<u32> = (1..=self.head.size).filter(|&pgno| pgno != lock).collect();
        if all.is_empty() { Ok(Pages::new()) } else { self.read(&all) }
    }

    /// Compares the whole database with the model.
    pub(super) fn check(&self) {
        assert_eq!(self.read_all().expect("a read"), self.model);
    }
}

struct Sink {
    page_size: PageSize,
    pages: Pages,
}

impl PageSink for Sink {
    fn buffer(&mut self, pgno: Pgno) -> Option<&mut [u8]> {
        let page = self.pages.entry(pgno.get()).or_default();
        page.resize(self.page_size.bytes(), 0xee);
        Some(page)
    }
}

/// The LTX checksum of a database.
pub(super) fn checksum(pages: &Pages) -> Checksum {
    pages
        .iter()
        .filter_map(|(&pgno, page)| Some(page_checksum(Pgno::new(pgno)?, page)))
        .fold(Checksum::EMPTY_DATABASE, Checksum::toggle)
}
