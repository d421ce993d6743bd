//! One database of the store in memory.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::Ordering;

use actor_sqlite_ltx::{Checksum, PageSize, Pgno, Txid, page_checksum};

use super::state::LeaseState;
use crate::{
    ActorId, CommitId, CommitRequest, Generation, Head, Hints, Lease, QuotaScope, StageRequest,
    StoreError, Ticket, quota_reserve_bytes,
};

pub(super) struct Database {
    pub(super) generation: Generation,
    pub(super) head: Head,
    pub(super) pages: BTreeMap<Pgno, Box<[u8]>>,
    /// Covers `head`.
    pub(super) ticket: Ticket,
    pub(super) last_commit: CommitId,
    pub(super) hints: Hints,
    pub(super) stage: Option<Stage>,
    /// The transaction that lost pages it had sent: nothing more is taken of it.
    pub(super) lost: Option<CommitId>,
    pub(super) quota_bytes: Option<u64>,
    /// The newest lease, until it is dropped.
    pub(super) lease: Weak<LeaseState>,
}

/// Pages of the one transaction that is being staged.
pub(super) struct Stage {
    pub(super) commit_id: CommitId,
    pub(super) pages: BTreeMap<Pgno, Box<[u8]>>,
}

impl Database {
    /// A database whose name had that generation last.
    pub(super) fn new(last: Generation, page_size: PageSize) -> Self {
        let checksum = Checksum::EMPTY_DATABASE;
        Self {
            generation: last,
            head: Head { txid: Txid::ZERO, page_size, size: 0, checksum },
            pages: BTreeMap::new(),
            ticket: Ticket::ZERO,
            last_commit: CommitId::default(),
            hints: Hints::default(),
            stage: None,
            lost: None,
            quota_bytes: None,
            lease: Weak::new(),
        }
    }

    /// Ends the lease before, as if it had been released.
    pub(super) fn close_lease(&mut self) {
        if let Some(lease) = self.lease.upgrade() {
            lease.released.store(true, Ordering::SeqCst);
        }
    }

    /// Page 1, and what the hints name.
    pub(super) fn preload(&self, bytes_max: u64) -> Vec<(Pgno, Box<[u8]>)> {
        let page_bytes = self.head.page_size.bytes() as u64;
        let hinted = self.hints.pages(self.head.size).filter(|&pgno| pgno != Pgno::ONE);
        std::iter::once(Pgno::ONE)
            .chain(hinted.take((bytes_max / page_bytes) as usize))
            .filter_map(|pgno| Some((pgno, self.pages.get(&pgno)?.clone())))
            .collect()
    }

    /// Takes pages of a transaction that is still running.
    pub(super) fn stage(
        &mut self,
        lease: &Lease,
        request: &StageRequest<'_>,
        limit: u64,
    ) -> Result<(), StoreError> {
        if self.head.txid != request.expected_head {
            return Err(self.fenced(lease, request.expected_head));
        }
        let commit_id = request.commit_id;
        if self.lost == Some(commit_id) {
            let reason = "pages of the transaction are lost".into();
            return Err(StoreError::Invalid { reason });
        }
        self.check_pages(request.pages, u32::MAX)?;
        check_bytes(request.pages, limit)?;
        self.stage.take_if(|stage| stage.commit_id != commit_id);
        let new = || Stage { commit_id, pages: BTreeMap::new() };
        let stage = self.stage.get_or_insert_with(new);
        stage.pages.extend(request.pages.iter().map(|&(pgno, page)| (pgno, page.into())));
        Ok(())
    }

    /// Loses what was staged, and takes nothing more under that id.
    pub(super) fn lose_stage(&mut self, commit_id: CommitId) {
        self.stage = None;
        self.lost = Some(commit_id);
    }

    /// The pages of a commit: those of the request over those that were staged for it.
    pub(super) fn gather(
        &mut self,
        request: &CommitRequest<'_>,
    ) -> Result<BTreeMap<Pgno, Box<[u8]>>, StoreError> {
        let mut pages = BTreeMap::new();
        if request.staged {
            let stage = self.stage.take_if(|stage| stage.commit_id == request.commit_id);
            let none = || StoreError::Invalid { reason: "nothing was staged for it".into() };
            pages = stage.ok_or_else(none)?.pages;
            pages.retain(|pgno, _| pgno.get() <= request.size);
        }
        pages.extend(request.pages.iter().map(|&(pgno, page)| (pgno, page.into())));
        Ok(pages)
    }

    /// Refuses a commit beyond the quota, by the bytes of the pages there would be.
    pub(super) fn check_quota(
        &self,
        actor: &ActorId,
        request: &CommitRequest<'_>,
    ) -> Result<(), StoreError> {
        let Some(quota_bytes) = self.quota_bytes else { return Ok(()) };
        let page_bytes = self.head.page_size.bytes() as u64;
        let stored_bytes = u64::from(request.size) * page_bytes;
        let reserve = if request.frees { quota_reserve_bytes(quota_bytes) } else { 0 };
        if stored_bytes <= quota_bytes + reserve {
            return Ok(());
        }
        let (actor, scope) = (actor.clone(), QuotaScope::Actor);
        Err(StoreError::Quota { actor, scope, stored_bytes, quota_bytes })
    }

    pub(super) fn fenced(&self, lease: &Lease, expected_head: Txid) -> StoreError {
        StoreError::Fenced {
            actor: lease.actor().clone(),
            expected_generation: lease.generation(),
            actual_generation: self.generation,
            expected_head,
            actual_head: self.head.txid,
        }
    }

    /// What of the contract a list of pages breaks.
    pub(super) fn check_pages(&self, pages: &[(Pgno, &[u8])], size: u32) -> Result<(), StoreError> {
        let invalid = |reason: String| Err(StoreError::Invalid { reason });
        let page_size = self.head.page_size;
        let mut before = 0;
        for (pgno, page) in pages {
            if pgno.get() <= before {
                return invalid(format!("page {pgno} follows page {before}"));
            }
            if pgno.get() > size || *pgno == page_size.lock_page() {
                return invalid(format!("page {pgno} of {size} must not be there"));
            }
            if page.len() != page_size.bytes() {
                return invalid(format!("page {pgno} has {} bytes", page.len()));
            }
            before = pgno.get();
        }
        Ok(())
    }

    /// Whether all pages that the database gains are there.
    pub(super) fn check_growth(
        &self,
        pages: &BTreeMap<Pgno, Box<[u8]>>,
        size: u32,
    ) -> Result<(), StoreError> {
        let gained = (self.head.size + 1..=size).filter_map(Pgno::new);
        for pgno in gained.filter(|pgno| *pgno != self.head.page_size.lock_page()) {
            if !pages.contains_key(&pgno) {
                let reason = format!("page {pgno} is gained but not there");
                return Err(StoreError::Invalid { reason });
            }
        }
        Ok(())
    }

    /// Applies checked pages, and says how many differed from their base.
    pub(super) fn apply(&mut self, pages: BTreeMap<Pgno, Box<[u8]>>, size: u32) -> u64 {
        let mut checksum = self.head.checksum;
        let mut changed = 0;
        for (pgno, page) in pages {
            let old = self.pages.get(&pgno);
            if old.is_some_and(|old| **old == *page) {
                continue;
            }
            if let Some(old) = old {
                checksum = checksum.toggle(page_checksum(pgno, old));
            }
            checksum = checksum.toggle(page_checksum(pgno, &page));
            self.pages.insert(pgno, page);
            changed += 1;
        }
        while let Some((pgno, page)) = self.pages.last_key_value() {
            if pgno.get() <= size {
                break;
            }
            checksum = checksum.toggle(page_checksum(*pgno, page));
            self.pages.pop_last();
        }
        if changed > 0 || size != self.head.size {
            let txid = self.head.txid.next();
            self.head = Head { txid, size, checksum, ..self.head };
        }
        changed
    }
}

/// Refuses more bytes of pages than a request may have.
pub(super) fn check_bytes(pages: &[(Pgno, &[u8])], limit: u64) -> Result<(), StoreError> {
    let actual = pages.iter().map(|(_, page)| page.len() as u64).sum();
    if actual > limit {
        return Err(StoreError::Limit { what: "bytes of a commit", actual, limit });
    }
    Ok(())
}
